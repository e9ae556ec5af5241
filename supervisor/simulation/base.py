"""The system base in virtual time: a scheduler that picks by seed, notes what it did, and does harm by plan.

Nothing here may depend on the machine's clock, on hashes or on addresses in memory: the same seed gives the
same trace in any process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from typing import Any, Final

from supervisor.abilities.workers import InlineWorkers, Workers
from supervisor.base import AsyncioSystemBase
from supervisor.clock import Clock, LoopClock
from supervisor.core.cell import Cell
from supervisor.core.scheduler import Scheduler
from supervisor.core.system import DEFAULT_BUDGET
from supervisor.errors import InjectedCrash
from supervisor.inspection.measures import Measures
from supervisor.policy import RestartBudget, Supervision
from supervisor.simulation.faults import Crash
from supervisor.simulation.injection import Injector
from supervisor.simulation.loop import VirtualLoop
from supervisor.simulation.plan import FaultPlan
from supervisor.simulation.record import Record
from supervisor.simulation.transport import FaultyCell
from supervisor.thespian.plain import PlainCell

SLICE_MESSAGES_MAX: Final = 256
"""Slices end by count where time stands still."""
START_NS: Final = 1_767_225_600 * 1_000_000_000
"""Where simulated wall time begins: 2026-01-01 00:00 UTC."""


class SimulatedScheduler(Scheduler):
    """Handles one message at a time; which ready actor is next, chance decides if there is any."""

    faults: Injector | None = None
    """What is done to the actors; None for no harm."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, measures: Measures, random: Random | None, record: Record
    ) -> None:
        super().__init__(loop, measures)
        self.clock = loop.time
        self.now = self.woken_at = loop.time()
        self.ready = [] if random is not None else deque()
        self._random = random
        self._note = record.note

    def run_slice(self) -> None:
        self.now = self.clock()
        try:
            for _ in range(SLICE_MESSAGES_MAX):
                if not self.ready:
                    break
                self._step(self._pick())
        finally:
            self.current = None
            self.cell = None
            self.idle = not self.ready
            if self.ready:
                self.loop.call_soon(self.run_slice)

    def _pick(self) -> Cell:
        ready = self.ready
        if self._random is None:
            first: Cell = ready.popleft()
            return first
        index = int(self._random.random() * len(ready))
        chosen: Cell = ready[index]
        ready[index] = ready[-1]
        ready.pop()
        return chosen

    def _step(self, cell: Cell) -> None:
        faults = self.faults
        if faults is not None and faults.holds(cell):
            return
        self.cell = cell
        if cell.attention and not cell.attend():
            if cell.congested:
                cell.ease()
            return
        item = self.current = cell.queue.popleft()
        message, sender, _ = item
        self._note(self.now, cell, message)
        crash = None if faults is None else faults.crash_on(cell, message)
        try:
            if crash is None:
                cell.handlers[type(message)](cell.actor, message, sender)
            else:
                self._crash(crash, cell, message, sender)
        except KeyboardInterrupt:
            self.ready.append(cell)
            raise
        except BaseException as error:
            cell.crashed(error, self.current)
            if cell.congested:
                cell.ease()
            # The traceback that is kept for inspection leads here: it must not hold actors.
            cell = item = message = sender = None  # type: ignore[assignment]
            return
        cell.handled += 1
        if cell.queue or cell.attention:
            self.ready.append(cell)
        else:
            cell.scheduled = False
        if cell.congested:
            cell.ease()

    def _crash(self, crash: Crash, cell: Cell, message: Any, sender: Any) -> None:
        if crash.handled:
            cell.handlers[type(message)](cell.actor, message, sender)
        raise InjectedCrash("crashed by the simulation's plan")


class SimulatedSystemBase(AsyncioSystemBase):
    """A system base on a loop of virtual time. Without a seed, actors have their turns in order.

    `faults` are done to it by plan. `deep` has its digest cover what messages say.
    """

    scheduler: SimulatedScheduler
    clock: LoopClock
    faults: Injector | None = None

    def __init__(
        self,
        seed: int | str | None = None,
        *,
        start_ns: int = START_NS,
        name: str = "simulation",
        supervision: Supervision | None = None,
        faults: FaultPlan | None = None,
        deep: bool = False,
        restart_budget: RestartBudget | None = DEFAULT_BUDGET,
        copy_messages: bool = False,
    ) -> None:
        self.start_ns = start_ns
        self.loop = VirtualLoop(0 if seed is None else seed)
        self.record = Record(deep=deep)
        self._shuffle = Random(f"{seed}:/schedule") if seed is not None else None
        super().__init__(
            self.loop,
            seed=0 if seed is None else seed,
            name=name,
            supervision=supervision,
            restart_budget=restart_budget,
        )
        self.loop.clock = self.clock
        if faults:
            self.cell_class = FaultyCell
            self.faults = self.scheduler.faults = Injector(faults, self)
        if copy_messages:
            self.copy_messages()

    def make_scheduler(self, loop: asyncio.AbstractEventLoop) -> Scheduler:
        return SimulatedScheduler(loop, self.measures, self._shuffle, self.record)

    def make_clock(self, loop: asyncio.AbstractEventLoop) -> Clock:
        return LoopClock(loop, self.start_ns)

    def make_workers(self, loop: asyncio.AbstractEventLoop, threads_max: int) -> Workers:
        return InlineWorkers()

    def plain_cell_class(self, cls: Any) -> type[PlainCell]:
        # A thread would have its turn when the machine pleases, not when the seed says.
        return PlainCell

    def begin_sampling(self) -> None:
        """Do nothing: there is no lag where time waits for work."""
