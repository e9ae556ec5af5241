"""What markets and books have in common: answer from what is known, else wait for one flight a key.

A desk is a part of the `Prices` actor and runs inside its handlers. A failed flight answers everyone who
waited, once, with the last known value marked stale, or with none and the reason. Failures are not kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog

from actors.prices import metrics
from actors.prices.errors import PricesError
from actors.prices.flights import Flight, Flights, Waiter
from actors.prices.line import WAIT_S_MIN
from actors.prices.memory import Demand, Known, Memory
from actors.prices.tallies import TALLIES, Count, note_age
from actors.prices.tiers import Answering, Deliver, Priority, Wanted
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import IdError
from messages.markets import Tier
from supervisor import SupervisedActor

T = TypeVar("T")
Call: TypeAlias = Coroutine[Any, Any, T]

GATHER_S: Final = 0.0
"""How long a flight waits for others to share its call: no longer than the loop's present turn."""
LANDED_AGE_MS: Final = 50
"""What was fetched for somebody and is this young is fresh to him, even if he accepted no age at all."""
NS_PER_S: Final = 1_000_000_000
FRESH: Final = Answering(False)
LANDED: Final = Answering(False, landed=True)

log = structlog.get_logger(__name__)


class Desk(ABC, Generic[T]):
    """Memory, demand and flights of one kind of value."""

    kind: str

    def __init__(self, actor: SupervisedActor, settings: PricesSettings, capacity: int) -> None:
        self.actor = actor
        self.clock = actor.clock
        self.settings = settings
        self.memory: Memory[T] = Memory(capacity)
        self.demand = Demand(capacity)
        self.flights = Flights()
        self.counts = Counts(self.kind)
        self._gathering = False

    @abstractmethod
    def check_key(self, key: str) -> None:
        """Raise `IdError` for a key that must not be asked for."""

    @abstractmethod
    def gather_message(self) -> Message:
        """Return the message that makes the actor call `take_off`."""

    @abstractmethod
    def budget_wait_s(self) -> float:
        """Return how long the budget of whoever is asked first would make a call wait."""

    @abstractmethod
    def depart(self, keys: Sequence[str]) -> None:
        """Ask the hosts for keys whose flights have begun."""

    def current(self, key: str, now_ns: int) -> Known[T] | None:
        """Return the best that is known of a key."""
        return self.memory.use(key)

    def ask(self, key: str, wanted: Wanted, deliver: Deliver) -> None:
        """Answer now if what is known is fresh enough, else when the key's flight has landed."""
        now_ns = self.clock.monotonic_ns()
        known = self.current(key, now_ns)
        if known is None or not known.final:
            self.demand.note(key, now_ns, wanted)
        if known is not None and known.fresh(now_ns, wanted.age_ms_max):
            self.counts.answered(wanted.tier, "hit")
            deliver(FRESH)
        else:
            self.join(key, wanted, deliver, now_ns)

    def join(
        self,
        key: str,
        wanted: Wanted,
        deliver: Deliver,
        now_ns: int,
        *,
        counted: bool = True,
        has_elsewhere: bool = False,
    ) -> None:
        """Wait for the key's flight, which begins if there is none."""
        problem = self._problem(key)
        if problem:
            self.demand.forget(key)
            deliver(Answering(True, problem))
            return
        started = self.flights.join(key, Waiter(deliver, wanted, has_elsewhere), now_ns)
        if counted:
            self.counts.answered(wanted.tier, "miss" if started else "coalesced")
        if started:
            self._gather()

    def fly(self, keys: Iterable[str], priority: Priority) -> None:
        """Start flights that nobody waits for yet, for keys that have none."""
        now_ns = self.clock.monotonic_ns()
        started = [key for key in keys if self.flights.start(key, now_ns, priority)]
        if started:
            self.depart(started)

    def take_off(self) -> None:
        """Send off what was gathered, or go on gathering while a call would only wait for its turn.

        A call that waits in the budget's queue cannot be joined any more; one not yet made can.
        """
        wait_s = self.budget_wait_s()
        if 0 < wait_s <= self.settings.timeout_s:
            self.actor.timer(f"gather {self.kind}", max(wait_s, WAIT_S_MIN), self.gather_message())
            return
        self._gathering = False
        keys = self.flights.take_gathered()
        if keys:
            self.depart(keys)

    def sent(self, keys: Sequence[str]) -> Priority:
        """Note that flights leave together, and return their priority: that of the most pressing."""
        priority = min((self.flights.priority(key) for key in keys), default=Priority.WARM)
        for key in keys:
            flight = self.flights.get(key)
            if flight is not None:
                flight.sent_as = priority
        return priority

    def land(self, key: str) -> None:
        """End a key's flight that brought something, and answer everyone who waited for it."""
        flight = self.flights.land(key)
        if flight is None or not flight.waiters:
            return
        now_ns = self.clock.monotonic_ns()
        known = self.current(key, now_ns)
        for waiter in flight.waiters:
            accepted_ms = max(waiter.wanted.age_ms_max, LANDED_AGE_MS)
            fresh = known is not None and known.fresh(now_ns, accepted_ms)
            waiter.deliver(LANDED if fresh else Answering(True, landed=True))

    def release(self, key: str, error: str) -> None:
        """Tell those of a failure who know where else to ask; the others go on waiting."""
        for waiter in self.flights.release(key):
            waiter.deliver(Answering(True, error, landed=True))

    def land_failed(self, key: str, default: str, *, missing: bool = False) -> None:
        """End a key's flight that brought nothing; what went wrong on its way is the answer's error."""
        flight = self.flights.get(key)
        if flight is None:
            return
        error = "; ".join(flight.trouble) or default
        self.release(key, error)
        if self._asked_again(key, flight):
            return
        if flight.waiters:
            log.debug(
                "no fresh market data", kind=self.kind, key=key, error=error, waiters=len(flight.waiters)
            )
        self._end(key, error, missing=missing)

    def close(self) -> None:
        """Answer everyone who still waits: nobody is left to do it later."""
        for key in self.flights.under_way():
            self._end(key, "the price service stops")

    def snapshot(self) -> dict[str, object]:
        """Return the sizes of everything that could grow."""
        return {
            "known": len(self.memory),
            "in_play": len(self.demand),
            "flights": len(self.flights),
            "waiting": self.flights.waiting,
        }

    def in_play_since_ns(self, now_ns: int) -> int:
        """Return since when a key must have been asked for to be in play."""
        return now_ns - round(self.settings.warm_for_s * NS_PER_S)

    def _end(self, key: str, error: str, *, missing: bool = False) -> None:
        flight = self.flights.land(key)
        if flight is None or not flight.waiters:
            return
        now_ns = self.clock.monotonic_ns()
        known = self.current(key, now_ns)
        for waiter in flight.waiters:
            fresh = known is not None and known.fresh(now_ns, waiter.wanted.age_ms_max)
            waiter.deliver(Answering(not fresh, error, missing, landed=True))

    def _asked_again(self, key: str, flight: Flight) -> bool:
        """Send a flight off once more if it went on spare budget only, and is awaited by now."""
        if flight.sent_as is not Priority.WARM or not flight.waiters:
            return False
        flight.sent_as = None
        self.flights.gather(key)
        self._gather()
        return True

    def _gather(self) -> None:
        if not self._gathering:
            self._gathering = True
            self.actor.timer(f"gather {self.kind}", GATHER_S, self.gather_message())

    def _problem(self, key: str) -> str:
        try:
            self.check_key(key)
        except IdError as error:
            return str(error)
        return "too many are waiting already" if self.flights.full else ""


