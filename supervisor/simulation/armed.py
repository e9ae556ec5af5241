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
    """Whom it hit; empty for a step of the clock."""
    message_type: str
    """Of the message it hit; empty if it hit none."""
    sender: str
    """Who had sent that on its way; empty for what does not happen on a way."""

    def __str__(self) -> str:
        way = f"{self.sender} -> {self.path}" if self.sender else self.path
        words = [f"{self.at_s:.3f}s", self.fault.verb, way, self.message_type]
        return " ".join(word for word in words if word) + (f" ({self.times} times)" if self.times > 1 else "")


class Armed(Generic[FaultT]):
    """A fault waiting for its occasion."""

    __slots__ = ("fault", "first", "seen", "times")

    def __init__(self, fault: FaultT) -> None:
        self.fault = fault
        self.seen = 0
        self.times = 0
        self.first = (0.0, "", "", "")

    def fire(self, now: float, path: str = "", message_type: str = "", sender: str = "") -> None:
        """Take note that it came about."""
        if not self.times:
            self.first = now, path, message_type, sender
        self.times += 1

    def fired(self) -> Fired:
        """Return what came of it."""
        return Fired(self.fault, self.times, *self.first)


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
        self, key: Hashable, cell: Cell, kind: type, sender: str, matches: Callable[[CountedT], bool]
    ) -> list[CountedT]:
        """Count one message to a cell and return the faults that hit it; `matches` is asked once per key."""
        if not self._armed:
            return []
        concerned = self._concerned.get(key)
        if concerned is None:
            if len(self._concerned) >= MATCHES_KEPT_MAX:
                self._concerned.clear()
            concerned = tuple(each for each in self._armed if matches(each.fault))
            self._concerned[key] = concerned
        now = cell.scheduler.now
        hits = []
        for each in concerned:
            if _counts(each, now):
                each.fire(now, cell.path, kind.__name__, sender)
                hits.append(each.fault)
        return hits


def _counts(armed: Armed[CountedT], now: float) -> bool:
    fault = armed.fault
    if now < fault.from_s:
        return False
    armed.seen += 1
    return fault.nth <= armed.seen < fault.nth + fault.count
