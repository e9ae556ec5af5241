"""Where actors get the time from, so that a simulation can give them its own."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

NS_PER_S: Final = 1_000_000_000


class Clock(Protocol):
    """Wall time for what is shown or compared with others, monotonic time for durations."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class LoopClock:
    """The time of an event loop that simulates it, with a given start."""

    __slots__ = ("_loop", "_zero_ns")

    def __init__(self, loop: asyncio.AbstractEventLoop, start_ns: int) -> None:
        self._loop = loop
        self._zero_ns = start_ns

    def step(self, by_s: float) -> None:
        """Have the wall clock jump, ahead or back; monotonic time does not."""
        self._zero_ns += round(by_s * NS_PER_S)

    def now_ns(self) -> int:
        return self._zero_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(self._loop.time() * NS_PER_S)
