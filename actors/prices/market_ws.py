"""The market channel's frames, decoded into events in canonical units. Pure; knows no socket.

A frame is one object or an array of them. One event that cannot be read takes no other with it; a type that
this version does not know is counted, not fatal. Shapes: polymarket-wire.md, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from actors.prices import decoding
from actors.prices.books import checked_price, checked_size
from actors.prices.clob import HASH_CHARS_MAX, RawBook, convert_book
from actors.prices.errors import MalformedError
from actors.prices.market_events import (
    BestPrices,
    BookSnapshot,
    Event,
    LastTrade,
    LevelChange,
    LevelsChanged,
    MarketCreated,
    TickChanged,
    WinnerAnnounced,
)
from messages.ids import token
from messages.trades import Side
from messages.units import Price

EVENTS_MAX: Final = 10_000
"""More events than one frame ever holds."""
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What a frame held: events in their order, how many had an unknown type, and those unreadable."""

    events: tuple[Event, ...]
    unknown: int
    broken: tuple[MalformedError, ...]


class _Head(msgspec.Struct, gc=False):
    event_type: str = ""


class _Common(msgspec.Struct, gc=False):
    market: str
    timestamp: str


class _Book(RawBook, kw_only=True, gc=False):
    market: str
    timestamp: str
    tick_size: str | None = None


class _Change(msgspec.Struct, gc=False):
    asset_id: str
    price: str
    size: str
    side: Side
    hash: str = ""
    best_bid: str | None = None
    best_ask: str | None = None


class _Changes(_Common, gc=False):
    price_changes: tuple[_Change, ...]


class _Trade(_Common, gc=False):
    asset_id: str
    price: str
    size: str
    side: Side


class _Tick(_Common, gc=False):
    asset_id: str
    old_tick_size: str
    new_tick_size: str


class _Best(_Common, gc=False):
    asset_id: str
    best_bid: str | None = None
    best_ask: str | None = None


class _EventMessage(msgspec.Struct, gc=False):
    slug: str = ""


class _New(_Common, kw_only=True, gc=False):
    assets_ids: tuple[str, ...]
    outcomes: tuple[str, ...] = ()
    question: str = ""
    slug: str = ""
    event_message: _EventMessage | None = None


class _Resolved(_Common, gc=False):
    assets_ids: tuple[str, ...]
    winning_asset_id: str


_array = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_head = msgspec.json.Decoder(_Head)
_books = msgspec.json.Decoder(_Book)
_changes = msgspec.json.Decoder(_Changes)
_trades = msgspec.json.Decoder(_Trade)
_ticks = msgspec.json.Decoder(_Tick)
_bests = msgspec.json.Decoder(_Best)
_news = msgspec.json.Decoder(_New)
_resolveds = msgspec.json.Decoder(_Resolved)


def decode_frame(frame: bytes) -> Frame:
    """Return the events of a text frame. Raises `MalformedError` when the frame itself is no such thing."""
    if len(frame) > FRAME_BYTES_MAX:
        raise MalformedError("market frame", f"{len(frame)} bytes", f"at most {FRAME_BYTES_MAX}")
    rows: tuple[bytes | msgspec.Raw, ...] = (frame,)
    if frame.lstrip()[:1] == b"[":
        with decoding.malformed("market frame"):
            rows = _array.decode(frame)
    if len(rows) > EVENTS_MAX:
        raise MalformedError("market frame", f"{len(rows)} events", f"at most {EVENTS_MAX}")
    events: list[Event] = []
    broken: list[MalformedError] = []
    unknown = 0
    for row in rows:
        try:
            event = _decode_event(row)
        except MalformedError as error:
            broken.append(error)
            continue
        if event is None:
            unknown += 1
        else:
            events.append(event)
    return Frame(tuple(events), unknown, tuple(broken))


def _decode_event(row: bytes | msgspec.Raw) -> Event | None:
    with decoding.malformed("market event"):
        kind = _head.decode(row).event_type
        decode = _DECODERS.get(kind)
        if decode is None:
            return None
    with decoding.malformed(kind):
        return decode(row)


