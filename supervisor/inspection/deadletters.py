"""The record of messages that were not handled: counted exactly, kept by sample.

Counts are by actor kind, message type and reason. Of each reason the most recent letters are kept, so that
a flood of one reason does not push the crashes out, and of the messages themselves fewer, for they may be
large. Never formats a message.
"""

from __future__ import annotations

import enum
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, Final

from supervisor.inspection.errortext import traceback_text

LETTERS_PER_REASON_MAX: Final = 100
MESSAGES_PER_REASON_MAX: Final = 16
"""What a letter costs is its message, which may be large; those of crashes are evidence and all kept."""
COUNTS_MAX: Final = 10_000
OTHER: Final = "(other)"
"""Stands for the kinds and types beyond those that are counted apart."""


class Forgotten:
    """Stands in a dead letter for its message once that is not kept any more."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<forgotten>"


FORGOTTEN: Final = Forgotten()


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
    LOST = "lost"
    """The transport of a simulation lost it, by plan."""


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
    """The message itself, `FORGOTTEN` in all but the last letters of a reason other than a crash."""
    error: BaseException | None = field(repr=False, default=None)

    @property
    def traceback(self) -> str:
        """The traceback of the crash, formatted now; empty for other reasons."""
        return traceback_text(self.error)


class DeadLetters:
    """Counts and bounded samples, of one base."""

    def __init__(self) -> None:
        self._rings: dict[DropReason, _Ring] = {}
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
        count = self._counts.get(key, 0)
        if not count and len(self._counts) >= COUNTS_MAX:
            key = (OTHER, OTHER, str(reason))
            count = self._counts.get(key, 0)
        self._counts[key] = count + 1
        self._serial += 1
        ring = self._rings.get(reason)
        if ring is None:
            ring = self._rings[reason] = _Ring(reason)
        ring.letters.append((self._serial, at_ns, path, kind, message_type, reason, sender, error))
        ring.messages.append(message)

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Return how many by (actor kind, message type, reason)."""
        return dict(self._counts)

    def recent(self) -> list[DeadLetter]:
        """Return the kept letters, oldest first."""
        return list(heapq.merge(*map(_Ring.opened, self._rings.values()), key=lambda letter: letter.serial))


class _Ring:
    """The recent letters of one reason, and the messages of the last of them."""

    __slots__ = ("letters", "messages")

    def __init__(self, reason: DropReason) -> None:
        is_evidence = reason is DropReason.CRASHED
        self.letters: deque[tuple[Any, ...]] = deque(maxlen=LETTERS_PER_REASON_MAX)
        self.messages: deque[Any] = deque(
            maxlen=LETTERS_PER_REASON_MAX if is_evidence else MESSAGES_PER_REASON_MAX
        )

    def opened(self) -> Iterator[DeadLetter]:
        forgotten = len(self.letters) - len(self.messages)
        messages = chain(repeat(FORGOTTEN, forgotten), self.messages)
        for letter, message in zip(self.letters, messages, strict=True):
            serial, at_ns, path, kind, message_type, reason, sender, error = letter
            yield DeadLetter(serial, at_ns, path, kind, message_type, reason, sender, message, error)
