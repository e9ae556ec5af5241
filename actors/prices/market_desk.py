"""Markets: what is stored, then Gamma, then CLOB.

A resolved market is served from memory for ever and never asked for again, nor after a restart: the database
remembers it. What it pays is judged in `resolution`; nothing here may tell a payout that no host has stated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.clob import in_order_of
from actors.prices.desk import Call, Desk, batches, failure_text
from actors.prices.errors import NotFoundError
from actors.prices.memory import Known
from actors.prices.questions import MARKETS_PER_CALL, Questions, Stamped
from actors.prices.resolution import Statement
from actors.prices.signals import GatherMarkets, MarketsLanded, Stage, StoredLanded
from actors.prices.tiers import Answering, Priority, Wanted
from actors.prices.witnesses import Witnesses
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import ConditionId, IdError, condition
from messages.markets import Market, MarketAnswer, Resolution, Source
from messages.store import LoadMarkets
from supervisor import SupervisedActor

MARKETS_MAX: Final = 10_000
"""Markets remembered."""
STORE_WAIT_S: Final = 0.1
"""How long the database may take to say what it has before the hosts are asked anyway."""
NOBODY: Final = "neither Gamma nor CLOB knows this market"

log = structlog.get_logger(__name__)


class MarketDesk(Desk[Market]):
    """Answers for markets. `news` is called with each market that something new is known of."""

    kind = "market"

    def __init__(
        self,
        actor: SupervisedActor,
        settings: PricesSettings,
        questions: Questions,
        store: ActorAddress | None,
        news: Callable[[Known[Market]], None],
        matters: Callable[[ConditionId], bool],
        resolved: dict[ConditionId, Known[Market]],
    ) -> None:
        super().__init__(actor, settings, MARKETS_MAX)
        self._resolved = resolved
        for condition_id, known in resolved.items():
            self.memory.put(condition_id, known)
        self._questions = questions
        self._store = store
        self._news = news
        self._matters = matters
        self.witnesses = Witnesses()

    def check_key(self, key: str) -> None:
        if condition(key) != key:
            raise IdError(f"condition id was {key!r:.90}, expected lowercase")

    def answer(self, key: str, wanted: Wanted, result: Answering) -> MarketAnswer:
        """Return the answer to a question that `result` came of."""
        now_ns = self.clock.monotonic_ns()
        known = self.memory.peek(key)
        if known is None or (result.stale and wanted.is_strict):
            self.counts.nothing()
            return MarketAnswer(
                condition_id=key,
                market=None,
                as_of_ns=known.as_of_ns if known is not None else 0,
                age_ms=known.age_ms(now_ns) if known is not None else 0,
                stale=True,
                source=known.source if known is not None else "",
                error=result.error,
                refused=wanted.is_strict and not result.missing,
            )
        age_ms = known.age_ms(now_ns)
        self.counts.age(wanted.tier, known.source, age_ms, stale=result.stale)
        return MarketAnswer(
            condition_id=key,
            market=known.value,
            as_of_ns=known.as_of_ns,
            age_ms=age_ms,
            stale=result.stale,
            source=known.source,
            error=result.error,
        )

    def gather_message(self) -> Message:
        return GatherMarkets()

    def budget_wait_s(self) -> float:
        return self._questions.budget_wait_s(Source.GAMMA)

    def depart(self, keys: Sequence[str]) -> None:
        """Look into the database for what is not known here, and ask Gamma for the others."""
        unknown = [key for key in keys if self._store is not None and self.memory.peek(key) is None]
        for batch in batches(unknown, MARKETS_PER_CALL):
            self._ask_store(batch)
        looked_up = set(unknown)
        self._ask_hosts([key for key in keys if key not in looked_up])

    def _ask_store(self, batch: tuple[ConditionId, ...]) -> None:
        self.actor.pipe(
            self.actor.ask(self._store, LoadMarkets(condition_ids=batch), timeout_s=STORE_WAIT_S),
            into=lambda loaded: StoredLanded(asked=batch, rows=loaded.rows),
            failed=lambda error: StoredLanded(asked=batch),
        )

    def stored(self, message: StoredLanded) -> None:
        """Take what the database has; only what is resolved there needs no host any more."""
        now_ns, wall_ns = self.clock.monotonic_ns(), self.clock.now_ns()
        for row in message.rows:
            key, final = row.market.condition_id, row.market.resolution is Resolution.RESOLVED
            heard_ns = now_ns - max(0, wall_ns - row.as_of_ns)
            if self.memory.peek(key) is None:
                self.memory.put(
                    key, Known(row.market, row.as_of_ns, heard_ns, Source.STORE, final, hearsay=not final)
                )
        ask: list[ConditionId] = []
        for key in message.asked:
            known = self.memory.peek(key)
            if known is not None and known.final:
                self._arrived(known)
            elif key in self.flights:
                ask.append(key)
        self._ask_hosts(ask)

    def landed(self, message: MarketsLanded) -> None:
        """Take what a call brought, and ask on for what it did not."""
        unseen: list[ConditionId] = []
        elsewhere: list[ConditionId] = []
        for key in message.asked:
            market = message.answer.values.get(key) if message.answer is not None else None
            if market is not None and message.answer is not None:
                source = Source.CLOB if message.stage is Stage.CLOB else Source.GAMMA
                self.learn(market, source, message.answer)
                continue
            broken = message.answer.broken.get(key, "") if message.answer is not None else ""
            trouble = "" if message.missing else message.error or broken
            if trouble:
                self.flights.complain(key, trouble)
                self.release(key, trouble)
            if not trouble and message.stage is Stage.GAMMA_OPEN:
                unseen.append(key)
            elif message.stage is not Stage.CLOB and (self.flights.awaited(key) or self._matters(key)):
                elsewhere.append(key)
            else:
                flight = self.flights.get(key)
                missing = message.missing and flight is not None and not flight.trouble
                if message.missing and not missing:
                    self.flights.complain(key, message.error)
                self.land_failed(key, NOBODY, missing=missing)
        self._ask_gamma(unseen, Stage.GAMMA_CLOSED)
        for key in elsewhere:
            self._ask_clob(key)

    def learn(self, market: Market, source: Source, stamped: Stamped[Market]) -> None:
        """Take a host's row of a market, asked for here or not."""
        oracle = market.oracle if source is Source.GAMMA else ""
        statement = Statement(market.resolution is not Resolution.OPEN, market.payouts, oracle)
        judged = self.hear(market, source, statement)
        self._arrived(
            self.memory.put(
                market.condition_id,
                Known(judged, stamped.as_of_ns, stamped.mono_ns, source, _is_over(judged)),
            )
        )

    def hear(self, market: Market, witness: Source, statement: Statement) -> Market:
        """Let a witness state where a market stands; return it as it stands by all witnesses."""
        judged = self.witnesses.hear(market.condition_id, witness, statement)
        resolution, payouts = judged.verdict
        if judged.contradicted:
            metrics.CONTRADICTED.inc()
            log.error(
                "hosts name different payouts of a market",
                condition_id=market.condition_id,
                settled_by=judged.witness,
            )
        accepting = market.accepting_orders and resolution is Resolution.OPEN
        if (market.resolution, market.payouts, market.accepting_orders) == (resolution, payouts, accepting):
            return market
        return msgspec.structs.replace(
            market, resolution=resolution, payouts=payouts, accepting_orders=accepting
        )

    def restate(self, condition_id: ConditionId, witness: Source, statement: Statement) -> None:
        """Take what another witness than the hosts' rows says of a market that is known."""
        known = self.memory.peek(condition_id)
        if known is None or known.final:
            return
        if statement.payouts and len(statement.payouts) != len(known.value.outcomes):
            log.warning("a witness counts other outcomes", condition_id=condition_id, witness=witness)
            return
        market = self.hear(known.value, witness, statement)
        if market is known.value:
            return
        over = _is_over(market)
        now_ns, wall_ns = self.clock.monotonic_ns(), self.clock.now_ns()
        if over:
            restated = Known(market, wall_ns, now_ns, witness, True)
        else:
            restated = Known(market, known.as_of_ns, known.mono_ns, known.source, False, known.hearsay)
        self._arrived(self.memory.put(condition_id, restated))

    def restate_row(self, row: Market) -> None:
        """Take CLOB's row as the word of a witness on a market that is known by another's row."""
        known = self.memory.peek(row.condition_id)
        if known is None:
            return
        market = in_order_of(known.value, row)
        if market.token_ids != known.value.token_ids:
            log.warning("hosts disagree on the outcomes of a market", condition_id=row.condition_id)
            return
        closed = market.resolution is not Resolution.OPEN
        self.restate(row.condition_id, Source.CLOB, Statement(closed, market.payouts))

    def warm(self, now_ns: int, age_ms: Callable[[ConditionId], int]) -> None:
        """Refresh markets in play before they are too old for who asks; `age_ms` is that of their prices."""
        since_ns = self.in_play_since_ns(now_ns)
        due = [key for key in self.demand.since(since_ns) if self._is_due(key, now_ns, since_ns, age_ms)]
        self.fly(due, Priority.WARM)
        metrics.KNOWN.labels(self.kind).set(len(self.memory))

    def _is_due(
        self, key: ConditionId, now_ns: int, since_ns: int, age_ms: Callable[[ConditionId], int]
    ) -> bool:
        known, asked = self.memory.peek(key), self.demand.get(key)
        if known is None or asked is None or known.final or key in self.flights:
            return False
        age_ms_max = asked.age_ms_max(since_ns)
        if age_ms_max is None:
            return False
        row_ms = known.age_ms(now_ns)
        if known.value.resolution is not Resolution.OPEN:
            return row_ms >= self.settings.resolution_poll_s * 1000
        row_ms_max = min(max(age_ms_max, self.settings.t1_ms), self.settings.metadata_ms_max)
        return row_ms * 2 >= row_ms_max or age_ms(key) * 2 >= age_ms_max

    def _arrived(self, known: Known[Market]) -> None:
        if known.final:
            self.demand.forget(known.value.condition_id)
            self._keep(known)
        self._news(known)
        self.land(known.value.condition_id)

    def _keep(self, known: Known[Market]) -> None:
        """Remember what is resolved beyond this incarnation: the database may be away when it is wanted."""
        self._resolved.pop(known.value.condition_id, None)
        self._resolved[known.value.condition_id] = known
        if len(self._resolved) > MARKETS_MAX:
            del self._resolved[next(iter(self._resolved))]

    def _ask_hosts(self, keys: Sequence[ConditionId]) -> None:
        """Ask Gamma, for markets known as closed at once among the closed ones."""
        closed = [key for key in keys if self._known_closed(key)]
        others = [key for key in keys if not self._known_closed(key)]
        self._ask_gamma(others, Stage.GAMMA_OPEN)
        self._ask_gamma(closed, Stage.GAMMA_CLOSED)

    def _ask_gamma(self, keys: Sequence[ConditionId], stage: Stage) -> None:
        if stage is Stage.GAMMA_OPEN:
            keys = [*keys, *self._riders(keys)]
        for batch in batches(keys, MARKETS_PER_CALL):
            closed = stage is Stage.GAMMA_CLOSED
            call = self._questions.gamma_markets(batch, closed=closed, priority=self.sent(batch))
            self._pipe(call, batch, stage)

    def _riders(self, keys: Sequence[ConditionId]) -> list[ConditionId]:
        """Return markets in play to fill up the last call with: it costs no more for that."""
        room = -len(keys) % MARKETS_PER_CALL
        if not room:
            return []
        now_ns = self.clock.monotonic_ns()
        since_ns = self.in_play_since_ns(now_ns)
        found: list[tuple[int, ConditionId]] = []
        for key in self.demand.since(since_ns):
            known, asked = self.memory.peek(key), self.demand.get(key)
            if known is None or known.final or asked is None or key in self.flights:
                continue
            age_ms_max = asked.age_ms_max(since_ns)
            wanted_soon = age_ms_max is not None and known.age_ms(now_ns) * 4 >= age_ms_max
            if wanted_soon and known.value.resolution is Resolution.OPEN:
                found.append((known.mono_ns, key))
        riders = [key for _, key in sorted(found)[:room]]
        return [key for key in riders if self.flights.start(key, now_ns, Priority.WARM)]

    def _ask_clob(self, key: ConditionId) -> None:
        known = self.memory.peek(key)
        market = known.value if known is not None else None
        call = self._questions.clob_market(key, market, priority=self.sent((key,)))
        self._pipe(call, (key,), Stage.CLOB)

    def _pipe(self, call: Call[Stamped[Market]], asked: tuple[ConditionId, ...], stage: Stage) -> None:
        self.actor.pipe(
            call,
            into=lambda answer: MarketsLanded(asked=asked, stage=stage, answer=answer),
            failed=lambda error: MarketsLanded(
                asked=asked,
                stage=stage,
                error=failure_text(error),
                missing=stage is Stage.CLOB and isinstance(error, NotFoundError),
            ),
        )

    def _known_closed(self, key: ConditionId) -> bool:
        known = self.memory.peek(key)
        return known is not None and known.value.resolution is not Resolution.OPEN

    def heard_ns(self, key: ConditionId) -> int:
        """Return when a market was heard of last, before all else if never."""
        known = self.memory.peek(key)
        return known.mono_ns if known is not None else -1


def _is_over(market: Market) -> bool:
    return market.resolution is Resolution.RESOLVED