def _snapshot(row: bytes | msgspec.Raw) -> BookSnapshot:
    raw = _books.decode(row)
    at_ms = decoding.timestamp_ms(raw.timestamp, "book.timestamp")
    return BookSnapshot(
        condition_id=decoding.condition_id(raw.market),
        book=convert_book(raw, at_ms * 1_000_000),
        tick=decoding.tick(raw.tick_size, "tick_size") if raw.tick_size else 0,
        at_ms=at_ms,
    )


def _levels_changed(row: bytes | msgspec.Raw) -> LevelsChanged:
    raw = _changes.decode(row)
    return LevelsChanged(
        condition_id=decoding.condition_id(raw.market),
        changes=tuple(_change(each) for each in raw.price_changes),
        at_ms=decoding.timestamp_ms(raw.timestamp, "price_change.timestamp"),
    )


def _change(raw: _Change) -> LevelChange:
    return LevelChange(
        token_id=token(raw.asset_id),
        side=raw.side,
        price=checked_price(raw.price, "price"),
        size=checked_size(raw.size, "size"),
        hash=raw.hash[:HASH_CHARS_MAX],
        best_bid=_best(raw.best_bid, "best_bid"),
        best_ask=_best(raw.best_ask, "best_ask"),
    )


def _best(text: str | None, field: str) -> Price | None:
    return decoding.price(text, field) if text else None


def _last_trade(row: bytes | msgspec.Raw) -> LastTrade:
    raw = _trades.decode(row)
    return LastTrade(
        condition_id=decoding.condition_id(raw.market),
        token_id=token(raw.asset_id),
        side=raw.side,
        price=checked_price(raw.price, "price"),
        size=checked_size(raw.size, "size"),
        at_ms=decoding.timestamp_ms(raw.timestamp, "last_trade_price.timestamp"),
    )


def _tick_changed(row: bytes | msgspec.Raw) -> TickChanged:
    raw = _ticks.decode(row)
    return TickChanged(
        condition_id=decoding.condition_id(raw.market),
        token_id=token(raw.asset_id),
        old_tick=decoding.tick(raw.old_tick_size, "old_tick_size"),
        new_tick=decoding.tick(raw.new_tick_size, "new_tick_size"),
        at_ms=decoding.timestamp_ms(raw.timestamp, "tick_size_change.timestamp"),
    )


def _best_prices(row: bytes | msgspec.Raw) -> BestPrices:
    raw = _bests.decode(row)
    return BestPrices(
        condition_id=decoding.condition_id(raw.market),
        token_id=token(raw.asset_id),
        best_bid=_best(raw.best_bid, "best_bid"),
        best_ask=_best(raw.best_ask, "best_ask"),
        at_ms=decoding.timestamp_ms(raw.timestamp, "best_bid_ask.timestamp"),
    )


def _market_created(row: bytes | msgspec.Raw) -> MarketCreated:
    raw = _news.decode(row)
    return MarketCreated(
        condition_id=decoding.condition_id(raw.market),
        token_ids=decoding.token_ids(raw.assets_ids),
        outcomes=raw.outcomes,
        question=raw.question,
        slug=raw.slug,
        event_slug=raw.event_message.slug if raw.event_message is not None else "",
        at_ms=decoding.timestamp_ms(raw.timestamp, "new_market.timestamp"),
    )


def _winner_announced(row: bytes | msgspec.Raw) -> WinnerAnnounced:
    raw = _resolveds.decode(row)
    ids = decoding.token_ids(raw.assets_ids)
    winner = token(raw.winning_asset_id)
    if winner not in ids:
        raise MalformedError("market_resolved.winning_asset_id", winner, "one of assets_ids")
    return WinnerAnnounced(
        condition_id=decoding.condition_id(raw.market),
        token_ids=ids,
        winner=winner,
        at_ms=decoding.timestamp_ms(raw.timestamp, "market_resolved.timestamp"),
    )


_DECODERS: Final[dict[str, Callable[[bytes | msgspec.Raw], Event]]] = {
    "book": _snapshot,
    "price_change": _levels_changed,
    "last_trade_price": _last_trade,
    "tick_size_change": _tick_changed,
    "best_bid_ask": _best_prices,
    "new_market": _market_created,
    "market_resolved": _winner_announced,
}
