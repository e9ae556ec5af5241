"""What markets and books have in common: answer from memory, else wait for one flight a key.

A desk is a part of the `Prices` actor and runs inside its handlers. A failed flight answers everyone who
waited, once, with the last known value marked stale, or with none and the reason. Failures are not kept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.errors import PricesError
from actors.prices.flights import Flight, Flights, Waiter
from actors.prices.memory import Demand, Known, Memory
from actors.prices.tiers import tier_bounds, tier_of
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import IdError
from supervisor import SupervisedActor

T = TypeVar("T")
Call: TypeAlias = Coroutine[Any, Any, T]

GATHER_S: Final = 0.0
"""How long a flight waits for others to share its call: no longer than the loop's present turn."""
LANDED_AGE_MS: Final = 50
"""What was fetched for somebody and is this young is fresh to him, even if he accepted no age at all."""
NS_PER_S: Final = 1_000_000_000

log = structlog.get_logger(__name__)


class Desk(ABC, Generic[T]):
    """Memory, demand and flights of one kind of value."""

    kind: str

    def __init__(self, actor: SupervisedActor, settings: PricesSettings, capacity: int) -> None:
        self.actor = actor
        self.settings = settings
        self.memory: Memory[T] = Memory(capacity)
        self.demand = Demand(capacity)
        self.flights = Flights()
        self._bounds = tier_bounds(settings)
        self._answers = {
            (tier, result): metrics.ANSWERS.labels(self.kind, tier, result)
            for _, tier in self._bounds
            for result in ("hit", "miss", "coalesced")
        }
        self._ages = metrics.AGE_SECONDS.labels(self.kind)
        self._gathering = False

    @abstractmethod
    def check_key(self, key: str) -> None:
        """Raise `IdError` for a key that must not be asked for."""

    @abstractmethod
    def make_answer(self, key: str, known: Known[T] | None, age_ms: int, stale: bool, error: str) -> Message:
        """Return the answer to a query."""

    @abstractmethod
    def gather_message(self) -> Message:
        """Return the message that makes the actor call `take_off`."""

    @abstractmethod
    def budget_wait_s(self) -> float:
        """Return how long the budget of whoever is asked first would make a call wait."""

    @abstractmethod
    def depart(self, keys: Sequence[str], *, urgent: bool) -> None:
        """Ask the hosts for keys whose flights have begun."""

    def ask(self, key: str, age_ms_max: int, sender: ActorAddress) -> None:
        """Answer now if what is known is fresh enough, else when the key's flight has landed."""
        now_ns = self.actor.clock.monotonic_ns()
        known = self.memory.use(key)
        if known is None or not known.final:
            self.demand.note(key, now_ns)
        tier = tier_of(age_ms_max, self._bounds)
        if known is not None and known.fresh(now_ns, age_ms_max):
            self._answers[tier, "hit"].inc()
            self._reply(sender, key, known, now_ns, age_ms_max, "")
            return
        problem = self._problem(key)
        if problem:
            self.demand.forget(key)
            self._reply(sender, key, known, now_ns, age_ms_max, problem)
            return
        started = self.flights.join(key, Waiter(sender, age_ms_max), now_ns)
        self._answers[tier, "miss" if started else "coalesced"].inc()
        if started:
            self._gather()

    def fly(self, keys: Iterable[str], *, urgent: bool) -> None:
        """Start flights that nobody waits for yet, for keys that have none."""
        now_ns = self.actor.clock.monotonic_ns()
        started = [key for key in keys if self.flights.start(key, now_ns, urgent=urgent)]
        if started:
            self.depart(started, urgent=urgent)

    def take_off(self) -> None:
        """Send off what was gathered, or go on gathering while a call would only wait for its turn.

        A call that waits in the budget's queue cannot be joined any more; one not yet made can.
        """
        wait_s = self.budget_wait_s()
        if 0 < wait_s <= self.settings.timeout_s:
            self.actor.timer(f"gather {self.kind}", wait_s, self.gather_message())
            return
        self._gathering = False
        keys = self.flights.take_gathered()
        if keys:
            self.depart(keys, urgent=True)

    def warm_keys(self, age_ms_min: int) -> list[str]:
        """Return the keys in play whose known value is at least so old and not under way."""
        now_ns = self.actor.clock.monotonic_ns()
        since_ns = now_ns - round(self.settings.warm_for_s * NS_PER_S)
        return [key for key in self.demand.since(since_ns) if self._worth_warming(key, now_ns, age_ms_min)]

    def land(self, key: str, known: Known[T] | None, error: str = "") -> None:
        """End a key's flight and answer everyone who waited for it."""
        flight = self.flights.land(key)
        if flight is None:
            return
        now_ns = self.actor.clock.monotonic_ns()
        for waiter in flight.waiters:
            accepted_ms = waiter.age_ms_max if error else max(waiter.age_ms_max, LANDED_AGE_MS)
            self._reply(waiter.address, key, known, now_ns, accepted_ms, error)

    def land_failed(self, key: str, default: str) -> None:
        """End a key's flight that brought nothing; what went wrong on its way is the answer's error."""
        flight = self.flights.get(key)
        if flight is None or self._asked_again(key, flight):
            return
        error = "; ".join(flight.trouble) or default
        if flight.waiters:
            log.debug(
                "no fresh market data", kind=self.kind, key=key, error=error, waiters=len(flight.waiters)
            )
        self.land(key, self.memory.peek(key), error)

    def close(self) -> None:
        """Answer everyone who still waits: nobody is left to do it later."""
        for key in self.flights.under_way():
            self.land(key, self.memory.peek(key), "the price service stops")

    def snapshot(self) -> dict[str, object]:
        """Return the sizes of everything that could grow."""
        return {
            "known": len(self.memory),
            "in_play": len(self.demand),
            "flights": len(self.flights),
            "waiting": self.flights.waiting,
        }

    def _asked_again(self, key: str, flight: Flight) -> bool:
        """Send a flight off once more if it began unasked, on spare budget only, and is awaited by now."""
        if flight.urgent or not flight.waiters:
            return False
        flight.urgent = True
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

    def _worth_warming(self, key: str, now_ns: int, age_ms_min: int) -> bool:
        known = self.memory.peek(key)
        if known is None or known.final or key in self.flights:
            return False
        return known.age_ms(now_ns) >= age_ms_min

    def _reply(
        self, to: ActorAddress, key: str, known: Known[T] | None, now_ns: int, age_ms_max: int, error: str
    ) -> None:
        if known is None:
            metrics.STALE.labels(self.kind, "no").inc()
            self.actor.send(to, self.make_answer(key, None, 0, True, error))
            return
        stale = not known.fresh(now_ns, age_ms_max)
        if stale:
            metrics.STALE.labels(self.kind, "yes").inc()
        self._ages.observe((now_ns - known.mono_ns) / NS_PER_S)
        self.actor.send(to, self.make_answer(key, known, known.age_ms(now_ns), stale, error))


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
