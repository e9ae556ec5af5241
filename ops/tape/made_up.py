"""What leader fills do not tell and a tape needs: markets around the names, books around the prices.

Everything here is made up, on purpose plainly: static, deep and close to what was traded, so that what a
copier does with the fills depends on the fills.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from ops.tape.fill_rows import FillRow, Outcome

_TICK: Final = Decimal("0.01")
_LEVELS: Final = 10
_DEPTH_IN_FILLS: Final = 3
"""How many times the market's largest fill rests at each price level."""

_DEPTH_MIN: Final = Decimal(500)
_OFF_GRID: Final = Decimal("0.01")
"""The part of a tick by which a price may exceed the grid and still count as on it: dust of division."""

_OPEN_FOR: Final = timedelta(days=30)
_FIRST_ID: Final = 900_001
_FEE_RATE: Final = 0.05


def market_document(
    number: int, row: FillRow, books: Mapping[str, Mapping[str, Any]], last: datetime
) -> dict[str, Any]:
    """Return a Gamma market: names and ids are the source's; the rest is made up and says it is open."""
    prices = [_text(_middle(books[one.id])) for one in row.outcomes]
    ends = last + _OPEN_FOR
    market_id = str(_FIRST_ID + number)
    return {
        "id": market_id,
        "question": row.title,
        "conditionId": row.condition_id,
        "slug": row.market_slug,
        "version": "v1",
        "endDate": _moment(ends),
        "startDate": _moment(row.timestamp - _OPEN_FOR),
        "endDateIso": _moment(ends)[:10],
        "image": "",
        "icon": "",
        "description": f"{row.title} (imported fills; this market's metadata is made up)",
        "outcomes": json.dumps([one.label for one in row.outcomes]),
        "outcomePrices": json.dumps(prices),
        "clobTokenIds": json.dumps([one.id for one in row.outcomes]),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "orderPriceMinTickSize": float(_TICK),
        "orderMinSize": 5,
        "negRisk": bool(row.market_negative_risk_id),
        "feesEnabled": True,
        "feeType": "sports_fees_v2",
        "feeSchedule": {"rate": _FEE_RATE, "exponent": 1, "takerOnly": True, "rebateRate": 0.15},
        "events": [{"id": market_id, "slug": row.market_slug, "title": row.title}],
        "umaResolutionStatuses": "[]",
    }


def books_of_market(rows: Sequence[FillRow]) -> dict[str, dict[str, Any]]:
    """Return both outcomes' books by token.

    A token that was traded gets its own book, around its own prices; a token that was not gets the mirror
    image of the other's. Where both were traded at times that do not fit together, so be it.
    """
    depth = max(_DEPTH_MIN, _DEPTH_IN_FILLS * max(row.shares_normalized for row in rows)).quantize(_TICK)
    first, second = rows[0].outcomes
    asks = {one.id: _best_ask([row for row in rows if row.token_id == one.id]) for one in (first, second)}
    return {
        one.id: _book(rows[0].condition_id, one, asks[one.id] or _mirrored(asks[other.id]), depth)
        for one, other in ((first, second), (second, first))
    }


def _middle(book: Mapping[str, Any]) -> Decimal:
    return (Decimal(book["bids"][-1]["price"]) + Decimal(book["asks"][-1]["price"])) / 2


def weighted_median(rows: Sequence[FillRow]) -> Decimal:
    """Return the price at which half of the shares had been traded, counted from the cheapest."""
    half = sum((row.shares_normalized for row in rows), Decimal(0)) / 2
    traded = Decimal(0)
    for row in sorted(rows, key=lambda row: row.price):
        traded += row.shares_normalized
        if traded >= half:
            return row.price
    raise AssertionError("a median of no rows was asked for")


def _best_ask(rows: Sequence[FillRow]) -> Decimal | None:
    """Return the traded price, or the next tick above it."""
    if not rows:
        return None
    ticks = (weighted_median(rows) / _TICK - _OFF_GRID).to_integral_value(ROUND_CEILING)
    return min(max(ticks * _TICK, 2 * _TICK), 1 - _TICK)


def _mirrored(ask: Decimal | None) -> Decimal:
    assert ask is not None, "a market on the tape has at least one traded token"
    return min(max(1 - ask + _TICK, 2 * _TICK), 1 - _TICK)


def _book(condition: str, outcome: Outcome, ask: Decimal, depth: Decimal) -> dict[str, Any]:
    asks = [ask + _TICK * step for step in range(_LEVELS) if ask + _TICK * step < 1]
    bids = [ask - _TICK * step for step in range(1, _LEVELS + 1) if ask - _TICK * step > 0]
    return {
        "market": condition,
        "asset_id": outcome.id,
        "timestamp": "0",
        "hash": "",
        "bids": [{"price": _text(price), "size": _text(depth)} for price in reversed(bids)],
        "asks": [{"price": _text(price), "size": _text(depth)} for price in reversed(asks)],
        "min_order_size": "5",
        "tick_size": _text(_TICK),
        "neg_risk": False,
        "last_trade_price": _text(ask),
    }


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
