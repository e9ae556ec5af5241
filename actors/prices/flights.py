"""Who waits for what: one flight per key, any number of waiters (P3). Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.prices.tiers import Deliver, Priority, Wanted

WAITERS_MAX: Final = 200_000
"""Beyond this many waiters the next is answered at once with what is known."""


class Waiter(msgspec.Struct, frozen=True, gc=False):
    """Somebody who asked, what he accepts, and how he is answered."""

    deliver: Deliver
    wanted: Wanted
    has_elsewhere: bool = False
    """Whether it knows where else to ask, so that it is better told of a failure at once."""


class Flight(msgspec.Struct, gc=False):
    """A question under way to the hosts."""

    started_ns: int
    priority: Priority
    """That of the most pressing who waits for it; WARM while nobody does."""
    sent_as: Priority | None = None
    """With which priority it left, None while it is gathered."""
    waiters: list[Waiter] = msgspec.field(default_factory=list)
    trouble: list[str] = msgspec.field(default_factory=list)
    """What went wrong so far, to be told if nothing comes of it."""


class Flights:
    """The flights under way by key, and the keys that are gathered for the next call."""

    def __init__(self) -> None:
        self.waiting = 0
        """Waiters altogether."""
        self._flights: dict[str, Flight] = {}
        self._gathered: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def under_way(self) -> list[str]:
        """Return the keys under way."""
        return list(self._flights)

    @property
    def full(self) -> bool:
        """Whether no further waiter is taken."""
        return self.waiting >= WAITERS_MAX

    def start(self, key: str, mono_ns: int, priority: Priority) -> bool:
        """Start a flight without waiters, and return whether there was none yet."""
        if key in self._flights:
            return False
        self._flights[key] = Flight(mono_ns, priority)
        return True

    def join(self, key: str, waiter: Waiter, mono_ns: int) -> bool:
        """Wait for a key; return whether that started a flight, which is gathered for the next call then."""
        started = self.start(key, mono_ns, waiter.wanted.priority)
        if started:
            self._gathered[key] = None
        flight = self._flights[key]
        flight.priority = min(flight.priority, waiter.wanted.priority)
        flight.waiters.append(waiter)
        self.waiting += 1
        return started

    def gather(self, key: str) -> None:
        """Put the flight of a key up for the next call."""
        self._gathered[key] = None

    def take_gathered(self) -> list[str]:
        """Return the keys gathered since the last time, the most pressing first, else as they came."""
        keys = sorted(self._gathered, key=self.priority)
        self._gathered.clear()
        return keys

    def priority(self, key: str) -> Priority:
        """Return how pressing the flight of a key is."""
        flight = self._flights.get(key)
        return flight.priority if flight is not None else Priority.WARM

    def get(self, key: str) -> Flight | None:
        """Return the flight of a key."""
        return self._flights.get(key)

    def awaited(self, key: str) -> bool:
        """Return whether anybody waits for the key."""
        flight = self._flights.get(key)
        return flight is not None and len(flight.waiters) > 0

    def release(self, key: str) -> list[Waiter]:
        """Return those who wait for a key and know where else to ask, and let them wait no more."""
        flight = self._flights.get(key)
        if flight is None:
            return []
        released = [waiter for waiter in flight.waiters if waiter.has_elsewhere]
        flight.waiters = [waiter for waiter in flight.waiters if not waiter.has_elsewhere]
        self.waiting -= len(released)
        return released

    def complain(self, key: str, trouble: str) -> None:
        """Note what went wrong with a flight."""
        flight = self._flights.get(key)
        if flight is not None and trouble not in flight.trouble:
            flight.trouble.append(trouble)

    def land(self, key: str) -> Flight | None:
        """End a flight and return it: each waiter is answered once."""
        flight = self._flights.pop(key, None)
        self._gathered.pop(key, None)
        if flight is not None:
            self.waiting -= len(flight.waiters)
        return flight
