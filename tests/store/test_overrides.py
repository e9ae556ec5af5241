"""An operator's changes: kept, and told to the daemon the moment they are committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from examples import NOON_NS, WALLET
from thespian.actors import ActorSystem

from actors.store import overrides
from actors.store.actor import Store, StoreArgs
from actors.store.connection import Connection, connect
from config.settings import Database
from messages.operator import FollowOverride, LeaderOverride, LoadOverrides, Overrides, SubscribeOverrides
from messages.store import LoadLeader
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles


class Listener(SupervisedActor):
    """Subscribes to the store it is given and puts what it is told into a queue."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.send(self.args[0], SubscribeOverrides())

    @handles(Overrides)
    def on_overrides(self, message: Overrides, sender: Any) -> None:
        self.args[1].put_nowait(message)


@pytest.fixture
async def base() -> AsyncIterator[AsyncioSystemBase]:
    made = AsyncioSystemBase(loop=asyncio.get_running_loop(), name="store-test")
    ActorSystem(made, transientUnique=True)
    yield made
    await made.stop(20)


@pytest.fixture
def store(base: AsyncioSystemBase, url: str, place: Path) -> Any:
    database = Database(url=url, retry_first_s=0.05, retry_max_s=0.3)
    return base.spawn(Store, "store", StoreArgs(database, place / "state"))


@pytest.fixture
async def listen(base: AsyncioSystemBase, store: Any) -> Callable[[], Any]:
    """Return what the store tells next."""
    told: asyncio.Queue[Overrides] = asyncio.Queue()
    base.spawn(Listener, "listener", (store, told))
    return lambda: asyncio.wait_for(told.get(), 10)


@pytest.fixture
async def desk(base: AsyncioSystemBase, store: Any, url: str) -> AsyncIterator[Connection]:
    """A connection beside the store's, on a database that it has made ready."""
    await base.ask(store, LoadOverrides(), timeout_s=10)  # type: ignore[call-overload]
    connection = await connect(url, {})
    yield connection
    await connection.close()


async def test_subscribers_hear_at_once_and_at_each_change(
    listen: Callable[[], Any], desk: Connection
) -> None:
    assert await listen() == Overrides()
    await overrides.put_leader(desk, WALLET, is_removed=False, name="Ann")
    added = LeaderOverride(wallet=WALLET, name="Ann")
    assert await listen() == Overrides(leaders=(added,))
    await overrides.put_follow(desk, "paper", WALLET, ratio=20_000)
    follow = FollowOverride(portfolio_id="paper", wallet=WALLET, ratio=20_000)
    assert await listen() == Overrides(leaders=(added,), follows=(follow,))


async def test_a_mode_is_told_at_once_and_taken_back_at_once(
    listen: Callable[[], Any], desk: Connection
) -> None:
    assert (await listen()).trigger is None
    await overrides.put_mode(desk, "api")
    assert (await listen()).trigger == "api"
    await overrides.put_mode(desk, "polygon")
    assert (await listen()).trigger == "polygon"
    await overrides.put_mode(desk, None)
    assert (await listen()).trigger is None


async def test_changes_made_together_are_told_together_and_one_rolled_back_never(
    listen: Callable[[], Any], desk: Connection
) -> None:
    assert await listen() == Overrides()
    await desk.execute("BEGIN")
    await overrides.put_leader(desk, WALLET, is_removed=True)
    await desk.execute("ROLLBACK")
    await desk.execute("BEGIN")
    await overrides.put_leader(desk, WALLET, is_removed=False)
    await overrides.put_follow(desk, "paper", WALLET, is_paused=True)
    await desk.execute("COMMIT")
    assert await listen() == Overrides(
        leaders=(LeaderOverride(wallet=WALLET),),
        follows=(FollowOverride(portfolio_id="paper", wallet=WALLET, is_paused=True),),
    )


async def test_a_change_made_while_the_connection_was_broken_is_found(
    listen: Callable[[], Any], desk: Connection, url: str
) -> None:
    assert await listen() == Overrides()
    admin = await asyncpg.connect(url)
    try:
        async with admin.transaction():
            await admin.execute("INSERT INTO leader_overrides (wallet, removed) VALUES ($1, true)", WALLET)
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'remora' AND datname = current_database()"
            )
    finally:
        await admin.close()
    assert await listen() == Overrides(leaders=(LeaderOverride(wallet=WALLET, is_removed=True),))


async def test_a_later_change_keeps_what_it_says_nothing_about(desk: Connection) -> None:
    await overrides.put_leader(desk, WALLET, is_removed=False, name="Ann")
    await overrides.put_leader(desk, WALLET, is_removed=True)
    await overrides.put_follow(desk, "paper", WALLET, ratio=20_000)
    await overrides.put_follow(desk, "paper", WALLET, is_paused=True)
    assert await overrides.load(desk) == Overrides(
        leaders=(LeaderOverride(wallet=WALLET, is_removed=True, name="Ann"),),
        follows=(FollowOverride(portfolio_id="paper", wallet=WALLET, ratio=20_000, is_paused=True),),
    )
    await overrides.take_back(desk, WALLET)
    assert await overrides.load(desk) == Overrides()


async def test_who_comes_back_is_followed_from_then_on_so_that_its_absence_is_never_copied(
    base: Any, store: Any, desk: Connection
) -> None:
    load = LoadLeader(wallet=WALLET, followed_at_ns=NOON_NS, cursor_s=1, trades_since_ns=0)
    assert (await base.ask(store, load, timeout_s=10)).followed_at_ns == NOON_NS
    await overrides.put_leader(desk, WALLET, is_removed=False, name="Ann")
    assert (await base.ask(store, load, timeout_s=10)).followed_at_ns == NOON_NS, "it was never away"
    for by_adding in (True, False):
        await desk.execute("UPDATE leaders SET followed_at_ns = 7")
        await overrides.put_leader(desk, WALLET, is_removed=True)
        if by_adding:
            await overrides.put_leader(desk, WALLET, is_removed=False)
        else:
            await overrides.take_back(desk, WALLET)
        loaded = await base.ask(store, load, timeout_s=10)
        now_ns = await desk.fetchval("SELECT extract(epoch FROM now())::bigint * 1000000000")
        assert 0 <= now_ns - loaded.followed_at_ns < 60 * 1_000_000_000
        assert loaded.cursor_s == 1
