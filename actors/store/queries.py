"""What can be asked of the database by people: figures, and the whole story of a trade."""

from __future__ import annotations

from typing import Any, Final

from actors.store.connection import Connection, Row
from actors.store.decisions import checks_from
from messages.store import Counts, PortfolioCounts
from messages.units import MICROS, decimal_text

_TOTALS: Final = """
SELECT (SELECT count(*) FROM trades) AS trades,
       (SELECT coalesce(sum(count), 0)::bigint FROM duplicates) AS duplicates,
       (SELECT count(*) FROM intents WHERE kind = 'COPY') AS intents,
       (SELECT count(*) FROM fills) AS fills,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ns) FROM orders WHERE latency_ns > 0)
           / 1e6 AS p50,
       (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_ns) FROM orders WHERE latency_ns > 0)
           / 1e6 AS p99
"""
_SKIPS: Final = (
    "SELECT reason, count(*) AS count FROM intents WHERE kind = 'SKIP' GROUP BY reason ORDER BY reason"
)
_ORDERS: Final = "SELECT state, count(*) AS count FROM orders GROUP BY state ORDER BY state"
_PORTFOLIOS: Final = """
SELECT portfolios.*,
    (SELECT count(*) FROM intents WHERE portfolio_id = portfolios.id AND kind = 'COPY') AS intents,
    (SELECT count(*) FROM intents WHERE portfolio_id = portfolios.id AND kind = 'SKIP') AS skips
FROM portfolios ORDER BY id
"""
_VALUED: Final = """
SELECT positions.portfolio_id, positions.shares, positions.cost,
    (CASE WHEN markets.resolution = 'resolved' THEN markets.payouts
          -- Prices that are all zero are those of legacy rows that were closed: unknown, never a loss.
          WHEN 0 < ANY (markets.prices) THEN markets.prices END)
        [array_position(markets.token_ids, positions.token_id)] AS price
FROM positions LEFT JOIN markets USING (condition_id)
WHERE positions.shares <> 0
"""


async def counts(connection: Connection) -> Counts:
    """Return the figures of status, page and summary."""
    totals = await connection.fetchrow(_TOTALS)
    assert totals is not None
    skips = {row["reason"]: row["count"] for row in await connection.fetch(_SKIPS)}
    valued = await connection.fetch(_VALUED)
    return Counts(
        leader_trades=totals["trades"],
        duplicates=totals["duplicates"],
        intents=totals["intents"],
        skips=skips,
        orders={row["state"]: row["count"] for row in await connection.fetch(_ORDERS)},
        fills=totals["fills"],
        portfolios=tuple([_portfolio(row, valued) for row in await connection.fetch(_PORTFOLIOS)]),
        latency_p50_ms=totals["p50"],
        latency_p99_ms=totals["p99"],
    )


def _portfolio(row: Row, valued: list[Row]) -> PortfolioCounts:
    own = [position for position in valued if position["portfolio_id"] == row["id"]]
    return PortfolioCounts(
        portfolio_id=row["id"],
        mode=row["mode"],
        cash=row["cash"],
        realised=row["realised"],
        # A market without a known price is valued at cost: it adds nothing either way.
        unrealised=sum(
            one["shares"] * one["price"] // MICROS - one["cost"] for one in own if one["price"] is not None
        ),
        fees=row["fees"],
        positions_open=len(own),
        intents=row["intents"],
        skips=row["skips"],
    )


async def trades_like(connection: Connection, prefix: str, limit: int = 20) -> list[str]:
    """Return the ids of trades that begin with `prefix`, the newest first."""
    rows = await connection.fetch(
        "SELECT trade_id FROM trades WHERE starts_with(trade_id, $1) ORDER BY seq DESC LIMIT $2",
        prefix.lower(),
        limit,
    )
    return [row["trade_id"] for row in rows]


async def why(connection: Connection, trade_id: str) -> dict[str, Any] | None:
    """Return the whole chain of a trade as plain data, None for an unknown one.

    Amounts are decimal texts in whole units; a check's value and limit are in the unit of its name.
    """
    trade = await connection.fetchrow("SELECT * FROM trades WHERE trade_id = $1", trade_id)
    if trade is None:
        return None
    decisions = await connection.fetch(
        "SELECT * FROM intents WHERE trade_id = $1 ORDER BY decided_at_ns, portfolio_id", trade_id
    )
    corrections = await connection.fetch(
        "SELECT was, now, reason, kind, feed, at_ns FROM corrections WHERE trade_id = $1 ORDER BY seq",
        trade_id,
    )
    sightings = await connection.fetch(
        "SELECT kind, feed, seen_at_ns FROM sightings"
        " WHERE wallet = $1 AND tx = $2 AND token_id = $3 AND side = $4 ORDER BY seen_at_ns, kind",
        *(trade[name] for name in ("wallet", "tx", "token_id", "side")),
    )
    return {
        "trade": _plain(trade, without=("raw",)),
        "corrections": [_plain(row) for row in corrections],
        "sightings": [_plain(row) for row in sightings],
        "decisions": [await _decision(connection, row) for row in decisions],
    }


async def _decision(connection: Connection, row: Row) -> dict[str, Any]:
    plain = {name: value for name, value in _plain(row).items() if value is not None}
    plain["checks"] = [
        {"name": check.name, "value": check.value, "limit": check.limit, "passed": check.passed}
        for check in checks_from(row["checks"])
    ]
    order = await connection.fetchrow("SELECT * FROM orders WHERE intent_id = $1", row["intent_id"])
    if order is not None:
        order_id = order["order_id"]
        events = await connection.fetch(
            "SELECT * FROM order_events WHERE order_id = $1 ORDER BY seq", order_id
        )
        fills = await connection.fetch("SELECT * FROM fills WHERE order_id = $1 ORDER BY seq", order_id)
        plain["order"] = {
            **_plain(order),
            "events": [_plain(event, without=("order_id",)) for event in events],
            "fills": [_plain(fill, without=("order_id", "portfolio_id")) for fill in fills],
        }
    return plain


_AMOUNTS: Final = frozenset(
    {
        "size",
        "price",
        "usdc",
        "position_before",
        "position_after",
        "price_limit",
        "price_expected",
        "reserved",
    }
    | {"fee_rate", "tick", "shortfall", "filled", "fee", "stands", "was", "now"}
)


def _plain(row: Row, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        name: decimal_text(value) if name in _AMOUNTS and value is not None else value
        for name, value in row.items()
        if name not in without
    }
