"""What is known, and what was asked for lately: both bounded, the longest unused going first. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import msgspec

from actors.prices.tiers import PRIORITIES, Wanted
from messages.markets import Tier

T = TypeVar("T")

NS_PER_MS: Final = 1_000_000
NEVER_NS: Final = -(10**30)


class Known(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """A value with its arrival by both clocks and its source. What is `final` never grows old."""

    value: T
    as_of_ns: int
    mono_ns: int
    source: str
    final: bool
    hearsay: bool = False
    """Read from the database: it may be shown as old, and never counts as fresh (P4)."""

    def age_ms(self, mono_ns: int) -> int:
        """Return the age in whole milliseconds."""
        return max(0, mono_ns - self.mono_ns) // NS_PER_MS

    def fresh(self, mono_ns: int, age_ms_max: int) -> bool:
        """Return whether it may be served to somebody who accepts `age_ms_max`."""
        return self.final or (not self.hearsay and mono_ns - self.mono_ns <= age_ms_max * NS_PER_MS)


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

    def forget(self, key: str) -> None:
        """Know nothing of a key any more."""
        self._known.pop(key, None)


class Asked(msgspec.Struct, gc=False):
    """Who asked for one key lately, by tier."""

    count: int
    at_ns: int
    """By the monotonic clock, as all times here."""
    by_tier: dict[Tier, int] = msgspec.field(default_factory=dict)
    age_ms: dict[Tier, int] = msgspec.field(default_factory=dict)
    """The age last accepted by each tier."""

    def tier_since(self, since_ns: int) -> Tier | None:
        """Return the most pressing tier that asked since then."""
        lately = [tier for tier, at_ns in self.by_tier.items() if at_ns >= since_ns]
        return min(lately, key=PRIORITIES.__getitem__, default=None)

    def age_ms_max(self, since_ns: int) -> int | None:
        """Return the smallest age that was accepted since then, of those worth keeping up with."""
        ages = [
            self.age_ms[tier]
            for tier, at_ns in self.by_tier.items()
            if at_ns >= since_ns and tier not in NOT_WARMED
        ]
        return min(ages, default=None)


NOT_WARMED: Final = frozenset((Tier.T3, Tier.T4))
"""Who accepts this much age can wait for one call."""


class Demand:
    """Which keys were asked for last, when and by whom: what is worth keeping warm."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._asked: dict[str, Asked] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def note(self, key: str, mono_ns: int, wanted: Wanted) -> None:
        """Note that somebody asked."""
        asked = self._asked.pop(key, None) or Asked(0, mono_ns)
        asked.count += 1
        asked.at_ns = mono_ns
        asked.by_tier[wanted.tier] = mono_ns
        asked.age_ms[wanted.tier] = wanted.age_ms_max
        self._asked[key] = asked
        if len(self._asked) > self.capacity:
            del self._asked[next(iter(self._asked))]

    def get(self, key: str) -> Asked | None:
        """Return who asked for a key."""
        return self._asked.get(key)

    def forget(self, key: str) -> None:
        """Stop counting a key as wanted."""
        self._asked.pop(key, None)

    def since(self, mono_ns: int) -> list[str]:
        """Return the keys asked for since, longest ago first, and forget the others."""
        while self._asked:
            oldest = next(iter(self._asked))
            if self._asked[oldest].at_ns >= mono_ns:
                break
            del self._asked[oldest]
        return list(self._asked)
