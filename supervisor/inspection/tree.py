"""What the runtime shows of its actors to shells, pages and metrics: names, counts and ages.

Never the content of a message, and nothing is stopped or formatted ahead of being asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from supervisor.core.supervised import SupervisedCell

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
    """starting, running, restarting, suspended or stopping."""
    depth: int
    """Messages that wait."""
    capacity: int
    congested: bool
    """Whether producers that ask are held back."""
    oldest_age_s: float
    """How long the first of the messages that wait has waited, 0 if none does."""
    handled: int
    restarts: int
    last_error: str
    """Type and text of the last failure, empty if there was none."""
    stashed: int
    timers: int
    pipes: int
    """Coroutines under way."""


def tree(system: System) -> list[ActorInfo]:
    """Return every actor, parents before children, siblings in the order they were started."""
    now = system.scheduler.clock()
    return [_info(cell, now) for cell in _below(system.guardian)]


def _below(parent: Cell) -> Iterator[Cell]:
    for child in list((parent.children or {}).values()):
        yield child
        yield from _below(child)


def _info(cell: Cell, now: float) -> ActorInfo:
    oldest = next(iter(cell.queue), None)
    supervised = cell if isinstance(cell, SupervisedCell) else None
    return ActorInfo(
        path=cell.path,
        kind=cell.kind,
        state=cell.state,
        depth=len(cell.queue),
        capacity=cell.mailbox.capacity,
        congested=cell.congested,
        oldest_age_s=max(0.0, now - oldest[2]) if oldest is not None else 0.0,
        handled=cell.handled,
        restarts=supervised.restarts if supervised else 0,
        last_error=error_text(supervised.last_error) if supervised else "",
        stashed=len(supervised.stash or ()) if supervised else 0,
        timers=len(supervised.timers or ()) if supervised else 0,
        pipes=len(supervised.pipes or ()) if supervised else 0,
    )


def snapshot(system: System, path: str) -> dict[str, object]:
    """Return what the actor at a path shows of its state; empty if it is not running."""
    cell = system.cell_at(path)
    if not isinstance(cell, SupervisedCell) or not cell.running:
        return {}
    state: dict[str, object] = cell.actor.snapshot()
    return state


def error_text(error: BaseException | None) -> str:
    """Return type and text of an error; its own text may raise, and then the type is all."""
    if error is None:
        return ""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # whatever the error's own code raises
        return type(error).__name__
