"""Idle actors give up their incarnation and are started anew by their next message.

Nothing is done for it while messages are handled: the actors of one idle time are looked at together a few
times within it, and an actor whose count of handled messages has not moved was idle.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from supervisor.core import lifecycle
from supervisor.core.cell import PARKED, STIR, SUSPENDED

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

LOOKS: Final = 4
"""How often an actor is looked at within its idle time; what it may sleep too late is one part of so many."""
BATCH: Final = 200
"""Actors looked at before the loop's other work has its turn."""


def is_free(cell: SupervisedCell) -> bool:
    """Whether nothing keeps the actor awake: it waits for nothing and nothing waits for it."""
    kept = cell.queue or cell.timers or cell.pipes or cell.children or cell.stash
    return cell.running and not kept and not cell.is_leaving and not cell.attention & (PARKED | SUSPENDED)


class Sweeper:
    """Looks after all actors of a system that may fall asleep by themselves."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rounds: dict[float, _Round] = {}

    def watch(self, cell: SupervisedCell, idle_s: float) -> None:
        """Let the actor sleep once it has been idle so long."""
        found = self._rounds.get(idle_s)
        if found is None:
            found = self._rounds[idle_s] = _Round(self._loop, idle_s)
        found.add(cell)

    def forget(self, cell: SupervisedCell, idle_s: float) -> None:
        """Look after this actor no more."""
        found = self._rounds.get(idle_s)
        if found is not None:
            found.marks.pop(cell, None)

    def close(self) -> None:
        """Look after nobody any more."""
        for each in self._rounds.values():
            each.close()


class _Round:
    """The actors of one idle time."""

    __slots__ = ("_handle", "_loop", "_period_s", "marks")

    def __init__(self, loop: asyncio.AbstractEventLoop, idle_s: float) -> None:
        self._loop = loop
        self._period_s = idle_s / LOOKS
        self._handle: asyncio.Handle | None = None
        self.marks: dict[SupervisedCell, tuple[int, int]] = {}
        """What each had handled when last looked at, and for how many looks that has been so."""

    def add(self, cell: SupervisedCell) -> None:
        self.marks[cell] = (cell.handled, 0)
        if self._handle is None:
            self._handle = self._loop.call_later(self._period_s, self._begin)

    def close(self) -> None:
        self.marks.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _begin(self) -> None:
        self._look(list(self.marks))

    def _look(self, cells: list[SupervisedCell]) -> None:
        for cell in cells[-BATCH:]:
            mark = self.marks.get(cell)
            if mark is not None:
                self._look_at(cell, *mark)
        del cells[-BATCH:]
        if cells:
            self._handle = self._loop.call_soon(self._look, cells)
        elif self.marks:
            self._handle = self._loop.call_later(self._period_s, self._begin)
        else:
            self._handle = None

    def _look_at(self, cell: SupervisedCell, handled: int, looks: int) -> None:
        if cell.handled != handled or cell.scheduled:
            self.marks[cell] = (cell.handled, 0)
        elif looks + 1 < LOOKS:
            self.marks[cell] = (handled, looks + 1)
        elif is_free(cell):
            lifecycle.passivate(cell)
        else:
            # Whatever it waits for comes as a message, or stirs it: to look again before is for nothing.
            del self.marks[cell]
            cell.attention |= STIR
