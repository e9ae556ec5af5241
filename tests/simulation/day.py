"""The suite `day`: the copying actors for 24 hours; markets come and go, and faults come all day long."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import copying
from msgspec.structs import replace as replaced
from world import CAPS, CASH, NS, START_S, World

from supervisor.simulation import FaultPlan, Simulation

DAY_S: Final = 24 * 3600
MARKET_S: Final = 1800
"""So often one market pays out and another opens."""
PROFILE: Final = replace(
    copying.PROFILE,
    span_s=DAY_S,
    crashes_max=400,
    delays_max=100,
    reorders_max=100,
    pauses_max=20,
    steps_max=5,
)


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the day of a seed."""
    return FaultPlan.drawn(seed, PROFILE)


def run(seed: int, plan: FaultPlan | None = None, deep: bool = False) -> copying.Result:
    """Run one day to its end and check every invariant. Raises `AssertionError`."""
    caps = replaced(CAPS, daily_loss=20 * CASH)  # or a bad morning would be followed by a dull day
    world = World(seed, rate_s=30.0, poll_s=15.0, markets_max=10_000, cash=20 * CASH, caps=caps)
    with Simulation(
        seed, start_ns=START_S * NS, faults=planned(seed) if plan is None else plan, deep=deep
    ) as sim:
        return copying.live(sim, world, DAY_S, resolutions_s=range(MARKET_S, DAY_S, MARKET_S))
