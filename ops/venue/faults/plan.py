"""The faults in force, and how often each has struck."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from ops.venue.clock import Clock, monotonic_s
from ops.venue.faults.spec import Fault, FaultSpec, Mute, RequestFault, SocketFault


class Strikes:
    """One fault, its own chance, and its count."""

    def __init__(self, fault: Fault, chance: random.Random, count: Counter[int], index: int) -> None:
        self.fault = fault
        self.chance = chance
        self._count = count
        self._index = index

    def in_window(self, age_s: float) -> bool:
        """Whether the fault's time has come and has not passed, at this age of what it strikes."""
        fault = self.fault
        return age_s >= fault.after_s and (fault.for_s is None or age_s < fault.after_s + fault.for_s)

    def spend(self) -> bool:
        """Count one strike; False where the limit is reached."""
        if self.fault.limit is not None and self._count[self._index] >= self.fault.limit:
            return False
        self._count[self._index] += 1
        return True

    def hits(self, age_s: float) -> bool:
        """Decide by time, chance and limit whether the fault strikes now."""
        return self.in_window(age_s) and self.is_chosen() and self.spend()

    def is_chosen(self) -> bool:
        """Decide by chance alone."""
        return self.fault.rate >= 1.0 or self.chance.random() < self.fault.rate


class FaultPlan:
    """Holds the spec; a change takes effect on open sockets at once."""

    def __init__(self, spec: FaultSpec, clock: Clock) -> None:
        self.version = 0
        self.watchers: dict[Callable[[], None], None] = {}
        """Called when another spec is put in force."""
        self._clock = clock
        self.set(spec)

    def set(self, spec: FaultSpec) -> None:
        """Put another spec in force; counts begin anew."""
        self.spec = spec
        self.version += 1
        self._count: Counter[int] = Counter()
        self._set_at = self.now_s()
        self.has_mutes = any(isinstance(fault, Mute) for fault in spec.faults)
        self._requests = [
            strikes for strikes in self._strikes("http", 0) if isinstance(strikes.fault, RequestFault)
        ]
        for told in list(self.watchers):
            told()

    def now_s(self) -> float:
        """Return the seconds since some moment."""
        return monotonic_s(self._clock)

    def for_socket(self, channel: str, ordinal: int) -> list[Strikes]:
        """Return the faults that concern one connection, with chances of its own."""
        return [
            strikes
            for strikes in self._strikes(channel, ordinal)
            if _is_on(strikes.fault, channel, ordinal) and not isinstance(strikes.fault, Mute)
        ]

    def mutes(self, ordinal: int, token: str, draw: int) -> list[Strikes]:
        """Return the faults that mute a token on one market connection; each `draw` has its own chance."""
        if not self.has_mutes:
            return []
        return [
            strikes
            for strikes in self._strikes("market", f"{ordinal}/{token}/{draw}")
            if isinstance(strikes.fault, Mute)
            and _is_on(strikes.fault, "market", ordinal)
            and strikes.is_chosen()
            and strikes.spend()
        ]

    def for_request(self, path: str) -> list[Strikes]:
        """Return the faults that strike one request."""
        age_s = self.now_s() - self._set_at
        return [
            strikes for strikes in self._requests if _concerns(strikes.fault, path) and strikes.hits(age_s)
        ]

    def strikes_by_kind(self) -> dict[str, int]:
        """Return how often each kind has struck since the spec was set."""
        counts: Counter[str] = Counter()
        for index, fault in enumerate(self.spec.faults):
            counts[str(fault.__struct_config__.tag)] += self._count[index]
        return dict(counts)

    def _strikes(self, channel: str, which: int | str) -> list[Strikes]:
        return [
            Strikes(fault, random.Random(f"{self.spec.seed}/{index}/{channel}/{which}"), self._count, index)
            for index, fault in enumerate(self.spec.faults)
        ]


def _is_on(fault: Fault, channel: str, ordinal: int) -> bool:
    return (
        isinstance(fault, SocketFault)
        and fault.channel in ("*", channel)
        and fault.connection in (None, ordinal)
    )


def _concerns(fault: Fault, path: str) -> bool:
    return isinstance(fault, RequestFault) and (
        fault.route == "*" or path.lstrip("/").startswith(fault.route)
    )