class Counts:
    """What is counted of one kind of answer, looked up once each."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._answers: dict[tuple[Tier, str], Count] = {
            (tier, result): TALLIES.answers(kind, tier, result)
            for tier in Tier
            for result in ("hit", "miss", "coalesced")
        }
        self._ages: dict[tuple[Tier, str], Count] = {}
        self._stale = {known: metrics.STALE.labels(kind, known) for known in ("yes", "no")}

    def answered(self, tier: Tier, result: str) -> None:
        """Count what became of a question."""
        self._answers[tier, result][0] += 1

    def age(self, tier: Tier, source: str, age_ms: int, *, stale: bool) -> None:
        """Count how old what is answered with is."""
        counts = self._ages.get((tier, source))
        if counts is None:
            counts = self._ages[tier, source] = TALLIES.ages(self._kind, tier, source)
        note_age(counts, age_ms)
        if stale:
            self._stale["yes"].inc()

    def nothing(self) -> None:
        """Count an answer without anything."""
        self._stale["no"].inc()


def failure_text(error: BaseException) -> str:
    """Return what went wrong with a call; what is no `PricesError` is a mistake of ours, logged as such."""
    if isinstance(error, PricesError):
        return str(error)
    log.error("market data call broke", exc_info=error)
    return f"internal error: {type(error).__name__}"


def batches(keys: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Yield the keys in runs of at most `size`."""
    for start in range(0, len(keys), size):
        yield tuple(keys[start : start + size])
