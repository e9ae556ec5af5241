"""Behaviours: another way for an actor to handle its messages, for as long as it is in it.

Declared in the class, so that the table of each is built and checked once; changing between them replaces
one reference in the cell. A behaviour belongs to one incarnation: the next begins with the default one.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from supervisor.errors import BadActorClass, BehavioursNested, NoSuchBehaviour

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

NESTED_MAX: Final = 16
"""Behaviours put on top of each other; more is a `become` without its `unbecome`."""


class Otherwise(enum.Enum):
    """What a behaviour does with a message that it says nothing about."""

    HANDLE = "handle"
    """As the class does by default."""
    STASH = "stash"
    """Puts it aside if the class handles its type in any behaviour; if not it is a dead letter."""
    DROP = "drop"
    """Makes it a dead letter, with reason `unwanted`."""


class Behaviour:
    """One named way to handle messages, as a class attribute of the actor: `loading = Behaviour(...)`.

    Its own handlers are marked `@handles(Type, when=loading)`. Messages of the types in `stashes` (and of
    their subclasses) are put aside, and come back in front of the mailbox when the actor leaves a behaviour
    that stashes. `otherwise` is for all the rest. The runtime's own (timers, results of coroutines, exit
    requests) are opened in any behaviour, and what is in them is treated as any other message.
    """

    __slots__ = ("name", "otherwise", "stashes")

    def __init__(self, *, stashes: tuple[type, ...] = (), otherwise: Otherwise = Otherwise.HANDLE) -> None:
        if not isinstance(stashes, tuple) or not all(isinstance(each, type) for each in stashes):
            raise BadActorClass(f"stashes was {stashes!r}, expected a tuple of message classes")
        if not isinstance(otherwise, Otherwise):
            raise BadActorClass(f"otherwise was {otherwise!r}, expected a member of Otherwise")
        self.name = ""
        self.stashes = stashes
        self.otherwise = otherwise

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    def __repr__(self) -> str:
        return f"<behaviour {self.name or 'without a name'}>"

    @property
    def may_stash(self) -> bool:
        """Whether a message may be put aside by it."""
        return bool(self.stashes) or self.otherwise is Otherwise.STASH


def current(cell: SupervisedCell) -> Behaviour | None:
    """Return the behaviour an actor is in, None for the default one."""
    return cell.behaviours[-1] if cell.behaviours else None


def become(cell: SupervisedCell, behaviour: Behaviour, *, on_top: bool) -> None:
    """Handle messages by a behaviour from the next one on, in place of the current one or on top of it.

    Raises `NoSuchBehaviour` or `BehavioursNested`.
    """
    table = cell.cls.behaviour_tables.get(behaviour.name) if isinstance(behaviour, Behaviour) else None
    if table is None:
        known = ", ".join(cell.cls.behaviour_tables) or "none"
        raise NoSuchBehaviour(
            f"{cell.path}: become() was given {behaviour!r}; {cell.cls.__qualname__} declares {known}"
        )
    stack = cell.behaviours or ()
    if on_top and len(stack) == NESTED_MAX:
        raise BehavioursNested(
            f"{cell.path}: {NESTED_MAX} behaviours are on top of each other; unbecome() takes one off"
        )
    _change(cell, (*(stack if on_top else stack[:-1]), table.behaviour))


def unbecome(cell: SupervisedCell) -> None:
    """Go back to the behaviour below the current one, in the end to the default."""
    if cell.behaviours:
        _change(cell, cell.behaviours[:-1])


def forget(cell: SupervisedCell) -> None:
    """Go back to the default behaviour because the incarnation has ended; the stash stays."""
    cell.behaviours = None
    cell.use(cell.cls.handler_table)


def _change(cell: SupervisedCell, stack: tuple[Behaviour, ...]) -> None:
    left = current(cell)
    cell.behaviours = stack or None
    cell.use(cell.cls.behaviour_tables[stack[-1].name] if stack else cell.cls.handler_table)
    if left is not None and left.may_stash and left is not current(cell):
        cell.unstash()
