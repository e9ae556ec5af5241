"""The market channel's frames, decoded into events in canonical units. Pure; knows no socket.

A frame is one object or an array of them. One event that cannot be read takes no other with it; a type that
this version does not know is counted, not fatal. Shapes: polymarket-wire.md, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from actors.prices import decoding
from actors.prices.books import RawLevel, ladder, level_price, level_size, make_book
from actors.prices.clob import HASH_CHARS_MAX
from actors.prices.errors import MalformedError
from actors.prices.live.events import (
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
from messages.ids import ConditionId, IdError, TokenId, token
from messages.trades import Side
from messages.units import Price, UnitError

EVENTS_MAX: Final = 10_000
"""More events than one frame ever holds."""
FRAME_BYTES_MAX: Final = 8 * 1024 * 1024
_ARRAY: Final = ("[", b"[")
_SPELLINGS: Final = 16_384
"""Ids and prices whose checked form is remembered: far more than are carried."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """What a frame held: events in their order, how many had an unknown type, and those unreadable."""

    events: tuple[Event, ...]
    unknown: int
    broken: tuple[MalformedError, ...]


class _Head(msgspec.Struct, gc=False):
    event_type: str = ""


class _Tagged(msgspec.Struct, tag_field="event_type", kw_only=True, gc=False):
    market: str
    timestamp: str


class _Book(_Tagged, tag="book", gc=False):
    asset_id: str
    bids: list[RawLevel]
    asks: list[RawLevel]
    hash: str = ""
    tick_size: str | None = None
    last_trade_price: str | None = None


class _Change(msgspec.Struct, gc=False):
    asset_id: str
    price: str
    size: str
    side: Side
    hash: str = ""
    best_bid: str | None = None
    best_ask: str | None = None


class _Changes(_Tagged, tag="price_change", gc=False):
    price_changes: list[_Change]


class _Trade(_Tagged, tag="last_trade_price", gc=False):
    asset_id: str
    price: str
    size: str
    side: Side


class _Tick(_Tagged, tag="tick_size_change", gc=False):
    asset_id: str
    old_tick_size: str
    new_tick_size: str


class _Best(_Tagged, tag="best_bid_ask", gc=False):
    asset_id: str
    best_bid: str | None = None
    best_ask: str | None = None


class _EventMessage(msgspec.Struct, gc=False):
    slug: str = ""


class _New(_Tagged, tag="new_market", gc=False):
    assets_ids: tuple[str, ...]
    outcomes: tuple[str, ...] = ()
    question: str = ""
    slug: str = ""
    event_message: _EventMessage | None = None


class _Resolved(_Tagged, tag="market_resolved", gc=False):
    assets_ids: tuple[str, ...]
    winning_asset_id: str


_Event = _Book | _Changes | _Trade | _Tick | _Best | _New | _Resolved

_array = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_head = msgspec.json.Decoder(_Head)
_one = msgspec.json.Decoder(_Event)
_several = msgspec.json.Decoder(tuple[_Event, ...])


def decode_frame(frame: str | bytes) -> Frame:
    """Return the events of a text frame. Raises `MalformedError` when the frame itself is no such thing."""
    if len(frame) > FRAME_BYTES_MAX:
        raise MalformedError("market frame", f"{len(frame)} bytes", f"at most {FRAME_BYTES_MAX}")
    try:
        rows = _several.decode(frame) if frame[:1] in _ARRAY else (_one.decode(frame),)
        if len(rows) <= EVENTS_MAX:
            return Frame(tuple([_CONVERT[type(row)](row) for row in rows]), 0, ())
    except (msgspec.MsgspecError, UnicodeError, UnitError, IdError, MalformedError, RecursionError):
        pass  # one by one: what is wrong with one event takes no other with it
    return _decode_each(frame)


def _decode_each(frame: str | bytes) -> Frame:
    rows: tuple[str | bytes | msgspec.Raw, ...] = (frame,)
    if frame.lstrip()[:1] in _ARRAY:
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


def _decode_event(row: str | bytes | msgspec.Raw) -> Event | None:
    with decoding.malformed("market event"):
        kind = _head.decode(row).event_type
    if kind not in _KINDS:
        return None
    with decoding.malformed(kind):
        event = _one.decode(row)
        return _CONVERT[type(event)](event)


def _snapshot(raw: _Book) -> BookSnapshot:
    at_ms = decoding.timestamp_ms(raw.timestamp, "book.timestamp")
    tick = decoding.tick(raw.tick_size, "tick_size") if raw.tick_size else 0
    return BookSnapshot(
        condition_id=_condition(raw.market),
        book=make_book(
            _token(raw.asset_id),
            ladder(raw.bids, "bids"),
            ladder(raw.asks, "asks"),
            hash=raw.hash[:HASH_CHARS_MAX],
            as_of_ns=at_ms * 1_000_000,
            last_trade=_last_trade_price(raw.last_trade_price),
            tick=tick,
            changed_at_ms=at_ms,
        ),
        tick=tick,
        at_ms=at_ms,
    )


def _levels_changed(raw: _Changes) -> LevelsChanged:
    return LevelsChanged(
        condition_id=_condition(raw.market),
        changes=tuple(
            [
                LevelChange(
                    _token(each.asset_id),
                    each.side,
                    level_price(each.price),
                    level_size(each.size),
                    each.hash[:HASH_CHARS_MAX],
                    _best_bid(each.best_bid),
                    _best_ask(each.best_ask),
                )
                for each in raw.price_changes
            ]
        ),
        at_ms=decoding.timestamp_ms(raw.timestamp, "price_change.timestamp"),
    )


@lru_cache(maxsize=_SPELLINGS)
def _best_bid(text: str | None) -> Price | None:
    return decoding.price(text, "best_bid") if text else None


@lru_cache(maxsize=_SPELLINGS)
def _best_ask(text: str | None) -> Price | None:
    return decoding.price(text, "best_ask") if text else None


@lru_cache(maxsize=_SPELLINGS)
def _last_trade_price(text: str | None) -> Price | None:
    return decoding.price(text, "last_trade_price") if text else None


@lru_cache(maxsize=_SPELLINGS)
def _token(text: str) -> TokenId:
    return token(text)


@lru_cache(maxsize=_SPELLINGS)
def _condition(text: str) -> ConditionId:
    return decoding.condition_id(text)


def _last_trade(raw: _Trade) -> LastTrade:
    return LastTrade(
        condition_id=_condition(raw.market),
        token_id=_token(raw.asset_id),
        side=raw.side,
        price=level_price(raw.price),
        size=level_size(raw.size),
        at_ms=decoding.timestamp_ms(raw.timestamp, "last_trade_price.timestamp"),
    )


def _tick_changed(raw: _Tick) -> TickChanged:
    return TickChanged(
        condition_id=_condition(raw.market),
        token_id=_token(raw.asset_id),
        old_tick=decoding.tick(raw.old_tick_size, "old_tick_size"),
        new_tick=decoding.tick(raw.new_tick_size, "new_tick_size"),
        at_ms=decoding.timestamp_ms(raw.timestamp, "tick_size_change.timestamp"),
    )


def _best_prices(raw: _Best) -> BestPrices:
    return BestPrices(
        condition_id=_condition(raw.market),
        token_id=_token(raw.asset_id),
        best_bid=_best_bid(raw.best_bid),
        best_ask=_best_ask(raw.best_ask),
        at_ms=decoding.timestamp_ms(raw.timestamp, "best_bid_ask.timestamp"),
    )


def _market_created(raw: _New) -> MarketCreated:
    return MarketCreated(
        condition_id=_condition(raw.market),
        token_ids=decoding.token_ids(raw.assets_ids),
        outcomes=raw.outcomes,
        question=raw.question,
        slug=raw.slug,
        event_slug=raw.event_message.slug if raw.event_message is not None else "",
        at_ms=decoding.timestamp_ms(raw.timestamp, "new_market.timestamp"),
    )


def _winner_announced(raw: _Resolved) -> WinnerAnnounced:
    ids = decoding.token_ids(raw.assets_ids)
    winner = token(raw.winning_asset_id)
    if winner not in ids:
        raise MalformedError("market_resolved.winning_asset_id", winner, "one of assets_ids")
    return WinnerAnnounced(
        condition_id=_condition(raw.market),
        token_ids=ids,
        winner=winner,
        at_ms=decoding.timestamp_ms(raw.timestamp, "market_resolved.timestamp"),
    )


_CONVERT: Final[dict[type, Callable[[Any], Event]]] = {
    _Book: _snapshot,
    _Changes: _levels_changed,
    _Trade: _last_trade,
    _Tick: _tick_changed,
    _Best: _best_prices,
    _New: _market_created,
    _Resolved: _winner_announced,
}
_KINDS: Final = frozenset(
    str(kind.__struct_config__.tag) for kind in (_Book, _Changes, _Trade, _Tick, _Best, _New, _Resolved)
)
