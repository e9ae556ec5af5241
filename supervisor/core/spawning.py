"""Putting a new actor into the tree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import Actor

from supervisor.core.cell import START, WAITS, Cell
from supervisor.dispatch import check_money
from supervisor.errors import BadActorClass, LimitReached, NameTaken, NoMailbox
from supervisor.mailbox import Mailbox
from supervisor.policy import Restart
from supervisor.tables import HandlerTable

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell


DEPTH_MAX: Final = 100
"""How many actors may stand above each other."""


def is_supervised(cls: Any) -> bool:
    """Whether it is a class that supervision can start: one derived from `SupervisedActor`."""
    return isinstance(cls, type) and isinstance(getattr(cls, "handler_table", None), HandlerTable)


def check_name(name: str) -> None:
    """Raise `ValueError` for what cannot be part of a path."""
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"name was {name!r}, expected a non-empty text without '/'")


def check_depth(parent: Cell) -> None:
    """Raise `LimitReached` where a tree would grow deeper than any does that is meant to."""
    depth = 0
    above: Cell | None = parent
    while above is not None:
        depth += 1
        above = above.parent
    if depth > DEPTH_MAX:
        raise LimitReached(
            f"{parent.kind} {parent.name!r} is {DEPTH_MAX} actors deep, as deep as may be: "
            "does an actor start another of its own kind without end?"
        )


def spawn_child(
    parent: Cell,
    cls: type[Actor],
    name: str,
    args: Any,
    *,
    restart: Restart,
    shutdown_s: float,
    mailbox: Mailbox | None,
) -> Any:
    """Make a child and return its address.

    A parent that is on its way out gets an address that nobody answers to, as in Thespian. If a child of
    that name is still stopping, the new one begins when the old one has ended, and takes messages until then.
    """
    if not is_supervised(cls):
        shown = cls.__qualname__ if isinstance(cls, type) else f"an instance of {type(cls).__name__}"
        raise BadActorClass(
            f"{shown} is no subclass of SupervisedActor; use createActor() for plain Thespian actors"
        )
    if not isinstance(restart, Restart):
        raise ValueError(f"restart was {restart!r}, expected a member of Restart")
    if not isinstance(shutdown_s, int | float) or not 0 <= shutdown_s < math.inf:
        raise ValueError(f"shutdown_s was {shutdown_s!r}, expected a number of seconds, 0 or more")
    mailbox = _mailbox_for(cls, mailbox)
    check_depth(parent)
    if parent.is_leaving:
        return parent.system.dead_address(f"{parent.prefix}{name}")
    children = parent.children
    if children is None:
        children = parent.children = {}
    earlier = children.get(name)
    if earlier is not None:
        _step_aside(parent, earlier)
    system = parent.system
    cell = system.cell_class(
        system, parent, name, cls, args, mailbox=mailbox, restart=restart, shutdown_s=shutdown_s
    )
    children[name] = cell
    cell.attention = START
    if system.tracing.active:
        system.tracing.begun(cell)
    if earlier is not None:
        _succeed(earlier, cell)
    else:
        cell.schedule()
    return cell.address


def _mailbox_for(cls: Any, mailbox: Mailbox | None) -> Mailbox:
    if mailbox is not None:
        if not isinstance(mailbox, Mailbox):
            raise TypeError(f"mailbox was {type(mailbox).__name__}, expected a Mailbox")
        check_money(cls, mailbox, cls.handler_table.message_types)
        return mailbox
    declared: Mailbox | None = getattr(cls, "mailbox", None)
    if declared is None:
        raise NoMailbox(
            f"{cls.__qualname__} declares no mailbox; add for example "
            "`mailbox = Mailbox(capacity=1024, overflow=Overflow.REFUSE)` to the class"
        )
    return declared


def _step_aside(parent: Cell, earlier: Cell) -> None:
    if not earlier.is_stopping:
        raise NameTaken(f"{earlier.path} is alive; stop it first, or use child() to find it")
    assert parent.children is not None
    # Under a key no name can be, it still counts among those whose end the parent waits for.
    del parent.children[earlier.name]
    parent.children[f"/{earlier.address.number}"] = earlier


def _succeed(earlier: Cell, cell: SupervisedCell) -> None:
    old = earlier.as_supervised()
    if old is None:
        cell.schedule()
        return
    cell.park()
    cell.attention |= WAITS
    old.successor = cell
