"""Runs all entrants through all workloads, turn by turn, and keeps the best of several rounds of each.

The best and not the mean: what else the machine does can only make a round slower. A ratio is that of the two
bests, each of which has had the same chances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from ops.bench.entrants import BARE, Entrant, Worker
from ops.bench.workloads import HOPS

ROUNDS: Final = 5
FAN_OUT_ROUNDS: Final = 10
BURST: Final = 100
FLOOD_SLEEPS: Final = 500

_Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """One workload: its sizes for a full share, and the names of its figures."""

    workload: str
    sizes: Callable[[float, int], _Sizes]
    """Takes the scale and the largest crowd."""
    figures: tuple[str, ...]
    units: Callable[[_Sizes], int] | None = None
    """How many there are of what a rate counts; None if the figures are no rates."""
    is_heavy: bool = False
    """Whether each round needs a process that has done nothing before."""


def _at_least_one(count: float) -> int:
    return max(1, round(count))


_EVENTS: Final = (
    _Event(
        "ping_pong",
        lambda scale, _: (_at_least_one(200_000 * scale),),
        ("ping_pong_round_trips_per_s",),
        lambda sizes: sizes[0],
    ),
    _Event(
        "fan_out",
        lambda scale, crowd: (crowd, FAN_OUT_ROUNDS),
        ("fan_out_messages_per_s",),
        lambda sizes: sizes[0] * sizes[1],
    ),
    _Event(
        "pipeline",
        lambda scale, _: (_at_least_one(1_000 * scale), BURST),
        ("pipeline_messages_per_s",),
        lambda sizes: sizes[0] * sizes[1] * HOPS,
    ),
    _Event(
        "latency",
        lambda scale, _: (_at_least_one(20_000 * scale),),
        ("hops_p50_us", "hops_p99_us"),
    ),
    _Event("spawn", lambda scale, crowd: (crowd,), ("spawns_per_s",), lambda sizes: sizes[0]),
    _Event(
        "restart",
        lambda scale, _: (_at_least_one(10_000 * scale),),
        ("restarts_per_s",),
        lambda sizes: sizes[0],
    ),
    _Event("memory", lambda scale, crowd: (crowd,), ("new_actor_bytes", "used_actor_bytes"), is_heavy=True),
    _Event("idle_memory", lambda scale, crowd: (crowd,), ("idle_actor_bytes",), is_heavy=True),
    _Event(
        "flood",
        lambda scale, _: (_at_least_one(200_000 * scale), _at_least_one(FLOOD_SLEEPS * scale)),
        ("flood_wake_p50_ms", "flood_wake_p99_ms"),
    ),
)

Figures = dict[str, dict[str, float]]
"""By entrant, by figure."""


def race(entrants: list[Entrant], *, scale: float, crowd: int, rounds: int = ROUNDS) -> Figures:
    """Return the best of each entrant in each figure, and its ratio to the bare loop in rates."""
    best: Figures = {entrant.name: {} for entrant in entrants}
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(entrant)) for entrant in entrants]
        for event in _EVENTS:
            for _ in range(1 if event.is_heavy else rounds):
                for worker in workers:
                    for figure, value in _run(event, worker, scale, crowd):
                        so_far = best[worker.entrant.name].get(figure, value)
                        better = min if event.units is None else max
                        best[worker.entrant.name][figure] = better(so_far, value)
    _add_ratios(best)
    return best


def _run(event: _Event, worker: Worker, scale: float, crowd: int) -> Iterator[tuple[str, float]]:
    entrant = worker.entrant
    sizes = event.sizes(scale * entrant.share, min(crowd, entrant.crowd_max))
    if event.is_heavy:
        with Worker(entrant) as fresh:
            values = fresh.run(event.workload, sizes)
    else:
        values = worker.run(event.workload, sizes)
    if values is None:
        return
    for figure, value in zip(event.figures, values, strict=True):
        yield figure, event.units(sizes) / value if event.units is not None else value


def _add_ratios(best: Figures) -> None:
    bare = best[BARE.name]
    for event in _EVENTS:
        (figure, *_) = event.figures
        if event.units is None or figure not in bare:
            continue
        for figures in best.values():
            if figure in figures:
                figures[f"{event.workload}_ratio"] = figures[figure] / bare[figure]
