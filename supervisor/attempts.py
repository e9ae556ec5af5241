"""What an actor died of, remembered over its restarts, so that the same thing cannot kill it for ever."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

CRASHES_MAX: Final = 2
REMEMBERED_MAX: Final = 1_024
"""Things that killed an actor; of more the oldest are forgotten, and may kill it again."""


class Attempts(Generic[T]):
    """Which piece of work is under way. Give it to an actor in its arguments: these outlive a crash.

    The actor calls `restarted()` in `started()`, and around each piece of work `begin(item)` and `end()`.
    `begin` returns False for what `crashes_max` incarnations died of; the message of each of them is in the
    dead letters. `key` says what makes two items the same; without it they are compared themselves.
    """

    def __init__(self, key: Callable[[T], Hashable] | None = None, crashes_max: int = CRASHES_MAX) -> None:
        self._key: Callable[[T], Hashable] = _itself if key is None else key
        self._crashes_max = crashes_max
        self._under_way: T | None = None
        self._crashes: dict[Hashable, int] = {}

    def begin(self, item: T) -> bool:
        """Note that work on an item begins; False if it crashed too often and must not be tried again."""
        if self._crashes and self._crashes.get(self._key(item), 0) >= self._crashes_max:
            return False
        self._under_way = item
        return True

    def end(self) -> None:
        """Note that the work is done."""
        self._under_way = None

    def restarted(self) -> None:
        """Note that a new incarnation begins: what is still under way is what the last one died of."""
        item, self._under_way = self._under_way, None
        if item is None:
            return
        key = self._key(item)
        self._crashes[key] = self._crashes.pop(key, 0) + 1
        if len(self._crashes) > REMEMBERED_MAX:
            del self._crashes[next(iter(self._crashes))]


def _itself(item: object) -> Hashable:
    return item
