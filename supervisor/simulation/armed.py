"""Faults of a plan while a simulation runs: how far each has counted, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from supervisor.core.cell import Cell
from supervisor.simulation.faults import Crash, Delay, Drop, Duplicate, Fault, Reorder

FaultT = TypeVar("FaultT", bound=Fault)
CountedT = TypeVar("CountedT", Crash, Delay | Reorder | Drop | Duplicate)

MATCHES_KEPT_MAX: Final = 100_000
"""Which faults concern an actor and a type is worked out once, until so many are known."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault that came about: how often, and when and where for the first time."""

    fault: Fault
    times: int
    at_s: float
    path: str


class Armed(Generic[FaultT]):
    """A fault waiting for its occasion."""

    __slots__ = ("at_s", "fault", "path", "seen", "times")

    def __init__(self, fault: FaultT) -> None:
        self.fault = fault
        self.seen = 0
        self.times = 0
        self.at_s = 0.0
        self.path = ""

    def fire(self, now: float, path: str = "") -> None:
        """Take note that it came about."""
        if not self.times:
            self.at_s, self.path = now, path
        self.times += 1


class Counters(Generic[CountedT]):
    """Armed faults that count messages, and which of them concern which."""

    def __init__(self, armed: Iterable[Armed[CountedT]]) -> None:
        self._armed: tuple[Armed[CountedT], ...] = tuple(armed)
        self._concerned: dict[Hashable, tuple[Armed[CountedT], ...]] = {}

    def disarm(self) -> None:
        """Count and hit nothing any more."""
        self._armed = ()
        self._concerned.clear()

    def hits(
        self, key: Hashable, now: float, cell: Cell, matches: Callable[[CountedT], bool]
    ) -> list[CountedT]:
        """Count one message and return the faults that hit it; `matches` is asked once per key."""
        if not self._armed:
            return []
        concerned = self._concerned.get(key)
        if concerned is None:
            if len(self._concerned) >= MATCHES_KEPT_MAX:
                self._concerned.clear()
            concerned = tuple(each for each in self._armed if matches(each.fault))
            self._concerned[key] = concerned
        return [each.fault for each in concerned if _counts(each, now, cell)]


def _counts(armed: Armed[CountedT], now: float, cell: Cell) -> bool:
    fault = armed.fault
    if now < fault.from_s:
        return False
    armed.seen += 1
    if not fault.nth <= armed.seen < fault.nth + fault.count:
        return False
    armed.fire(now, cell.path)
    return True
