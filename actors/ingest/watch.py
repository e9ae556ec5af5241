"""What the poller knows of one wallet: how far it was read, and where the next reading starts."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

STARTS_KEPT: Final = 4
"""Earlier starts that are not used again: more polls than these do not fall into the CDN's 15 seconds."""

SPREAD_S: Final = 16
"""By how many seconds starts vary. More than `STARTS_KEPT`, so that one is always free."""


@dataclass(slots=True)
class Watch:
    """A watched wallet. `address` is that of its leader's actor."""

    address: Any
    cursor_s: int
    """Everything readable up to here was handed over."""
    durable_s: int
    """The cursor that the leader was told last; it stays before a row that could not be read."""
    load: int = 0
    """Which memory that leader has (see `LeaderReady`)."""
    broken_s: int | None = None
    """The time of that row."""
    active_s: int = 0
    """When another source last saw it trade."""
    swept_s: int | None = None
    """When a sweep last reached the end."""
    starts: tuple[int, ...] = ()

    def start(self, *, overlap_s: int, floor_s: int, random: Random) -> int:
        """Return where the next reading starts: behind the cursor by the overlap and a bit, not before
        `floor_s`, and not where one of the last readings started, for then the CDN would answer."""
        base_s = max(self.cursor_s - overlap_s, floor_s + SPREAD_S)
        first = random.randrange(SPREAD_S)
        candidates = [base_s - (first + step) % SPREAD_S for step in range(SPREAD_S)]
        start_s = next(one for one in candidates if one not in self.starts)
        self.starts = (*self.starts, start_s)[-STARTS_KEPT:]
        return start_s

    def may_have_lost(self, floor_s: int, overlap_s: int) -> bool:
        """Return whether the wallet was last read so long ago that trades before `floor_s` may be missed."""
        read_s = self.cursor_s if self.swept_s is None else max(self.cursor_s, self.swept_s - overlap_s)
        return read_s < floor_s

    def broke(self, at_s: int) -> None:
        """Take note of a row that could not be read."""
        self.broken_s = at_s if self.broken_s is None else min(self.broken_s, at_s)

    def reached(self, at_s: int) -> int | None:
        """Take note that everything readable up to then was handed over; return the cursor that may become
        durable now, or None if that one has not moved."""
        self.cursor_s = max(self.cursor_s, at_s)
        durable_s = self.cursor_s if self.broken_s is None else min(self.cursor_s, self.broken_s - 1)
        if durable_s <= self.durable_s:
            return None
        self.durable_s = durable_s
        return durable_s

    def swept(self, *, start_s: int, broken_s: int | None, floor_s: int, at_s: int) -> None:
        """Take note of a complete sweep. A broken row that read well this time, or that nobody would take
        any more, holds the cursor back no longer."""
        self.swept_s = at_s
        if self.broken_s is None or broken_s is not None:
            return
        if start_s <= self.broken_s or self.broken_s < floor_s:
            self.broken_s = None
