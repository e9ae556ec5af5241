"""Markets and mismatches in SQL: the last word on each market, and where expected and actual differed.

What stands of a market is settled by two things alone: knowing what it pays goes before not knowing it, then
the newer goes before the older. So it makes no difference which rows share a batch, or come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from actors.store.columns import clean, columns, literal, unnest
from actors.store.connection import Connection, Row
from messages.ids import ConditionId
from messages.markets import Market, Resolution
from messages.store import MarketRow, StoreMarkets, StoreMismatch
from messages.units import decimal_text

_TEXTS: Final = ("question", "slug", "event_slug", "oracle")
_VALUES: Final = {
    "condition_id": "text",
    "tick": "numeric",
    "size_min": "numeric",
    "fee_rate": "numeric",
    "neg_risk": "boolean",
    "accepting_orders": "boolean",
    "resolution": "text",
    "end_at_ns": "bigint",
}
# Arrays within arrays must be rectangular in SQL, and markets are not: each list travels as a literal.
_LISTS: Final = {"outcomes": "text[]", "token_ids": "text[]", "prices": "numeric[]", "payouts": "numeric[]"}
_FIELDS: Final = {
    **dict.fromkeys(_TEXTS, "text"),
    **_VALUES,
    **dict.fromkeys(_LISTS, "text"),
    "source": "text",
    "last_price_updated_at_ns": "bigint",
    "last_requested_at_ns": "bigint",
}
_NAMES: Final = ", ".join(_FIELDS)
_READ: Final = ", ".join(f"{name}::{_LISTS[name]}" if name in _LISTS else name for name in _FIELDS)
_STANDS: Final = (
    "(excluded.resolution = 'resolved', excluded.last_price_updated_at_ns)"
    " >= (markets.resolution = 'resolved', markets.last_price_updated_at_ns)"
)
_REPLACED: Final = ", ".join(
    f"{name} = CASE WHEN {_STANDS} THEN excluded.{name} ELSE markets.{name} END"
    for name in _FIELDS
    if name not in ("condition_id", "last_requested_at_ns")
)
_UPSERT: Final = f"""
INSERT INTO markets ({_NAMES}) SELECT {_READ} FROM {unnest(**_FIELDS)} ORDER BY ord
ON CONFLICT (condition_id) DO UPDATE SET {_REPLACED},
    last_requested_at_ns = greatest(markets.last_requested_at_ns, excluded.last_requested_at_ns)
WHERE {_STANDS} OR excluded.last_requested_at_ns > markets.last_requested_at_ns
"""
_LOAD: Final = f"SELECT {_NAMES} FROM markets WHERE condition_id = ANY($1::text[])"
_MISMATCHES: Final = f"""
INSERT INTO mismatches (portfolio_id, what, expected, actual, at_ns)
SELECT portfolio_id, what, expected, actual, at_ns
FROM {unnest(portfolio_id="text", what="text", expected="text", actual="text", at_ns="bigint")} ORDER BY ord
"""


async def store_markets(connection: Connection, writes: Sequence[StoreMarkets]) -> None:
    """Write markets back, all in one statement."""
    standing: dict[ConditionId, MarketRow] = {}
    for write in writes:
        for row in write.rows:
            known = standing.get(row.market.condition_id)
            standing[row.market.condition_id] = row if known is None else _merged(known, row)
    if standing:
        await connection.execute(_UPSERT, *columns(_values(row) for row in standing.values()))


async def load_markets(
    connection: Connection, condition_ids: Iterable[ConditionId]
) -> dict[ConditionId, MarketRow]:
    """Return what is stored of each market, without those of which nothing is."""
    rows = await connection.fetch(_LOAD, [clean(condition_id) for condition_id in condition_ids])
    return {row["condition_id"]: _row_from(row) for row in rows}


def halves(write: StoreMarkets) -> list[StoreMarkets]:
    """Return the write as two, so that one bad row need not cost the others; nothing when it has but one."""
    half = len(write.rows) // 2
    return [StoreMarkets(rows=write.rows[:half]), StoreMarkets(rows=write.rows[half:])] if half else []


async def store_mismatches(connection: Connection, writes: Sequence[StoreMismatch]) -> None:
    """Record mismatches."""
    rows = [(one.portfolio_id, one.what, clean(one.expected), clean(one.actual), one.at_ns) for one in writes]
    await connection.execute(_MISMATCHES, *columns(rows))


def _merged(known: MarketRow, told: MarketRow) -> MarketRow:
    """Return what stands of two rows about one market, of which `told` came later."""
    stands = told if _rank(told) >= _rank(known) else known
    requested_at_ns = max(known.last_requested_at_ns, told.last_requested_at_ns)
    return msgspec.structs.replace(stands, last_requested_at_ns=requested_at_ns)


def _rank(row: MarketRow) -> tuple[bool, int]:
    return row.market.resolution is Resolution.RESOLVED, row.as_of_ns


def _values(row: MarketRow) -> list[object]:
    market = row.market
    return [
        *(clean(getattr(market, name)) for name in _TEXTS),
        *(getattr(market, name) for name in _VALUES),
        literal(clean(outcome) for outcome in market.outcomes),
        literal(market.token_ids),
        literal(map(decimal_text, market.prices)),
        literal(map(decimal_text, market.payouts)),
        clean(row.source),
        row.as_of_ns,
        row.last_requested_at_ns,
    ]


def _row_from(row: Row) -> MarketRow:
    fields = {name: row[name] for name in (*_TEXTS, *_VALUES)}
    fields |= {name: tuple(row[name]) for name in _LISTS}
    fields["resolution"] = Resolution(fields["resolution"])
    return MarketRow(
        market=Market(**fields),
        as_of_ns=row["last_price_updated_at_ns"],
        source=row["source"],
        last_requested_at_ns=row["last_requested_at_ns"],
    )
