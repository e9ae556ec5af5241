"""Backfill in SQL: what is asked for, what came of it, and positions worked out anew from all of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from actors.store import movements, trades
from actors.store.columns import clean, columns, unnest
from actors.store.connection import Connection
from messages.backfill import (
    BackfillRequest,
    FoldPositions,
    HistoryStored,
    LoadTrades,
    PositionsFolded,
    StoreHistory,
    TradesLoaded,
)
from messages.store import LeaderPosition

_NAMES: Final = ", ".join(trades.FIELDS)
_TRADES: Final = f"""
INSERT INTO trades ({_NAMES}, raw)
SELECT {_NAMES}, raw FROM {unnest(**trades.FIELDS, raw="json")} ORDER BY ord
ON CONFLICT DO NOTHING RETURNING trade_id
"""
_MOVED: Final = ", ".join(movements.FIELDS)
_MOVEMENTS: Final = f"""
INSERT INTO leader_movements ({_MOVED}, raw)
SELECT {_MOVED}, raw FROM {unnest(**movements.FIELDS, raw="json")} ORDER BY ord
ON CONFLICT DO NOTHING
"""
_PROGRESS: Final = """
UPDATE backfills SET reached_s = least(to_s, greatest(reached_s, $2)), rows = rows + $3, trades = trades + $4,
    state = $5, reason = $6, changed_at = now()
WHERE request_id = $1 AND state IN ('WAITING', 'RUNNING') RETURNING wallet
"""
_OPEN: Final = """
SELECT request_id, wallet, from_s, to_s, reached_s FROM backfills
WHERE state IN ('WAITING', 'RUNNING') ORDER BY request_id
"""
_BETWEEN: Final = f"""
SELECT {trades.SELECTED} FROM trades
WHERE wallet = $1 AND traded_at_ns BETWEEN $2 AND $3 ORDER BY seq
"""
# Adding up with a floor of 0 on the way is the sum, less the lowest that the sum without a floor ever was.
_FOLD: Final = """
WITH steps AS (
    SELECT wallet, token_id, traded_at_ns AS at_ns, seq,
        CASE side WHEN 'BUY' THEN 1 ELSE -1 END * coalesce(stands, size) AS shares
    FROM trades WHERE wallet = ANY($1::text[])
    UNION ALL
    SELECT wallet, token_id, moved_at_ns, seq, CASE kind WHEN 'SPLIT' THEN size ELSE -size END
    FROM leader_movements WHERE wallet = ANY($1::text[])),
running AS (
    SELECT wallet, token_id, shares, sum(shares) OVER (
        PARTITION BY wallet, token_id ORDER BY at_ns, shares < 0, seq ROWS UNBOUNDED PRECEDING) AS total
    FROM steps)
INSERT INTO leader_positions (wallet, token_id, shares)
SELECT wallet, token_id, sum(shares) - least(0, min(total)) FROM running GROUP BY wallet, token_id
ON CONFLICT (wallet, token_id) DO UPDATE SET shares = excluded.shares
"""
_POSITIONS: Final = """
SELECT wallet, token_id, shares FROM leader_positions WHERE wallet = ANY($1::text[]) AND shares <> 0
"""


async def open_requests(connection: Connection) -> tuple[BackfillRequest, ...]:
    """Return what was asked for and is not done, in the order of asking."""
    return tuple([BackfillRequest(**dict(row)) for row in await connection.fetch(_OPEN)])


async def store_history(connection: Connection, writes: Sequence[StoreHistory]) -> list[HistoryStored]:
    """Record pages in the order given; a trade or movement that is there already changes nothing."""
    answers = []
    for write in writes:
        fresh = 0
        if write.trades:
            values = columns(trades.values_of(trade) for trade in write.trades)
            fresh = len(await connection.fetch(_TRADES, *values))
        if write.movements:
            await connection.execute(
                _MOVEMENTS, *columns(movements.values_of(one) for one in write.movements)
            )
        state = "FAILED" if write.refusal else "DONE" if write.is_last else "RUNNING"
        wallet = await connection.fetchval(
            _PROGRESS,
            write.request_id,
            write.reached_s,
            write.rows,
            fresh,
            state,
            clean(write.refusal),
        )
        if write.is_last and wallet is not None:
            # With the last page, so that no crash can come between; a leader that runs asks for it again.
            await _fold(connection, [wallet])
        answers.append(HistoryStored(request_id=write.request_id, trades=fresh))
    return answers


async def load_trades(connection: Connection, loads: Sequence[LoadTrades]) -> list[TradesLoaded]:
    """Return each wallet's trades of its time."""
    answers = []
    for load in loads:
        rows = await connection.fetch(_BETWEEN, load.wallet, load.from_ns, load.to_ns)
        followed_at_ns = await connection.fetchval(
            "SELECT followed_at_ns FROM leaders WHERE wallet = $1", load.wallet
        )
        found = tuple([trades.trade_from(row) for row in rows])
        answers.append(TradesLoaded(wallet=load.wallet, trades=found, followed_at_ns=followed_at_ns))
    return answers


async def fold_positions(connection: Connection, folds: Sequence[FoldPositions]) -> list[PositionsFolded]:
    """Replace wallets' positions by what follows from all that is stored, in the order of time."""
    wallets = [fold.wallet for fold in folds]
    await _fold(connection, wallets)
    found: defaultdict[str, list[LeaderPosition]] = defaultdict(list)
    for row in await connection.fetch(_POSITIONS, wallets):
        found[row["wallet"]].append(LeaderPosition(row["token_id"], row["shares"]))
    return [PositionsFolded(wallet=wallet, positions=tuple(found[wallet])) for wallet in wallets]


async def _fold(connection: Connection, wallets: list[str]) -> None:
    await connection.execute("UPDATE leader_positions SET shares = 0 WHERE wallet = ANY($1::text[])", wallets)
    await connection.execute(_FOLD, wallets)
