"""When something that failed may be asked again. Pure: the caller brings the time."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

from supervisor import Backoff

RETRY_AFTER_S_MAX: Final = 600.0
"""A longer `Retry-After` is not believed: one bad header would end all market data."""


class Gate:
    """Closes for a growing, jittered while at each failure in a row; opens for good at the first success.

    A call takes a ticket to enter. When a pause is over one call goes through to try, and the others wait for
    what it brings. What a call that began before the last failure brings says nothing new: its ticket has
    expired. A `Retry-After` can make the pause longer, never shorter.
    """

    def __init__(self, first_s: float, max_s: float, random: Random) -> None:
        self.failures = 0
        """In a row."""
        self._backoff = Backoff(first_s=first_s, max_s=max_s, factor=2.0, jitter=0.2)
        self._random = random
        self._closed_until_s = 0.0
        self._generation = 0
        self._trying = False

    def wait_s(self, now_s: float) -> float:
        """Return how long the gate stays closed; 0 when a call may go now."""
        return max(0.0, self._closed_until_s - now_s)

    def enter(self, now_s: float) -> int | None:
        """Return a ticket when a call may go now, else None."""
        if self.failures > 0:
            if self._trying or self.wait_s(now_s) > 0:
                return None
            self._trying = True
        return self._generation

    def valid(self, ticket: int) -> bool:
        """Return whether nothing has failed since the ticket was taken."""
        return ticket == self._generation

    def succeeded(self, ticket: int) -> None:
        """The call was answered."""
        if self.valid(ticket):
            self.failures = 0
            self._trying = False

    def failed(self, ticket: int, now_s: float, retry_after_s: float = 0.0) -> None:
        """The call failed; of several that were under way together only the first lengthens the pause."""
        if self.valid(ticket):
            self._generation += 1
            self._trying = False
            self.failures += 1
            self._closed_until_s = now_s + self._backoff.delay_s(self.failures, self._random)
        asked_s = min(max(0.0, retry_after_s), RETRY_AFTER_S_MAX)
        self._closed_until_s = max(self._closed_until_s, now_s + asked_s)

    def abandoned(self, ticket: int) -> None:
        """The call ended without telling anything."""
        if self.valid(ticket):
            self._trying = False


def retry_after_s(header: str | None, now_wall_s: Callable[[], float]) -> float:
    """Return the seconds that a `Retry-After` header (seconds or a date) asks for, 0 for none or nonsense."""
    if header is None:
        return 0.0
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_wall_s())
    except (ValueError, OverflowError):
        return 0.0
