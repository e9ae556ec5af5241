"""The paper venue's own books in SQL. They share no table with ours, so that the two can disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from actors.store import fills
from actors.store.columns import clean, columns, unnest
from actors.store.connection import Connection
from messages.orders import Fill, OrderState, PlaceOrder
from messages.store import (
    LeaderPosition,
    LoadPaperAccount,
    LoadPaperOrder,
    PaperAccountLoaded,
    PaperOrder,
    PaperOrderLoaded,
    PaperOrderStored,
    PaperSettlementStored,
    StorePaperOrder,
    StorePaperSettlement,
)
from messages.trades import Side

_PLACED: Final = {
    "order_id": "text",
    "portfolio_id": "text",
    "condition_id": "text",
    "token_id": "text",
    "event_slug": "text",
    "side": "text",
    "size": "numeric",
    "price_limit": "numeric",
    "fee_rate": "numeric",
}
_ORDER: Final = {**_PLACED, "state": "text", "reason": "text", "at_ns": "bigint"}
_ORDER_NAMES: Final = ", ".join(_ORDER)
_FILL_NAMES: Final = ", ".join(fills.FIELDS)
_INSERT_ORDERS: Final = f"""
INSERT INTO paper_orders ({_ORDER_NAMES}) SELECT {_ORDER_NAMES} FROM {unnest(**_ORDER)} ORDER BY ord
ON CONFLICT (order_id) DO NOTHING RETURNING order_id
"""
_INSERT_FILLS: Final = f"""
INSERT INTO paper_fills ({_FILL_NAMES}) SELECT {_FILL_NAMES} FROM {unnest(**fills.FIELDS)} ORDER BY ord
ON CONFLICT (fill_id) DO NOTHING RETURNING fill_id
"""
_ORDERS: Final = f"SELECT {_ORDER_NAMES} FROM paper_orders WHERE order_id = ANY($1::text[])"
_ORDER_FILLS: Final = f"""
SELECT {_FILL_NAMES} FROM paper_fills WHERE order_id = ANY($1::text[]) ORDER BY seq
"""
_FILLS: Final = f"SELECT {_FILL_NAMES} FROM paper_fills WHERE fill_id = ANY($1::text[])"
_HOLDINGS: Final = """
SELECT token_id, sum(CASE side WHEN 'BUY' THEN size ELSE -size END) AS shares
FROM paper_fills WHERE portfolio_id = $1 GROUP BY token_id ORDER BY token_id
"""
_CASH: Final = """
SELECT coalesce((SELECT starting_cash FROM portfolios WHERE id = $1), 0)
     + coalesce(sum(CASE side WHEN 'BUY' THEN -(usdc + fee) ELSE usdc - fee END), 0)
FROM paper_fills WHERE portfolio_id = $1
"""


async def store_paper_orders(
    connection: Connection, writes: Sequence[StorePaperOrder]
) -> list[PaperOrderStored]:
    """Record what the venue did with each order; the first record of an order stands."""
    first: dict[str, PaperOrder] = {}
    for write in writes:
        first.setdefault(write.paper.order.order_id, write.paper)
    rows = await connection.fetch(_INSERT_ORDERS, *columns(_values(paper) for paper in first.values()))
    fresh = {row["order_id"] for row in rows}
    await _insert_fills(connection, [fill for name in first if name in fresh for fill in first[name].fills])
    earlier = await _load(connection, [name for name in first if name not in fresh])
    standing = {**first, **earlier}
    return [PaperOrderStored(paper=standing[write.paper.order.order_id]) for write in writes]


async def store_paper_settlements(
    connection: Connection, writes: Sequence[StorePaperSettlement]
) -> list[PaperSettlementStored]:
    """Book settlements; the first record of one stands."""
    first: dict[str, Fill] = {}
    for write in writes:
        first.setdefault(write.fill.fill_id, write.fill)
    fresh = await _insert_fills(connection, first.values())
    earlier = [name for name in first if name not in fresh]
    if earlier:
        for row in await connection.fetch(_FILLS, earlier):
            first[row["fill_id"]] = fills.fill_from(row, 0)
    return [PaperSettlementStored(fill=first[write.fill.fill_id]) for write in writes]


async def load_paper_orders(
    connection: Connection, loads: Sequence[LoadPaperOrder]
) -> list[PaperOrderLoaded]:
    """Return the venue's record of each order, None for one that it never saw."""
    found = await _load(connection, [load.order_id for load in loads])
    return [PaperOrderLoaded(order_id=load.order_id, paper=found.get(load.order_id)) for load in loads]


async def load_paper_accounts(
    connection: Connection, loads: Sequence[LoadPaperAccount]
) -> list[PaperAccountLoaded]:
    """Return accounts folded from the venue's fills on the portfolio's starting cash."""
    answers = []
    for load in loads:
        rows = await connection.fetch(_HOLDINGS, load.portfolio_id)
        answers.append(
            PaperAccountLoaded(
                portfolio_id=load.portfolio_id,
                holdings=tuple(
                    [LeaderPosition(row["token_id"], row["shares"]) for row in rows if row["shares"]]
                ),
                cash=await connection.fetchval(_CASH, load.portfolio_id),
            )
        )
    return answers


async def _insert_fills(connection: Connection, booked: Iterable[Fill]) -> set[str]:
    rows = [fills.values(fill) for fill in booked]
    if not rows:
        return set()
    return {row["fill_id"] for row in await connection.fetch(_INSERT_FILLS, *columns(rows))}


async def _load(connection: Connection, order_ids: Sequence[str]) -> dict[str, PaperOrder]:
    if not order_ids:
        return {}
    booked: defaultdict[str, list[Fill]] = defaultdict(list)
    for row in await connection.fetch(_ORDER_FILLS, order_ids):
        booked[row["order_id"]].append(fills.fill_from(row, 0))
    return {
        row["order_id"]: PaperOrder(
            order=PlaceOrder(**{**{name: row[name] for name in _PLACED}, "side": Side(row["side"])}),
            state=OrderState(row["state"]),
            reason=row["reason"],
            fills=tuple(booked[row["order_id"]]),
            at_ns=row["at_ns"],
        )
        for row in await connection.fetch(_ORDERS, order_ids)
    }


def _values(paper: PaperOrder) -> list[object]:
    placed = [getattr(paper.order, name) for name in _PLACED]
    placed[4] = clean(paper.order.event_slug)
    return [*placed, paper.state, clean(paper.reason), paper.at_ns]
