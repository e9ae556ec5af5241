"""Portfolios in SQL: whom each follows since when, its epoch, and its position snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.store import trades
from actors.store.columns import columns, unnest
from actors.store.connection import Connection
from actors.store.fills import load_fills
from actors.store.orders import open_orders
from messages.store import LoadPortfolio, PortfolioLoaded, PositionRow, StorePositions
from messages.trades import LeaderTrade

_RAISE: Final = """
INSERT INTO portfolios (id, mode, starting_cash, created_at_ns, epoch, cash)
VALUES ($1, $2, $3, $4, 1, $3)
ON CONFLICT (id) DO UPDATE SET epoch = portfolios.epoch + 1
RETURNING epoch, starting_cash
"""
# A span of following that ends does so before the first trade that was not decided on: what was owed
# until then is paid, and what came after is not owed.
_END: Final = """
UPDATE follows SET until_ns = $3, until_seq = coalesce(
    (SELECT min(trades.seq) - 1 FROM trades
     WHERE trades.wallet = follows.wallet AND trades.seq > follows.since_seq AND NOT EXISTS (
        SELECT FROM intents
        WHERE intents.portfolio_id = follows.portfolio_id AND intents.trade_id = trades.trade_id)),
    (SELECT coalesce(max(seq), 0) FROM trades))
WHERE portfolio_id = $1 AND until_seq IS NULL AND wallet <> ALL($2::text[])
"""
_FOLLOW: Final = f"""
INSERT INTO follows (portfolio_id, wallet, ratio, since_ns, since_seq)
SELECT $3, wallet, ratio, $4, (SELECT coalesce(max(seq), 0) FROM trades)
FROM {unnest(wallet="text", ratio="numeric")}
ON CONFLICT (portfolio_id, wallet) WHERE until_seq IS NULL DO UPDATE SET ratio = excluded.ratio
"""
_UNDECIDED: Final = f"""
SELECT {trades.SELECTED} FROM follows
JOIN trades ON trades.wallet = follows.wallet AND trades.seq > follows.since_seq
WHERE follows.portfolio_id = $1 AND follows.until_seq IS NULL AND NOT EXISTS (
    SELECT FROM intents WHERE intents.portfolio_id = $1 AND intents.trade_id = trades.trade_id)
ORDER BY trades.seq
"""
_ROW: Final = {
    "portfolio_id": "text",
    "token_id": "text",
    "condition_id": "text",
    "shares": "numeric",
    "cost": "numeric",
    "realised": "numeric",
    "fees": "numeric",
}
_ROW_NAMES: Final = ", ".join((*_ROW, "fill_seq"))
_POSITIONS: Final = f"""
INSERT INTO positions ({_ROW_NAMES}) SELECT {_ROW_NAMES} FROM {unnest(**_ROW, fill_seq="bigint")}
ON CONFLICT (portfolio_id, token_id) DO UPDATE SET
    shares = excluded.shares, cost = excluded.cost, realised = excluded.realised, fees = excluded.fees,
    fill_seq = excluded.fill_seq
WHERE positions.fill_seq <= excluded.fill_seq
"""
_CASH: Final = f"""
UPDATE portfolios SET cash = input.cash, realised = input.realised, fees = input.fees,
    fill_seq = input.fill_seq
FROM {unnest(id="text", cash="numeric", realised="numeric", fees="numeric", fill_seq="bigint")}
WHERE portfolios.id = input.id AND portfolios.fill_seq <= input.fill_seq
"""


async def load_portfolios(connection: Connection, loads: Sequence[LoadPortfolio]) -> list[PortfolioLoaded]:
    """Create what is new, raise each epoch, note who is followed from now on, and return all as stored."""
    return [await _load(connection, load) for load in loads]


async def _load(connection: Connection, load: LoadPortfolio) -> PortfolioLoaded:
    row = await connection.fetchrow(_RAISE, load.portfolio_id, load.mode, load.starting_cash, load.at_ns)
    assert row is not None
    wallets = [follow.wallet for follow in load.follows]
    await connection.execute(_END, load.portfolio_id, wallets, load.at_ns)
    if load.follows:
        ratios = columns((follow.wallet, follow.ratio) for follow in load.follows)
        await connection.execute(_FOLLOW, *ratios, load.portfolio_id, load.at_ns)
    return PortfolioLoaded(
        portfolio_id=load.portfolio_id,
        epoch=row["epoch"],
        starting_cash=row["starting_cash"],
        fills=await load_fills(connection, load.portfolio_id),
        open_orders=await open_orders(connection, load.portfolio_id),
        undecided=await _undecided(connection, load.portfolio_id),
    )


async def _undecided(connection: Connection, portfolio_id: str) -> tuple[LeaderTrade, ...]:
    return tuple([trades.trade_from(row) for row in await connection.fetch(_UNDECIDED, portfolio_id)])


async def store_positions(connection: Connection, writes: Sequence[StorePositions]) -> None:
    """Write snapshots; an older one (by `fill_seq`) never replaces a newer, rows not named stay."""
    latest: dict[str, StorePositions] = {}
    rows: dict[tuple[str, str], tuple[PositionRow, int]] = {}
    for write in writes:
        known = latest.get(write.portfolio_id)
        if known is None or known.fill_seq <= write.fill_seq:
            latest[write.portfolio_id] = write
        for row in write.positions:
            name = (write.portfolio_id, row.token_id)
            if name not in rows or rows[name][1] <= write.fill_seq:
                rows[name] = (row, write.fill_seq)
    if rows:
        named = [(*(getattr(row, name) for name in _ROW), seq) for row, seq in rows.values()]
        await connection.execute(_POSITIONS, *columns(named))
    cash = [(one.portfolio_id, one.cash, one.realised, one.fees, one.fill_seq) for one in latest.values()]
    await connection.execute(_CASH, *columns(cash))
