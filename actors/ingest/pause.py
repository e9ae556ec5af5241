"""The pause that one host's failures call for, shared by all who ask that host."""

from __future__ import annotations

from random import Random
from typing import Final

from supervisor import Backoff

_NS_PER_S: Final = 1_000_000_000

RETRY_AFTER_MAX_S: Final = 600.0
"""A host that asks for more is asked again after this long all the same."""


class Pause:
    """Grows with each failure in a row; a `Retry-After` may lengthen it and never shortens it.

    Requests that were under way together fail together: they count as one failure.
    """

    def __init__(self, backoff: Backoff, random: Random) -> None:
        self._backoff = backoff
        self._random = random
        self._until_ns = 0
        self._began_ns = -1
        self.failures = 0

    def left_ns(self, now_ns: int) -> int:
        """Return how long nobody may ask."""
        return max(0, self._until_ns - now_ns)

    def failed(self, asked_ns: int, now_ns: int, retry_after_s: float = 0.0) -> None:
        """Take note of a request, sent at `asked_ns`, that failed."""
        if asked_ns > self._began_ns:
            self.failures += 1
            self._began_ns = now_ns
            self._until_ns = now_ns + int(self._backoff.delay_s(self.failures, self._random) * _NS_PER_S)
        wanted_ns = now_ns + int(min(retry_after_s, RETRY_AFTER_MAX_S) * _NS_PER_S)
        self._until_ns = max(self._until_ns, wanted_ns)

    def succeeded(self, asked_ns: int) -> None:
        """Take note of an answer to a request sent at `asked_ns`; one from before the pause says nothing."""
        if asked_ns > self._began_ns:
            self.failures = 0
