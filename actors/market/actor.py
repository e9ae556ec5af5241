"""The market: serial judge of every copy proposed in it, by its breaker, prices and depth.

What passes goes to the executor as an intent; what does not is recorded as a skip. It never waits: data
it lacks is asked for and the proposal put aside until the answer or its time limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.market.breaker import MarketBreaker
from actors.market.guards import Approved, evaluate
from config.settings import Breaker, Guards
from messages.base import Message
from messages.decisions import Check, CopyProposed, CopySkipped, ExecuteIntent, Intent, Skip, SkipReason
from messages.directory import Directory
from messages.ids import ConditionId, IntentId, PortfolioId, TokenId, paper_order_id
from messages.markets import (
    Book,
    BookAnswer,
    BookQuery,
    Market,
    MarketAnswer,
    MarketQuery,
    Resolution,
    Tier,
)
from messages.orders import MarketOutcomeReported
from messages.store import DecisionStored, StoreDecision
from messages.trades import Side
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("market")

BREAKER_OPENED = Counter("remora_market_breaker_opened_total", "Markets halted by their own breaker")

ASK_AGAIN_S = 0.5
"""Pause before market data is asked for again after a refusal."""
IDLE_S = 600.0
"""A market without proposals this long goes to sleep."""


@dataclass(frozen=True, slots=True)
class MarketArgs:
    """One market, and how each portfolio wants its copies guarded."""

    condition_id: ConditionId
    guards: dict[PortfolioId, Guards]
    breaker: Breaker
    directory: Directory


class _WaitedEnough(Message, frozen=True, kw_only=True):
    intent_id: IntentId


class _AskAgain(Message, frozen=True):
    pass


class _Idle(Message, frozen=True):
    pass


class MarketIdle(Message, frozen=True, kw_only=True):
    """To the markets' supervisor: nothing is under way here any more."""

    condition_id: ConditionId


