"""Which actors have most of something: now and ever since, or over a window of time.

Only those shown cost more than one look at a number, so that a top of ten thousand actors takes no longer
of the loop than a few slices.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supervisor.inspection.tree import ActorInfo, below, info_of, oldest_age_s

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.system import System

TOP_MAX: Final = 1_000

_MEASURES: Final[dict[str, Callable[[Cell, float], float]]] = {
    "mailbox": lambda cell, now: len(cell.queue),
    "age": oldest_age_s,
    "rate": lambda cell, now: cell.handled,
    "time": lambda cell, now: cell.busy_s,
    "restarts": lambda cell, now: getattr(cell, "restarts", 0),
    "stash": lambda cell, now: len(getattr(cell, "stash", None) or ()),
    "timers": lambda cell, now: len(getattr(cell, "timers", None) or ()),
    "pipes": lambda cell, now: len(getattr(cell, "pipes", None) or ()),
    "children": lambda cell, now: len(cell.children or ()),
}
MEASURES: Final = tuple(_MEASURES)
"""What `top` ranks by: messages waiting, age of the first of them, messages handled, time in handlers, …"""
GROWING: Final = ("mailbox", "rate", "time", "restarts")
"""What `top_over` ranks by the growth of."""


@dataclass(frozen=True, slots=True)
class TopEntry:
    """One actor, and how much it has of what was asked for."""

    value: float
    info: ActorInfo


def top(system: System, by: str, n: int) -> tuple[TopEntry, ...]:
    """Return the actors that have most, the first in the tree among equals."""
    measure = _measure(by, MEASURES, n)
    now = system.scheduler.clock()
    # Where time stands still, as in simulations, the count decides who was busiest.
    return _ranked(
        ((measure(cell, now), cell.handled, cell) for cell in below(system.guardian)), n, system, by
    )


async def top_over(system: System, window_s: float, by: str, n: int) -> tuple[TopEntry, ...]:
    """Return the actors whose measure grew most, per second of the window."""
    measure = _measure(by, GROWING, n)
    if window_s <= 0:
        raise ValueError(f"window was {window_s} s, expected more than 0")
    began = system.scheduler.clock()
    before = {cell.address.number: (measure(cell, began), cell.handled) for cell in below(system.guardian)}
    await asyncio.sleep(window_s)
    now = system.scheduler.clock()
    took_s = max(now - began, window_s)
    newcomer = (0.0, 0)
    grown = []
    for cell in below(system.guardian):
        value, handled = before.get(cell.address.number, newcomer)
        grown.append(((measure(cell, now) - value) / took_s, cell.handled - handled, cell))
    return _ranked(grown, n, system, by)


def _measure(by: str, known: tuple[str, ...], n: int) -> Callable[[Cell, float], float]:
    if by not in known:
        raise ValueError(f"by was {by!r}, expected one of {', '.join(known)}")
    if not 1 <= n <= TOP_MAX:
        raise ValueError(f"n was {n}, expected from 1 to {TOP_MAX}")
    return _MEASURES[by]


def _ranked(
    values: Iterable[tuple[float, int, Cell]], n: int, system: System, by: str
) -> tuple[TopEntry, ...]:
    key = _time_then_count if by == "time" else _value
    now = system.scheduler.clock()
    return tuple(TopEntry(value, info_of(cell, now)) for value, _, cell in heapq.nlargest(n, values, key=key))


def _value(entry: tuple[float, int, Cell]) -> float:
    return entry[0]


def _time_then_count(entry: tuple[float, int, Cell]) -> tuple[float, int]:
    return entry[:2]
