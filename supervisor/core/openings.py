"""The queues that cells have open, given back by those that are idle.

An empty queue is more than half of an idle actor. None is opened before the first message; a look at the
longest open ones, now and then, closes those that nothing went through since the last. No send pays for it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supervisor.core.cell import Cell

LOOK_CELLS_MAX: Final = 1_000
"""A look at so many takes a small part of a slice."""


class Openings:
    """The cells of one system that have a queue."""

    __slots__ = ("_handled",)

    def __init__(self) -> None:
        self._handled: OrderedDict[Cell, int] = OrderedDict()
        """What each had handled when last looked at, the longest ago first."""

    def __len__(self) -> int:
        return len(self._handled)

    def note(self, cell: Cell) -> None:
        """Take note that a cell has opened its queue."""
        self._handled[cell] = cell.handled

    def forget(self, cell: Cell) -> None:
        """Take note that a cell has none any more."""
        self._handled.pop(cell, None)

    def look(self) -> None:
        """Have those close their queues that were idle since the last look."""
        for _ in range(min(len(self._handled), LOOK_CELLS_MAX)):
            cell, handled = self._handled.popitem(last=False)
            if cell.is_dead:
                continue
            self._handled[cell] = cell.handled
            if cell.handled == handled and not cell.scheduled and not cell.congested:
                cell.close()
