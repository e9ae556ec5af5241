"""A token bucket that holds one token: requests leave evenly spaced, never above the rate in any window."""

from __future__ import annotations

from typing import Final

_NS_PER_S: Final = 1_000_000_000

SLOWEST: Final = 0.125
"""The smallest share of the rate that is used with a host that is pressed."""


class Budget:
    """Hands out moments to send at, less often while the host shows that it is pressed.

    Times are monotonic nanoseconds.
    """

    def __init__(self, per_s: float) -> None:
        self.pace = 1.0
        """The share of the rate that is in use."""
        self._gap_ns = int(_NS_PER_S / per_s)
        self._free_ns: int | None = None

    def reserve(self, now_ns: int) -> int:
        """Take the next free moment and return how many nanoseconds away it is."""
        moment = now_ns if self._free_ns is None else max(now_ns, self._free_ns)
        self._free_ns = moment + int(self._gap_ns / self.pace)
        return moment - now_ns

    def slow_down(self) -> None:
        """Use half as much of the rate."""
        self.pace = max(SLOWEST, self.pace / 2)

    def speed_up(self) -> None:
        """Use a tenth of the rate more, up to all of it."""
        self.pace = min(1.0, self.pace + 0.1)
