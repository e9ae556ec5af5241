"""The store as an actor: asked, subscribed to, stopped, crashed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from examples import CONDITION, NOON_NS, WALLET, market_row, stored, trade, tx_of
from thespian.actors import ActorSystem

from actors.store.actor import Store, StoreArgs
from actors.store.committer import Committer
from config.settings import Database
from messages.store import (
    CountsQuery,
    LoadLeader,
    LoadMarkets,
    MarketsLoaded,
    StoreAvailability,
    StoreMarkets,
    StoreTrade,
    SubscribeAvailability,
)
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

LOAD = LoadLeader(wallet=WALLET, followed_at_ns=NOON_NS, cursor_s=1, trades_since_ns=0)


class Listener(SupervisedActor):
    """Subscribes to the store it is given and notes what it is told."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.send(self.args[0], SubscribeAvailability())

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: Any) -> None:
        self.args[1].append(message)


@pytest.fixture
async def base() -> AsyncIterator[AsyncioSystemBase]:
    made = AsyncioSystemBase(loop=asyncio.get_running_loop(), name="store-test")
    ActorSystem(made, transientUnique=True)
    yield made
    await made.stop(20)


@pytest.fixture
def spawn(base: AsyncioSystemBase, url: str, place: Path) -> Callable[..., Any]:
    def spawn(url: str = url) -> Any:
        database = Database(url=url, retry_first_s=0.05, retry_max_s=0.3)
        return base.spawn(Store, "store", StoreArgs(database, place / "state"))

    return spawn


async def count(url: str, query: str = "SELECT count(*) FROM trades") -> int:
    connection = await asyncpg.connect(url)
    try:
        value: int = await connection.fetchval(query)
        return value
    finally:
        await connection.close()


async def test_writes_and_loads_are_answered_to_who_asked(base: Any, spawn: Callable[..., Any]) -> None:
    store = spawn()
    base.tell(store, stored(trade()))
    loaded, counts = await asyncio.gather(
        base.ask(store, LOAD, timeout_s=10), base.ask(store, CountsQuery(), timeout_s=10)
    )
    assert [one.trade_id for one in loaded.trades] == [trade().trade_id]
    assert counts.leader_trades == 1


async def test_markets_are_written_and_loaded(base: Any, spawn: Callable[..., Any]) -> None:
    store = spawn()
    base.tell(store, StoreMarkets(rows=(market_row(),)))
    await base.ask(store, LOAD, timeout_s=10)
    loaded = await base.ask(store, LoadMarkets(condition_ids=(CONDITION,)), timeout_s=10)
    assert loaded == MarketsLoaded(asked=(CONDITION,), rows=(market_row(),))


async def test_subscribers_hear_at_once_and_at_each_change(
    base: Any, spawn: Callable[..., Any], url: str
) -> None:
    store, heard = spawn(), []
    base.spawn(Listener, "listener", (store, heard))
    await base.ask(store, LOAD, timeout_s=10)
    assert [one.available for one in heard] == [False, True]
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$; "
        "CREATE TRIGGER fail BEFORE INSERT ON trades EXECUTE FUNCTION fail()"
    )
    base.tell(store, stored(trade()))
    async with asyncio.timeout(10):
        while True:
            if not heard[-1].available:
                break
            await asyncio.sleep(0.01)
    assert "free some space" in heard[-1].reason
    await connection.execute("DROP TRIGGER fail ON trades")
    await connection.close()
    assert len((await base.ask(store, LOAD, timeout_s=10)).trades) == 1
    assert [one.available for one in heard] == [False, True, False, True]


async def test_an_orderly_stop_writes_what_waits(base: Any, spawn: Callable[..., Any], url: str) -> None:
    store = spawn()
    for number in range(2000):
        base.tell(store, stored(trade(tx=tx_of(number))))
    await base.stop(20)
    assert await count(url) == 2000


async def test_a_crash_of_the_actor_costs_nothing_that_it_had_taken(
    base: Any, spawn: Callable[..., Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = spawn()
    taken, crashing = Committer.put, tx_of(500)

    def put(self: Committer, message: Any, sender: object) -> None:
        if isinstance(message, StoreTrade) and message.trade.tx == crashing:
            raise RuntimeError("crash")
        taken(self, message, sender)

    monkeypatch.setattr(Committer, "put", put)
    for number in range(1000):
        base.tell(store, stored(trade(tx=tx_of(number))))
    await base.ask(store, LOAD, timeout_s=20)
    assert await count(url) == 999
    assert [one.restarts for one in base.tree() if one.path == "store"] == [1]


async def test_a_second_store_on_the_database_fails_and_says_why(
    base: Any, spawn: Callable[..., Any], url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.store.engine._LOCK_WAIT_S", 0.1)
    await base.ask(spawn(), LOAD, timeout_s=10)
    base.spawn(Store, "second", StoreArgs(Database(url=url), place / "state"))
    async with asyncio.timeout(20):
        while True:
            errors = [str(one.last_error) for one in base.tree() if one.path == "second"]
            if any("another daemon writes" in error for error in errors):
                break
            await asyncio.sleep(0.02)
