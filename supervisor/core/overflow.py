"""What a full mailbox does with a message too many, by policy.

Never drops what the runtime itself sent, nor a message that carries money: a lossy mailbox that meets one
halts its actor instead, though the check at class definition should have prevented that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supervisor.core.queues import CoalescingQueue, SheddingQueue, drop_oldest
from supervisor.core.ranking import priority_of
from supervisor.errors import Refused
from supervisor.inspection.deadletters import DropReason
from supervisor.mailbox import Overflow
from supervisor.signals import is_kept

if TYPE_CHECKING:
    from supervisor.core.cell import Cell


def overflowed(cell: Cell, message: Any, sender: Any, *, quiet: bool) -> bool:
    """Apply the policy of a full mailbox; True if the message was taken. `quiet` spares the notice."""
    if is_kept(message):
        cell.put(message, sender)
        return True
    policy = cell.mailbox.overflow
    if policy.is_lossy and getattr(type(message), "carries_money", False):
        policy = Overflow.HALT
    if policy is Overflow.REFUSE or (quiet and policy is Overflow.HALT):
        return _refuse(cell, message, sender, quiet=quiet)
    if policy is Overflow.HALT:
        return _halt(cell, message, sender)
    if policy is Overflow.DROP_NEWEST:
        cell.drop(DropReason.DROPPED_NEWEST, message, sender)
        return False
    if policy is Overflow.DROP_OLDEST:
        return _make_room(cell, message, sender, DropReason.DROPPED_OLDEST)
    if policy is Overflow.COALESCE:
        return _coalesce(cell, message, sender)
    return _shed(cell, message, sender)


def _refuse(cell: Cell, message: Any, sender: Any, *, quiet: bool) -> bool:
    if quiet:
        cell.drop(DropReason.REFUSED, message, sender)
    else:
        refuse(cell, message, sender, cell.mailbox.capacity)
    return False


def refuse(cell: Cell, message: Any, sender: Any, limit: int) -> None:
    """Turn a message away, as one more than the limit allows, and tell its sender."""
    cell.drop(DropReason.REFUSED, message, sender)
    target = getattr(sender, "cell", None)
    if target is not None:
        target.turned_away(Refused(type(message).__name__, cell.address, cell.path, limit))


def _halt(cell: Cell, message: Any, sender: Any) -> bool:
    cell.drop(DropReason.HALTED, message, sender)
    cell.halt()
    return False


def _make_room(cell: Cell, message: Any, sender: Any, reason: DropReason) -> bool:
    dropped = drop_oldest(cell.queue)
    if dropped is None:  # nothing but the runtime's own waits
        cell.drop(DropReason.DROPPED_NEWEST, message, sender)
        return False
    cell.drop(reason, dropped[0], dropped[1])
    cell.put(message, sender)
    return True


def _coalesce(cell: Cell, message: Any, sender: Any) -> bool:
    queue = cell.queue
    if isinstance(queue, CoalescingQueue) and queue.replaces(message):
        cell.put(message, sender)
        return True
    return _make_room(cell, message, sender, DropReason.DROPPED_OLDEST)


def _shed(cell: Cell, message: Any, sender: Any) -> bool:
    queue = cell.queue
    assert isinstance(queue, SheddingQueue)
    lowest = queue.lowest()
    if lowest is None or priority_of(message) < lowest:
        cell.drop(DropReason.SHED, message, sender)
        return False
    return _make_room(cell, message, sender, DropReason.SHED)
