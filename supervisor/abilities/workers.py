"""Threads for the rare call that must block: few, shared by all actors of a system, never waited for at exit.

All bookkeeping is on the loop's thread; a call that waits for a thread can still be taken back, one that has
begun cannot, for nothing can stop a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from supervisor.abilities import pipes
from supervisor.abilities.pipes import Pipe
from supervisor.errors import WorkersBusy

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

_Value = TypeVar("_Value")

THREADS_MAX: Final = 4
WAITING_MAX: Final = 1_000
"""Calls that wait for a thread, in the whole system."""


class Workers(Protocol):
    """What runs blocking calls for actors."""

    async def call(self, function: Callable[[], _Value]) -> _Value:
        """Return what the function returns, or raise what it raises; raises `WorkersBusy`."""
        ...

    def close(self) -> None:
        """Take no more calls; those that have begun are left to themselves."""
        ...


class _Job:
    """One call; `done` is set when it has ended, however it did."""

    __slots__ = ("done", "error", "function", "value")

    def __init__(self, function: Callable[[], Any], done: asyncio.Future[None]) -> None:
        self.function = function
        self.done = done
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.value = _called(self.function)
        except Exception as error:
            self.error = error


def _called(function: Callable[[], _Value]) -> _Value:
    """Return what the function returns; whatever it raises is an ordinary error and ends nothing else."""
    try:
        return function()
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"a call in a thread raised {type(error).__name__}") from error


class ThreadWorkers:
    """Daemon threads, started when first needed and kept until `close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, threads_max: int) -> None:
        if threads_max < 1:
            raise ValueError(f"threads_max was {threads_max}, expected at least 1")
        self._loop = loop
        self._name = name
        self._threads_max = threads_max
        self._threads = 0
        self._running = 0
        self._waiting: dict[_Job, None] = {}
        self._begun: SimpleQueue[_Job | None] = SimpleQueue()

    async def call(self, function: Callable[[], _Value]) -> _Value:
        job = _Job(function, self._loop.create_future())
        self._submit(job)
        try:
            await asyncio.shield(job.done)
        except asyncio.CancelledError:
            if job in self._waiting:
                del self._waiting[job]
            else:
                # What it does outside is not over before it returns: nobody may take its place until then.
                await asyncio.wait([job.done])
            raise
        if job.error is not None:
            raise job.error
        value: _Value = job.value
        return value

    def close(self) -> None:
        self._threads_max = 0
        for _ in range(self._threads):
            self._begun.put(None)
        self._threads = 0

    def _submit(self, job: _Job) -> None:
        if self._running < self._threads_max:
            self._begin(job)
        elif len(self._waiting) < WAITING_MAX and self._threads_max:
            self._waiting[job] = None
        else:
            raise WorkersBusy(
                f"{len(self._waiting)} calls wait for one of {self._threads_max} threads, as many as may; "
                "send less to be done in threads, or give the base more by threads_max"
            )

    def _begin(self, job: _Job) -> None:
        self._running += 1
        if self._running > self._threads:
            self._threads += 1
            name = f"{self._name}-worker-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._begun.put(job)

    def _work(self) -> None:
        while (job := self._begun.get()) is not None:
            job.run()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                self._loop.call_soon_threadsafe(self._ended, job)
            del job

    def _ended(self, job: _Job) -> None:
        self._running -= 1
        job.done.set_result(None)
        if self._waiting and self._running < self._threads_max:
            following = next(iter(self._waiting))
            del self._waiting[following]
            self._begin(following)


class InlineWorkers:
    """Runs each call where it is awaited, in its turn on the loop: for simulations, where all is in order."""

    async def call(self, function: Callable[[], _Value]) -> _Value:
        return _called(function)

    def close(self) -> None:
        """Do nothing: nothing is left behind."""


def run_in_thread(
    cell: SupervisedCell,
    function: Any,
    args: tuple[Any, ...],
    into: Callable[[Any], Any] | None,
    failed: Callable[[BaseException], Any] | None,
) -> Pipe:
    """Have a function called in a thread; its result is a message to the current incarnation."""
    if not callable(function):
        kind = type(function).__name__
        raise TypeError(f"run_in_thread() was given {kind}, expected a function and its arguments")
    if inspect.iscoroutinefunction(function):
        raise TypeError("run_in_thread() was given an async function; give its coroutine to pipe()")
    context = contextvars.copy_context()
    call = cell.system.workers.call(lambda: context.run(function, *args))
    return pipes.start(cell, call, into, failed)
