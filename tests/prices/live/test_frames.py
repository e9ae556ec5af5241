"""Market-channel frames become events; what cannot be read is told apart from what is not known."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices.errors import MalformedError
from actors.prices.live.events import (
    BestPrices,
    BookSnapshot,
    LastTrade,
    LevelChange,
    LevelsChanged,
    MarketCreated,
    TickChanged,
    WinnerAnnounced,
)
from actors.prices.live.frames import decode_frame
from messages.trades import Side

MARKET = "0x" + "ab" * 32
AT = "1790000000123"
AT_MS = 1_790_000_000_123


def event(kind, **fields):
    return {"event_type": kind, "market": MARKET, "timestamp": AT, **fields}


def decode(*events):
    return decode_frame(json.dumps(events[0] if len(events) == 1 else events).encode())


def only(row):
    frame = decode(row)
    assert (frame.unknown, frame.broken) == (0, ())
    (seen,) = frame.events
    return seen


def test_book(book_row):
    seen = only({**book_row("5"), **event("book", tick_size="0.001")})
    assert isinstance(seen, BookSnapshot)
    assert (seen.condition_id, seen.tick, seen.at_ms) == (MARKET, 1000, AT_MS)
    assert seen.book.bids[0] == (630_000, 25_500_000)
    assert seen.book.as_of_ns == AT_MS * 1_000_000


def test_price_change_of_both_outcomes():
    rows = [
        {"asset_id": "5", "price": "0.59", "size": "70.22", "side": "BUY", "hash": "x", "best_bid": "0.61",
         "best_ask": "0.62"},
        {"asset_id": "6", "price": "0.41", "size": "0", "side": "SELL"},
    ]  # fmt: skip
    seen = only(event("price_change", price_changes=rows))
    assert seen == LevelsChanged(
        condition_id=MARKET,
        at_ms=AT_MS,
        changes=(
            LevelChange(
                token_id="5",
                side=Side.BUY,
                price=590_000,
                size=70_220_000,
                hash="x",
                best_bid=610_000,
                best_ask=620_000,
            ),
            LevelChange(
                token_id="6", side=Side.SELL, price=410_000, size=0, hash="", best_bid=None, best_ask=None
            ),
        ),
    )


def test_last_trade_price():
    row = event("last_trade_price", asset_id="5", price="0.5", size="20", side="SELL", fee_rate_bps="0")
    assert only(row) == LastTrade(
        condition_id=MARKET, token_id="5", side=Side.SELL, price=500_000, size=20_000_000, at_ms=AT_MS
    )


def test_tick_size_change():
    row = event("tick_size_change", asset_id="5", old_tick_size="0.01", new_tick_size="0.001")
    assert only(row) == TickChanged(
        condition_id=MARKET, token_id="5", old_tick=10_000, new_tick=1000, at_ms=AT_MS
    )


def test_best_bid_ask():
    row = event("best_bid_ask", asset_id="5", best_bid="0", best_ask="0.02", spread="0.02")
    assert only(row) == BestPrices(
        condition_id=MARKET, token_id="5", best_bid=0, best_ask=20_000, at_ms=AT_MS
    )


def test_new_market_and_market_resolved():
    both = {"assets_ids": ["5", "6"], "tags": ["rain"]}
    created = only(event("new_market", outcomes=["Yes", "No"], event_message={"slug": "rainy"}, **both))
    assert isinstance(created, MarketCreated)
    assert (created.token_ids, created.event_slug) == (("5", "6"), "rainy")
    resolved = only(event("market_resolved", winning_asset_id="6", winning_outcome="No", **both))
    assert resolved == WinnerAnnounced(condition_id=MARKET, token_ids=("5", "6"), winner="6", at_ms=AT_MS)


def test_winner_that_is_no_outcome_of_the_market_is_refused():
    frame = decode(event("market_resolved", assets_ids=["5", "6"], winning_asset_id="7"))
    assert frame.events == ()
    assert "winning_asset_id" in str(frame.broken[0])


def test_unknown_event_is_counted_and_the_rest_of_the_frame_read(book_row):
    frame = decode(event("aurora"), {"no": "type"}, {**book_row("5"), **event("book")}, 5)
    assert len(frame.events) == 1
    assert frame.unknown == 2
    assert len(frame.broken) == 1


@pytest.mark.parametrize(
    "at", ["1790000000", "1790000000123000", "0", "-1", "", "soon", "1e12", 1790000000123]
)
def test_time_in_another_unit_is_refused_not_misread(book_row, at):
    frame = decode({**book_row("5"), **event("book"), "timestamp": at})
    assert frame.events == ()
    assert "timestamp" in frame.broken[0].field


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "1.1"},
        {"price": "0"},
        {"size": "-1"},
        {"size": "1e30"},
        {"side": "HOLD"},
        {"asset_id": "0x5"},
        {"best_bid": "2"},
        {"best_bid": "x"},
        {"price": None},
    ],
)
def test_impossible_change_is_refused(changes):
    row = {"asset_id": "5", "price": "0.5", "size": "1", "side": "BUY", **changes}
    frame = decode(event("price_change", price_changes=[row]))
    assert frame.events == ()
    assert len(frame.broken) == 1


def test_bad_tick_is_refused():
    frame = decode(event("tick_size_change", asset_id="5", old_tick_size="0.01", new_tick_size="nan"))
    assert len(frame.broken) == 1


@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda text: text.encode())))
def test_garbage_never_raises_anything_but_the_typed_error(frame):
    try:
        decode_frame(frame)
    except MalformedError:
        assert frame.lstrip()[:1] == b"["


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
kinds = st.sampled_from(
    ["book", "price_change", "last_trade_price", "tick_size_change", "best_bid_ask", "new_market",
     "market_resolved"]
)  # fmt: skip
fields = st.sampled_from(
    ["market", "timestamp", "asset_id", "bids", "asks", "price_changes", "price", "size", "side",
     "assets_ids", "winning_asset_id", "old_tick_size", "new_tick_size", "best_bid", "tick_size", "hash"]
)  # fmt: skip


@given(kinds, st.dictionaries(fields, json_values))
def test_odd_values_in_known_events_are_refused_one_by_one(kind, values):
    row = event(kind, asset_id="5", bids=[], asks=[], price_changes=[], price="0.5", size="1", side="BUY",
                assets_ids=["5"], winning_asset_id="5", old_tick_size="0.1", new_tick_size="0.1")  # fmt: skip
    frame = decode({**row, **values, "event_type": kind})
    assert len(frame.events) + len(frame.broken) == 1


def test_huge_frame_is_refused_unread():
    with pytest.raises(MalformedError, match="bytes"):
        decode_frame(b"[" + b" " * (8 * 1024 * 1024) + b"]")
    with pytest.raises(MalformedError, match="events"):
        decode_frame(b"[" + b"{}," * 10_000 + b"{}]")
