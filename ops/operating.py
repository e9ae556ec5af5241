"""One session of an operator with the database: all of its changes together, or none, and who made them."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from actors.store import failures, overrides, reading
from actors.store.connection import Connection, connect
from config.loading import Loaded
from messages.operator import Overrides
from ops.exits import CannotGoOn, Exit
from ops.reading import UNREADABLE

_OPERATOR: Final = {"application_name": "remora operator"}


class Session:
    """An open transaction and what was overridden when it began."""

    def __init__(self, connection: Connection, loaded: Loaded, present: Overrides) -> None:
        self.connection = connection
        self.loaded = loaded
        self.overrides = present

    async def note(self, did: str) -> str:
        """Write down that the operator did this, and return it."""
        await overrides.note(self.connection, getpass.getuser(), did)
        return did


@asynccontextmanager
async def session(loaded: Loaded, state_dir: Path) -> AsyncIterator[Session]:
    """Yield a session whose changes are committed together at its end, or not at all. Raises `CannotGoOn`."""
    try:
        async with reading.address(loaded.settings.database.url, state_dir) as dsn:
            connection = await connect(dsn, _OPERATOR)
            try:
                await connection.execute("BEGIN")
                yield Session(connection, loaded, await _load(connection))
                await connection.execute("COMMIT")
            finally:
                await connection.close()
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error


async def _load(connection: Connection) -> Overrides:
    if await connection.fetchval("SELECT to_regclass('backfills')") is None:
        raise CannotGoOn(
            Exit.DATABASE,
            "the database is empty or from an older Remora: start the daemon once, or write it into the "
            "configuration",
        )
    return await overrides.load(connection)
