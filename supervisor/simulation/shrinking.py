"""From a plan that makes a run fail to the smallest one found that makes it fail in the same way.

First fewer faults, by delta debugging: ever smaller parts of the plan are left out. Then simpler ones, number
by number. Every step is a run, so their number is bounded; what is tried depends on nothing but the plan.
"""

from __future__ import annotations

import math
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from supervisor.simulation.faults import Fault
from supervisor.simulation.plan import FaultPlan

RUNS_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest plan found, how it fails, and how many runs it took to find it."""

    plan: FaultPlan
    error: Exception
    runs: int


def shrink(
    run: Callable[[FaultPlan], object],
    plan: FaultPlan,
    *,
    runs_max: int = RUNS_MAX,
    way: Callable[[Exception], object] | None = None,
) -> Shrunk | None:
    """Return a small plan that makes `run` raise in the same way as this one; None if this one does not.

    Two failures are the same if `way` says the same of both: by default the type of the error and the line
    that raised it.
    """
    trial = _Trial(run, runs_max, way or way_of)
    if not trial.begin(plan):
        return None
    faults = _fewer(plan.faults, trial)
    faults = _simpler(faults, trial)
    return Shrunk(FaultPlan(faults), trial.error, trial.runs)


def way_of(error: Exception) -> object:
    """Return in which way something failed: the error's type and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = (os.path.basename(frames[-1].filename), frames[-1].lineno) if frames else None
    return type(error), where


class _Trial:
    """Runs plans, each once and no more than allowed in all."""

    def __init__(
        self, run: Callable[[FaultPlan], object], runs_max: int, way: Callable[[Exception], object]
    ) -> None:
        self.runs = 0
        self._run = run
        self._runs_max = runs_max
        self._way = way
        self._wanted: object = None
        self._known: dict[tuple[Fault, ...], bool] = {}

    def begin(self, plan: FaultPlan) -> bool:
        """Learn how the plan fails; False if it does not."""
        error = self._outcome(plan.faults)
        if error is None:
            return False
        self.error = error
        self._wanted = self._way(error)
        return True

    def fails(self, faults: tuple[Fault, ...]) -> bool:
        """Whether these fail in the way wanted; False also once too many have been tried."""
        known = self._known.get(faults)
        if known is not None:
            return known
        if self.runs >= self._runs_max:
            return False
        error = self._outcome(faults)
        same = self._known[faults] = error is not None and self._way(error) == self._wanted
        if same and error is not None:
            self.error = error
        return same

    def _outcome(self, faults: tuple[Fault, ...]) -> Exception | None:
        self.runs += 1
        try:
            self._run(FaultPlan(faults))
        except Exception as error:
            return error
        return None


def _fewer(faults: tuple[Fault, ...], trial: _Trial) -> tuple[Fault, ...]:
    """Leave out parts, from halves down to single faults, until none can go."""
    if faults and trial.fails(()):
        return ()
    parts = 2
    while len(faults) > 1:
        size = -(-len(faults) // parts)
        for start in range(0, len(faults), size):
            rest = faults[:start] + faults[start + size :]
            if trial.fails(rest):
                faults, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(faults), parts * 2)
    return faults


def _simpler(faults: tuple[Fault, ...], trial: _Trial) -> tuple[Fault, ...]:
    """Make the faults simpler one field at a time, until nothing simpler fails."""
    again = True
    while again:
        again = False
        for index in range(len(faults)):
            for simpler in _variants(faults[index]):
                changed = (*faults[:index], simpler, *faults[index + 1 :])
                if trial.fails(changed):
                    faults, again = changed, True
                    break
    return faults


def _variants(fault: Fault) -> Iterator[Fault]:
    """Yield what is simpler than a fault, the simplest first."""
    for each in fields(fault):
        value = getattr(fault, each.name)
        if value != each.default and "word" in each.metadata:
            for smaller in _smaller(value, each.default):
                yield replace(fault, **{each.name: smaller})


def _smaller(value: Any, default: Any) -> Iterator[Any]:
    """Yield the default, then numbers nearer to zero, so that shrinking comes to an end."""
    yield default
    if isinstance(value, float):
        rounded = (math.trunc(value), math.trunc(value * 10) / 10, round(value / 2, 3))
        yield from (float(each) for each in rounded if 0 < abs(each) < abs(value))
    elif isinstance(value, int):
        yield from (each for each in (value // 2, value - 1) if 0 < each < value)
