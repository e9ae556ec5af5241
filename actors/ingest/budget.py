"""A token bucket that holds one token: requests leave evenly spaced, never above the rate in any window."""

from __future__ import annotations

from typing import Final

_NS_PER_S: Final = 1_000_000_000


class Budget:
    """Hands out moments to send at. Times are monotonic nanoseconds."""

    def __init__(self, per_s: float) -> None:
        self._gap_ns = int(_NS_PER_S / per_s)
        self._free_ns: int | None = None

    def reserve(self, now_ns: int) -> int:
        """Take the next free moment and return how many nanoseconds away it is."""
        moment = now_ns if self._free_ns is None else max(now_ns, self._free_ns)
        self._free_ns = moment + self._gap_ns
        return moment - now_ns
