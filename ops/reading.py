"""The database for commands that only look, whether a daemon runs or not."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from actors.store import failures, queries, race, reading
from actors.store.errors import StoreError
from ops.exits import CannotGoOn, Exit

UNREADABLE = (StoreError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database raises that is not there, or not as it must be."""


@asynccontextmanager
async def database_of(state_dir: Path, url: str) -> AsyncIterator[str]:
    """Yield the database's address; an embedded server that is down is started for the while."""
    try:
        async with reading.address(url, state_dir) as dsn:
            yield dsn
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error


async def explain(state_dir: Path, url: str, prefix: str) -> dict[str, Any]:
    """Return the story of the one trade whose id begins with `prefix`. Raises `CannotGoOn`."""
    try:
        async with reading.reading(url, state_dir) as connection:
            found = await queries.trades_like(connection, prefix)
            story = await queries.why(connection, found[0]) if len(found) == 1 else None
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error
    if story is not None:
        return story
    if not found:
        raise CannotGoOn(Exit.USAGE, f"no trade's id begins with {prefix!r}; logs carry it as trace_id")
    listed = "\n".join(f"  {trade_id}" for trade_id in found)
    raise CannotGoOn(Exit.USAGE, f"several trades begin with {prefix!r}:\n{listed}")


async def sources_race(state_dir: Path, url: str, hours: float) -> dict[str, Any]:
    """Return how the sources compare on the trades of the last hours. Raises `CannotGoOn`."""
    since_ns = time.time_ns() - int(hours * 3_600_000_000_000)
    try:
        async with reading.reading(url, state_dir) as connection:
            return {"hours": hours, **await race.race(connection, since_ns)}
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error
