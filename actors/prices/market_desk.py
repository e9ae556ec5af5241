"""Markets: Gamma first, then CLOB, and what watched ones pay.

A resolved market is served from memory for ever and never asked for again. Must never tell a payout that no
host has stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.clob import in_order_of
from actors.prices.desk import Call, Desk, batches, failure_text
from actors.prices.memory import Known
from actors.prices.signals import GatherMarkets, MarketsLanded, Stage, WitnessLanded
from actors.prices.source import CLOB, GAMMA, MARKETS_PER_CALL, Source, Stamped
from actors.prices.watches import Watches
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import ConditionId, IdError, condition
from messages.markets import Market, MarketAnswer, MarketResolved, Resolution
from messages.store import StoreMarket
from supervisor import SupervisedActor

MARKETS_MAX: Final = 10_000
"""Markets remembered."""
POLL_MARKETS_MAX: Final = 1_000
"""Watched markets asked about at one tick, the ones longest unasked first: twenty calls."""

log = structlog.get_logger(__name__)


class MarketDesk(Desk[Market]):
    """Answers for markets."""

    kind = "market"

    def __init__(
        self,
        actor: SupervisedActor,
        settings: PricesSettings,
        source: Source,
        store: ActorAddress | None,
        watches: Watches,
    ) -> None:
        super().__init__(actor, settings, MARKETS_MAX)
        self._source = source
        self._store = store
        self._watches = watches
        self._witnesses: set[ConditionId] = set()

    def check_key(self, key: str) -> None:
        if condition(key) != key:
            raise IdError(f"condition id was {key!r:.90}, expected lowercase")

    def make_answer(
        self, key: str, known: Known[Market] | None, age_ms: int, stale: bool, error: str
    ) -> MarketAnswer:
        return MarketAnswer(
            condition_id=key,
            market=known.value if known is not None else None,
            as_of_ns=known.as_of_ns if known is not None else 0,
            age_ms=age_ms,
            stale=stale,
            source=known.source if known is not None else "",
            error=error,
        )

    def gather_message(self) -> Message:
        return GatherMarkets()

    def budget_wait_s(self) -> float:
        return self._source.budget_wait_s(GAMMA)

    def depart(self, keys: Sequence[str], *, urgent: bool) -> None:
        """Ask Gamma, for markets known as closed at once among the closed ones."""
        closed = [key for key in keys if self._known_closed(key)]
        others = [key for key in keys if not self._known_closed(key)]
        self._ask_gamma(others, Stage.GAMMA_OPEN, urgent)
        self._ask_gamma(closed, Stage.GAMMA_CLOSED, urgent)

    def landed(self, message: MarketsLanded) -> None:
        """Take what a call brought, and ask on for what it did not."""
        unseen: list[ConditionId] = []
        elsewhere: list[ConditionId] = []
        for key in message.asked:
            market = message.answer.values.get(key) if message.answer is not None else None
            if market is not None and message.answer is not None:
                self.learn(market, CLOB if message.stage is Stage.CLOB else GAMMA, message.answer)
                continue
            trouble = message.error or (
                message.answer.broken.get(key, "") if message.answer is not None else ""
            )
            if trouble:
                self.flights.complain(key, trouble)
            if not trouble and message.stage is Stage.GAMMA_OPEN:
                unseen.append(key)
            elif message.stage is not Stage.CLOB and self._matters(key):
                elsewhere.append(key)
            else:
                self.land_failed(key, "neither Gamma nor CLOB knows this market")
        self._ask_gamma(unseen, Stage.GAMMA_CLOSED, urgent=True)
        for key in elsewhere:
            self._ask_clob(key)

    def witnessed(self, message: WitnessLanded) -> None:
        """Take CLOB's word on a closed market, if it names what the market pays."""
        self._witnesses.discard(message.condition_id)
        known = self.memory.peek(message.condition_id)
        if message.answer is None or known is None:
            return
        market = in_order_of(known.value, message.answer.values[message.condition_id])
        if market.resolution is not Resolution.RESOLVED:
            return
        if market.token_ids != known.value.token_ids:
            log.warning("hosts disagree on the outcomes of a market", condition_id=message.condition_id)
            return
        self.learn(market, CLOB, message.answer)

    def watch(self, condition_id: ConditionId, watcher: ActorAddress) -> None:
        """Tell `watcher` what a market pays: at once if that is known, else when it is."""
        try:
            self.check_key(condition_id)
        except IdError as error:
            log.error("cannot watch a market", error=str(error))
            return
        known = self.memory.use(condition_id)
        if known is not None and known.final:
            self.actor.send(watcher, _resolved(known.value))
            return
        self._watches.add(condition_id, watcher)
        if known is None:
            self.fly([condition_id], urgent=True)

    def poll(self) -> None:
        """Ask whether watched markets are resolved, those first that were not heard of for longest."""
        waiting = [key for key in self._watches.conditions() if key not in self.flights]
        waiting.sort(key=self._heard_ns)
        self.fly(waiting[:POLL_MARKETS_MAX], urgent=True)
        metrics.WATCHED.set(len(self._watches))

    def warm(self) -> None:
        """Refresh the markets in play before they are too old for the execution tier."""
        self.fly(self.warm_keys(self.settings.t1_ms // 2), urgent=False)
        metrics.KNOWN.labels(self.kind).set(len(self.memory))

    def learn(self, market: Market, source: str, stamped: Stamped[Market]) -> None:
        """Take news of a market, asked for here or not."""
        resolved = market.resolution is Resolution.RESOLVED
        arrived = Known(market, stamped.as_of_ns, stamped.mono_ns, source, resolved)
        known = self.memory.put(market.condition_id, arrived)
        if self._store is not None and known is arrived:
            self.actor.send(self._store, StoreMarket(market=market, as_of_ns=stamped.as_of_ns))
        if known.final:
            self._settle(known.value)
        elif market.resolution is Resolution.CLOSED and source == GAMMA:
            self._ask_witness(market)
        self.land(market.condition_id, known)

    def _settle(self, market: Market) -> None:
        self.demand.forget(market.condition_id)
        watchers = self._watches.settle(market.condition_id)
        if watchers:
            log.info("market resolved", condition_id=market.condition_id, payouts=market.payouts)
        for watcher in watchers:
            self.actor.send(watcher, _resolved(market))

    def _ask_gamma(self, keys: Sequence[ConditionId], stage: Stage, urgent: bool) -> None:
        closed = stage is Stage.GAMMA_CLOSED
        for batch in batches(keys, MARKETS_PER_CALL):
            self._pipe(self._source.gamma_markets(batch, closed=closed, urgent=urgent), batch, stage)

    def _ask_clob(self, key: ConditionId) -> None:
        known = self.memory.peek(key)
        market = known.value if known is not None else None
        self._pipe(self._source.clob_market(key, market, urgent=True), (key,), Stage.CLOB)

    def _ask_witness(self, market: Market) -> None:
        """Ask CLOB who won, for a market that somebody holds."""
        key = market.condition_id
        if key not in self._watches or key in self._witnesses:
            return
        self._witnesses.add(key)
        self.actor.pipe(
            self._source.clob_market(key, market, urgent=False),
            into=lambda answer: WitnessLanded(condition_id=key, answer=answer),
            failed=lambda error: WitnessLanded(condition_id=key),
        )

    def _pipe(self, call: Call[Stamped[Market]], asked: tuple[ConditionId, ...], stage: Stage) -> None:
        self.actor.pipe(
            call,
            into=lambda answer: MarketsLanded(asked=asked, stage=stage, answer=answer),
            failed=lambda error: MarketsLanded(asked=asked, stage=stage, error=failure_text(error)),
        )

    def _matters(self, key: ConditionId) -> bool:
        return self.flights.awaited(key) or key in self._watches

    def _known_closed(self, key: ConditionId) -> bool:
        known = self.memory.peek(key)
        return known is not None and known.value.resolution is not Resolution.OPEN

    def _heard_ns(self, key: ConditionId) -> int:
        known = self.memory.peek(key)
        return known.mono_ns if known is not None else -1


def _resolved(market: Market) -> MarketResolved:
    return MarketResolved(
        condition_id=market.condition_id, token_ids=market.token_ids, payouts=market.payouts
    )
