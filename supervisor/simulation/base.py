"""The system base in virtual time: a scheduler that picks by seed and writes down what it did.

Nothing here may depend on the machine's clock, on hashes or on addresses in memory: the same seed gives the
same trace in any process.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from random import Random
from typing import Final, NamedTuple

from supervisor.abilities.workers import InlineWorkers, Workers
from supervisor.base import AsyncioSystemBase
from supervisor.clock import Clock, LoopClock
from supervisor.core.cell import Cell
from supervisor.core.scheduler import Scheduler
from supervisor.inspection.measures import Measures
from supervisor.policy import Supervision
from supervisor.simulation.loop import VirtualLoop

SLICE_MESSAGES_MAX: Final = 256
"""Slices end by count where time stands still."""
TRACE_MAX: Final = 10_000
START_NS: Final = 1_767_225_600 * 1_000_000_000
"""Where simulated wall time begins: 2026-01-01 00:00 UTC."""


class Step(NamedTuple):
    """One message handled."""

    at_s: float
    path: str
    message_type: str


class SimulatedScheduler(Scheduler):
    """Handles one message at a time; which ready actor is next, chance decides if there is any."""

    def __init__(self, loop: asyncio.AbstractEventLoop, measures: Measures, random: Random | None) -> None:
        super().__init__(loop, measures)
        self.clock = loop.time
        self.now = self.woken_at = loop.time()
        self.ready = [] if random is not None else deque()
        self._random = random
        self.trace: deque[Step] = deque(maxlen=TRACE_MAX)
        self._digest = hashlib.blake2b(digest_size=16)

    def digest(self) -> str:
        """Return a hash of every step so far; equal digests mean equal runs."""
        return self._digest.hexdigest()

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
        index = self._random.randrange(len(ready))
        chosen: Cell = ready[index]
        ready[index] = ready[-1]
        ready.pop()
        return chosen

    def _step(self, cell: Cell) -> None:
        self.cell = cell
        if cell.attention and not cell.attend():
            return
        item = self.current = cell.queue.popleft()
        message, sender, _ = item
        self._note(cell, message)
        try:
            cell.handlers[type(message)](cell.actor, message, sender)
        except KeyboardInterrupt:
            self.ready.append(cell)
            raise
        except BaseException as error:
            cell.crashed(error, self.current)
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

    def _note(self, cell: Cell, message: object) -> None:
        step = Step(self.now, cell.path, type(message).__name__)
        self.trace.append(step)
        self._digest.update(f"{step.at_s!r} {step.path} {step.message_type}\n".encode())


class SimulatedSystemBase(AsyncioSystemBase):
    """A system base on a loop of virtual time. Without a seed, actors have their turns in order."""

    scheduler: SimulatedScheduler

    def __init__(
        self,
        seed: int | str | None = None,
        *,
        start_ns: int = START_NS,
        name: str = "simulation",
        supervision: Supervision | None = None,
    ) -> None:
        self.start_ns = start_ns
        self.loop = VirtualLoop(0 if seed is None else seed)
        self._shuffle = Random(f"{seed}:/schedule") if seed is not None else None
        super().__init__(self.loop, seed=0 if seed is None else seed, name=name, supervision=supervision)
        self.loop.clock = self.clock

    def make_scheduler(self, loop: asyncio.AbstractEventLoop) -> Scheduler:
        return SimulatedScheduler(loop, self.measures, self._shuffle)

    def make_clock(self, loop: asyncio.AbstractEventLoop) -> Clock:
        return LoopClock(loop, self.start_ns)

    def make_workers(self, loop: asyncio.AbstractEventLoop, threads_max: int) -> Workers:
        return InlineWorkers()

    def begin_sampling(self) -> None:
        """Do nothing: there is no lag where time waits for work."""
