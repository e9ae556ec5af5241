"""The queues that cells have open, given back by those that are idle.

An empty queue is more than half of an idle actor. None is opened before the first message; a look at some of
the open ones, now and then, closes those that nothing went through since the last. No send pays for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supervisor.core.cell import Cell

LOOK_CELLS_MAX: Final = 1_000
"""A look at so many takes a small part of a slice."""


class Openings:
    """The cells of one system that have a queue."""

    __slots__ = ("_due", "_seen")

    def __init__(self) -> None:
        self._due: dict[Cell, int] = {}
        """What each had handled when last looked at; these come next."""
        self._seen: dict[Cell, int] = {}
        """The same of those that come when nobody is due any more."""

    def __len__(self) -> int:
        return len(self._due) + len(self._seen)

    def note(self, cell: Cell) -> None:
        """Take note that a cell has opened its queue."""
        self._seen[cell] = cell.handled

    def forget(self, cell: Cell) -> None:
        """Take note that a cell has none any more."""
        self._due.pop(cell, None)
        self._seen.pop(cell, None)

    def look(self) -> None:
        """Have those close their queues that were idle since the last look at them."""
        if not self._due:
            self._due, self._seen = self._seen, self._due
        for _ in range(min(len(self._due), LOOK_CELLS_MAX)):
            cell, handled = self._due.popitem()
            if cell.is_dead:
                continue
            self._seen[cell] = cell.handled
            if cell.handled == handled and not cell.scheduled and not cell.congested:
                cell.close()
