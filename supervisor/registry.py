"""What actors of one system are registered for: global names, and the dead letters of all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thespian.actors import ChildActorExited, DeadEnvelope

if TYPE_CHECKING:
    from supervisor.cell import Cell


class Registry:
    """Who has which global name and who is sent dead letters, while they live."""

    def __init__(self) -> None:
        self.serials: Iterator[int] = itertools.count(1)
        """Tell actors apart that were given no name."""
        self._named: dict[str, Cell] = {}
        self._names: dict[Cell, str] = {}
        self._handlers: dict[Cell, None] = {}

    def owner(self, name: str | None) -> Cell | None:
        """Return who is registered under a global name."""
        return self._named.get(name) if name else None

    def name_of(self, cell: Cell) -> str:
        """Return the global name of an actor, empty if it has none."""
        return self._names.get(cell, "")

    def add_name(self, name: str, cell: Cell) -> None:
        """Register an actor until it ends."""
        self._named[name] = cell
        self._names[cell] = name

    def handle_dead_letters(self, cell: Cell, enable: bool) -> None:
        """Send dead letters to an actor from now on, or no more."""
        if enable:
            self._handlers[cell] = None
        else:
            self._handlers.pop(cell, None)

    def tell_dead_letter(self, path: str, message: Any, sender: Any) -> None:
        """Send an envelope of a dead message to every handler; never of an envelope or an exit."""
        if not self._handlers or isinstance(message, DeadEnvelope | ChildActorExited):
            return
        envelope = DeadEnvelope(f"/{path}", message)
        for cell in self._handlers:
            cell.put(envelope, sender)

    def forget(self, cell: Cell) -> None:
        """Take an ended actor out of every register."""
        name = self._names.pop(cell, None)
        if name is not None:
            del self._named[name]
        self._handlers.pop(cell, None)
