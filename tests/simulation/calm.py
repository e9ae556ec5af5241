"""The suite `calm`: where no decision depends on the moment it is made, faults must not change the end.

I6. Prices stand still, nothing is too old, no cap binds, and trades, known only to the poller, are a minute
apart: so whatever crashes is over before the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import copying
from msgspec.structs import replace as replaced
from world import CAPS, CASH, GUARDS, NS, SHARE, START_S, World

from config.settings import Execution
from messages.decisions import Intent
from supervisor.simulation import FaultPlan, Simulation

TRADES: Final = 20
APART_S: Final = 60
BUSY_S: Final = (TRADES + 1) * APART_S
PROFILE: Final = replace(
    copying.PROFILE,
    span_s=BUSY_S,
    actors=tuple(path for path in copying.PROFILE.actors if path != "house/prices"),
    routes=tuple(way for way in copying.PROFILE.routes if way[1] not in ("house/prices", "house/markets/*")),
    steps_max=0,
)
"""Prices are input: without one in time, a market rightly declines. And a wrong clock is no crash."""
LONG_S: Final = 1e6
PLENTY: Final = 10_000 * SHARE


@dataclass(frozen=True, slots=True)
class End:
    """What it all came to."""

    decisions: dict[tuple[str, str], tuple[Any, ...]]
    cash: dict[str, int]
    holdings: dict[str, dict[str, int]]


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the run of a seed."""
    return FaultPlan.drawn(seed, PROFILE)


def run(seed: int, plan: FaultPlan | None = None, deep: bool = False) -> copying.Result:
    """Run a world with faults and without. Raises `AssertionError` if it does not come to the same."""
    result, end = run_once(seed, planned(seed) if plan is None else plan, deep)
    _, expected = run_once(seed, FaultPlan(), deep)
    assert end.decisions == expected.decisions, "I6: other decisions than without faults"
    assert end == expected, "I6: another end than without faults"
    return result


def run_once(seed: int, plan: FaultPlan, deep: bool) -> tuple[copying.Result, End]:
    world = calm(seed)
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        result = copying.live(sim, world, BUSY_S, resolutions_s=())
    books = world.books
    accounts = {name: copying.folded(books, name) for name in world.portfolios}
    decisions = {
        key: ("copied", each.side, each.size) if isinstance(each, Intent) else (each.reason,)
        for key, each in books.decisions.items()
    }
    return result, End(
        decisions,
        {name: account.cash for name, account in accounts.items()},
        {
            name: {each.token_id: each.shares for each in account.open_positions()}
            for name, account in accounts.items()
        },
    )


def calm(seed: int) -> World:
    """Return a world in which all that leaders will do is drawn beforehand."""
    caps = replaced(
        CAPS,
        per_trade=PLENTY,
        per_market=PLENTY,
        per_event=PLENTY,
        per_portfolio=PLENTY,
        positions_max=100,
        daily_loss=PLENTY,
    )
    guards = replaced(GUARDS, max_live_lag_s=LONG_S, catch_up_buy_max_age_s=LONG_S)
    execution = Execution(intent_age_s_max=LONG_S, resume_age_s_max=LONG_S)
    world = World(
        seed, rate_s=0, is_calm=True, cash=100 * CASH, caps=caps, guards=guards, execution=execution
    )
    for number in range(TRADES):
        world.trade(START_S + 10 + number * APART_S)
    return world