class MarketActor(SupervisedActor):
    """One market's proposals, in order."""

    mailbox = Mailbox(capacity=20_000, overflow=Overflow.HALT)

    args: MarketArgs

    def started(self) -> None:
        self.market: Market | None = None
        self.market_at_ns = 0
        self.books: dict[TokenId, tuple[Book, int]] = {}
        self.waiting: dict[IntentId, CopyProposed] = {}
        self.market_breaker = MarketBreaker(self.args.breaker)
        self.decided = 0
        self.falling_asleep = False
        self.timer("idle", IDLE_S, _Idle())

    def stopped(self) -> None:
        """Hand back what came in between falling asleep and being stopped: it wakes the market again."""
        if self.falling_asleep:
            for proposal in self.waiting.values():
                self.send(self.args.directory.markets, proposal)

    def snapshot(self) -> dict[str, object]:
        is_open = self.market_breaker.is_open(self.clock.monotonic_ns())
        return {
            "condition_id": self.args.condition_id,
            "state": self._state(),
            "waiting": len(self.waiting),
            "decided": self.decided,
            "breaker": self.market_breaker.reason if is_open else "closed",
        }

    def _state(self) -> str:
        """The trading state of R5, as far as copying knows it."""
        if self.market_breaker.is_open(self.clock.monotonic_ns()):
            return "HALT"
        if self.market is None or self.market.resolution is Resolution.OPEN:
            return "IDLE"
        return "RESOLVED" if self.market.resolution is Resolution.RESOLVED else "FINALIZING"

    @handles(CopyProposed)
    def on_proposed(self, proposal: CopyProposed, sender: ActorAddress) -> None:
        self.timer("idle", IDLE_S, _Idle())
        if proposal.side is Side.BUY and self.market_breaker.is_open(self.clock.monotonic_ns()):
            # A halt keeps us from getting in, never from getting out (I8).
            self._skip(proposal, SkipReason.MARKET_HALTED, proposal.checks)
            return
        guards = self.args.guards[proposal.portfolio_id]
        self.waiting[proposal.intent_id] = proposal
        self._ask(proposal, guards)
        self.timer(
            f"wait:{proposal.intent_id}", guards.price_wait_s, _WaitedEnough(intent_id=proposal.intent_id)
        )

    def _ask(self, proposal: CopyProposed, guards: Guards) -> None:
        prices = self.args.directory.prices
        self.send(
            prices,
            MarketQuery(
                condition_id=self.args.condition_id, tier=Tier.T1, age_ms_max=guards.market_age_ms_max
            ),
        )
        self.send(
            prices,
            BookQuery(token_id=proposal.trade.token_id, tier=Tier.T1, age_ms_max=guards.book_age_ms_max),
        )

    @handles(MarketAnswer)
    def on_market(self, answer: MarketAnswer, sender: ActorAddress) -> None:
        if answer.market is None or answer.stale:
            self._ask_again_soon()
            return
        self.market = answer.market
        self.market_at_ns = self.clock.monotonic_ns() - answer.age_ms * 1_000_000
        self._decide_waiting()

    @handles(BookAnswer)
    def on_book(self, answer: BookAnswer, sender: ActorAddress) -> None:
        if answer.book is None or answer.stale:
            self._ask_again_soon()
            return
        self.books[answer.token_id] = answer.book, self.clock.monotonic_ns() - answer.age_ms * 1_000_000
        self._decide_waiting()

    def _ask_again_soon(self) -> None:
        """Whoever still waits may be lucky before the time limit."""
        if self.waiting:
            self.timer("ask", ASK_AGAIN_S, _AskAgain())

    @handles(_AskAgain)
    def on_ask_again(self, message: _AskAgain, sender: ActorAddress) -> None:
        for proposal in self.waiting.values():
            self._ask(proposal, self.args.guards[proposal.portfolio_id])

    def _decide_waiting(self) -> None:
        """Decide on every waiting proposal whose data is fresh enough by its own portfolio's limits.

        Data may have come and be too old by the time the rest of it is there: it is asked for again.
        """
        for proposal in list(self.waiting.values()):
            guards = self.args.guards[proposal.portfolio_id]
            market = self._fresh_market(guards)
            book = self._fresh_book(proposal.trade.token_id, guards)
            if market is None:
                continue
            if market.resolution is not Resolution.OPEN:
                self._done(proposal)
                self._skip(proposal, SkipReason.MARKET_CLOSED, proposal.checks)
            elif book is not None:
                self._done(proposal)
                self._decide(proposal, market, book, guards)
        self._ask_again_soon()

    def _fresh_market(self, guards: Guards) -> Market | None:
        age_ns = self.clock.monotonic_ns() - self.market_at_ns
        return self.market if age_ns <= guards.market_age_ms_max * 1_000_000 else None

    def _fresh_book(self, token: TokenId, guards: Guards) -> Book | None:
        book, at_ns = self.books.get(token, (None, 0))
        age_ns = self.clock.monotonic_ns() - at_ns
        return book if age_ns <= guards.book_age_ms_max * 1_000_000 else None

    def _done(self, proposal: CopyProposed) -> None:
        del self.waiting[proposal.intent_id]
        self.cancel(f"wait:{proposal.intent_id}")

    @handles(_WaitedEnough)
    def on_waited(self, message: _WaitedEnough, sender: ActorAddress) -> None:
        proposal = self.waiting.pop(message.intent_id, None)
        if proposal is not None:
            self._skip(proposal, SkipReason.NO_PRICE, proposal.checks)

    def _decide(self, proposal: CopyProposed, market: Market, book: Book, guards: Guards) -> None:
        verdict = evaluate(proposal, market, book, guards)
        if not isinstance(verdict, Approved):
            self._skip(proposal, verdict.reason, verdict.checks)
            return
        self.decided += 1
        trade = proposal.trade
        intent = Intent(
            intent_id=proposal.intent_id,
            portfolio_id=proposal.portfolio_id,
            epoch=proposal.epoch,
            trade_id=trade.trade_id,
            order_id=paper_order_id(proposal.intent_id),
            condition_id=trade.condition_id,
            token_id=trade.token_id,
            event_slug=trade.event_slug or market.event_slug,
            side=proposal.side,
            size=proposal.size,
            price_limit=verdict.price_limit,
            price_expected=verdict.price_expected,
            reserved=proposal.reserved,
            fee_rate=market.fee_rate,
            tick=market.tick,
            freshness=proposal.freshness,
            checks=verdict.checks,
            settings_hash=proposal.settings_hash,
            traded_at_ns=trade.traded_at_ns,
            seen_at_ns=trade.seen_at_ns,
            seen_mono_ns=trade.seen_mono_ns,
            decided_at_ns=self.clock.now_ns(),
            shortfall=proposal.shortfall,
        )
        log.info(
            "copy decided",
            trace_id=trade.trace_id,
            intent_id=intent.intent_id,
            order_id=intent.order_id,
            market_id=intent.condition_id,
            portfolio=intent.portfolio_id,
            side=intent.side,
            size=intent.size,
            price_limit=intent.price_limit,
        )
        self.send(self.args.directory.executor, ExecuteIntent(intent=intent))

    def _skip(self, proposal: CopyProposed, reason: SkipReason, checks: tuple[Check, ...]) -> None:
        self.decided += 1
        skip = Skip(
            intent_id=proposal.intent_id,
            portfolio_id=proposal.portfolio_id,
            epoch=proposal.epoch,
            trade_id=proposal.trade.trade_id,
            reason=reason,
            checks=checks,
            settings_hash=proposal.settings_hash,
            decided_at_ns=self.clock.now_ns(),
        )
        log.info(
            "trade skipped",
            trace_id=proposal.trade.trace_id,
            intent_id=proposal.intent_id,
            market_id=self.args.condition_id,
            portfolio=proposal.portfolio_id,
            reason=reason,
        )
        self.send(self.args.directory.store, StoreDecision(decision=skip))
        self.send(self.args.directory.portfolios, CopySkipped(skip=skip))

    @handles(DecisionStored)
    def on_decision_stored(self, message: DecisionStored, sender: ActorAddress) -> None:
        """A skip of ours is durable, or an earlier decision stands: nothing more to do."""

    @handles(MarketOutcomeReported)
    def on_outcome(self, message: MarketOutcomeReported, sender: ActorAddress) -> None:
        if self.market_breaker.record(message.state, message.elapsed_ms, self.clock.monotonic_ns()):
            BREAKER_OPENED.inc()
            log.error("market halted", market_id=self.args.condition_id, reason=self.market_breaker.reason)

    @handles(_Idle)
    def on_idle(self, message: _Idle, sender: ActorAddress) -> None:
        if self.waiting or self.market_breaker.is_open(self.clock.monotonic_ns()):
            self.timer("idle", IDLE_S, _Idle())
        else:
            self.falling_asleep = True
            self.send(self.args.directory.markets, MarketIdle(condition_id=self.args.condition_id))
