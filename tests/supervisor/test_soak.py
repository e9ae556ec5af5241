"""A tree under everything at once leaves nothing behind; `make soak` does it with a million messages."""

from __future__ import annotations

import asyncio

from soak import BRANCHES, LEAVES, Left, soak

from supervisor import AsyncioSystemBase
from supervisor.simulation import Simulation

MESSAGES = 20_000


def check(left: Left, messages: int) -> None:
    """Hold what was left against what may be."""
    assert left.handled > messages / 2
    assert left.restarts > messages / 100
    assert left.grown == {}
    assert left.structures["tasks"] == 0
    assert left.structures["names"] == 0
    assert left.structures["restarts waiting"] == 0
    assert left.structures["waiters"] == 0
    assert left.structures["drop counts"] <= 40
    assert left.structures["dead letters"] <= 400
    assert left.structures["types"] <= 30
    assert left.structures["watchers"] <= BRANCHES * LEAVES


def test_nothing_piles_up_in_virtual_time() -> None:
    with Simulation(seed=1) as sim:
        check(sim.await_(soak(sim.base, MESSAGES, seed=1)), MESSAGES)


async def test_nothing_piles_up_on_a_real_loop() -> None:
    base = AsyncioSystemBase(seed=1)
    check(await soak(base, MESSAGES, seed=1), MESSAGES)
    await base.stop()
    assert base.tree() == []
    assert len(asyncio.all_tasks()) == 1
