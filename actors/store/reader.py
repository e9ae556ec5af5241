"""A read-only connection beside the writer's, opened when it is first needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from actors.store.connection import READER, Connection, connect

T = TypeVar("T")


class Reader:
    """Runs one read at a time, each within a time; must not be asked again before it has answered."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._connection: Connection | None = None

    async def read(self, address: str, query: Callable[[Connection], Awaitable[T]]) -> T:
        """Return what the query finds; after an error the next read has a new connection."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(address, READER)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await query(self._connection)
        except BaseException:
            self.abandon()
            raise

    async def close(self, timeout_s: float) -> None:
        """Say goodbye, for a limited time, and close."""
        if self._connection is not None and not self._connection.is_closed():
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with asyncio.timeout(timeout_s):
                    await self._connection.close()
        self.abandon()

    def abandon(self) -> None:
        """Drop the connection, now."""
        if self._connection is not None and not self._connection.is_closed():
            self._connection.terminate()
        self._connection = None
