"""The server that the settings name: somebody's own, or the embedded one with its database made."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from actors.store.connection import connect
from actors.store.embedded import DATABASE, SUPERUSER, EmbeddedServer

_SETTLE_S: Final = 15.0
_RETRY_S: Final = 0.05


class Server:
    """Where the database is. With `url` set there is nothing to start or stop."""

    def __init__(self, url: str, state_dir: Path) -> None:
        self._url = url
        self._embedded = None if url else EmbeddedServer(state_dir)

    async def start(self) -> str:
        """Return the database's address, with the embedded server running behind it.

        Safe to call again: a server that died is started anew. Raises `EmbeddedError`.
        """
        if self._embedded is None:
            return self._url
        deadline = asyncio.get_running_loop().time() + _SETTLE_S
        while True:
            address = await asyncio.to_thread(self._embedded.start)
            try:
                await _ensure_database(address)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
                # Its last user may have told it to stop at this very moment.
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                return address

    def release(self, *, wait_s: float = 0) -> None:
        """End this use; the last user of the embedded server stops it."""
        if self._embedded is not None:
            self._embedded.release(wait_s=wait_s)


async def _ensure_database(address: str) -> None:
    parts = urlsplit(address)
    maintenance = urlunsplit(parts._replace(path=f"/{SUPERUSER}"))
    connection = await connect(maintenance, {})
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE) is None:
            # Somebody else may be making it at this moment.
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
