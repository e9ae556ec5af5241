"""The frames of the CLOB market channel, as plain documents. Prices and sizes are strings, times are too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ops.venue.book import Book, LevelChange
from ops.venue.decimals import plain
from ops.venue.leg import Leg
from ops.venue.market import Market

Document = dict[str, Any]


def book(state: Book, market: Market | None, now_ms: int) -> Document:
    """A whole book; the same fields as the REST answer, and an `event_type`."""
    return {"event_type": "book", **book_answer(state, market, now_ms)}


def book_answer(state: Book, market: Market | None, now_ms: int) -> Document:
    """The answer of `/book`: levels worst price first."""
    return {
        "market": state.condition,
        "asset_id": state.token,
        "timestamp": str(state.timestamp_ms or now_ms),
        "hash": state.hash,
        **state.wire_levels(),
        "min_order_size": plain(market.min_size) if market is not None else "5",
        "tick_size": plain(market.tick_size) if market is not None else "0.01",
        "neg_risk": market.neg_risk if market is not None else False,
        "last_trade_price": state.last_trade_price,
    }


def price_change(
    condition: str, changes: Sequence[LevelChange], books: Mapping[str, Book], now_ms: int
) -> Document:
    """New totals at some levels, each with the best prices after all of the changes."""
    bests = {change.token: books[change.token] for change in changes}
    hashes = {token: state.hash for token, state in bests.items()}
    return {
        "event_type": "price_change",
        "market": condition,
        "price_changes": [
            {
                "asset_id": change.token,
                "price": plain(change.price),
                "size": plain(change.size),
                "side": change.side,
                "hash": hashes[change.token],
                "best_bid": _price(bests[change.token].best_bid),
                "best_ask": _price(bests[change.token].best_ask),
            }
            for change in changes
        ],
        "timestamp": str(now_ms),
    }


def without(document: Document, tokens: set[str]) -> Document:
    """Return a message of several tokens without what it says of some of them."""
    if "price_changes" not in document:
        return document
    left = [one for one in document["price_changes"] if one["asset_id"] not in tokens]
    return document | {"price_changes": left}


def last_trade_price(leg: Leg, timestamp_ms: int) -> Document:
    """A taker's trade."""
    return {
        "event_type": "last_trade_price",
        "market": leg.condition,
        "asset_id": leg.token,
        "price": plain(leg.price),
        "size": plain(leg.size),
        "side": leg.side,
        "fee_rate_bps": "0",
        "timestamp": str(timestamp_ms),
        "transaction_hash": leg.transaction,
    }


def best_bid_ask(state: Book, now_ms: int) -> Document:
    """The best prices of a token, after they moved."""
    bid, ask = state.best_bid, state.best_ask
    return {
        "event_type": "best_bid_ask",
        "market": state.condition,
        "asset_id": state.token,
        "best_bid": _price(bid),
        "best_ask": _price(ask),
        "spread": plain(ask - bid) if bid is not None and ask is not None else "0",
        "timestamp": str(now_ms),
    }


def tick_size_change(market: Market, token: str, old_tick: Decimal, now_ms: int) -> Document:
    """Another grid for the prices of a token."""
    return {
        "event_type": "tick_size_change",
        "market": market.condition,
        "asset_id": token,
        "old_tick_size": plain(old_tick),
        "new_tick_size": plain(market.tick_size),
        "timestamp": str(now_ms),
    }


def new_market(market: Market, timestamp_ms: int) -> Document:
    """A listing."""
    return {
        "event_type": "new_market",
        "id": market.id,
        "question": market.question,
        "market": market.condition,
        "slug": market.slug,
        "description": str(market.document.get("description", "")),
        "assets_ids": list(market.tokens),
        "outcomes": list(market.outcomes),
        "event_message": _event_message(market),
        "timestamp": str(timestamp_ms),
        "tags": [],
        "condition_id": market.condition,
        "active": True,
        "clob_token_ids": list(market.tokens),
        "order_price_min_tick_size": plain(market.tick_size),
        "fees_enabled": bool(market.document.get("feesEnabled")),
    }


def market_resolved(market: Market, timestamp_ms: int) -> Document:
    """The outcome of a market that has a winner."""
    winner = market.winner
    assert winner is not None, "a market without a winner has not resolved"
    return {
        "event_type": "market_resolved",
        "id": market.id,
        "market": market.condition,
        "assets_ids": list(market.tokens),
        "winning_asset_id": market.tokens[winner],
        "winning_outcome": market.outcomes[winner],
        "event_message": _event_message(market),
        "timestamp": str(timestamp_ms),
        "tags": [],
    }


def _event_message(market: Market) -> Document:
    event = market.event
    return {key: str(event.get(key, "")) for key in ("id", "ticker", "slug", "title", "description")}


def _price(price: Decimal | None) -> str:
    return "0" if price is None else plain(price)
