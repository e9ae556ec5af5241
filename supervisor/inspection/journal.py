"""What operators did to actors: who, what, when, and what came of it; kept by number and logged.

With money in the process, no touch from outside may be inexplicable afterwards.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log: Final = logging.getLogger("supervisor")

ACTIONS_MAX: Final = 1_000
WHO_MAX: Final = 200
UNDER_WAY: Final = "under way"


@dataclass(frozen=True, slots=True)
class Action:
    """One touch from outside."""

    serial: int
    at_ns: int
    by: str
    action: str
    path: str
    outcome: str
    """"done", or "under way", or what it ended with, or why it was refused."""


class Entry:
    """An action whose outcome is still to come."""

    __slots__ = ("_outcome", "action", "at_ns", "by", "path", "serial")

    def __init__(self, serial: int, at_ns: int, by: str, action: str, path: str) -> None:
        self.serial = serial
        self.at_ns = at_ns
        self.by = by
        self.action = action
        self.path = path
        self._outcome = UNDER_WAY

    def close(self, outcome: str) -> None:
        """Write down what came of it."""
        self._outcome = outcome
        log.warning("%s of %r by %r: %s", self.action, self.path, self.by, outcome)

    def shown(self) -> Action:
        return Action(self.serial, self.at_ns, self.by, self.action, self.path, self._outcome)


class Journal:
    """The last actions, oldest first."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._entries: deque[Entry] = deque(maxlen=ACTIONS_MAX)
        self._serial = 0

    def open(self, by: str, action: str, path: str) -> Entry:
        """Write down that somebody does something. Raises `ValueError` if nobody is named."""
        if not by.strip() or len(by) > WHO_MAX:
            raise ValueError(f"by was {by[:WHO_MAX]!r}, expected who asks, in up to {WHO_MAX} characters")
        self._serial += 1
        entry = Entry(self._serial, self._now_ns(), by, action, path)
        self._entries.append(entry)
        log.warning("%s of %r asked for by %r", action, path, by)
        return entry

    def actions(self) -> tuple[Action, ...]:
        """Return what was done, oldest first."""
        return tuple(entry.shown() for entry in self._entries)
