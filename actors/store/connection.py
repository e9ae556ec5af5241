"""A connection to Postgres as the rest of the store sees it: the one seam with asyncpg, which is untyped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeAlias, cast

import asyncpg

from actors.store.numeric import decode_micros, encode_micros

CONNECT_TIMEOUT_S: Final = 5.0

Row: TypeAlias = Mapping[str, Any]
"""A row by column name; NUMERIC values are integers of 1e-6."""


class Connection(Protocol):
    """What is used of an asyncpg connection."""

    async def execute(self, query: str, *arguments: object) -> str:
        """Run a statement (several, when without arguments) and return its command tag."""

    async def fetch(self, query: str, *arguments: object) -> list[Row]:
        """Return every row."""

    async def fetchrow(self, query: str, *arguments: object) -> Row | None:
        """Return the first row."""

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """Return the first column of the first row."""

    async def close(self) -> None:
        """Say goodbye and close."""

    def terminate(self) -> None:
        """Close without a word."""

    def is_closed(self) -> bool:
        """Return whether either side has closed it."""

    async def add_listener(self, channel: str, callback: Callable[..., object]) -> None:
        """Call back at each notification of a channel, with connection, pid, channel and payload."""

    def add_termination_listener(self, callback: Callable[[object], None]) -> None:
        """Call back once when it is closed, by whichever side."""


WRITER: Final = {
    # Every statement of the writer looks rows up by key: one plan fits all values, so it is made once
    # (planning took as long as running), and never for the empty tables it may meet at that moment.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "application_name": "remora",
}
READER: Final = {"default_transaction_read_only": "on", "application_name": "remora reader"}


async def connect(dsn: str, settings: Mapping[str, str]) -> Connection:
    """Return an open connection whose NUMERIC is an integer of 1e-6."""
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, server_settings={"timezone": "UTC", "jit": "off", **settings}
    )
    await connection.set_type_codec(
        "numeric", schema="pg_catalog", encoder=encode_micros, decoder=decode_micros, format="binary"
    )
    return cast(Connection, connection)
