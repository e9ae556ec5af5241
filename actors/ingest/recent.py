"""Bounded memories of what came lately, in two generations: constant time and no bookkeeping per entry.

When the young generation is full it becomes the old one and the former old one is forgotten. So at least
the last `keep` distinct keys are remembered and at most twice as many.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class RecentSet(Generic[KeyT]):
    """Which keys came lately; a key that comes again stays."""

    __slots__ = ("_keep", "_old", "_young")

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._young: set[KeyT] = set()
        self._old: set[KeyT] = set()

    def __len__(self) -> int:
        return len(self._young | self._old)

    def seen(self, key: KeyT) -> bool:
        """Remember the key and return whether it was remembered already."""
        if key in self._young:
            return True
        was_there = key in self._old
        if len(self._young) >= self._keep:
            self._old, self._young = self._young, set()
        self._young.add(key)
        return was_there


class RecentCounts(Generic[KeyT]):
    """How often each key came lately; a key that is forgotten starts again from 1."""

    __slots__ = ("_keep", "_old", "_young")

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._young: dict[KeyT, int] = {}
        self._old: dict[KeyT, int] = {}

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())

    def count(self, key: KeyT) -> int:
        """Return 1 at the first time of the key, 2 at the second, …."""
        times = self._young.get(key)
        if times is None:
            times = self._old.get(key, 0)
            if len(self._young) >= self._keep:
                self._old, self._young = self._young, {}
        self._young[key] = times + 1
        return times + 1
