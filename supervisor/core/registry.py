"""What actors of one system are registered for: global names, and the dead letters of all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thespian.actors import ChildActorExited, DeadEnvelope

if TYPE_CHECKING:
    from supervisor.core.cell import Cell


class Registry:
    """Who has which global name, and who is sent dead letters: the last who asked, while it lives."""

    def __init__(self) -> None:
        self.serials: Iterator[int] = itertools.count(1)
        """Tell actors apart that were given no name."""
        self._named: dict[str, Cell] = {}
        self._names: dict[Cell, str] = {}
        self._undertaker: Cell | None = None

    def owner(self, name: str | None) -> Cell | None:
        """Return who is registered under a global name."""
        return self._named.get(name) if name else None

    def name_of(self, cell: Cell) -> str | None:
        """Return the global name of an actor, None if it has none."""
        return self._names.get(cell)

    def add_name(self, name: str, cell: Cell) -> None:
        """Register an actor until it ends."""
        self._named[name] = cell
        self._names[cell] = name

    def handle_dead_letters(self, cell: Cell, enable: bool) -> None:
        """Send dead letters to this actor and no other from now on, or to nobody if it was this one."""
        if enable:
            self._undertaker = cell
        elif self._undertaker is cell:
            self._undertaker = None

    def tell_dead_letter(self, path: str, message: Any, sender: Any) -> None:
        """Send a dead message in an envelope to who handles them, if it has room; never an exit."""
        undertaker = self._undertaker
        if undertaker is None or isinstance(message, DeadEnvelope | ChildActorExited):
            return
        if len(undertaker.queue) < undertaker.mailbox.capacity:
            undertaker.put(DeadEnvelope(f"/{path}", message), sender)

    def forget(self, cell: Cell) -> None:
        """Take an ended actor out of every register."""
        name = self._names.pop(cell, None)
        if name is not None:
            del self._named[name]
        self.handle_dead_letters(cell, False)
