"""What may go wrong in a kind of simulation, from which fault plans are drawn.

A transport inside one process loses nothing and doubles nothing, so neither is drawn but for the types that
`lossy` names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from supervisor.errors import BadFaultPlan
from supervisor.simulation.faults import ANY, ClockStep, Crash, Delay, Drop, Duplicate, Fault, Pause, Reorder
from supervisor.simulation.network.faults import NetworkFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The bounds of what is drawn. How many faults of each kind there are is drawn anew for each plan.

    `actors` are patterns of paths, each as likely to be crashed or paused; `routes` are pairs of patterns,
    sender and target, on which messages are delayed and reordered.
    """

    span_s: float
    """Faults begin within this time."""
    actors: tuple[str, ...] = (ANY,)
    routes: tuple[tuple[str, str], ...] = ((ANY, ANY),)
    lossy: tuple[str, ...] = ()
    """Message types that may be lost or doubled."""
    nth_max: int = 20
    """Messages that count at most before a fault hits; fewer are likelier."""
    crashes_max: int = 5
    delays_max: int = 5
    reorders_max: int = 5
    losses_max: int = 5
    pauses_max: int = 2
    steps_max: int = 2
    delay_s_max: float = 5.0
    pause_s_max: float = 10.0
    step_s_max: float = 3600.0
    steps_from_s: float = 0.0
    """No step before: what notes down when it began may have to begin under a right clock."""

    def draw(self, random: Random) -> tuple[Fault, ...]:
        """Return faults in the order of their time."""
        if not self.actors or not self.routes:
            raise BadFaultPlan("the profile names no actors or no routes; leave them out for all")
        kinds: list[tuple[int, Callable[[Random], Fault]]] = [
            (self.crashes_max, self._crash),
            (self.delays_max, self._delay),
            (self.reorders_max, self._reorder),
            (self.losses_max if self.lossy else 0, self._loss),
            (self.pauses_max, self._pause),
            (self.steps_max, self._step),
        ]
        # Few faults are as likely as many: what many hide, few show.
        share = random.choice((0.0, 0.1, 0.3, 1.0))
        faults = [
            make(random) for most, make in kinds for _ in range(random.randint(0, math.ceil(most * share)))
        ]
        return tuple(sorted(faults, key=_begins_s))

    def _when(self, random: Random) -> tuple[int, float]:
        nth = int(math.exp(random.uniform(0, math.log(self.nth_max + 1))))
        return min(nth, self.nth_max), round(random.uniform(0, self.span_s), 3)

    def _crash(self, random: Random) -> Fault:
        nth, from_s = self._when(random)
        return Crash(random.choice(self.actors), nth=nth, from_s=from_s, handled=random.random() < 0.5)

    def _delay(self, random: Random) -> Fault:
        nth, from_s = self._when(random)
        by_s = round(self.delay_s_max * _spread(random), 3)
        return Delay(*random.choice(self.routes), nth=nth, from_s=from_s, by_s=by_s)

    def _reorder(self, random: Random) -> Fault:
        nth, from_s = self._when(random)
        return Reorder(*random.choice(self.routes), nth=nth, from_s=from_s, behind=random.randint(1, 5))

    def _loss(self, random: Random) -> Fault:
        nth, from_s = self._when(random)
        kind = random.choice((Drop, Duplicate))
        return kind(*random.choice(self.routes), random.choice(self.lossy), nth=nth, from_s=from_s)

    def _pause(self, random: Random) -> Fault:
        at_s = round(random.uniform(0, self.span_s), 3)
        return Pause(random.choice(self.actors), at_s, round(self.pause_s_max * _spread(random), 3))

    def _step(self, random: Random) -> Fault:
        by_s = random.choice((-1, 1)) * self.step_s_max * _spread(random)
        return ClockStep(round(by_s, 3), round(random.uniform(self.steps_from_s, self.span_s), 3))


def _spread(random: Random) -> float:
    """Return a share of a bound, from a thousandth on, of each order of magnitude as likely."""
    share: float = 1000 ** -random.random()
    return share


def _begins_s(fault: Fault) -> float:
    return fault.at_s if isinstance(fault, Pause | ClockStep | NetworkFault) else fault.from_s
