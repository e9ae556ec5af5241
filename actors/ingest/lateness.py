"""Whether a feed runs late: it delivers, but what it delivers happened a while ago.

Seen for a whole day, by half an hour to an hour, on sockets that looked healthy (polymarket-wire.md,
section 4). A feed that is late brings nothing one could act on at once, and says nothing about what happens
now. Pure.
"""

from __future__ import annotations

from typing import Final

FRAMES: Final = 64
"""How many more late frames than timely ones, or the reverse, it takes to judge otherwise: about a second."""


class Lateness:
    """Judges one feed by every frame, with as much patience for getting late as for getting well."""

    __slots__ = ("_limit_ms", "_score", "is_late")

    def __init__(self, limit_ms: int) -> None:
        self._limit_ms = limit_ms
        self._score = 0
        self.is_late = False

    def note(self, lag_ms: int) -> bool:
        """Take note of a frame's lag; True if the judgement changed by it."""
        if lag_ms > self._limit_ms:
            self._score = min(FRAMES, self._score + 1)
            if self._score == FRAMES and not self.is_late:
                self.is_late = True
                return True
        else:
            self._score = max(0, self._score - 1)
            if self._score == 0 and self.is_late:
                self.is_late = False
                return True
        return False

    def forget(self) -> None:
        """Begin with a new connection, in good faith."""
        self._score = 0
        self.is_late = False
