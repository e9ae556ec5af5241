"""Whether the sockets together missed anything: what each was really delivering, laid side by side.

A socket that has fallen silent looks open until its watchdog gives it up; only then is it known since when
it delivered nothing. So a gap is looked for when a socket ends, over the time since its last frame, and
not by asking which sockets are open at the moment. Times are wall nanoseconds.
"""

from __future__ import annotations

from collections import deque
from typing import Final

ENDED_KEPT: Final = 256
"""Ended spans that are remembered: many times what all sockets together end in one silence period."""


class Coverage:
    """The spans of time in which each feed delivered.

    Whoever takes a gap looks into it at once and again `settle_ns` later. The second look finds what
    happened until half way there, so that needs no third.
    """

    def __init__(self, began_ns: int, settle_ns: int = 0) -> None:
        self._looked_ns = 0
        self._looks_ahead_ns = settle_ns // 2
        self._up: dict[str, int] = {}
        self._ended: deque[tuple[int, int]] = deque(maxlen=ENDED_KEPT)
        self._gap_ns: int | None = began_ns

    @property
    def is_up(self) -> bool:
        """Whether any feed is up."""
        return bool(self._up)

    @property
    def gap_since_ns(self) -> int | None:
        """Since when nothing is known to have been delivered, until `take_gap`."""
        return self._gap_ns

    def up(self, feed: str, at_ns: int) -> None:
        """Take note that a feed delivers from now on."""
        self._up[feed] = at_ns

    def down(self, feed: str, last_event_at_ns: int, at_ns: int) -> None:
        """Take note that a feed has delivered nothing since its last event, and will not."""
        up_ns = self._up.pop(feed, None)
        if up_ns is None:
            return
        last_ns = max(up_ns, min(last_event_at_ns, at_ns))
        self._ended.append((up_ns, last_ns))
        reached_ns = self._reached(max(last_ns, min(self._looked_ns, at_ns)), at_ns)
        if reached_ns < at_ns or not self._up:
            self.suspect(reached_ns)

    def suspect(self, since_ns: int) -> None:
        """Take note of a gap found in another way."""
        self._gap_ns = since_ns if self._gap_ns is None else min(self._gap_ns, since_ns)

    def take_gap(self, at_ns: int) -> int | None:
        """Return since when there is a gap, and forget it: somebody is looking into it now."""
        gap_ns, self._gap_ns = self._gap_ns, None
        if gap_ns is not None:
            self._looked_ns = at_ns + self._looks_ahead_ns
        return gap_ns

    def _reached(self, from_ns: int, to_ns: int) -> int:
        """Return how far the spans reach without a hole, from one moment towards another."""
        spans = sorted([*self._ended, *((up_ns, to_ns) for up_ns in self._up.values())])
        reached_ns = from_ns
        for start_ns, end_ns in spans:
            if start_ns <= reached_ns < end_ns:
                reached_ns = end_ns
        return min(reached_ns, to_ns)
