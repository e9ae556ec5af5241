"""A database that goes away: nothing lost, nothing doubled, and everybody knows."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from examples import WALLET, intent, trade, tx_of
from pg import kill_server
from store_desk import Desk

from actors.store import batch
from actors.store.embedded import EmbeddedServer
from actors.store.errors import EngineTakenError, MigrationError, UnusableError
from messages.store import DecisionOutcome, StoreDecision, StoreDuplicates

OpenDesk = Callable[..., Desk]


def stopped(state_dir: Path, within_s: float = 10) -> bool:
    """Return whether the server has come to its end."""
    deadline = time.monotonic() + within_s
    while (state_dir / "postgres/data/postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return time.monotonic() < deadline


async def write(desk: Desk, numbers: range) -> None:
    """Send trades with decisions on them and counts, as fast as they go."""
    for number in numbers:
        one = trade(tx=tx_of(number))
        desk.trades(one)
        desk.put(StoreDuplicates(wallet=WALLET, count=1))
        desk.put(StoreDecision(decision=intent(trade_id=one.trade_id)), number)
        if number % 20 == 0:
            await asyncio.sleep(0.001)


async def check(desk: Desk, count: int) -> None:
    """Every write is there once, and every decision was answered STORED, in order."""
    await asyncio.wait_for(desk.settled(), 30)
    answers = [(sender, answer) for sender, answer in desk.answers if isinstance(sender, int)]
    assert [sender for sender, _ in answers] == list(range(count))
    assert {answer.outcome for _, answer in answers} == {DecisionOutcome.STORED}
    assert await desk.rows("SELECT count(*) FROM trades") == [(count,)]
    assert await desk.rows("SELECT count(*) FROM orders") == [(count,)]
    assert await desk.rows("SELECT count FROM duplicates") == [(count,)]
    assert await desk.rows("SELECT error FROM dead_writes") == []


async def test_an_embedded_server_killed_again_and_again_costs_nothing(
    open_desk: OpenDesk, place: Path
) -> None:
    desk = open_desk(url="")
    await desk.load()
    desk.url = f"postgresql://postgres@/remora?host={place}/state/postgres/data"
    writing = asyncio.create_task(write(desk, range(3000)))
    for _ in range(3):
        await asyncio.sleep(0.05)
        kill_server(place / "state")
        await desk.until_told(False)
        await desk.until_told(True)
    await writing
    await check(desk, 3000)


async def test_sessions_killed_in_the_middle_of_anything_cost_nothing(desk: Desk) -> None:
    await desk.load()
    writing = asyncio.create_task(write(desk, range(2000)))
    while not writing.done():
        await desk.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'remora' AND datname = current_database()"
        )
        await asyncio.sleep(0.03)
    await check(desk, 2000)
    reasons = {reason for available, reason in desk.told if not available}
    assert reasons
    assert all("was stopped" in reason or "broke" in reason for reason in reasons), reasons


@pytest.mark.parametrize("happened", [True, False])
async def test_a_commit_that_was_never_answered_is_looked_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, happened: bool
) -> None:
    """The connection dies inside COMMIT, right after or right before it took effect."""
    await desk.load()
    writer = desk.engine._writer
    assert writer is not None
    execute = writer.execute

    async def cut(query: str, *arguments: object) -> str:
        if query != "COMMIT":
            return await execute(query, *arguments)
        if happened:
            await execute(query)
        writer.terminate()
        raise ConnectionResetError("cut off")

    monkeypatch.setattr(desk.engine, "_writer", Cut(writer, cut))
    await write(desk, range(10))
    await check(desk, 10)
    assert [available for available, _ in desk.told] == [True, False, True]


class Cut:
    """A real connection with one method replaced."""

    def __init__(self, connection: Any, execute: Any) -> None:
        self._connection = connection
        self.execute = execute

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_a_connection_lost_while_nothing_happens_is_noticed_and_restored(desk: Desk) -> None:
    await desk.load()
    await desk.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'remora' AND datname = current_database()"
    )
    await asyncio.sleep(0.5)
    assert await desk.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'remora' "
        "AND datname = current_database()"
    ) == [(1,)]


async def test_a_database_that_is_not_there_yet_is_waited_for(
    server: EmbeddedServer, open_desk: OpenDesk, place: Path
) -> None:
    address = await asyncio.to_thread(server.start)
    address = address.replace("/remora?", "/postgres?")
    await asyncio.to_thread(server.release, wait_s=10)
    desk = open_desk(url=address)
    desk.trades(trade())
    assert "cannot be reached" in await desk.until_told(False)
    await asyncio.to_thread(server.start)
    await desk.until_told(True)
    assert len((await desk.load_leader()).trades) == 1


async def test_a_wrong_address_is_explained(open_desk: OpenDesk, url: str) -> None:
    desk = open_desk(url=url.replace("@/t", "@/nothing"))
    assert "create it, or check database.url" in await desk.until_told(False)


@pytest.mark.parametrize(
    ("sqlstate", "hint"),
    [
        ("53100", "disk is full: free some space"),
        ("53300", "no connection left"),
        ("25006", "read-only"),
        ("57P01", "was stopped: start it again"),
        ("58030", "disk reports errors"),
        ("42501", "lacks a privilege"),
        ("0A000", "answered 0A000"),
    ],
)
async def test_an_error_that_is_nobodys_row_keeps_everything_until_it_is_over(
    desk: Desk, sqlstate: str, hint: str
) -> None:
    await desk.load()
    await desk.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION 'as on the worst of days' USING ERRCODE = '{sqlstate}'; END $$",
        "CREATE TRIGGER fail BEFORE INSERT ON trades EXECUTE FUNCTION fail()",
    )
    await write(desk, range(20))
    assert hint in await desk.until_told(False)
    assert desk.committer.waiting == 60
    await desk.execute("DROP TRIGGER fail ON trades")
    await desk.until_told(True)
    await check(desk, 20)


async def test_a_disk_that_fills_up_and_is_freed_costs_nothing(
    open_desk: OpenDesk, disk: Callable[[str], Path]
) -> None:
    path = disk("size=128m")
    desk = open_desk(url="", state_dir=path)
    await desk.load()
    desk.url = f"postgresql://postgres@/remora?host={path}/postgres/data"
    ballast = path / "ballast"
    with contextlib.suppress(OSError):
        ballast.write_bytes(b"x" * shutil.disk_usage(path).free)
    writing = asyncio.create_task(write(desk, range(4000)))
    reason = await desk.until_told(False, 30)
    assert "full" in reason or "No space left" in reason or "reached" in reason
    await writing
    ballast.unlink()
    await desk.until_told(True, 30)
    await check(desk, 4000)
    # Before its disk is taken away: a server without its pid file is stopped by nobody.
    await desk.close()
    assert await asyncio.to_thread(stopped, path)


async def test_a_second_daemon_on_the_same_database_is_refused(
    desk: Desk, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.store.engine._LOCK_WAIT_S", 0.2)
    await desk.load()
    with pytest.raises(EngineTakenError, match=r"another daemon writes to this database \(session \d+ since"):
        await open_desk().running


async def test_a_daemon_that_lost_its_database_to_another_writes_nothing_more(
    desk: Desk, open_desk: OpenDesk
) -> None:
    await desk.load()
    await desk.execute("UPDATE engine SET incarnation = incarnation + 1")
    desk.trades(trade())
    with pytest.raises(EngineTakenError, match="has taken over"):
        await desk.running
    assert await desk.rows("SELECT * FROM trades") == []


async def test_a_daemon_killed_hard_leaves_the_database_to_the_next(desk: Desk, open_desk: OpenDesk) -> None:
    await desk.load()
    await write(desk, range(50))
    await desk.kill()
    after = open_desk()
    loaded = await after.load()
    assert loaded.epoch == 2
    assert len(loaded.undecided) + len(loaded.open_orders) <= 50


async def test_what_waits_at_an_orderly_end_is_written(desk: Desk, open_desk: OpenDesk) -> None:
    await desk.load()
    await write(desk, range(500))
    await desk.close()
    assert await desk.rows("SELECT count(*) FROM trades") == [(500,)]


async def test_an_end_while_the_database_is_away_does_not_wait_for_it(open_desk: OpenDesk, url: str) -> None:
    desk = open_desk(url=url.replace("host=", "host=/nowhere"), retry_first_s=30.0)
    desk.trades(trade())
    await desk.until_told(False)
    await asyncio.wait_for(desk.close(), 3)


async def test_what_no_waiting_can_mend_is_raised(open_desk: OpenDesk, place: Path, url: str) -> None:
    data = place / "state" / "postgres" / "data"
    await asyncio.to_thread(data.mkdir, parents=True)
    with pytest.raises(UnusableError):
        await open_desk(url="").running
    desk = open_desk()
    await desk.load()
    await desk.close()
    await desk.execute("UPDATE schema_migrations SET checksum = 'edited'")
    with pytest.raises(MigrationError):
        await open_desk().running


async def test_batches_share_commits_and_keep_their_limit(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    async def counted(connection: Any, messages: Any) -> Any:
        sizes.append(len(messages))
        return await batch.run_batch(connection, messages)

    monkeypatch.setattr("actors.store.engine.run_batch", counted)
    desk = open_desk(batch_rows_max=100)
    desk.trades(*(trade(tx=tx_of(number)) for number in range(950)))
    await desk.settled()
    assert max(sizes) == 100
    assert len(sizes) <= 12
    rows = await desk.rows("SELECT tx FROM trades ORDER BY seq")
    assert [tx for (tx,) in rows] == [tx_of(number) for number in range(950)]
