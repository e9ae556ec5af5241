"""What one actor does with the address of another beyond sending to it: wait for room, overtake, watch."""

from __future__ import annotations

from typing import Any

from supervisor.core.cell import Cell
from supervisor.core.supervised import SupervisedCell
from supervisor.core.tombstone import Tombstone
from supervisor.errors import DeadActor, SupervisorError
from supervisor.signals import Terminated


async def ready(address: Any) -> None:
    """Return when the mailbox is under its low-water mark. Raises `DeadActor`."""
    target = getattr(address, "cell", None)
    if isinstance(target, Cell):
        await target.under_low_water()
    elif isinstance(target, Tombstone):
        raise DeadActor(target.path)
    elif target is None:
        raise _unknown(address)


def put_urgent(address: Any, message: Any, sender: Any) -> None:
    """Deliver a message ahead of what waits."""
    target = getattr(address, "cell", None)
    if isinstance(target, SupervisedCell):
        target.put_urgent(message, sender)
    elif target is not None:
        target.accept(message, sender)
    else:
        raise _unknown(address)


def watch(watcher: SupervisedCell, address: Any) -> None:
    """Have the watcher's incarnation told when the actor ends, at once if it has."""
    epoch = watcher.epoch
    target = getattr(address, "cell", None)
    if isinstance(target, Cell):
        if target.watchers is None:
            target.watchers = {}
        target.watchers[watcher] = epoch
        if watcher.watching is None:
            watcher.watching = {}
        watcher.watching[target.address] = None
    elif isinstance(target, Tombstone):
        watcher.put(Terminated(address, target.path, target.reason), address)
    else:
        raise _unknown(address)


def _unknown(address: Any) -> SupervisorError:
    return SupervisorError(f"{address!r} is no address of an actor of this system")


def unwatch(watcher: SupervisedCell, address: Any) -> None:
    """Have the watcher not told any more."""
    target = getattr(address, "cell", None)
    if isinstance(target, Cell) and target.watchers is not None:
        target.watchers.pop(watcher, None)
    if watcher.watching is not None:
        watcher.watching.pop(address, None)
