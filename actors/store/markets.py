"""Markets and mismatches in SQL: the last word on each market, and where expected and actual differed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.store.columns import clean, columns, unnest
from actors.store.connection import Connection
from messages.store import StoreMarket, StoreMismatch

# Arrays within arrays must be rectangular in SQL, and markets are not: these travel one by one.
_UPSERT: Final = """
INSERT INTO markets (condition_id, question, slug, event_slug, outcomes, token_ids, prices, tick, size_min,
    fee_rate, neg_risk, accepting_orders, resolution, payouts, end_at_ns, last_price_updated_at_ns,
    last_requested_at_ns)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint)
ON CONFLICT (condition_id) DO UPDATE SET
    question = excluded.question, slug = excluded.slug, event_slug = excluded.event_slug,
    outcomes = excluded.outcomes, token_ids = excluded.token_ids, prices = excluded.prices,
    tick = excluded.tick, size_min = excluded.size_min, fee_rate = excluded.fee_rate,
    neg_risk = excluded.neg_risk, accepting_orders = excluded.accepting_orders,
    resolution = excluded.resolution, payouts = excluded.payouts, end_at_ns = excluded.end_at_ns,
    last_price_updated_at_ns = excluded.last_price_updated_at_ns,
    last_requested_at_ns = excluded.last_requested_at_ns
WHERE markets.last_price_updated_at_ns <= excluded.last_price_updated_at_ns
"""
_MISMATCHES: Final = f"""
INSERT INTO mismatches (portfolio_id, what, expected, actual, at_ns)
SELECT portfolio_id, what, expected, actual, at_ns
FROM {unnest(portfolio_id="text", what="text", expected="text", actual="text", at_ns="bigint")} ORDER BY ord
"""


async def store_markets(connection: Connection, writes: Sequence[StoreMarket]) -> None:
    """Write markets back; of several about one the newest stands."""
    newest: dict[str, StoreMarket] = {}
    for write in writes:
        known = newest.get(write.market.condition_id)
        if known is None or known.as_of_ns <= write.as_of_ns:
            newest[write.market.condition_id] = write
    for write in newest.values():
        market = write.market
        await connection.execute(
            _UPSERT,
            market.condition_id,
            clean(market.question),
            clean(market.slug),
            clean(market.event_slug),
            [clean(outcome) for outcome in market.outcomes],
            list(market.token_ids),
            list(market.prices),
            market.tick,
            market.size_min,
            market.fee_rate,
            market.neg_risk,
            market.accepting_orders,
            market.resolution,
            list(market.payouts),
            market.end_at_ns,
            write.as_of_ns,
        )


async def store_mismatches(connection: Connection, writes: Sequence[StoreMismatch]) -> None:
    """Record mismatches."""
    rows = [(one.portfolio_id, one.what, clean(one.expected), clean(one.actual), one.at_ns) for one in writes]
    await connection.execute(_MISMATCHES, *columns(rows))
