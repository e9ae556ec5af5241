"""Faults of a plan while a simulation runs: how far each has counted, and what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

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

    __slots__ = ("fault", "first", "last", "seen", "times")

    def __init__(self, fault: FaultT) -> None:
        self.fault = fault
        self.seen = 0
        self.last = getattr(fault, "nth", 1) + getattr(fault, "count", 1) - 1
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


class Group(Generic[CountedT]):
    """Faults that concern the same messages. Only those that have begun and are not over are looked at."""

    __slots__ = ("_active", "_to_come", "pattern")

    def __init__(self, armed: Iterable[Armed[CountedT]]) -> None:
        self._to_come: deque[Armed[CountedT]] = deque(sorted(armed, key=lambda each: each.fault.from_s))
        self._active: list[Armed[CountedT]] = []
        self.pattern: CountedT = self._to_come[0].fault
        """Any of the faults: all match alike."""

    def count(self, now: float) -> list[Armed[CountedT]]:
        """Count one message and return the faults that hit it."""
        to_come = self._to_come
        while to_come and to_come[0].fault.from_s <= now:
            self._active.append(to_come.popleft())
        if not self._active:
            return []
        hits = []
        for armed in self._active:
            armed.seen += 1
            if armed.seen >= armed.fault.nth:
                hits.append(armed)
        if hits:
            self._active = [
                each for each in self._active if each.seen < each.fault.nth + each.fault.count - 1
            ]
        return hits


class Counters(Generic[CountedT]):
    """Armed faults that count messages, and which of them concern which."""

    def __init__(self, armed: Iterable[Armed[CountedT]], pattern: Callable[[CountedT], Hashable]) -> None:
        alike: dict[Hashable, list[Armed[CountedT]]] = {}
        for each in armed:
            alike.setdefault(pattern(each.fault), []).append(each)
        self._groups: list[Group[CountedT]] = [Group(each) for each in alike.values()]
        self._concerned: dict[Hashable, tuple[Group[CountedT], ...]] = {}

    def disarm(self) -> None:
        """Count and hit nothing any more."""
        self._groups = []
        self._concerned.clear()

    def hits(self, key: Hashable, now: float, names: Callable[[], tuple[str, ...]]) -> list[Armed[CountedT]]:
        """Count one message and return the faults that hit it; what to match is asked for once per key."""
        if not self._groups:
            return []
        concerned = self._concerned.get(key)
        if concerned is None:
            if len(self._concerned) >= MATCHES_KEPT_MAX:
                self._concerned.clear()
            seen = names()
            concerned = tuple(group for group in self._groups if group.pattern.matches(*seen))
            self._concerned[key] = concerned
        return [hit for group in concerned for hit in group.count(now)]
