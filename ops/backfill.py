"""Leaders' past, asked for from the command line and watched until it is there.

The daemon does the reading: a database has one writer, and what is one writer's to judge (which trades are
new) must not be judged by two. So a request is a row, which a daemon that runs hears of at once, and one that
does not run yet finds when it starts; it outlives both this command and the daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from actors.store import failures, overrides, reading
from actors.store.connection import Connection
from config.loading import Loaded
from config.operator import following
from messages.ids import Wallet
from ops.exits import CannotGoOn, Exit
from ops.operating import session
from ops.reading import UNREADABLE

LOOK_S: Final = 0.5
SHOWN_MAX: Final = 50
_ROWS: Final = f"""
SELECT request_id, wallet, from_s, to_s, reached_s, rows, trades, state, reason FROM backfills
WHERE $1::bigint IS NULL OR request_id = $1 ORDER BY request_id DESC LIMIT {SHOWN_MAX}
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A request and how far it is; times are epoch seconds, `trades` were not known before."""

    request_id: int
    wallet: Wallet
    from_s: int
    to_s: int
    reached_s: int
    rows: int
    trades: int
    state: str
    """WAITING, RUNNING, DONE or FAILED."""
    reason: str

    @property
    def is_open(self) -> bool:
        """Whether it is not at its end."""
        return self.state in ("WAITING", "RUNNING")

    @property
    def part(self) -> float:
        """How much of the time it covers was read, from 0 to 1."""
        return (self.reached_s - self.from_s) / (self.to_s - self.from_s)


async def ask(loaded: Loaded, state_dir: Path, wallet: Wallet, from_s: int, to_s: int) -> int:
    """Ask for a followed wallet's past and return the number of the request. Raises `CannotGoOn`."""
    if from_s >= to_s:
        raise CannotGoOn(Exit.USAGE, f"--from was {_when(from_s)}, expected a time before {_when(to_s)}")
    async with session(loaded, state_dir) as one:
        now = following(loaded.settings, loaded.hash, one.overrides)
        if all(leader.wallet != wallet for leader in now.leaders):
            raise CannotGoOn(
                Exit.USAGE, f"{wallet} is not followed; `remora leaders add {wallet}` changes that"
            )
        number = await overrides.ask_for_history(one.connection, wallet, from_s, to_s)
        await one.note(f"asked for the past of {wallet} from {_when(from_s)} to {_when(to_s)}")
    return number


async def rows(loaded: Loaded, state_dir: Path, number: int | None = None) -> list[Row]:
    """Return the latest requests, or the one with that number. Raises `CannotGoOn`."""
    try:
        async with reading.reading(loaded.settings.database.url, state_dir) as connection:
            return await _rows(connection, number)
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error


async def watch(loaded: Loaded, state_dir: Path, number: int, show: Callable[[Row], None]) -> Row:
    """Show a request's progress until it is at its end, and return it. Raises `CannotGoOn`."""
    try:
        async with reading.reading(loaded.settings.database.url, state_dir) as connection:
            while True:
                (row,) = await _rows(connection, number)
                show(row)
                if not row.is_open:
                    return row
                await asyncio.sleep(LOOK_S)
    except UNREADABLE as error:
        raise CannotGoOn(Exit.DATABASE, failures.reason(error)) from error


async def _rows(connection: Connection, number: int | None) -> list[Row]:
    return [Row(**dict(row)) for row in await connection.fetch(_ROWS, number)]


def _when(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
