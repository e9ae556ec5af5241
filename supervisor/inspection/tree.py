"""What the runtime shows of its actors to shells, pages and metrics: names, counts and ages.

Never the content of a message, and nothing is stopped or formatted ahead of being asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.abilities.breakers import BreakerInfo
from supervisor.core.supervised import SupervisedCell
from supervisor.inspection.errortext import error_text

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.system import System


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorInfo:
    """One actor as it was at the moment of asking."""

    path: str
    kind: str
    """The name of its class."""
    state: str
    """starting, running, passive, restarting, suspended or stopping."""
    depth: int
    """Messages that wait."""
    capacity: int
    congested: bool
    """Whether producers that ask are held back."""
    oldest_age_s: float
    """How long the first of the messages that wait has waited, 0 if none does."""
    handled: int
    busy_s: float
    """Its share of the time spent in handlers, by samples, exact for long ones; 0 in simulations."""
    restarts: int
    last_error: str
    """Type and text of the last failure, empty if there was none."""
    stashed: int
    timers: int
    pipes: int
    """Coroutines and calls in threads under way."""
    behaviour: str
    """The name of the behaviour it is in, empty for the default one."""
    breakers: tuple[BreakerInfo, ...]


def tree(system: System) -> list[ActorInfo]:
    """Return every actor, parents before children, siblings in the order they were started."""
    now = system.scheduler.clock()
    return [info_of(cell, now) for cell in below(system.guardian)]


def below(parent: Cell) -> Iterator[Cell]:
    """Yield every cell under one, parents before children; nothing may change the tree meanwhile."""
    waiting = _last_first(parent)
    while waiting:
        cell = waiting.pop()
        yield cell
        if cell.children:
            waiting += _last_first(cell)


def _last_first(parent: Cell) -> list[Cell]:
    return list(reversed(parent.children.values())) if parent.children else []


def info_of(cell: Cell, now: float) -> ActorInfo:
    """Return what is shown of one actor; `now` is the scheduler's time."""
    supervised = cell if isinstance(cell, SupervisedCell) else None
    return ActorInfo(
        path=cell.path,
        kind=cell.kind,
        state=cell.state,
        depth=len(cell.queue),
        capacity=cell.mailbox.capacity,
        congested=cell.congested,
        oldest_age_s=oldest_age_s(cell, now),
        handled=cell.handled,
        busy_s=cell.busy_s,
        restarts=supervised.restarts if supervised else 0,
        last_error=error_text(supervised.last_error) if supervised else "",
        stashed=len(supervised.stash or ()) if supervised else 0,
        timers=len(supervised.timers or ()) if supervised else 0,
        pipes=len(supervised.pipes or ()) if supervised else 0,
        behaviour=supervised.behaviours[-1].name if supervised and supervised.behaviours else "",
        breakers=tuple(each.info() for each in (supervised.breakers or {}).values()) if supervised else (),
    )


def oldest_age_s(cell: Cell, now: float) -> float:
    """Return how long the first message that waits has waited, 0 if none does."""
    oldest = next(iter(cell.queue), None)
    return max(0.0, now - oldest[2]) if oldest is not None else 0.0


def snapshot(system: System, path: str) -> dict[str, object]:
    """Return what the actor at a path shows of its state; empty if it is not running."""
    cell = system.cell_at(path)
    if not isinstance(cell, SupervisedCell) or not cell.running:
        return {}
    state: dict[str, object] = cell.actor.snapshot()
    return state
