"""An operator's changes in SQL: read by the daemon, written by the command line beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.store import history
from actors.store.connection import Connection
from messages.ids import PortfolioId, Wallet
from messages.operator import FollowOverride, LeaderOverride, LoadOverrides, Overrides
from messages.units import Rate

CHANNEL: Final = "remora_overrides"
"""What the database notifies when any of this changed."""

_LEADERS: Final = "SELECT wallet, removed, name FROM leader_overrides ORDER BY wallet"
_FOLLOWS: Final = "SELECT portfolio_id, wallet, ratio, paused FROM follow_overrides ORDER BY 1, 2"
_MODE: Final = """
INSERT INTO mode_override (mode) VALUES ($1) ON CONFLICT (id) DO UPDATE SET mode = excluded.mode
"""
_LEADER: Final = """
INSERT INTO leader_overrides (wallet, removed, name) VALUES ($1, $2, $3)
ON CONFLICT (wallet) DO UPDATE SET removed = excluded.removed,
    name = CASE excluded.name WHEN '' THEN leader_overrides.name ELSE excluded.name END
"""
# Who comes back is followed from now on: what it traded meanwhile is history, and never copied.
_ANEW: Final = """
UPDATE leaders SET followed_at_ns = extract(epoch FROM date_trunc('second', now()))::bigint * 1000000000
WHERE wallet = $1 AND EXISTS (SELECT FROM leader_overrides WHERE wallet = $1 AND removed)
"""
_HISTORY: Final = """
INSERT INTO backfills (wallet, from_s, to_s, reached_s) VALUES ($1, $2, $3, $2) RETURNING request_id
"""
_FOLLOW: Final = """
INSERT INTO follow_overrides (portfolio_id, wallet, ratio, paused) VALUES ($1, $2, $3, $4)
ON CONFLICT (portfolio_id, wallet) DO UPDATE SET
    ratio = coalesce(excluded.ratio, follow_overrides.ratio),
    paused = coalesce(excluded.paused, follow_overrides.paused)
"""


async def load(connection: Connection) -> Overrides:
    """Return everything that is overridden."""
    leaders = await connection.fetch(_LEADERS)
    follows = await connection.fetch(_FOLLOWS)
    return Overrides(
        leaders=tuple(
            [
                LeaderOverride(wallet=row["wallet"], is_removed=row["removed"], name=row["name"])
                for row in leaders
            ]
        ),
        follows=tuple(
            [
                FollowOverride(
                    portfolio_id=row["portfolio_id"],
                    wallet=row["wallet"],
                    ratio=row["ratio"],
                    is_paused=row["paused"],
                )
                for row in follows
            ]
        ),
        trigger=await connection.fetchval("SELECT mode FROM mode_override"),
        backfills=await history.open_requests(connection),
    )


async def load_overrides(connection: Connection, loads: Sequence[LoadOverrides]) -> list[Overrides]:
    """Return the same answer to all who asked."""
    answer = await load(connection)
    return [answer for _ in loads]


async def put_leader(connection: Connection, wallet: Wallet, *, is_removed: bool, name: str = "") -> None:
    """Follow a wallet, or follow it no more, whatever the configuration says; keeps a name given before."""
    if not is_removed:
        await connection.execute(_ANEW, wallet)
    await connection.execute(_LEADER, wallet, is_removed, name)


async def put_follow(
    connection: Connection,
    portfolio_id: PortfolioId,
    wallet: Wallet,
    *,
    ratio: Rate | None = None,
    is_paused: bool | None = None,
) -> None:
    """Have a portfolio copy a leader in another way; None leaves what is overridden already."""
    await connection.execute(_FOLLOW, portfolio_id, wallet, ratio, is_paused)


async def take_back(connection: Connection, wallet: Wallet) -> None:
    """Let the configuration alone decide about a wallet again."""
    await connection.execute(_ANEW, wallet)
    await connection.execute("DELETE FROM leader_overrides WHERE wallet = $1", wallet)
    await connection.execute("DELETE FROM follow_overrides WHERE wallet = $1", wallet)


async def put_mode(connection: Connection, trigger: str | None) -> None:
    """Have other sources run than configured; None leaves that to the configuration again."""
    if trigger is None:
        await connection.execute("DELETE FROM mode_override")
    else:
        await connection.execute(_MODE, trigger)


async def ask_for_history(connection: Connection, wallet: Wallet, from_s: int, to_s: int) -> int:
    """Have a wallet's past read (epoch seconds) and return the number of the request."""
    number: int = await connection.fetchval(_HISTORY, wallet, from_s, to_s)
    return number


async def note(connection: Connection, who: str, did: str) -> None:
    """Write down who changed what."""
    await connection.execute("INSERT INTO operator_actions (who, did) VALUES ($1, $2)", who, did)
