"""Migrations: once, in order, all or nothing, and never over something unknown."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from examples import market_row

from actors.store.connection import connect
from actors.store.errors import MigrationError
from actors.store.markets import load_markets
from actors.store.schema import Migration, migrate, shipped
from messages.markets import Resolution

FIRST = Migration(1, "first", "CREATE TABLE one (id integer); INSERT INTO one VALUES (1);")
SECOND = Migration(2, "second", "CREATE TABLE two (id integer);")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {row["tablename"] for row in rows}
    finally:
        await connection.close()


async def test_what_is_shipped_applies_to_an_empty_database_and_only_once(url: str) -> None:
    connection = await connect(url, {})
    assert await migrate(connection, shipped()) == shipped()
    assert await migrate(connection, shipped()) == []
    assert {"trades", "intents", "orders", "fills", "schema_migrations"} <= await tables(url)


async def test_daemons_that_start_together_migrate_once(url: str) -> None:
    connections = [await connect(url, {}) for _ in range(6)]
    applied = await asyncio.gather(*(migrate(one, [FIRST, SECOND]) for one in connections))
    assert sorted(map(len, applied)) == [0, 0, 0, 0, 0, 2]
    assert await connections[0].fetchval("SELECT count(*) FROM one") == 1


async def test_an_older_database_gets_what_is_new(url: str) -> None:
    connection = await connect(url, {})
    await migrate(connection, [FIRST])
    assert await migrate(connection, [FIRST, SECOND]) == [SECOND]


async def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    connection = await connect(url, {})
    broken = Migration(2, "broken", "CREATE TABLE two (id integer); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, [FIRST, broken])
    assert await tables(url) == set()
    assert await migrate(connection, [FIRST, SECOND]) == [FIRST, SECOND]


async def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    connection = await connect(url, {})
    await migrate(connection, [FIRST, SECOND])
    with pytest.raises(MigrationError, match=r"0002_second.*newer version"):
        await migrate(connection, [FIRST])


async def test_an_edited_migration_is_refused(url: str) -> None:
    connection = await connect(url, {})
    await migrate(connection, [FIRST])
    with pytest.raises(MigrationError, match="0001_first is not the one"):
        await migrate(connection, [Migration(1, "first", FIRST.sql + " "), SECOND])
    assert "two" not in await tables(url)


async def test_a_gap_is_refused(url: str) -> None:
    connection = await connect(url, {})
    await migrate(connection, [SECOND])
    with pytest.raises(MigrationError, match="in between"):
        await migrate(connection, [FIRST, SECOND])


async def test_markets_of_an_older_database_are_kept_and_say_nothing_of_who_asked(url: str) -> None:
    connection = await connect(url, {})
    await migrate(connection, shipped()[:7])
    await connection.execute(
        "INSERT INTO markets VALUES ('0xc', 'Q', 's', 'e', '{Yes,No}', '{1,2}', '{1,0}', 0.01, 5, 0, false,"
        " false, 'resolved', '{1,0}', 7, 8, 9)"
    )
    await migrate(connection, shipped())
    assert await load_markets(connection, ["0xc"]) == {
        "0xc": market_row(
            condition_id="0xc",
            question="Q",
            slug="s",
            event_slug="e",
            token_ids=("1", "2"),
            prices=(1_000_000, 0),
            fee_rate=0,
            accepting_orders=False,
            resolution=Resolution.RESOLVED,
            payouts=(1_000_000, 0),
            end_at_ns=7,
            as_of_ns=8,
            source="",
        )
    }


def test_shipped_migrations_are_numbered_without_gaps() -> None:
    assert [one.version for one in shipped()] == list(range(1, len(shipped()) + 1))
