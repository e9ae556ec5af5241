"""Sums by kind of actor, for metrics: one actor per wallet must not become one time series per wallet.

What an ended actor had counted stays counted, so that no total ever falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supervisor.inspection.deadletters import OTHER
from supervisor.inspection.measures import LagHistogram, LoopLag, SlowHandler
from supervisor.inspection.tree import below, oldest_age_s

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.system import System

KINDS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotals:
    """All actors of one kind. What is alive is of now; the counts are since the system began."""

    kind: str
    actors: int
    """Alive now."""
    suspended: int
    depth: int
    """Messages that wait."""
    depth_max: int
    """Messages in the fullest mailbox."""
    oldest_age_s: float
    """How long the message that waits longest has waited."""
    ended: int
    """Actors that ended for good."""
    handled: int
    busy_s: float
    """Time in handlers."""
    restarts: int


@dataclass(frozen=True, slots=True)
class DropCount:
    """How many messages were not handled, by who would have, of which type and why."""

    kind: str
    message_type: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Everything a metrics page shows of the runtime."""

    kinds: tuple[KindTotals, ...]
    drops: tuple[DropCount, ...]
    slow_handlers: tuple[SlowHandler, ...]
    lag: LoopLag
    lag_histogram: LagHistogram


class Ended:
    """What actors had counted until they ended, summed by kind."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}

    def note(self, cell: Cell) -> None:
        """Add the counts of an actor that has ended for good."""
        kind = cell.kind
        sums = self._sums
        if kind not in sums and len(sums) >= KINDS_MAX:
            kind = OTHER
        found = sums.get(kind)
        if found is None:
            found = sums[kind] = _Sum()
        found.ended += 1
        found.count(cell)

    def copied(self) -> dict[str, _Sum]:
        """Return the sums, to go on from."""
        return {kind: found.copy() for kind, found in self._sums.items()}


class _Sum:
    __slots__ = (
        "actors",
        "age_s",
        "busy_s",
        "depth",
        "depth_max",
        "ended",
        "handled",
        "restarts",
        "suspended",
    )

    def __init__(self) -> None:
        self.actors = self.suspended = self.depth = self.depth_max = 0
        self.ended = self.handled = self.restarts = 0
        self.busy_s = self.age_s = 0.0

    def count(self, cell: Cell) -> None:
        self.handled += cell.handled
        self.busy_s += cell.busy_s
        self.restarts += getattr(cell, "restarts", 0)

    def look(self, cell: Cell, now: float) -> None:
        self.count(cell)
        self.actors += 1
        self.suspended += cell.is_suspended
        depth = len(cell.queue)
        if depth:
            self.depth += depth
            self.depth_max = max(self.depth_max, depth)
            self.age_s = max(self.age_s, oldest_age_s(cell, now))

    def copy(self) -> _Sum:
        copied = _Sum()
        copied.ended, copied.handled = self.ended, self.handled
        copied.busy_s, copied.restarts = self.busy_s, self.restarts
        return copied

    def shown(self, kind: str) -> KindTotals:
        return KindTotals(
            kind=kind,
            actors=self.actors,
            suspended=self.suspended,
            depth=self.depth,
            depth_max=self.depth_max,
            oldest_age_s=self.age_s,
            ended=self.ended,
            handled=self.handled,
            busy_s=self.busy_s,
            restarts=self.restarts,
        )


def totals(system: System) -> Totals:
    """Return the sums over all actors, those that ended included, in the order of their kinds' names."""
    now = system.scheduler.clock()
    sums = system.ended.copied()
    for cell in below(system.guardian):
        found = sums.get(cell.kind)
        if found is None:
            found = sums[cell.kind] = _Sum()
        found.look(cell, now)
    return Totals(
        kinds=tuple(sums[kind].shown(kind) for kind in sorted(sums)),
        drops=drop_counts(system),
        slow_handlers=tuple(system.measures.slow()),
        lag=system.measures.lag(),
        lag_histogram=system.measures.lag_histogram(),
    )


def drop_counts(system: System) -> tuple[DropCount, ...]:
    """Return how many messages were not handled, the most frequent first."""
    counted = sorted(system.letters.counts().items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(DropCount(*key, count) for key, count in counted)
