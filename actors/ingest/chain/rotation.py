"""Which of several nodes is asked next, and after what pause. Pure: the caller brings time and randomness."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from supervisor import Backoff

RETRY_AFTER_MAX_S: Final = 600.0
"""A node that asks for more is asked again after this long all the same."""

_NS_PER_S: Final = 1_000_000_000


class Rotation:
    """Stays with a node that works; after a failure goes to the next at once, and pauses after each round."""

    def __init__(self, urls: Sequence[str], backoff: Backoff, random: Random) -> None:
        self._urls = tuple(urls)
        self._rests_until_ns = [0] * len(self._urls)
        self._backoff = backoff
        self._random = random
        self._place = 0
        self.failures = 0

    def __len__(self) -> int:
        return len(self._urls)

    @property
    def url(self) -> str:
        """Whose turn it is."""
        return self._urls[self._place]

    def worked(self) -> None:
        """The present node has been of use for a while."""
        self.failures = 0

    def failed(self, now_ns: int, retry_after_s: float = 0.0) -> float:
        """Go on to the next node that does not rest and return for how many seconds nobody is to be asked.

        A node that asked for a pause is passed over while another one may do.
        """
        self.failures += 1
        self._rests_until_ns[self._place] = now_ns + int(min(retry_after_s, RETRY_AFTER_MAX_S) * _NS_PER_S)
        others = [(self._place + step) % len(self._urls) for step in range(1, len(self._urls) + 1)]
        self._place = min(others, key=lambda place: max(now_ns, self._rests_until_ns[place]))
        rest_s = max(0, self._rests_until_ns[self._place] - now_ns) / _NS_PER_S
        rounds, within = divmod(self.failures, len(self._urls))
        return rest_s if within else max(rest_s, self._backoff.delay_s(rounds, self._random))
