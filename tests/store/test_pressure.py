"""A queue that grows is told of before it is too long, and again when it is short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from examples import trade, tx_of
from store_desk import Desk


async def test_pressure_is_told_while_the_database_is_slow_and_its_end_when_the_queue_is_short(
    open_desk: Callable[..., Desk], url: str
) -> None:
    desk = open_desk(pressure_rows=20)
    told: list[bool] = []
    desk.committer._press = told.append
    await desk.settled()
    blocker: Any = await asyncpg.connect(url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE trades IN EXCLUSIVE MODE")
        desk.trades(*(trade(tx=tx_of(number)) for number in range(20)))
        assert told == []
        desk.trades(trade(tx=tx_of(20)), trade(tx=tx_of(21)))
        assert told == [True]
        await asyncio.sleep(0)
    await blocker.close()
    await desk.settled()
    assert told == [True, False]
    assert await desk.rows("SELECT count(*) FROM trades") == [(22,)]
