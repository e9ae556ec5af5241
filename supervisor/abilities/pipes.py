"""Coroutines that an actor has running, each of which becomes a message when it is done.

They belong to one incarnation: its end cancels them, and what an earlier one started never arrives at a
later one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from supervisor.errors import LimitReached, NotRunning
from supervisor.signals import RuntimeItem

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell


PIPES_MAX: Final = 10_000
"""Of one actor; whoever gets more questions than it can answer lets them wait in its mailbox or stash."""


class Pipe(RuntimeItem):
    """One coroutine under way, and the envelope of its result."""

    __slots__ = ("_failed", "_into", "cell", "coroutine", "live", "task")

    def __init__(
        self,
        cell: SupervisedCell,
        coroutine: Coroutine[Any, Any, Any],
        into: Callable[[Any], Any] | None,
        failed: Callable[[BaseException], Any] | None,
    ) -> None:
        self.cell = cell
        self.live = True
        self._into = into
        self._failed = failed
        self.coroutine = coroutine
        self.task: asyncio.Task[Any] = cell.scheduler.loop.create_task(_contained(coroutine))
        self.task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Cancel the coroutine; no message comes of it any more."""
        self.live = False
        if self.task.done():
            self._forget()
        else:
            self.task.cancel()

    def take(self) -> bool:
        """Take note of the delivery; False if there is nothing to deliver any more."""
        if self.live and self.cell.pipes is not None:
            self.cell.pipes.pop(self, None)
        return self.live

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.coroutine.close()  # it has not begun if it was cancelled at once
        if self.live:
            self.cell.put(self, self.cell.address)
        else:
            self._forget()

    def _forget(self) -> None:
        if self.cell.pipes is not None:
            self.cell.pipes.pop(self, None)
        if not self.task.cancelled():
            self.task.exception()  # retrieved: nobody is left to hear of it

    def message(self) -> Any:
        """Return the message the result turns into, None for no message.

        Raises what the coroutine raised if nothing was said about failures: the actor crashes of it.
        """
        try:
            value = self.task.result()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._failed is None:
                raise
            return self._failed(error)
        return self._into(value) if self._into is not None else value


async def _contained(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine; one that wants the process to exit has failed like any other, and ends no loop."""
    try:
        return await coroutine
    except SystemExit as error:
        raise RuntimeError("a coroutine raised SystemExit") from error


def start(
    cell: SupervisedCell,
    coroutine: Any,
    into: Callable[[Any], Any] | None,
    failed: Callable[[BaseException], Any] | None,
) -> Pipe:
    """Run a coroutine for the current incarnation.

    Raises `NotRunning` if that has ended, `LimitReached` if it has too many under way.
    """
    if not asyncio.iscoroutine(coroutine):
        kind = type(coroutine).__name__
        raise TypeError(f"pipe() was given a {kind}, expected a coroutine, as in self.pipe(self.fetch())")
    try:
        if len(cell.pipes or ()) >= PIPES_MAX:
            raise LimitReached(
                f"{cell.path}: it has {PIPES_MAX} coroutines under way, as many as an actor may"
            )
        pipe = Pipe(cell, coroutine, into, failed)
    except (NotRunning, LimitReached):
        coroutine.close()
        raise
    if cell.pipes is None:
        cell.pipes = {}
    cell.pipes[pipe] = None
    return pipe


def cancel_all(cell: SupervisedCell) -> None:
    """Cancel every coroutine of the incarnation; they may still need time to end."""
    for pipe in list(cell.pipes or ()):
        pipe.cancel()


async def all_ended(cell: SupervisedCell, limit_s: float) -> bool:
    """Return when all coroutines have ended, or False after the limit."""
    tasks = [pipe.task for pipe in cell.pipes or ()]
    if not tasks:
        return True
    _, unfinished = await asyncio.wait(tasks, timeout=limit_s)
    return not unfinished


def deliver(actor: Any, pipe: Pipe, sender: Any) -> None:
    """Open the envelope of a result: hand the message it turns into to the actor's handler."""
    if pipe.take():
        message = pipe.message()
        if message is not None:
            pipe.cell.hand_over(message, sender)
