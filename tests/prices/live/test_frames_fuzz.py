"""Frames of any mix of events: read together or one by one they say the same, and garbage is only refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st

from actors.prices.errors import MalformedError
from actors.prices.live import frames
from actors.prices.live.frames import Frame, decode_frame
from messages.units import decimal_text

MARKET = "0x" + "ab" * 32

ids = st.integers(1, 2**256 - 1).map(str)
amounts = st.integers(0, 10**14).map(decimal_text)
levels_at = st.integers(1, 999_999).map(decimal_text)
bests = st.none() | st.just("") | st.integers(0, 1_000_000).map(decimal_text)
times = st.integers(1_600_000_000_000, 1_900_000_000_000).map(str)
ticks = st.sampled_from(["0.1", "0.01", "0.001", "0.0001", "0.0025"])
sides = st.sampled_from(["BUY", "SELL"])
words = st.text(max_size=8)


def event(kind, **fields):
    head = {"event_type": st.just(kind), "market": st.just(MARKET), "timestamp": times}
    return st.fixed_dictionaries({**head, **fields}, optional={"aside": words})


def ladder(low, high):
    prices = st.integers(low, high).map(decimal_text)
    rows = st.fixed_dictionaries({"price": prices, "size": amounts})
    return st.lists(rows, max_size=4, unique_by=lambda level: level["price"])


changes = st.fixed_dictionaries(
    {"asset_id": ids, "price": levels_at, "size": amounts, "side": sides},
    optional={"hash": words, "best_bid": bests, "best_ask": bests},
)
pairs = st.lists(ids, min_size=2, max_size=3, unique=True)
good = st.one_of(
    event("book", asset_id=ids, bids=ladder(1, 499_999), asks=ladder(500_000, 999_999), hash=words,
          tick_size=st.none() | ticks, last_trade_price=bests),
    event("price_change", price_changes=st.lists(changes, max_size=4)),
    event("last_trade_price", asset_id=ids, price=levels_at, size=amounts, side=sides, fee_rate_bps=words),
    event("tick_size_change", asset_id=ids, old_tick_size=ticks, new_tick_size=ticks),
    event("best_bid_ask", asset_id=ids, best_bid=bests, best_ask=bests),
    event("new_market", assets_ids=pairs, outcomes=st.lists(words, max_size=3), question=words, slug=words),
    pairs.flatmap(lambda each: event("market_resolved", assets_ids=st.just(each),
                                     winning_asset_id=st.sampled_from(each))),
)  # fmt: skip
unknown = st.one_of(event("aurora"), st.just({}), st.just({"market": MARKET}))
broken = st.one_of(
    st.tuples(good, st.sampled_from(["market", "timestamp"])).map(lambda each: {**each[0], each[1]: "x"}),
    event("book", asset_id=ids),
    event("last_trade_price", asset_id=ids, price=st.just("1"), size=amounts, side=sides),
    st.fixed_dictionaries({"event_type": st.sampled_from([None, 5, [], {}])}),
    st.sampled_from([None, 5, "book", [], [[]], True, 1e300]),
)


def said(frame):
    return frame.events, frame.unknown, [str(each) for each in frame.broken]


@run_settings(max_examples=150, deadline=None)
@given(st.lists(good, max_size=5))
def test_good_events_are_read_together_as_they_are_one_by_one(rows):
    text = json.dumps(rows)
    frame = decode_frame(text)
    assert said(frame) == said(frames._decode_each(text))
    assert (len(frame.events), frame.unknown, frame.broken) == (len(rows), 0, ())


@run_settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(good, unknown, broken), max_size=5))
def test_one_event_that_cannot_be_read_takes_no_other_with_it(rows):
    alone = [decode_frame(json.dumps([row])) for row in rows]
    events = tuple(event for frame in alone for event in frame.events)
    failures = tuple(error for frame in alone for error in frame.broken)
    together = decode_frame(json.dumps(rows))
    assert said(together) == said(Frame(events, sum(frame.unknown for frame in alone), failures))


@given(good)
def test_event_alone_is_read_as_it_is_in_an_array(row):
    assert said(decode_frame(json.dumps(row))) == said(decode_frame(json.dumps([row])))


@run_settings(max_examples=150, deadline=None)
@given(
    st.one_of(good, st.lists(st.one_of(good, unknown, broken), max_size=3)),
    st.sampled_from(["", " ", "\n\t "]),
    st.booleans(),
)
def test_text_and_bytes_and_space_around_make_no_difference(rows, space, ascii_only):
    text = json.dumps(rows, ensure_ascii=ascii_only)
    plain = said(decode_frame(text))
    assert said(decode_frame(text.encode())) == plain
    assert said(decode_frame(space + text + space)) == plain


def refused_or_read(frame):
    try:
        read = decode_frame(frame)
    except MalformedError:
        return
    assert isinstance(read, Frame)


@run_settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(good, unknown), min_size=1, max_size=3), st.data())
def test_frame_damaged_on_the_way_is_only_ever_refused(rows, data):
    frame = bytearray(json.dumps(rows).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(frame)))
        end = start + data.draw(st.integers(0, 4))
        frame[start:end] = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"]", b"[", b'"'])))
    refused_or_read(bytes(frame))
    refused_or_read(bytes(frame).decode(errors="replace"))


odd = ["1e999999999", "0e999999999", "1e-999999999", "-0", "NaN", "sNaN", "inf", "٣", "1_0", ".", "", "\0",
       " 0.5 ", "0x1", "9" * 5_000, "0." + "1" * 5_000, "1790000000000.0"]  # fmt: skip
numbers = st.one_of(
    st.sampled_from(odd),
    st.text(max_size=12),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
)


@run_settings(max_examples=300, deadline=None)
@given(good, numbers, st.data())
def test_no_number_however_odd_breaks_more_than_its_event(row, number, data):
    field = data.draw(st.sampled_from(sorted(set(row) - {"event_type"})))
    frame = decode_frame(json.dumps([{**row, field: number}, row]))
    assert frame.events
    assert len(frame.events) + len(frame.broken) == 2


@pytest.mark.parametrize(
    "opening", ["[", '{"a":', '[{"event_type":', '{"event_type":"book","bids":', "[[{},"]
)
@pytest.mark.parametrize("times", [1, 900, 100_000])
def test_frame_nested_beyond_all_depth_is_refused(opening, times):
    refused_or_read(opening * times)
    refused_or_read((opening * times).encode())
    refused_or_read('[{"event_type":"best_bid_ask","market":' + opening * times + "}]")


@pytest.mark.parametrize(
    "frame", [b"", b" ", b"PONG", b"\xff\xfe", b"\xef\xbb\xbf[]", b"null", b"[,]", b"{}{}"]
)
def test_what_is_no_json_at_all_is_refused(frame):
    refused_or_read(frame)
    assert said(decode_frame(b"[]")) == ((), 0, [])
