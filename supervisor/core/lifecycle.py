"""How incarnations of supervised actors begin and end, and how actors stop for good.

Nothing here decides whether an actor comes back; that is `supervision`. An incarnation that has neither
children nor coroutines begins and ends within one call; otherwise somebody awaits it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import TYPE_CHECKING, Any, Final

from supervisor.abilities import behaviours, pipes, timers
from supervisor.core.cell import DOZE, FINISH, PARKED, PASSIVE, START, STIR, SUSPENDED, Cell
from supervisor.core.queues import Item
from supervisor.errors import DeadActor, NotRunning
from supervisor.inspection.deadletters import DropReason
from supervisor.policy import ExitReason
from supervisor.signals import Drained

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

log: Final = logging.getLogger("supervisor")

_GRACE_S: Final = 0.1
"""What cancelled coroutines get at least, when handling the last messages took all the shutdown time."""


_ERRORS_TRIMMED_MAX: Final = 100
"""How far the chain of what led to an error is followed."""


class Gone:
    """What an actor's former incarnation has instead of its cell: nothing can be done through it."""

    __slots__ = ("address",)

    def __init__(self, address: Any) -> None:
        self.address = address

    def __getattr__(self, name: str) -> Any:
        raise NotRunning(f"{self.address.path}: this incarnation has ended and can do nothing any more")


def start(cell: SupervisedCell) -> bool:
    """Begin an incarnation; False if that failed, which supervision then knows."""
    cell.scheduler.current = None
    cell.attention &= ~(START | PASSIVE | STIR)
    idle_s = cell.cls.passivate_after_s
    if idle_s is not None:
        cell.system.sweeper.watch(cell, idle_s)
    try:
        actor = cell.cls()
        actor._myRef = cell
        actor._address = cell.address
        cell.actor = actor
        actor.started()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        cell.crashed(error, None)
        return False
    cell.running = True
    cell.started_at = cell.scheduler.now
    return True


def finish(cell: SupervisedCell) -> None:
    """End an incarnation that has no children and no coroutines left."""
    if cell.timers:
        timers.cancel_all(cell)
    actor = cell.actor
    if cell.running:
        cell.running = False
        try:
            actor.stopped()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.error("%s (%s): stopped() raised %s", cell.path, cell.kind, type(error).__name__)
    if actor is not None:
        # Again, for what stopped() has set going.
        if cell.pipes:
            pipes.cancel_all(cell)
        if cell.timers:
            timers.cancel_all(cell)
        if cell.watching is not None:
            cell.unwatch_all()
        if cell.behaviours is not None:
            behaviours.forget(cell)
        cell.breakers = None
        actor._myRef = Gone(cell.address)
        del actor._address
        cell.actor = None
        idle_s = cell.cls.passivate_after_s
        if idle_s is not None:
            cell.system.sweeper.forget(cell, idle_s)
    cell.attention &= ~(FINISH | DOZE)  # its own wishes, not those of the next
    cell.restart_times = None  # the next has children of its own to count for
    cell.epoch += 1


def passivate(cell: SupervisedCell) -> None:
    """Give up an incarnation that nothing needs; the next message begins another."""
    cell.attention |= PASSIVE  # first, so that stopped() starts no children
    finish(cell)
    cell.pipes = cell.children = cell.random = None
    cell.close()


async def end(cell: SupervisedCell, limit_s: float | None = None) -> bool:
    """End the incarnation: its children first, then its coroutines, then itself.

    False if coroutines had to be left behind, cancelled but not ended, when the time was up.
    """
    if cell.ending is not None:
        return await asyncio.shield(cell.ending)
    cell.ending = cell.scheduler.loop.create_future()
    in_time = False
    try:
        timers.cancel_all(cell)
        pipes.cancel_all(cell)
        await stop_children(cell, drain=False)
        in_time = await pipes.all_ended(cell, cell.shutdown_s if limit_s is None else limit_s)
        if not in_time:
            log.error("%s (%s): coroutines ignore their cancellation", cell.path, cell.kind)
        finish(cell)
    finally:
        ending, cell.ending = cell.ending, None
        ending.set_result(in_time)
    return in_time


async def stop_children(cell: Cell, *, drain: bool) -> None:
    """Stop all children for good, the last started first."""
    stopped = 0
    while cell.children:
        child = next(reversed(cell.children.values()))
        ended = child.begin_stop(drain=drain)
        if not ended.done():
            await asyncio.shield(ended)
        stopped += 1
        if stopped % 100 == 0:
            await asyncio.sleep(
                0
            )  # a crowd of idle children stops without a wait, yet must not hold the loop


