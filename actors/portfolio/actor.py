"""The portfolio: follows leaders, sizes copies, reserves caps, folds its own fills.

It decides from what it owns and passes on; it never asks for a price and never talks to a venue about
an order. Whatever happens to it, a trade is decided once: the store refuses a second decision, and one
made by an earlier incarnation.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.portfolio.account import Reservation
from actors.portfolio.decide import Declined, Wanted, decide
from actors.portfolio.settling import Settling
from messages.base import Message
from messages.decisions import CopyDropped, CopyProposed, CopySkipped, CopyTaken, Skip, SkipReason
from messages.ids import IntentId, TokenId, TradeId, intent_id
from messages.ingest import SourcesJudged
from messages.orders import FillBooked, OrderClosed
from messages.store import DecisionOutcome, DecisionStored, PortfolioLoaded, StoreDecision
from messages.trades import LeaderTrade, Side
from supervisor import Behaviour, handles

log = structlog.get_logger("portfolio")

PROPOSED = Counter("remora_copies_proposed_total", "Copies proposed to markets", ["portfolio"])
SKIPPED = Counter("remora_skips_total", "Trades not copied, by reason", ["portfolio", "reason"])

CHASE_S = 10.0
CHASE_AFTER_NS = 30_000_000_000
"""A proposal without any news this long is proposed again."""
OVERDUE_AFTER_NS = 60_000_000_000
"""An order without any news this long may have ended unheard: the store is asked."""
DECIDED_MAX = 50_000
"""Trades remembered as decided, so that one that comes twice costs nothing; the store is the judge."""


class _Chase(Message, frozen=True):
    pass


class Portfolio(Settling):
    """One book of positions and cash, and the copies under way in it."""

    unloaded = Behaviour(
        stashes=(
            *Settling.unloaded.stashes,
            LeaderTrade,
            CopySkipped,
            FillBooked,
            OrderClosed,
            CopyTaken,
            CopyDropped,
        )
    )

    def started(self) -> None:
        self.args.attempts.restarted()
        self.decided: OrderedDict[TradeId, None] = OrderedDict()
        self.deferred: dict[TokenId, list[LeaderTrade]] = defaultdict(list)
        self.proposed: dict[IntentId, tuple[CopyProposed, int]] = {}
        self.taken: dict[IntentId, int] = {}
        super().started()
        self.timer("chase", CHASE_S, _Chase(), every=True)

    def begin_anew(self, message: PortfolioLoaded) -> None:
        """Decide on what was left undecided; orders under way go on without us."""
        super().begin_anew(message)
        self.decided.clear()
        self.proposed.clear()
        self.taken.clear()
        self.deferred.clear()
        for order in message.open_orders:
            self.taken[order.intent.intent_id] = self.clock.monotonic_ns()
            self.decided[order.intent.trade_id] = None
        for trade in message.undecided:
            self._consider(trade)

    def is_busy(self, token: TokenId) -> bool:
        return self._under_way(token) or bool(self.deferred.get(token))

    def in_flight(self) -> int:
        return super().in_flight() + sum(map(len, self.deferred.values()))

    def snapshot(self) -> dict[str, object]:
        return {
            "cash": self.account.cash,
            "reserved": self.account.reserved_cash(),
            "realised": self.account.realised,
            "positions": sum(1 for _ in self.account.open_positions()),
            "in_flight": self.in_flight(),
            "epoch": self.epoch,
        }

    # -- trades ----------------------------------------------------------------------------------

    @handles(LeaderTrade)
    def on_trade(self, trade: LeaderTrade, sender: ActorAddress) -> None:
        self._consider(trade)

    @handles(SourcesJudged)
    def on_sources(self, message: SourcesJudged, sender: ActorAddress) -> None:
        self.args.sources.refusal = message.refusal

    def _consider(self, trade: LeaderTrade) -> None:
        """Decide on a trade, or put it off: a sale while anything of the same outcome is still under way, and
        a buy behind such a sale, which must find what was held before it."""
        if trade.wallet not in self.args.policies or trade.trade_id in self.decided:
            return
        self.decided[trade.trade_id] = None
        if len(self.decided) > DECIDED_MAX:
            self.decided.popitem(last=False)
        must_wait = self._under_way(trade.token_id) if trade.side is Side.SELL else False
        if must_wait or self.deferred.get(trade.token_id):
            # What the buy brings is not known yet, and "nothing held" would be wrong in a moment.
            self.deferred[trade.token_id].append(trade)
            return
        self._decide(trade)

    def _under_way(self, token: TokenId) -> bool:
        return any(r.token_id == token for r in self.account.reservations.values())

    def _decide(self, trade: LeaderTrade) -> None:
        now_ns = self.clock.now_ns()
        intent = intent_id(trade.trade_id, self.args.portfolio_id)
        if not self.args.attempts.begin(trade.trade_id):
            self._skip(trade, intent, Declined(SkipReason.ERROR, ()), now_ns)
            return
        policy, may_buy = self.args.policies[trade.wallet], not self.args.sources.refusal
        verdict = decide(trade, policy, self.account, now_ns, may_buy=may_buy)
        if isinstance(verdict, Declined):
            self._skip(trade, intent, verdict, now_ns)
        else:
            self._propose(trade, intent, verdict)
        self.args.attempts.end()

    def _skip(self, trade: LeaderTrade, intent: IntentId, verdict: Declined, now_ns: int) -> None:
        skip = Skip(
            intent_id=intent,
            portfolio_id=self.args.portfolio_id,
            epoch=self.epoch,
            trade_id=trade.trade_id,
            reason=verdict.reason,
            checks=verdict.checks,
            settings_hash=self.args.settings_hash,
            decided_at_ns=now_ns,
        )
        self._count_skip(skip.reason, trade.trade_id, trade.condition_id)
        self.send(self.args.directory.store, StoreDecision(decision=skip))

    def _count_skip(self, reason: SkipReason, trace_id: str, market_id: str) -> None:
        SKIPPED.labels(self.args.portfolio_id, reason).inc()
        log.info(
            "trade skipped",
            portfolio=self.args.portfolio_id,
            trace_id=trace_id,
            market_id=market_id,
            reason=reason,
        )

    def _propose(self, trade: LeaderTrade, intent: IntentId, wanted: Wanted) -> None:
        self.account.reserve(
            intent,
            Reservation(
                wanted.side,
                trade.condition_id,
                trade.token_id,
                trade.event_slug,
                wanted.reserved,
                wanted.size if wanted.side is Side.SELL else 0,
            ),
        )
        PROPOSED.labels(self.args.portfolio_id).inc()
        proposal = CopyProposed(
            intent_id=intent,
            portfolio_id=self.args.portfolio_id,
            epoch=self.epoch,
            trade=trade,
            freshness=wanted.freshness,
            side=wanted.side,
            size=wanted.size,
            reserved=wanted.reserved,
            price_limit=wanted.price_limit,
            checks=wanted.checks,
            settings_hash=self.args.settings_hash,
            shortfall=wanted.shortfall,
        )
        self.proposed[intent] = proposal, self.clock.monotonic_ns()
        self.send(self.args.directory.markets, proposal)

    # -- what became of a proposal ---------------------------------------------------------------

    @handles(CopySkipped)
    def on_skipped(self, message: CopySkipped, sender: ActorAddress) -> None:
        if message.skip.epoch != self.epoch:
            return
        self.proposed.pop(message.skip.intent_id, None)
        held = self.account.release(message.skip.intent_id)
        SKIPPED.labels(self.args.portfolio_id, message.skip.reason).inc()
        if held is not None:
            self.take_up(held.token_id)

    @handles(FillBooked)
    def on_fill(self, message: FillBooked, sender: ActorAddress) -> None:
        if not self.account.apply(message.fill):
            if self.account.missed(message.fill):
                # Its order was restarted while a later one went on: only the store has them in order.
                self._load()
            return
        self.account.consume(message.intent_id, message.fill)
        self._store_positions((self.account.positions[message.fill.token_id],))
        self._watch(message.fill.condition_id)

    @handles(OrderClosed)
    def on_order_closed(self, message: OrderClosed, sender: ActorAddress) -> None:
        self.proposed.pop(message.intent_id, None)
        self.taken.pop(message.intent_id, None)
        self.account.release(message.intent_id)
        self.take_up(message.token_id)

    @handles(CopyTaken)
    def on_taken(self, message: CopyTaken, sender: ActorAddress) -> None:
        if message.intent_id not in self.account.reservations:
            # An order that nothing here is put aside for: the caps would not count it.
            self._load()
            return
        self.proposed.pop(message.intent_id, None)
        self.taken[message.intent_id] = self.clock.monotonic_ns()

    @handles(_Chase)
    def on_chase(self, message: _Chase, sender: ActorAddress) -> None:
        """Take up again what nobody answered: whoever had it was restarted. The store takes it once."""
        if self.behaviour is self.unloaded:
            return
        now_ns = self.clock.monotonic_ns()
        if any(now_ns - at_ns > OVERDUE_AFTER_NS for at_ns in self.taken.values()):
            log.warning("an order is overdue, loading anew", portfolio=self.args.portfolio_id)
            self._load()
            return
        for intent, (proposal, at_ns) in list(self.proposed.items()):
            if now_ns - at_ns > CHASE_AFTER_NS:
                log.warning("proposal unanswered, proposing again", intent_id=intent)
                self._propose_again(intent, proposal, now_ns)

    def _propose_again(self, intent: IntentId, proposal: CopyProposed, now_ns: int) -> None:
        """A sale goes out as it was; a buy is decided anew, for by now it is late and under other limits."""
        if proposal.side is Side.SELL:
            self.proposed[intent] = proposal, now_ns
            self.send(self.args.directory.markets, proposal)
            return
        del self.proposed[intent]
        self.account.release(intent)
        self._decide(proposal.trade)
        self.take_up(proposal.trade.token_id)

    @handles(CopyDropped)
    def on_dropped(self, message: CopyDropped, sender: ActorAddress) -> None:
        if message.epoch != self.epoch or message.intent_id not in self.account.reservations:
            return
        if message.reason in (DecisionOutcome.DUPLICATE, DecisionOutcome.FENCED):
            # The store knows more than we do: of an earlier intent for this trade, or of a later epoch.
            self._load()
            return
        self.proposed.pop(message.intent_id, None)
        self.account.release(message.intent_id)
        self.take_up(message.token_id)

    @handles(DecisionStored)
    def on_decision_stored(self, message: DecisionStored, sender: ActorAddress) -> None:
        """A skip of ours is durable, or an earlier decision stands: either way the trade is decided."""

    def take_up(self, token: TokenId) -> None:
        """Decide on the trades that waited, in their order and each sale by itself, then take payouts."""
        waiting = self.deferred.get(token)
        while waiting and (waiting[0].side is Side.BUY or not self._under_way(token)):
            self._decide(waiting.pop(0))
        if not waiting:
            self.deferred.pop(token, None)
        if token in self.payouts:
            self._settle(token)
