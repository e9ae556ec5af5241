"""Fills in SQL: the truth that positions, cash and PnL are folded from. Written once, never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.store.columns import clean, columns, unnest
from actors.store.connection import Connection, Row
from messages.orders import Fill, FillKind
from messages.trades import Side

FIELDS: Final = {
    "fill_id": "text",
    "portfolio_id": "text",
    "order_id": "text",
    "condition_id": "text",
    "token_id": "text",
    "event_slug": "text",
    "kind": "text",
    "side": "text",
    "size": "numeric",
    "price": "numeric",
    "usdc": "numeric",
    "fee": "numeric",
    "filled_at_ns": "bigint",
}
SELECTED: Final = ", ".join(("seq", *FIELDS))
_NAMES: Final = ", ".join(FIELDS)

_INSERT: Final = f"""
WITH input AS MATERIALIZED (SELECT * FROM {unnest(**FIELDS)}),
fresh AS (
    INSERT INTO fills ({_NAMES}) SELECT {_NAMES} FROM input ORDER BY ord
    ON CONFLICT (fill_id) DO NOTHING RETURNING fill_id, seq)
SELECT fill_id, seq, true AS fresh FROM fresh
UNION ALL
SELECT fills.fill_id, fills.seq, false FROM input JOIN fills ON fills.fill_id = input.fill_id
"""
_BY_PORTFOLIO: Final = f"SELECT {SELECTED} FROM fills WHERE portfolio_id = $1 ORDER BY seq"


async def store_fills(connection: Connection, fills: Iterable[Fill]) -> tuple[dict[str, int], set[str]]:
    """Record fills in the order given; return each one's `seq` by fill id, and the ids that were new."""
    unique: dict[str, Fill] = {}
    for fill in fills:
        unique.setdefault(fill.fill_id, fill)
    if not unique:
        return {}, set()
    rows = await connection.fetch(_INSERT, *columns(values(fill) for fill in unique.values()))
    return {row["fill_id"]: row["seq"] for row in rows}, {row["fill_id"] for row in rows if row["fresh"]}


async def load_fills(connection: Connection, portfolio_id: str) -> tuple[Fill, ...]:
    """Return a portfolio's fills in the order in which they were recorded."""
    return tuple([fill_from(row, row["seq"]) for row in await connection.fetch(_BY_PORTFOLIO, portfolio_id)])


def values(fill: Fill) -> list[object]:
    """Return the fill's columns; a settlement has no order."""
    row = [getattr(fill, name) for name in FIELDS]
    row[2] = fill.order_id or None
    row[5] = clean(fill.event_slug)
    return row


def fill_from(row: Row, seq: int) -> Fill:
    """Return the fill that a row of `FIELDS` holds."""
    fields = {name: row[name] for name in FIELDS}
    fields["order_id"] = fields["order_id"] or ""
    fields["kind"] = FillKind(fields["kind"])
    fields["side"] = Side(fields["side"])
    return Fill(seq=seq, **fields)
