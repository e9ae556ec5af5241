"""The portfolio: follows leaders, sizes copies, reserves caps, folds its own fills.

It decides from what it owns and passes on; it never asks for a price and never talks to a venue about
an order. Whatever happens to it, a trade is decided once: the store refuses a second decision, and one
made by an earlier incarnation.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.portfolio.account import Account, Position, Reservation
from actors.portfolio.decide import Declined, Policy, Wanted, decide
from actors.portfolio.settlement import settlement_fill
from messages.base import Message
from messages.decisions import CopyDropped, CopyProposed, CopySkipped, CopyTaken, Skip, SkipReason
from messages.directory import Directory
from messages.ids import ConditionId, IntentId, PortfolioId, TokenId, TradeId, Wallet, intent_id
from messages.markets import MarketResolved, WatchResolution
from messages.orders import Fill, FillBooked, Holding, OrderClosed, OrderRecord, VenueSettle, VenueSettled
from messages.portfolio import MismatchFound, PortfolioQuery, PortfolioState
from messages.store import (
    DecisionOutcome,
    DecisionStored,
    FollowSpec,
    LoadPortfolio,
    OrderStored,
    PortfolioLoaded,
    PositionRow,
    StoreDecision,
    StorePositions,
    StoreSettlement,
)
from messages.trades import LeaderTrade, Side
from messages.units import Price, Usdc
from supervisor import Mailbox, Overflow, Pipe, SupervisedActor, handles

log = structlog.get_logger("portfolio")

PROPOSED = Counter("remora_copies_proposed_total", "Copies proposed to markets", ["portfolio"])
SKIPPED = Counter("remora_skips_total", "Trades not copied, by reason", ["portfolio", "reason"])
MISMATCHES = Counter(
    "remora_portfolio_rebuilds_total", "Rebuilds after a reconciliation mismatch", ["portfolio"]
)

LOAD_TIMEOUT_S = 30.0
LOAD_AGAIN_S = 0.5
"""Pause before a failed load is tried again."""
CHASE_S = 10.0
CHASE_AFTER_NS = 30_000_000_000
"""A proposal without any news this long is proposed again."""
OVERDUE_AFTER_NS = 60_000_000_000
"""An order without any news this long may have ended unheard: the store is asked."""
WATCH_S = 60.0
"""How often the price service is reminded of what we hold: it may have been restarted meanwhile."""
DECIDED_MAX = 50_000
"""Trades remembered as decided, so that one that comes twice costs nothing; the store is the judge."""


@dataclass(frozen=True, slots=True)
class PortfolioArgs:
    """A portfolio's settings and whom it talks to."""

    portfolio_id: PortfolioId
    mode: str
    starting_cash: Usdc
    policies: dict[Wallet, Policy]
    settings_hash: str
    directory: Directory


class _LoadFailed(Message, frozen=True, kw_only=True):
    reason: str


class _LoadAgain(Message, frozen=True):
    pass


class _Chase(Message, frozen=True):
    pass


class _WatchAgain(Message, frozen=True):
    pass


