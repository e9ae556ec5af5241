"""What the runtime knows about its own speed: how late the loop is and which handlers are slow."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.queues import Item

LAG_SAMPLES_MAX: Final = 256
LAG_BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SLOW_KINDS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How long the loop took to come to what was due, over the last samples."""

    last_s: float
    mean_s: float
    max_s: float
    p50_s: float = 0.0
    p99_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LagHistogram:
    """How late the loop ran ever since the system began, every sample counted."""

    buckets: tuple[tuple[float, int], ...]
    """Bound in seconds, and how many samples were at most that; rising in both."""
    count: int
    sum_s: float


@dataclass(frozen=True, slots=True)
class SlowHandler:
    """Handlers of one actor kind for one message type that took too long."""

    kind: str
    message_type: str
    count: int
    max_s: float
    total_s: float = 0.0
    path: str = ""
    """Which actor was the slowest."""


class Measures:
    """Bounded samples of lag, and counts of slow handlers by kind and message type."""

    __slots__ = ("_lag_counts", "_lag_sum_s", "_lags", "_slow", "slow_s")

    def __init__(self, slow_s: float) -> None:
        self.slow_s = slow_s
        self._lags: deque[float] = deque(maxlen=LAG_SAMPLES_MAX)
        self._lag_counts = [0] * (len(LAG_BOUNDS_S) + 1)
        self._lag_sum_s = 0.0
        self._slow: dict[tuple[str, str], SlowHandler] = {}

    def note_lag(self, lag_s: float) -> None:
        self._lags.append(lag_s)
        self._lag_counts[bisect_left(LAG_BOUNDS_S, lag_s)] += 1
        self._lag_sum_s += lag_s

    def note_slow(self, cell: Cell, item: Item, took_s: float) -> None:
        """Count a handler that took too long over a message, by the type that the actor's own code saw."""
        key = (cell.kind, type(item[0]).__name__)
        before = self._slow.get(key)
        if before is None:
            if len(self._slow) < SLOW_KINDS_MAX:
                self._slow[key] = SlowHandler(*key, 1, took_s, took_s, cell.path)
            return
        slowest = took_s > before.max_s
        self._slow[key] = SlowHandler(
            *key,
            before.count + 1,
            took_s if slowest else before.max_s,
            before.total_s + took_s,
            cell.path if slowest else before.path,
        )

    def lag(self) -> LoopLag:
        if not self._lags:
            return LoopLag(0.0, 0.0, 0.0)
        ranked = sorted(self._lags)
        return LoopLag(
            last_s=self._lags[-1],
            mean_s=sum(ranked) / len(ranked),
            max_s=ranked[-1],
            p50_s=ranked[len(ranked) // 2],
            p99_s=ranked[len(ranked) * 99 // 100],
        )

    def lag_histogram(self) -> LagHistogram:
        up_to = list(accumulate(self._lag_counts))
        return LagHistogram(tuple(zip(LAG_BOUNDS_S, up_to, strict=False)), up_to[-1], self._lag_sum_s)

    def slow(self) -> list[SlowHandler]:
        """Return the slow handlers, the slowest first."""
        return sorted(self._slow.values(), key=lambda each: -each.max_s)
