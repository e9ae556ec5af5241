"""Fills that only the chain has seen, put aside for a moment: the API or the stream may bring them too (D9).

Theirs act at once, with names and in their order; the chain's act when the others are late. Pure: the actor
brings the time.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from messages.ids import TxHash
from messages.trades import FillReported, SourceKind

HELD_MAX: Final = 10_000
"""More of one wallet do not wait; nobody trades like that."""


class Fallback:
    """What waits of one wallet's fills, each for the same time, in the order they came."""

    def __init__(self, wait_ns: int) -> None:
        self._wait_ns = wait_ns
        self._held: deque[tuple[int, FillReported]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def follow(self, wait_ns: int) -> None:
        """Let what comes from now on wait for this long."""
        self._wait_ns = wait_ns

    def holds(self, report: FillReported, now_ns: int) -> bool:
        """Take a report at a monotonic time and return True if it has to wait."""
        if report.kind is not SourceKind.CHAIN or self._wait_ns == 0 or len(self._held) >= HELD_MAX:
            return False
        self._held.append((now_ns + self._wait_ns, report))
        return True

    def due(self, now_ns: int) -> list[FillReported]:
        """Return what has waited long enough."""
        due = []
        while self._held and self._held[0][0] <= now_ns:
            due.append(self._held.popleft()[1])
        return due

    def next_ns(self, now_ns: int) -> int | None:
        """Return after how long something is due, None if nothing waits."""
        return max(0, self._held[0][0] - now_ns) if self._held else None

    def drop(self, tx: TxHash) -> None:
        """Forget what waits of a transaction: it did not happen."""
        self._held = deque(one for one in self._held if one[1].tx != tx)
