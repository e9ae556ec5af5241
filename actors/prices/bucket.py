"""A token bucket. Pure: the caller brings the time and does the waiting."""

from __future__ import annotations

from typing import Final

SLOWEST: Final = 0.125
"""The smallest share of its rate that a bucket slows down to."""
_NEARLY: Final = 1e-9
"""What adding up fractions of a token may leave missing."""
WAIT_S_MIN: Final = 1e-6
"""No wait is shorter: a clock that has run for long does not tell such moments apart."""


class TokenBucket:
    """Lets `rate_per_s` calls through on average, and `burst` at once.

    It slows down where a host shows that it is pressed, and recovers step by step.
    """

    def __init__(self, rate_per_s: float, burst: float) -> None:
        if rate_per_s <= 0 or burst < 1:
            raise ValueError(f"rate was {rate_per_s} and burst {burst}, expected above 0 and at least 1")
        self.burst = burst
        self.pace = 1.0
        """The share of the rate that is in use."""
        self.rate_per_s = rate_per_s
        self._tokens = burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Take a token if there is one, and return whether."""
        self._refill(now_s)
        if self._tokens < 1.0 - _NEARLY:
            return False
        self._tokens -= 1.0
        return True

    def give_back(self) -> None:
        """Take back a token that was not used after all."""
        self._tokens = min(self.burst, self._tokens + 1.0)

    def wait_s(self, now_s: float, tokens: int = 1) -> float:
        """Return after how long there will be so many tokens, if nobody else takes any."""
        self._refill(now_s)
        missing = tokens - self._tokens
        return max(WAIT_S_MIN, missing / self._effective) if missing > _NEARLY else 0.0

    def spare(self, now_s: float) -> bool:
        """Return whether over half of the burst is left: what is not urgent goes only then."""
        self._refill(now_s)
        return self._tokens > self.burst / 2

    def slow_down(self) -> None:
        """Halve the pace."""
        self.pace = max(SLOWEST, self.pace / 2)

    def speed_up(self) -> None:
        """Recover a tenth of the pace."""
        self.pace = min(1.0, self.pace + 0.1)

    @property
    def _effective(self) -> float:
        return self.rate_per_s * self.pace

    def _refill(self, now_s: float) -> None:
        if self._at_s is not None:
            elapsed_s = max(0.0, now_s - self._at_s)
            self._tokens = min(self.burst, self._tokens + elapsed_s * self._effective)
        self._at_s = now_s
