"""One system of actors: its loop, its tree, and what is common to all that is in it.

The inside of the base; what programs call is in `outside` and `base`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import ActorAddress, InvalidActorAddress

from supervisor.abilities.asking import ReplyTarget
from supervisor.abilities.passivation import Sweeper
from supervisor.abilities.workers import THREADS_MAX, ThreadWorkers, Workers
from supervisor.address import CellAddress, Target, numbers, register_system
from supervisor.clock import Clock, SystemClock
from supervisor.core.cell import Cell
from supervisor.core.copying import CopyingReplyTarget, copying_cell
from supervisor.core.guardian import Guardian
from supervisor.core.lifecycle import stop_children
from supervisor.core.openings import Openings
from supervisor.core.registry import Registry
from supervisor.core.restarts import Restarts
from supervisor.core.scheduler import Scheduler
from supervisor.core.threads import Home
from supervisor.core.tombstone import Tombstone
from supervisor.errors import RootFailed, SystemStopped
from supervisor.inspection.deadletters import DeadLetters, DropReason
from supervisor.inspection.measures import Measures
from supervisor.inspection.totals import Ended
from supervisor.inspection.tracing import Tracing
from supervisor.policy import ExitReason, RestartBudget, Supervision
from supervisor.thespian.options import PlainActors

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

log: Final = logging.getLogger("supervisor")

SLOW_HANDLER_S: Final = 0.01
"""What a handler may take before it is reported; ten slices of the loop."""
LAG_PERIOD_S: Final = 0.25
STOP_TIMEOUT_S: Final = 30.0
"""What a stop of the whole may take before the rest is killed, unless set otherwise."""

DEFAULT_BUDGET: Final = RestartBudget()

_serials = itertools.count(1)


class System:
    """Everything that cells share."""

    cell_class: type[SupervisedCell]
    """What supervised actors live in; a system that treats messages in its own way has its own."""
    closed = False
    """Whether it was shut down and has no actors left, and never will have again."""
    reply_class: type[ReplyTarget] = ReplyTarget
    """What takes the answer to an ask."""
    failed: RootFailed | None = None
    """Why the system gave up, None while it has not."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        seed: int | str | None = None,
        name: str = "remora",
        capabilities: dict[str, Any] | None = None,
        supervision: Supervision | None = None,
        slow_handler_s: float = SLOW_HANDLER_S,
        threads_max: int = THREADS_MAX,
        plain: PlainActors | None = None,
        restart_budget: RestartBudget | None = DEFAULT_BUDGET,
        copy_messages: bool = False,
    ) -> None:
        if copy_messages:
            self.copy_messages()
        self.name = name
        self.seed = seed
        self.plain = plain or PlainActors()
        self.capabilities = dict(capabilities or {})
        self.key = f"{name}-{os.getpid()}-{next(_serials)}"
        self.systemAddress = ActorAddress("/ActorSys")
        self.random = self.random_for("/system")
        self.numbers = numbers()
        self.measures = Measures(slow_handler_s)
        self.home = Home(loop, name)
        self.scheduler = self.make_scheduler(self.home.loop)
        self.clock = self.make_clock(self.home.loop)
        self.workers = self.make_workers(self.home.loop, threads_max)
        self.sweeper = Sweeper(self.home.loop)
        self.restarts = Restarts(self.home.loop, restart_budget)
        self.letters = DeadLetters()
        self.openings = Openings()
        self.registry = Registry()
        self.ended = Ended()
        self.tracing = Tracing(self)
        self.guardian = Guardian(self, supervision or Supervision())
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._ended: asyncio.Future[None] | None = None
        self._lag_handle: asyncio.TimerHandle | None = None
        register_system(self)
        self.home.call(self.begin)

    def copy_messages(self) -> None:
        """Have every message to a supervised actor, and every answer to an ask, copied when it is sent."""
        self.cell_class = copying_cell(self.cell_class)
        self.reply_class = CopyingReplyTarget

    # --- what simulations have their own of ---

    def make_scheduler(self, loop: asyncio.AbstractEventLoop) -> Scheduler:
        """Return the run queue."""
        return Scheduler(loop, self.measures)

    def make_clock(self, loop: asyncio.AbstractEventLoop) -> Clock:
        """Return the actors' source of time."""
        return SystemClock()

    def make_workers(self, loop: asyncio.AbstractEventLoop, threads_max: int) -> Workers:
        """Return what runs the blocking calls of actors."""
        return ThreadWorkers(loop, self.name, threads_max)

    def begin(self) -> None:
        """Set going what the system does by itself, on its loop."""
        self._settle_in()
        self.home.loop.call_soon(self._settle_in)  # it may be run by another thread than who made the system
        self.begin_sampling()

    def _settle_in(self) -> None:
        self.scheduler.thread = self.home.settle_in()

    def addressed(self, message: Any, sender: Any) -> None:
        """Take a message to the system's own address; nothing is expected here."""

    def begin_sampling(self) -> None:
        """Measure the lag of the loop from now on, and look after idle queues as often."""
        self._sample_lag(self.home.loop.time())

    def _sample_lag(self, due: float) -> None:
        loop = self.home.loop
        self.measures.note_lag(max(0.0, loop.time() - due))
        due = loop.time() + LAG_PERIOD_S
        self._lag_handle = loop.call_at(due, self._sample_lag, due)
        self.openings.look()

    # --- for cells ---

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of the runtime itself; its failure is a bug and is logged, never raised."""
        task = self.home.loop.create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and task.exception() is not None:
            log.error("the runtime itself failed", exc_info=task.exception())

    def random_for(self, path: str) -> Random:
        """Return a source of chance of its own, the same for the same seed and path."""
        return Random(f"{self.seed}:{path}" if self.seed is not None else None)

    def target_of(self, address: Any) -> Target:
        """Return what takes the messages to an address, whichever kind of address it is.

        Raises Thespian's `InvalidActorAddress` for anything else, such as the None of a child not found.
        """
        target: Target | None = getattr(address, "cell", None)
        if target is not None:
            return target
        if not isinstance(address, ActorAddress):
            raise InvalidActorAddress(address, "no ActorAddress, so nothing can be sent to it")
        if address == self.systemAddress:
            return self.guardian
        return self.dead_address(str(address).removeprefix("ActorAddr-").lstrip("/")).cell

    def hand_over(self, address: Any, message: Any, sender: Any) -> None:
        """Send a message on behalf of an actor of another system, whose thread may not be this one's."""
        self.home.post(self._accept, address, message, sender)

    def _accept(self, address: Any, message: Any, sender: Any) -> None:
        self.target_of(address).accept(message, sender)

    def dead_address(self, path: str, number: int = 0) -> CellAddress:
        """Return an address that nobody answers to."""
        tombstone = Tombstone(self, path, "nobody", ExitReason.STOPPED)
        return CellAddress(tombstone, number or next(self.numbers), self.key)

    def dead_letter(
        self,
        reason: DropReason,
        path: str,
        kind: str,
        message: Any,
        sender: Any,
        error: BaseException | None = None,
    ) -> None:
        """Count and record a message that is not handled."""
        at_ns = self.clock.now_ns()
        self.letters.add(
            reason, at_ns=at_ns, path=path, kind=kind, message=message, sender=sender, error=error
        )
        if reason is DropReason.DEAD:
            self.registry.tell_dead_letter(path, message, self.systemAddress)

    def terminated(self, cell: Cell, reason: ExitReason) -> None:
        """Take an ended cell out of the tree and tell who must know."""
        path = cell.path
        cell.address.cell = Tombstone(self, path, cell.kind, reason)
        self.registry.forget(cell)
        self.ended.note(cell)
        if self.tracing.active:
            self.tracing.ended(cell)
        parent = cell.parent
        if parent is not None and parent.children is not None:
            key = cell.name if parent.children.get(cell.name) is cell else f"/{cell.address.number}"
            parent.children.pop(key, None)
            if not parent.is_dead:
                parent.terminated(cell, reason)
        watchers, cell.watchers = cell.watchers, None
        for watcher, epoch in (watchers or {}).items():
            watcher.notify_terminated(epoch, cell.address, path, reason)
        supervised = cell.as_supervised()
        if supervised is not None and supervised.successor is not None:
            supervised.make_way()

    # --- the whole ---

    @property
    def is_over(self) -> bool:
        """Whether nobody in it can answer any more."""
        return self.closed or self.home.loop.is_closed()

    def check_running(self) -> None:
        """Raise `SystemStopped` if nothing can begin in it any more."""
        if self.guardian.stopping or self.is_over:
            raise self.stopped()

    def stopped(self) -> SystemStopped:
        """Return the error of who comes too late."""
        return SystemStopped(f"{self.name} was shut down; make a new base, and a new ActorSystem with it")

    def root_failed(self, path: str, error: BaseException) -> None:
        """Give up: a top-level actor cannot be kept alive."""
        if self.failed is None:
            self.failed = RootFailed(path, error)
            self.failed.__cause__ = error
            log.critical("%s", self.failed)
            self.guardian.stopping = True
            self.run(self.stop_within(STOP_TIMEOUT_S, drain=False))

    async def stop_within(self, timeout_s: float, *, drain: bool) -> None:
        """Stop all actors in order, and kill those that are left when the time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.stop_all(drain=drain)
        except TimeoutError:
            self.kill_all()

    async def stop_all(self, *, drain: bool) -> None:
        """Stop all actors, however long each may take within its own shutdown time."""
        self.guardian.stopping = True
        await stop_children(self.guardian, drain=drain)
        self._close()

    def kill_all(self) -> None:
        """End all actors now."""
        self.guardian.stopping = True
        for child in reversed(list((self.guardian.children or {}).values())):
            child.kill(ExitReason.KILLED)
        self._close()

    def _close(self) -> None:
        """Let go of what the system has beside its actors, which have ended."""
        self.closed = True
        if self._lag_handle is not None:
            self._lag_handle.cancel()
        self.tracing.end("the system ended")
        self.workers.close()
        self.sweeper.close()
        self.restarts.close()
        self.all_ended()

    def all_ended(self) -> None:
        """Take note that the last top-level actor has ended."""
        if not self.end.done():
            self.end.set_result(None)

    @property
    def end(self) -> asyncio.Future[None]:
        """Done when no actor is left."""
        if self._ended is None:
            self._ended = self.home.loop.create_future()
        return self._ended

    def begin_anew(self) -> None:
        """Take note that there is a top-level actor again after the last had ended."""
        if self._ended is not None and self._ended.done() and not self.guardian.stopping:
            self._ended = None

    def cell_at(self, path: str) -> Cell | None:
        """Return the cell of a path; from any thread, since addresses are unpickled in any."""
        starts: list[Cell] = [self.guardian]
        starts += [each for each in list((self.guardian.children or {}).values()) if not each.prefix]
        for start in starts:
            cell: Cell | None = start
            for name in path.split("/"):
                cell = (cell.children or {}).get(name) if cell is not None else None
            if cell is not None:
                return cell
        return None

    def restore(self, number: int, path: str) -> CellAddress:
        """Return the address that was pickled, the very same one if its actor lives."""
        cell = self.cell_at(path)
        if cell is not None and cell.address.number == number:
            return cell.address
        return self.dead_address(path, number)