def begin_stop(
    cell: SupervisedCell, *, drain: bool, reason: ExitReason = ExitReason.STOPPED
) -> asyncio.Future[None]:
    """Start stopping an actor for good; the future is done when it has ended.

    Children stop first, then the actor handles what waits in its mailbox if `drain`, then it ends.
    """
    if cell.closing is None:
        cell.closing = cell.scheduler.loop.create_future()
        cell.leave_recovery()
        nobody_acts = cell.scheduler.cell is None
        if nobody_acts and cell.at_rest and not (drain and _has_work(cell)):
            kill(cell, reason)
        else:
            cell.system.run(_stop(cell, drain=drain, reason=reason))
    return cell.closing


async def _stop(cell: SupervisedCell, *, drain: bool, reason: ExitReason) -> None:
    try:
        await stop_children(cell, drain=drain)
        deadline = cell.scheduler.loop.time() + cell.shutdown_s
        if drain and _has_work(cell) and not await _drain(cell):
            reason = ExitReason.KILLED
        cell.park()
        if not cell.at_rest and not await end(cell, max(_GRACE_S, deadline - cell.scheduler.loop.time())):
            reason = ExitReason.KILLED
    finally:
        kill(cell, reason)


def _has_work(cell: SupervisedCell) -> bool:
    # Whoever suspended an actor did not want what waits to be handled; a stop is no leave to.
    return not cell.attention & (PARKED | SUSPENDED) and bool(cell.queue or cell.attention & START)


async def _drain(cell: SupervisedCell) -> bool:
    """Let the actor handle what it has; False if its shutdown time did not suffice."""
    cell.drained = cell.scheduler.loop.create_future()
    cell.put(Drained(), cell.address)
    try:
        async with asyncio.timeout(cell.shutdown_s):
            await cell.drained
    except TimeoutError:
        log.error("%s (%s): did not come to the end of its mailbox in time", cell.path, cell.kind)
        return False
    return True


def kill(cell: SupervisedCell, reason: ExitReason) -> None:
    """End an actor and all under it now, without waiting for anything."""
    if cell.is_dead:
        return
    for child in reversed(list((cell.children or {}).values())):
        child.kill(ExitReason.KILLED)
    cell.leave_recovery()
    cell.attention |= PASSIVE  # so that stopped() starts no children
    finish(cell)
    stash, cell.stash = cell.stash, None
    waiting: list[Item] = [*(stash or ()), *cell.bury()]
    cell.system.terminated(cell, reason)
    for message, sender, _ in waiting:
        abandon(cell, message, sender)
    closing = cell.closing
    if closing is not None and not closing.done():
        closing.set_result(None)


def abandon(cell: Cell, message: Any, sender: Any) -> None:
    """Put a message that its actor did not live to handle into the dead letters, and tell its sender."""
    if isinstance(message, pipes.Pipe | timers.Timer):
        message.cancel()
        return
    if isinstance(message, Drained):
        return
    cell.drop(DropReason.DEAD, message, sender)
    target = getattr(sender, "cell", None)
    if target is not None:
        target.turned_away(DeadActor(cell.path))


def drained(actor: Any, mark: Drained, sender: Any) -> None:
    """Take note that the actor came to the end of what it had when it was asked to stop."""
    cell: SupervisedCell = actor._myRef
    cell.park()
    if cell.drained is not None and not cell.drained.done():
        cell.drained.set_result(None)


def trim_traceback(error: BaseException) -> None:
    """Let go of the locals on the way and of the runtime's own frame: a kept error must not keep them.

    Nor must those that led to it: each one's cause, context, and the parts of a group.
    """
    frames = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        error.__traceback__ = frames = frames.tb_next
    if error.__cause__ is None and error.__context__ is None and not isinstance(error, BaseExceptionGroup):
        traceback.clear_frames(frames)
        return
    seen: set[int] = set()
    errors: list[BaseException | None] = [error]
    while errors and len(seen) < _ERRORS_TRIMMED_MAX:
        each = errors.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if each.__traceback__ is not None:
            traceback.clear_frames(each.__traceback__)
        errors += (each.__cause__, each.__context__)
        if isinstance(each, BaseExceptionGroup):
            errors += each.exceptions
