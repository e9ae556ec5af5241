"""What the runtime knows about its own speed: how late the loop is and which handlers are slow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

LAG_SAMPLES_MAX: Final = 256
SLOW_KINDS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How long the loop took to come to what was due, over the last samples."""

    last_s: float
    mean_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class SlowHandler:
    """Handlers of one actor kind for one message type that took too long."""

    kind: str
    message_type: str
    count: int
    max_s: float


class Measures:
    """Bounded samples of lag, and counts of slow handlers by kind and message type."""

    __slots__ = ("_lags", "_slow", "slow_s")

    def __init__(self, slow_s: float) -> None:
        self.slow_s = slow_s
        self._lags: deque[float] = deque(maxlen=LAG_SAMPLES_MAX)
        self._slow: dict[tuple[str, str], tuple[int, float]] = {}

    def note_lag(self, lag_s: float) -> None:
        self._lags.append(lag_s)

    def note_slow(self, kind: str, message: Any, took_s: float) -> None:
        key = (kind, type(message).__name__)
        count, longest = self._slow.get(key, (0, 0.0))
        if count or len(self._slow) < SLOW_KINDS_MAX:
            self._slow[key] = (count + 1, max(longest, took_s))

    def lag(self) -> LoopLag:
        if not self._lags:
            return LoopLag(0.0, 0.0, 0.0)
        return LoopLag(self._lags[-1], sum(self._lags) / len(self._lags), max(self._lags))

    def slow(self) -> list[SlowHandler]:
        """Return the slow handlers, the slowest first."""
        found = [
            SlowHandler(kind, message_type, count, longest)
            for (kind, message_type), (count, longest) in self._slow.items()
        ]
        return sorted(found, key=lambda each: -each.max_s)
