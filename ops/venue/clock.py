"""Where the venue gets the time from, so that it can run where time is simulated."""

from __future__ import annotations

import time
from typing import Final, Protocol

NS_PER_S: Final = 1_000_000_000


class Clock(Protocol):
    """Wall time for what is told to clients, monotonic time for durations."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since some moment; never goes back."""
        ...


class MachineClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


def monotonic_s(clock: Clock) -> float:
    """Return the seconds since some moment."""
    return clock.monotonic_ns() / NS_PER_S
