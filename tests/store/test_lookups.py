"""What is stored of markets is read beside the writer, and waits for nothing but the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from examples import market_row, trade, tx_of
from pg import kill_server
from store_desk import Desk

from actors.store import lookups
from actors.store.embedded import EmbeddedServer
from messages.store import LoadMarkets, MarketsLoaded, StoreMarkets

ONE, TWO = market_row(condition_id="0x1"), market_row(condition_id="0x2")
LOAD = LoadMarkets(condition_ids=("0x1",))
LOADED = MarketsLoaded(asked=("0x1",), rows=(ONE,))
OpenDesk = Callable[..., Desk]


@pytest.fixture
async def stocked(desk: Desk) -> Desk:
    desk.put(StoreMarkets(rows=(ONE, TWO)))
    await desk.settled()
    return desk


def count_reads(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many markets each read is for, from now on."""
    sizes: list[int] = []
    read = desk.engine.markets

    async def counted(condition_ids: Any) -> Any:
        sizes.append(len(condition_ids))
        return await read(condition_ids)

    monkeypatch.setattr(desk.engine, "markets", counted)
    return sizes


async def test_a_load_says_what_is_stored_and_what_it_was_asked(stocked: Desk) -> None:
    asked = ("0x2", "0x3", "0x1", "0x2", "0x\0", "0x1\0", "\ud800", "'; DROP TABLE markets; --")
    loaded = await stocked.ask(LoadMarkets(condition_ids=asked))
    assert loaded.asked == asked
    assert sorted(loaded.rows, key=lambda row: row.market.condition_id) == [ONE, TWO]
    assert await stocked.ask(LoadMarkets(condition_ids=())) == MarketsLoaded(asked=(), rows=())


async def test_a_load_does_not_wait_for_writes(stocked: Desk) -> None:
    """It is answered while a commit hangs, and sees nothing of it."""
    blocker: Any = await asyncpg.connect(stocked.url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE trades IN EXCLUSIVE MODE")
        stocked.put(StoreMarkets(rows=(market_row(condition_id="0x1", as_of_ns=ONE.as_of_ns + 1),)))
        stocked.trades(trade())
        assert await stocked.ask(LOAD) == LOADED
        assert stocked.committer.waiting == 2
    await blocker.close()
    await stocked.settled()
    assert (await stocked.ask(LOAD)).rows[0].as_of_ns == ONE.as_of_ns + 1


async def test_loads_that_come_together_are_one_read_and_answered_each_in_its_turn(
    stocked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "IDS_MAX", 300)
    sizes = count_reads(stocked, monkeypatch)
    for number in range(200):
        stocked.put(LoadMarkets(condition_ids=("0x1", f"0x{number}", f"0xa{number}")), number)
    await stocked.ask(LOAD)
    answers = [(sender, answer) for sender, answer in stocked.answers if isinstance(sender, int)]
    assert [sender for sender, _ in answers] == list(range(200))
    assert all(ONE in answer.rows for _, answer in answers)
    assert sizes == [200, 201, 1]


async def test_while_the_database_is_not_there_a_load_waits_for_it(
    server: EmbeddedServer, open_desk: OpenDesk
) -> None:
    address = (await asyncio.to_thread(server.start)).replace("/remora?", "/postgres?")
    await asyncio.to_thread(server.release, wait_s=10)
    desk = open_desk(url=address, retry_max_s=30.0)
    asking = asyncio.create_task(desk.ask(LOAD, timeout_s=40))
    await desk.until_told(False)
    assert not asking.done()
    await asyncio.to_thread(server.start)
    assert await asking == MarketsLoaded(asked=("0x1",), rows=())


async def test_loads_survive_a_server_killed_and_sessions_ended(open_desk: OpenDesk, place: Any) -> None:
    desk = open_desk(url="")
    desk.put(StoreMarkets(rows=(ONE,)))
    await desk.settled()
    assert await desk.ask(LOAD) == LOADED
    kill_server(place / "state")
    assert await desk.ask(LOAD, timeout_s=30) == LOADED
    await desk.was_told(False)
    await desk.until_told(True)
    assert await desk.ask(LOAD, timeout_s=30) == LOADED
    desk.url = f"postgresql://postgres@/remora?host={place}/state/postgres/data"
    for _ in range(3):
        await desk.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'remora reader'"
        )
        assert await desk.ask(LOAD) == LOADED


async def test_a_read_that_hangs_is_tried_again(stocked: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stocked.engine._looking, "_timeout_s", 0.1)
    blocker: Any = await asyncpg.connect(stocked.url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE markets IN ACCESS EXCLUSIVE MODE")
        asking = asyncio.create_task(stocked.ask(LOAD))
        await asyncio.sleep(0.5)
        assert not asking.done()
    await blocker.close()
    assert await asking == LOADED


async def test_a_row_that_somebody_spoiled_holds_up_no_others(stocked: Desk) -> None:
    await stocked.execute("UPDATE markets SET tick = 'NaN' WHERE condition_id = '0x1'")
    stocked.put(LOAD, "never answered")
    await asyncio.sleep(0.1)
    loaded = await stocked.ask(LoadMarkets(condition_ids=("0x2",)))
    assert loaded.rows == (TWO,)
    assert [sender for sender, _ in stocked.answers].count("never answered") == 0


async def test_of_loads_without_a_database_only_the_latest_are_kept(
    open_desk: OpenDesk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "WAITING_MAX", 10)
    desk = open_desk(url=url.replace("host=", "host=/nowhere"))
    for number in range(40):
        desk.put(LOAD, number)
        if number % 7 == 0:
            await asyncio.sleep(0.02)
    await desk.until_told(False)
    assert [sender for _, sender in desk.committer._lookups._waiting] == list(range(30, 40))
    assert desk.committer.waiting == 0, "what piles up stops nobody from trading"


async def test_an_end_with_loads_that_wait_does_not_wait_for_them(open_desk: OpenDesk, url: str) -> None:
    desk = open_desk(url=url.replace("host=", "host=/nowhere"), retry_first_s=30.0)
    desk.put(LOAD)
    await desk.until_told(False)
    await asyncio.wait_for(desk.close(), 3)


async def test_markets_come_through_outages_as_other_writes_do(desk: Desk, open_desk: OpenDesk) -> None:
    """Sessions are killed in the middle of anything; then the daemon is, and the next one reads it all."""
    await desk.settled()
    rows = [market_row(condition_id=f"0x{number}", prices=(number,)) for number in range(600)]
    for first in range(0, 600, 20):
        desk.put(StoreMarkets(rows=tuple(rows[first : first + 20])))
        desk.trades(trade(tx=tx_of(first)))
        if first % 100 == 0:
            await desk.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'remora%' AND datname = current_database()"
            )
        await asyncio.sleep(0.005)
    await asyncio.wait_for(desk.settled(), 30)
    assert not all(available for available, _ in desk.told)
    await desk.kill()
    after = open_desk()
    loaded = await after.ask(LoadMarkets(condition_ids=tuple(row.market.condition_id for row in rows)))
    assert sorted(loaded.rows, key=lambda row: row.market.prices) == rows
    assert await after.rows("SELECT error FROM dead_writes") == []
