"""Keyed timers of one incarnation of an actor.

A timer that was cancelled or replaced never delivers, not even when its message waits in the mailbox
already.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

from supervisor.errors import LimitReached
from supervisor.freezing import check_message
from supervisor.signals import RuntimeItem

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell


TIMERS_MAX: Final = 100_000
"""Of one actor: far more than any needs, and an end to keys that are never used twice."""


class Timer(RuntimeItem):
    """A message to come, and the envelope it comes in."""

    __slots__ = ("_due", "_handle", "_period_s", "_waits", "cell", "key", "live", "message")

    def __init__(
        self, cell: SupervisedCell, key: Hashable, delay_s: float, message: Any, *, every: bool
    ) -> None:
        loop = cell.scheduler.loop
        self.cell = cell
        self.key = key
        self.message = message
        self.live = True
        self._period_s = delay_s if every else 0.0
        self._waits = False
        self._due = loop.time() + delay_s
        self._handle: asyncio.TimerHandle | None = loop.call_at(self._due, self._fire)

    @property
    def due_in_s(self) -> float:
        """How long until it fires next, below 0 if it waits in the mailbox."""
        return self._due - self.cell.scheduler.loop.time()

    @property
    def period_s(self) -> float:
        """The time between its messages, 0 if there is only one."""
        return self._period_s

    def cancel(self) -> None:
        """Never deliver again."""
        self.live = False
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        if self._period_s:
            loop = self.cell.scheduler.loop
            # A loop that was late skips what it missed: a burst of ticks tells nobody anything.
            missed = (loop.time() - self._due) // self._period_s
            self._due += self._period_s * (1 + max(0.0, missed))
            self._handle = loop.call_at(self._due, self._fire)
        if not self._waits:
            self._waits = True
            self.cell.put(self, self.cell.address)

    def take(self) -> bool:
        """Take note of the delivery; False if there is nothing to deliver any more."""
        self._waits = False
        if self.live and not self._period_s:
            self.live = False
            timers = self.cell.timers
            if timers is not None:
                timers.pop(self.key, None)
            return True
        return self.live


def set_timer(cell: SupervisedCell, key: Hashable, delay_s: float, message: Any, *, every: bool) -> None:
    """Set a timer in place of any other of that key. Raises `ValueError`, `NoMessage`, `LimitReached`."""
    if not isinstance(delay_s, int | float):
        raise TypeError(f"delay was {delay_s!r}, expected a number of seconds")
    if not (0 < delay_s < math.inf or (delay_s == 0 and not every)):
        raise ValueError(f"delay was {delay_s} s, expected {'more than 0' if every else '0 or more'}")
    check_message(message)
    cancel_timer(cell, key)
    if cell.timers is None:
        cell.timers = {}
    if len(cell.timers) >= TIMERS_MAX:
        raise LimitReached(f"{cell.path}: it has {TIMERS_MAX} timers, as many as an actor may")
    cell.timers[key] = Timer(cell, key, delay_s, message, every=every)


def cancel_timer(cell: SupervisedCell, key: Hashable) -> bool:
    """Cancel the timer of that key; False if there is none."""
    timer = cell.timers.pop(key, None) if cell.timers is not None else None
    if timer is None:
        return False
    timer.cancel()
    return True


def cancel_all(cell: SupervisedCell) -> None:
    """Cancel every timer of the incarnation."""
    timers, cell.timers = cell.timers, None
    for timer in (timers or {}).values():
        timer.cancel()


def deliver(actor: Any, timer: Timer, sender: Any) -> None:
    """Open the envelope of a timer: hand its message to the actor's handler for it."""
    if timer.take():
        timer.cell.hand_over(timer.message, sender)
