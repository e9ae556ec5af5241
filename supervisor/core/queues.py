"""The queues of mailboxes whose policy must find a message inside: by key, or by priority.

Both do every operation in constant time (a shed in the number of different priorities), so that a flood
costs no more per message than a trickle. Other mailboxes use a plain deque.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from supervisor.core.ranking import place_of, priority_of
from supervisor.signals import is_kept

Item = tuple[Any, Any, float]
"""A message, its sender's address, and when it came in."""


class CoalescingQueue:
    """Keeps the latest message of each key, in the place of the first that waited."""

    __slots__ = ("_displaced", "_items", "_serial")

    def __init__(self, displaced: Callable[[Item], None]) -> None:
        self._items: OrderedDict[Any, Item] = OrderedDict()
        self._serial = 0
        self._displaced = displaced

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def append(self, item: Item) -> None:
        """Add at the end, or take the place of the waiting message of the same type and key."""
        place = place_of(item[0], self._items)
        if place is None:
            self._serial += 1
            self._items[self._serial] = item
            return
        earlier = self._items.get(place)
        self._items[place] = item
        if earlier is not None:
            self._displaced(earlier)

    def popleft(self) -> Item:
        return self._items.popitem(last=False)[1]

    def put_back(self, items: Iterable[Item]) -> None:
        """Put items in front again, in their order; a later message of the same key that waits stays."""
        for item in reversed(list(items)):
            place = place_of(item[0], self._items)
            if place is None:
                self._serial += 1
                place = self._serial
            elif place in self._items:
                self._displaced(item)
                continue
            self._items[place] = item
            self._items.move_to_end(place, last=False)

    def replaces(self, message: Any) -> bool:
        """Whether this message would take the place of a waiting one instead of needing its own."""
        place = place_of(message, self._items)
        return place is not None and place in self._items

    def drop(self) -> Item | None:
        """Remove and return the oldest message that may be dropped."""
        for place, item in self._items.items():
            if not is_kept(item[0]):
                del self._items[place]
                return item
        return None


class SheddingQueue:
    """First in, first out, able to give up the oldest of its lowest priority."""

    __slots__ = ("_back", "_front", "_items", "_lanes")

    def __init__(self) -> None:
        self._items: OrderedDict[int, tuple[Item, float | None]] = OrderedDict()
        """With the priority that each had when it came; None for what may not be shed."""
        self._lanes: dict[float, OrderedDict[int, None]] = {}
        self._front = 0
        self._back = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return (item for item, _ in self._items.values())

    def append(self, item: Item) -> None:
        priority = _lane_of(item[0])
        self._back += 1
        if priority is not None:
            self._lanes.setdefault(priority, OrderedDict())[self._back] = None
        self._items[self._back] = (item, priority)

    def popleft(self) -> Item:
        serial, (item, priority) = self._items.popitem(last=False)
        if priority is not None:
            self._leave(priority, serial)
        return item

    def put_back(self, items: Iterable[Item]) -> None:
        """Put items in front again, in their order."""
        for item in reversed(list(items)):
            priority = _lane_of(item[0])
            self._front -= 1
            self._items[self._front] = (item, priority)
            self._items.move_to_end(self._front, last=False)
            if priority is not None:
                lane = self._lanes.setdefault(priority, OrderedDict())
                lane[self._front] = None
                lane.move_to_end(self._front, last=False)

    def lowest(self) -> float | None:
        """Return the lowest priority that waits, None if nothing may be shed."""
        return min(self._lanes) if self._lanes else None

    def drop(self) -> Item | None:
        """Remove and return the oldest message of the lowest priority."""
        if not self._lanes:
            return None
        priority = min(self._lanes)
        serial = next(iter(self._lanes[priority]))
        self._leave(priority, serial)
        return self._items.pop(serial)[0]

    def _leave(self, priority: float, serial: int) -> None:
        lane = self._lanes[priority]
        del lane[serial]
        if not lane:
            del self._lanes[priority]


Queue = deque[Item] | CoalescingQueue | SheddingQueue


def _lane_of(message: Any) -> float | None:
    return None if is_kept(message) else priority_of(message)


def put_back(queue: Queue, items: Iterable[Item]) -> None:
    """Put items in front of any kind of queue, in their order."""
    if isinstance(queue, deque):
        queue.extendleft(reversed(list(items)))
    else:
        queue.put_back(items)


def put_urgent(queue: Queue, item: Item, urgent: type, urgent_max: int) -> bool:
    """Put an item in front of all but those of the given type that are in front already.

    False, and nothing is put, if these are as many as may be.
    """
    ahead: list[Item] = []
    while queue:
        first = queue.popleft()
        if type(first[0]) is not urgent:
            put_back(queue, [first])
            break
        ahead.append(first)
    fits = len(ahead) < urgent_max
    put_back(queue, [*ahead, item] if fits else ahead)
    return fits


def drop_oldest(queue: Queue) -> Item | None:
    """Remove and return the oldest message that may be dropped."""
    if not isinstance(queue, deque):
        return queue.drop()
    for index, item in enumerate(queue):
        if not is_kept(item[0]):
            del queue[index]
            return item
    return None
