"""Does to a running simulation what its fault plan says, and notes what of it came about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from supervisor.abilities.timers import Timer
from supervisor.core.cell import Cell
from supervisor.signals import Urgent
from supervisor.simulation.armed import Armed, Counters, Fired
from supervisor.simulation.faults import ClockStep, Crash, Delay, Drop, Duplicate, Fault, Pause, Reorder
from supervisor.simulation.network.faults import NetworkFault
from supervisor.simulation.plan import FaultPlan
from supervisor.simulation.transport import Transport

if TYPE_CHECKING:
    from supervisor.simulation.base import SimulatedSystemBase


class Injector:
    """The faults of one simulation, armed."""

    def __init__(self, plan: FaultPlan, system: SimulatedSystemBase) -> None:
        self._system = system
        self._armed: list[Armed[Any]] = [Armed(fault) for fault in plan]
        self._crashes = Counters[Crash](
            (each for each in self._armed if isinstance(each.fault, Crash)),
            lambda fault: (fault.path, fault.message),
        )
        self.transport = Transport(
            each for each in self._armed if isinstance(each.fault, Delay | Reorder | Drop | Duplicate)
        )
        self._pauses: list[Armed[Pause]] = []
        self._paused: dict[Cell, None] = {}
        self._timers: list[asyncio.TimerHandle] = []
        for each in self._armed:
            if isinstance(each.fault, ClockStep):
                self._at(each.fault.at_s, self._step, each)
            elif isinstance(each.fault, Pause):
                self._at(each.fault.at_s, self._begin_pause, each)
            elif isinstance(each.fault, NetworkFault):
                self._at(each.fault.at_s, self._break_network, each)

    def fired(self) -> list[Fired]:
        """Return the faults that came about, in the order of the plan."""
        return [each.fired() for each in self._armed if each.times]

    def unfired(self) -> list[Fault]:
        """Return the faults that nothing came of so far, in the order of the plan."""
        return [each.fault for each in self._armed if not each.times]

    def heal(self) -> None:
        """Do no harm from now on: let go of what is held back and of who is paused."""
        self._crashes.disarm()
        self.transport.heal()
        for timer in self._timers:
            timer.cancel()
        self._pauses.clear()
        self._resume()
        self._system.loop.network.heal()

    # --- at given times ---

    def _at(self, at_s: float, begin: Callable[[Armed[Any]], None], armed: Armed[Any]) -> None:
        if at_s > self._system.loop.time():
            self._timers.append(self._system.loop.call_at(at_s, begin, armed))
        else:
            begin(armed)  # before anything else happens at that time

    def _step(self, armed: Armed[ClockStep]) -> None:
        armed.fire(self._system.loop.time())
        self._system.clock.step(armed.fault.by_s)

    def _break_network(self, armed: Armed[NetworkFault]) -> None:
        loop = self._system.loop
        loop.network.begin(armed.fault, lambda: armed.fire(loop.time()))

    def _begin_pause(self, armed: Armed[Pause]) -> None:
        self._pauses.append(armed)
        self._timers.append(self._system.loop.call_later(armed.fault.for_s, self._end_pause, armed))

    def _end_pause(self, armed: Armed[Pause]) -> None:
        self._pauses.remove(armed)
        self._resume()

    def _resume(self) -> None:
        paused, self._paused = self._paused, {}
        scheduler = self._system.scheduler
        scheduler.ready.extend(paused)
        if paused and scheduler.idle:
            scheduler.wake()

    # --- as an actor has its turn ---

    def holds(self, cell: Cell) -> bool:
        """Whether the actor is paused; its turn then comes when the pause ends."""
        for armed in self._pauses:
            path = cell.path
            if armed.fault.matches(path):
                armed.fire(self._system.loop.time(), path)
                self._paused[cell] = None
                return True
        return False

    def crash_on(self, cell: Cell, message: Any) -> Crash | None:
        """Return the fault by which the actor crashes on this message, None for none."""
        kind = type(message.message) if isinstance(message, Timer | Urgent) else type(message)
        now, names = self._system.loop.time(), partial(_names, cell, kind)
        hits = self._crashes.hits((cell.address.number, kind), now, names)
        for hit in hits:
            hit.fire(now, *names())
        return hits[0].fault if hits else None


def _names(cell: Cell, kind: type) -> tuple[str, str]:
    return cell.path, kind.__name__
