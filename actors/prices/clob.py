"""CLOB's books and market rows, decoded. Pure; knows no HTTP.

Shapes: polymarket-wire.md, section 7. CLOB knows neither event nor fee schedule (its base fees are legacy
figures that must not be used): a market that comes from here takes both from what was known before.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from actors.prices import decoding
from actors.prices.books import RawLevel, ladder, make_book
from actors.prices.errors import MalformedError
from actors.prices.gamma import OUTCOMES_MAX
from actors.prices.resolution import by_winners, one_host
from messages.ids import TokenId, token
from messages.markets import Book, Market

BOOKS_MAX: Final = 1000
HASH_CHARS_MAX: Final = 128


class RawBook(msgspec.Struct, gc=False):
    """The part of a book that the REST routes and the market channel share."""

    asset_id: str
    bids: list[RawLevel]
    asks: list[RawLevel]
    hash: str = ""
    timestamp: str = ""
    tick_size: str | None = None
    last_trade_price: str | None = None


class _Head(msgspec.Struct, gc=False):
    asset_id: str


class _Token(msgspec.Struct, gc=False):
    token_id: str
    outcome: str
    price: Decimal = Decimal(0)
    winner: bool = False


class _Market(msgspec.Struct, gc=False):
    condition_id: str
    tokens: tuple[_Token, ...]
    closed: bool
    minimum_tick_size: Decimal
    minimum_order_size: Decimal
    question: str | None = None
    market_slug: str | None = None
    active: bool = True
    archived: bool = False
    accepting_orders: bool = False
    enable_order_book: bool = True
    neg_risk: bool = False
    is_50_50_outcome: bool = False
    end_date_iso: str | None = None


_head = msgspec.json.Decoder(_Head)
_book = msgspec.json.Decoder(RawBook)
_market = msgspec.json.Decoder(_Market)
_rows = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


def decode_book(body: bytes | msgspec.Raw, as_of_ns: int) -> Book:
    """Return the book of an answer to `/book`. Raises `MalformedError`, for impossible books too."""
    with decoding.malformed("clob book"):
        return convert_book(_book.decode(body), as_of_ns)


def split_books(body: bytes) -> tuple[msgspec.Raw, ...]:
    """Return the rows of an answer to `/books`, each for `decode_book`. Raises `MalformedError`."""
    with decoding.malformed("clob books"):
        rows = _rows.decode(body)
    if len(rows) > BOOKS_MAX:
        raise MalformedError("clob books", len(rows), f"at most {BOOKS_MAX} books")
    return rows


def convert_book(raw: RawBook, as_of_ns: int) -> Book:
    """Return the book in canonical units, best level first."""
    return make_book(
        token(raw.asset_id),
        ladder(raw.bids, "bids"),
        ladder(raw.asks, "asks"),
        hash=raw.hash[:HASH_CHARS_MAX],
        as_of_ns=as_of_ns,
        last_trade=decoding.price(raw.last_trade_price, "last_trade_price") if raw.last_trade_price else None,
        tick=decoding.tick(raw.tick_size, "tick_size") if raw.tick_size else 0,
        changed_at_ms=decoding.timestamp_ms(raw.timestamp, "timestamp") if raw.timestamp else 0,
    )


def decode_market(body: bytes | msgspec.Raw, known: Market | None = None) -> Market:
    """Return the market of an answer to `/markets/{condition}`: the second witness of who won.

    What CLOB does not know is taken from `known`. Raises `MalformedError`, also for a market that CLOB has
    not filled in yet (empty token ids in the first minutes).
    """
    with decoding.malformed("clob market"):
        market = _convert(_market.decode(body), known)
    return market if known is None else in_order_of(known, market)


def in_order_of(known: Market, market: Market) -> Market:
    """Return `market` with its outcomes in the order of `known`: the two hosts need not agree on it."""
    if market.token_ids == known.token_ids or set(market.token_ids) != set(known.token_ids):
        return market
    order = [market.token_ids.index(each) for each in known.token_ids]
    return msgspec.structs.replace(
        market,
        outcomes=tuple(market.outcomes[index] for index in order),
        token_ids=known.token_ids,
        prices=tuple(market.prices[index] for index in order),
        payouts=tuple(market.payouts[index] for index in order) if market.payouts else (),
    )


def _convert(row: _Market, known: Market | None) -> Market:
    if not 2 <= len(row.tokens) <= OUTCOMES_MAX:
        raise MalformedError("clob market.tokens", f"{len(row.tokens)} tokens", f"2 to {OUTCOMES_MAX}")
    prices = tuple(decoding.price(each.price, "tokens.price") for each in row.tokens)
    stated = by_winners(
        tuple(each.winner for each in row.tokens), prices, closed=row.closed, even=row.is_50_50_outcome
    )
    resolution, payouts = one_host(row.closed, stated, "")
    halted = row.closed or row.archived or not row.active or not row.enable_order_book
    return Market(
        condition_id=decoding.condition_id(row.condition_id),
        question=row.question or "",
        slug=row.market_slug or "",
        event_slug=known.event_slug if known is not None else "",
        outcomes=tuple(each.outcome for each in row.tokens),
        token_ids=decoding.token_ids(tuple(each.token_id for each in row.tokens)),
        prices=prices,
        tick=decoding.tick(row.minimum_tick_size, "minimum_tick_size"),
        size_min=decoding.size_min(row.minimum_order_size, "minimum_order_size"),
        fee_rate=known.fee_rate if known is not None else 0,
        neg_risk=row.neg_risk,
        accepting_orders=row.accepting_orders and not halted,
        resolution=resolution,
        payouts=payouts,
        end_at_ns=decoding.date_ns(row.end_date_iso, "clob market.end_date_iso"),
        oracle=known.oracle if known is not None else "",
    )


def book_token(row: bytes | msgspec.Raw) -> TokenId:
    """Return the token of a book that may be otherwise unreadable, "?" where even that is not there."""
    try:
        with decoding.malformed("clob book"):
            return token(_head.decode(row).asset_id)
    except MalformedError:
        return "?"