class Portfolio(SupervisedActor):
    """One book of positions and cash, and the copies under way in it."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    args: PortfolioArgs

    def started(self) -> None:
        self.account = Account(self.args.starting_cash)
        self.epoch = 0
        self.loaded = False
        self.loading: Pipe | None = None
        self.decided: OrderedDict[TradeId, None] = OrderedDict()
        self.deferred: dict[TokenId, list[LeaderTrade]] = defaultdict(list)
        self.proposed: dict[IntentId, tuple[CopyProposed, int]] = {}
        self.taken: dict[IntentId, int] = {}
        self.payouts: dict[TokenId, Price] = {}
        self.settling: dict[TokenId, Fill] = {}
        self.watched: set[ConditionId] = set()
        self._load()
        self.timer("chase", CHASE_S, _Chase(), every=True)
        self.timer("watch", WATCH_S, _WatchAgain(), every=True)

    def snapshot(self) -> dict[str, object]:
        return {
            "cash": self.account.cash,
            "reserved": self.account.reserved_cash(),
            "realised": self.account.realised,
            "positions": sum(1 for _ in self.account.open_positions()),
            "in_flight": len(self.account.reservations),
            "deferred": sum(map(len, self.deferred.values())),
            "epoch": self.epoch,
        }

    # -- loading ---------------------------------------------------------------------------------

    def _load(self) -> None:
        self.loaded = False
        if self.loading is not None:
            self.loading.cancel()
        query = LoadPortfolio(
            portfolio_id=self.args.portfolio_id,
            mode=self.args.mode,
            starting_cash=self.args.starting_cash,
            follows=tuple(FollowSpec(wallet, policy.ratio) for wallet, policy in self.args.policies.items()),
            at_ns=self.clock.now_ns(),
        )
        self.loading = self.pipe(
            self.ask(self.args.directory.store, query, timeout_s=LOAD_TIMEOUT_S),
            into=lambda answer: answer,
            failed=lambda error: _LoadFailed(reason=repr(error)),
        )

    @handles(_LoadFailed)
    def on_load_failed(self, message: _LoadFailed, sender: ActorAddress) -> None:
        """The store is busy or away: ask again; trades wait in the stash."""
        log.warning(
            "portfolio not loaded yet, asking again", portfolio=self.args.portfolio_id, reason=message.reason
        )
        self.timer("load", LOAD_AGAIN_S, _LoadAgain())

    @handles(_LoadAgain)
    def on_load_again(self, message: _LoadAgain, sender: ActorAddress) -> None:
        if not self.loaded:
            self._load()

    @handles(PortfolioLoaded)
    def on_loaded(self, message: PortfolioLoaded, sender: ActorAddress) -> None:
        self.account = Account(message.starting_cash)
        self.epoch = message.epoch
        self.decided.clear()
        self.proposed.clear()
        self.taken.clear()
        self.settling.clear()
        self.deferred.clear()
        for fill in message.fills:
            self.account.apply(fill)
        for order in message.open_orders:
            self._reserve_for(order)
            self.decided[order.intent.trade_id] = None
        self.loaded = True
        self._store_positions(tuple(self.account.positions.values()))
        self._watch_held()
        for trade in message.undecided:
            self._consider(trade)
        self.unstash()

    def _reserve_for(self, order: OrderRecord) -> None:
        intent = order.intent
        rest = intent.size - order.filled
        self.taken[intent.intent_id] = self.clock.monotonic_ns()
        self.account.reserve(
            intent.intent_id,
            Reservation(
                intent.side,
                intent.condition_id,
                intent.token_id,
                intent.event_slug,
                intent.reserved * rest // intent.size if intent.side is Side.BUY else 0,
                rest if intent.side is Side.SELL else 0,
            ),
        )

    # -- trades ----------------------------------------------------------------------------------

    @handles(LeaderTrade)
    def on_trade(self, trade: LeaderTrade, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        self._consider(trade)

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
        verdict = decide(trade, self.args.policies[trade.wallet], self.account, now_ns)
        intent = intent_id(trade.trade_id, self.args.portfolio_id)
        if isinstance(verdict, Declined):
            self._skip(trade, intent, verdict, now_ns)
        else:
            self._propose(trade, intent, verdict)

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
            shortfall=wanted.shortfall,
        )
        self.proposed[intent] = proposal, self.clock.monotonic_ns()
        self.send(self.args.directory.markets, proposal)

    # -- what became of a proposal ---------------------------------------------------------------

    @handles(CopySkipped)
    def on_skipped(self, message: CopySkipped, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        if message.skip.epoch != self.epoch:
            return
        self.proposed.pop(message.skip.intent_id, None)
        held = self.account.release(message.skip.intent_id)
        SKIPPED.labels(self.args.portfolio_id, message.skip.reason).inc()
        if held is not None:
            self._settle_deferred(held.token_id)

    @handles(FillBooked)
    def on_fill(self, message: FillBooked, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
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
        if not self.loaded:
            self.stash()
            return
        self.proposed.pop(message.intent_id, None)
        self.taken.pop(message.intent_id, None)
        self.account.release(message.intent_id)
        self._settle_deferred(message.token_id)

    @handles(CopyTaken)
    def on_taken(self, message: CopyTaken, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        if message.intent_id not in self.account.reservations:
            # An order that nothing here is put aside for: the caps would not count it.
            self._load()
            return
        self.proposed.pop(message.intent_id, None)
        self.taken[message.intent_id] = self.clock.monotonic_ns()

    @handles(_Chase)
    def on_chase(self, message: _Chase, sender: ActorAddress) -> None:
        """Take up again what nobody answered: whoever had it was restarted. The store takes it once."""
        if not self.loaded:
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
        self._settle_deferred(proposal.trade.token_id)

    @handles(CopyDropped)
    def on_dropped(self, message: CopyDropped, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        if message.epoch != self.epoch or message.intent_id not in self.account.reservations:
            return
        if message.reason in (DecisionOutcome.DUPLICATE, DecisionOutcome.FENCED):
            # The store knows more than we do: of an earlier intent for this trade, or of a later epoch.
            self._load()
            return
        self.proposed.pop(message.intent_id, None)
        self.account.release(message.intent_id)
        self._settle_deferred(message.token_id)

    @handles(DecisionStored)
    def on_decision_stored(self, message: DecisionStored, sender: ActorAddress) -> None:
        """A skip of ours is durable, or an earlier decision stands: either way the trade is decided."""

    def _settle_deferred(self, token: TokenId) -> None:
        """Decide on the trades that waited, in their order and each sale by itself, then take payouts."""
        waiting = self.deferred.get(token)
        while waiting and (waiting[0].side is Side.BUY or not self._under_way(token)):
            self._decide(waiting.pop(0))
        if not waiting:
            self.deferred.pop(token, None)
        if token in self.payouts:
            self._settle(token)

    # -- resolution ------------------------------------------------------------------------------

    def _watch_held(self) -> None:
        for position in list(self.account.open_positions()):
            self._watch(position.condition_id)

    def _watch(self, condition_id: ConditionId) -> None:
        if condition_id not in self.watched:
            self.watched.add(condition_id)
            self.send(self.args.directory.prices, WatchResolution(condition_id=condition_id))

    @handles(_WatchAgain)
    def on_watch_again(self, message: _WatchAgain, sender: ActorAddress) -> None:
        self.watched.clear()
        self._watch_held()

    @handles(MarketResolved)
    def on_resolved(self, message: MarketResolved, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        for token, payout in zip(message.token_ids, message.payouts, strict=True):
            self.payouts[token] = payout
            self._settle(token)

    def _settle(self, token: TokenId) -> None:
        """Cash in a resolved outcome once nothing of it is under way any more."""
        position = self.account.positions.get(token)
        if position is None or position.shares == 0:
            return
        if self._under_way(token) or self.deferred.get(token):
            return
        if token not in self.settling:
            self.settling[token] = settlement_fill(
                self.args.portfolio_id, position, self.payouts[token], self.clock.now_ns()
            )
        self.send(self.args.directory.venue, VenueSettle(fill=self.settling[token]))

    @handles(VenueSettled)
    def on_venue_settled(self, message: VenueSettled, sender: ActorAddress) -> None:
        self.send(self.args.directory.store, StoreSettlement(fill=message.fill))

    @handles(OrderStored)
    def on_settlement_stored(self, message: OrderStored, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        for fill in message.fills:
            self.settling.pop(fill.token_id, None)
            if self.account.missed(fill):
                self._load()
            elif self.account.apply(fill):
                self._store_positions((self.account.positions[fill.token_id],))
                log.info(
                    "position settled",
                    portfolio=self.args.portfolio_id,
                    market_id=fill.condition_id,
                    token_id=fill.token_id,
                    payout=fill.price,
                )

    # -- looking in ------------------------------------------------------------------------------

    def _store_positions(self, positions: tuple[Position, ...]) -> None:
        self.send(
            self.args.directory.store,
            StorePositions(
                portfolio_id=self.args.portfolio_id,
                cash=self.account.cash,
                realised=self.account.realised,
                fees=self.account.fees,
                fill_seq=self.account.fill_seq,
                positions=tuple(
                    PositionRow(
                        portfolio_id=self.args.portfolio_id,
                        condition_id=position.condition_id,
                        token_id=position.token_id,
                        shares=position.shares,
                        cost=position.cost,
                        realised=position.realised,
                        fees=position.fees,
                    )
                    for position in positions
                ),
            ),
        )

    @handles(PortfolioQuery)
    def on_query(self, message: PortfolioQuery, sender: ActorAddress) -> None:
        if not self.loaded:
            self.stash()
            return
        self.send(
            sender,
            PortfolioState(
                portfolio_id=self.args.portfolio_id,
                cash=self.account.cash,
                reserved=self.account.reserved_cash(),
                realised=self.account.realised,
                holdings=tuple(Holding(p.token_id, p.shares) for p in self.account.open_positions()),
                open_orders=tuple(self.account.reservations),
                in_flight=len(self.account.reservations) + sum(map(len, self.deferred.values())),
            ),
        )

    @handles(MismatchFound)
    def on_mismatch(self, message: MismatchFound, sender: ActorAddress) -> None:
        """The venue's account differs: rebuild from the store, which fences out whatever is under way."""
        MISMATCHES.labels(self.args.portfolio_id).inc()
        log.error(
            "portfolio rebuilt after a mismatch", portfolio=self.args.portfolio_id, details=message.details
        )
        self._load()
