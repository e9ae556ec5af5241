"""The record of messages that were not handled: counted exactly, kept by sample.

Counts are by actor kind, message type and reason. Of each reason the most recent letters are kept, so that
a flood of one reason does not push the crashes out. Never formats a message.
"""

from __future__ import annotations

import enum
import heapq
import traceback
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

LETTERS_PER_REASON_MAX: Final = 100


class DropReason(enum.StrEnum):
    """Why a message was not handled."""

    DROPPED_NEWEST = "dropped-newest"
    DROPPED_OLDEST = "dropped-oldest"
    COALESCED = "coalesced"
    SHED = "shed"
    REFUSED = "refused"
    HALTED = "halted"
    DEAD = "dead"
    """Its actor had ended, or ended with the message still waiting."""
    UNKNOWN_TYPE = "unknown-type"
    UNWANTED = "unwanted"
    """Its actor handles such messages, but not in the behaviour it was in."""
    NOT_FROZEN = "not-frozen"
    CRASHED = "crashed"
    """It crashed its handler and is quarantined."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that was not handled, with what is known about why."""

    serial: int
    at_ns: int
    path: str
    kind: str
    message_type: str
    reason: DropReason
    sender: Any = field(repr=False)
    message: Any = field(repr=False)
    error: BaseException | None = field(repr=False, default=None)

    @property
    def traceback(self) -> str:
        """The traceback of the crash, formatted now; empty for other reasons."""
        if self.error is None:
            return ""
        try:
            return "".join(traceback.format_exception(self.error))
        except Exception as error:  # the text of an error is the program's own code and may raise
            return f"{type(self.error).__name__} (its traceback failed to print: {type(error).__name__})"


class DeadLetters:
    """Counts and bounded samples, of one base."""

    def __init__(self) -> None:
        self._letters: dict[DropReason, deque[DeadLetter]] = {}
        self._counts: dict[tuple[str, str, str], int] = {}
        self._serial = 0

    def add(
        self,
        reason: DropReason,
        *,
        at_ns: int,
        path: str,
        kind: str,
        message: Any,
        sender: Any,
        error: BaseException | None = None,
    ) -> None:
        """Count one message and keep it among the recent ones of its reason."""
        message_type = type(message).__name__
        key = (kind, message_type, str(reason))
        self._counts[key] = self._counts.get(key, 0) + 1
        self._serial += 1
        ring = self._letters.get(reason)
        if ring is None:
            ring = self._letters[reason] = deque(maxlen=LETTERS_PER_REASON_MAX)
        ring.append(DeadLetter(self._serial, at_ns, path, kind, message_type, reason, sender, message, error))

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many by (actor kind, message type, reason)."""
        return dict(self._counts)

    def recent(self) -> list[DeadLetter]:
        """Return the kept letters, oldest first."""
        return list(heapq.merge(*self._letters.values(), key=lambda letter: letter.serial))
