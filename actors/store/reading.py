"""The database for those who only look: the command line, the demo's summary, a curious person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from actors.store.connection import READER, Connection, connect
from actors.store.errors import EmptyError
from actors.store.server import Server

_STOP_S: Final = 10.0


@asynccontextmanager
async def address(url: str, state_dir: Path) -> AsyncIterator[str]:
    """Yield the address of the database with a server behind it, a daemon running or not.

    An embedded server that was not running is started for the while. Nothing is ever created: raises
    `EmptyError` where no daemon has been, and `EmbeddedError` where the server cannot be started.
    """
    if not url and not _has_data(state_dir):
        raise EmptyError(f"nothing is recorded under {state_dir}: no daemon has run there yet")
    server = Server(url, state_dir)
    try:
        yield await server.start()
    finally:
        await asyncio.to_thread(server.release, wait_s=_STOP_S)


def _has_data(state_dir: Path) -> bool:
    return (state_dir.expanduser() / "postgres" / "data").exists()


@asynccontextmanager
async def reading(url: str, state_dir: Path) -> AsyncIterator[Connection]:
    """Yield a connection that can read everything and write nothing. Raises as `address`, and `OSError`."""
    async with address(url, state_dir) as where:
        connection = await connect(where, READER)
        try:
            if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
                raise EmptyError("the database is empty: no daemon has written to it yet")
            yield connection
        finally:
            await connection.close()
