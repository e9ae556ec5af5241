"""What is known, and what was asked for lately: both bounded, the longest unused going first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

NS_PER_MS = 1_000_000


class Known(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A value with its arrival by both clocks and its source. What is `final` never grows old."""

    value: T
    as_of_ns: int
    mono_ns: int
    source: str
    final: bool

    def age_ms(self, mono_ns: int) -> int:
        """Return the age in whole milliseconds."""
        return max(0, mono_ns - self.mono_ns) // NS_PER_MS

    def fresh(self, mono_ns: int, age_ms_max: int) -> bool:
        """Return whether it may be served to somebody who accepts `age_ms_max`."""
        return self.final or mono_ns - self.mono_ns <= age_ms_max * NS_PER_MS


class Memory(Generic[T]):
    """The last known values, `capacity` of them at the most."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._known: dict[str, Known[T]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def use(self, key: str) -> Known[T] | None:
        """Return what is known and note the use."""
        known = self._known.pop(key, None)
        if known is not None:
            self._known[key] = known
        return known

    def peek(self, key: str) -> Known[T] | None:
        """Return what is known without noting a use."""
        return self._known.get(key)

    def put(self, key: str, known: Known[T]) -> Known[T]:
        """Note a value and return what is known now: never an older one, nor one in place of a final one."""
        held = self._known.pop(key, None)
        if held is not None and not known.final and (held.final or held.mono_ns > known.mono_ns):
            known = held
        self._known[key] = known
        if len(self._known) > self.capacity:
            del self._known[next(iter(self._known))]
        return known


class Demand:
    """Which keys were asked for last, and when: what is worth keeping warm."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._asked: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def note(self, key: str, mono_ns: int) -> None:
        """Note that somebody asked."""
        self._asked.pop(key, None)
        self._asked[key] = mono_ns
        if len(self._asked) > self.capacity:
            del self._asked[next(iter(self._asked))]

    def forget(self, key: str) -> None:
        """Stop counting a key as wanted."""
        self._asked.pop(key, None)

    def since(self, mono_ns: int) -> list[str]:
        """Return the keys asked for since, longest ago first, and forget the others."""
        while self._asked:
            oldest = next(iter(self._asked))
            if self._asked[oldest] >= mono_ns:
                break
            del self._asked[oldest]
        return list(self._asked)
