"""Markets that somebody holds: asked about until it is known what they pay, then told once.

Held markets that are over are asked of more witnesses than their host's row, each no oftener than the poll.
"""

from __future__ import annotations

from typing import Final

import structlog
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.live.events import WinnerAnnounced
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import Known
from actors.prices.questions import Questions
from actors.prices.resolution import Statement, paid_to
from actors.prices.signals import FeedLanded, WitnessLanded
from actors.prices.tiers import Priority
from actors.prices.watches import Watches
from config.settings import Prices as PricesSettings
from messages.ids import ConditionId, IdError
from messages.markets import Market, MarketResolved, Resolution, Source
from supervisor import SupervisedActor

POLL_MARKETS_MAX: Final = 1_000
"""Watched markets asked about at one tick, the ones longest unasked first: twenty calls."""
ASKED_MAX: Final = 10_000
_NS_PER_S: Final = 1_000_000_000

log = structlog.get_logger(__name__)


class Settlement:
    """Watches, and the witnesses that are asked for them."""

    def __init__(
        self,
        actor: SupervisedActor,
        settings: PricesSettings,
        questions: Questions,
        watches: Watches,
    ) -> None:
        self._actor = actor
        self._settings = settings
        self._questions = questions
        self._watches = watches
        self._asked_ns: dict[ConditionId, int] = {}
        self.markets: MarketDesk

    def matters(self, condition_id: ConditionId) -> bool:
        """Return whether somebody waits for what a market pays."""
        return condition_id in self._watches

    def watch(self, condition_id: ConditionId, watcher: ActorAddress) -> None:
        """Tell `watcher` what a market pays: at once if that is known, else when it is."""
        try:
            self.markets.check_key(condition_id)
        except IdError as error:
            log.error("cannot watch a market", error=str(error))
            return
        known = self.markets.memory.use(condition_id)
        if known is not None and known.final:
            self._actor.send(watcher, _resolved(known.value))
            return
        self._watches.add(condition_id, watcher)
        if known is None:
            self.markets.fly([condition_id], Priority.T2B)

    def poll(self) -> None:
        """Ask whether watched markets are resolved, those first that were not heard of for longest."""
        waiting = [key for key in self._watches.conditions() if key not in self.markets.flights]
        waiting.sort(key=self.markets.heard_ns)
        self.markets.fly(waiting[:POLL_MARKETS_MAX], Priority.T2B)
        metrics.WATCHED.set(len(self._watches))

    def news(self, known: Known[Market]) -> None:
        """Tell watchers of a market that is resolved; ask other witnesses of one that is over."""
        market = known.value
        if known.final:
            self._asked_ns.pop(market.condition_id, None)
            self._settle(market)
        elif market.resolution is not Resolution.OPEN:
            self._ask_witnesses(market)

    def announced(self, event: WinnerAnnounced) -> None:
        """Take the market channel's word: trading is over here, and the others are asked at once."""
        known = self.markets.memory.peek(event.condition_id)
        if known is None or known.final:
            return
        if set(event.token_ids) != set(known.value.token_ids):
            log.warning("a market was announced with other outcomes", condition_id=event.condition_id)
            return
        log.info("market announced as resolved", condition_id=event.condition_id)
        winner = known.value.token_ids.index(event.winner)
        payouts = paid_to(winner, len(known.value.token_ids))
        self.markets.restate(event.condition_id, Source.STREAM, Statement(True, payouts))
        self._asked_ns.pop(event.condition_id, None)
        self.markets.fly([event.condition_id], Priority.T2B)

    def witnessed(self, message: WitnessLanded) -> None:
        """Take CLOB's word on a market that is over."""
        if message.answer is not None:
            self.markets.restate_row(message.answer.values[message.condition_id])

    def fed(self, message: FeedLanded) -> None:
        """Take the resolution feed's word on a market that is over."""
        if message.statement is not None:
            self.markets.restate(message.condition_id, Source.FEED, message.statement)

    def _settle(self, market: Market) -> None:
        watchers = self._watches.settle(market.condition_id)
        if watchers:
            log.info("market resolved", condition_id=market.condition_id, payouts=market.payouts)
        for watcher in watchers:
            self._actor.send(watcher, _resolved(market))

    def _ask_witnesses(self, market: Market) -> None:
        key, now_ns = market.condition_id, self._actor.clock.monotonic_ns()
        if key not in self._watches and self.markets.demand.get(key) is None:
            return
        asked_ns = self._asked_ns.get(key)
        pause_ns = round(self._settings.resolution_poll_s * _NS_PER_S * 0.9)
        if asked_ns is not None and now_ns - asked_ns < pause_ns:
            return
        self._asked_ns.pop(key, None)
        self._asked_ns[key] = now_ns
        if len(self._asked_ns) > ASKED_MAX:
            del self._asked_ns[next(iter(self._asked_ns))]
        self._actor.pipe(
            self._questions.clob_market(key, market, priority=Priority.T4),
            into=lambda answer: WitnessLanded(condition_id=key, answer=answer),
            failed=lambda error: WitnessLanded(condition_id=key),
        )
        self._actor.pipe(
            self._questions.resolution(key, len(market.outcomes), priority=Priority.T4),
            into=lambda statement: FeedLanded(condition_id=key, statement=statement),
            failed=lambda error: FeedLanded(condition_id=key),
        )


def _resolved(market: Market) -> MarketResolved:
    return MarketResolved(
        condition_id=market.condition_id, token_ids=market.token_ids, payouts=market.payouts
    )
