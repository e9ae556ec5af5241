"""What outcomes are worth: the middle of a tight book, else the last trade, by the freshest that is known."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices.books import make_book
from actors.prices.memory import Known
from actors.prices.quotes import Quote, book_price, book_view, freshest, host_view, quote
from messages.markets import Market, Resolution, Source
from messages.units import MICROS

prices = st.integers(0, MICROS)


def market(seen=(640_000, 360_000), resolution=Resolution.OPEN, payouts=()):
    count = len(seen or payouts or (0, 0))
    return Market(
        condition_id="0x" + "ab" * 32,
        question="Will it rain?",
        slug="rain",
        event_slug="rain",
        outcomes=tuple(f"day {index}" for index in range(count)),
        token_ids=tuple(str(index) for index in range(count)),
        prices=seen,
        payouts=payouts,
        tick=10_000,
        size_min=5 * MICROS,
        fee_rate=0,
        neg_risk=False,
        accepting_orders=resolution is Resolution.OPEN,
        resolution=resolution,
    )


def row(at=10, hearsay=False, **what):
    return Known(market(**what), 1_000 + at, at, Source.GAMMA, False, hearsay)


def stream(price, at):
    return Quote(price, 1_000 + at, at, Source.STREAM)


def fetched(price, at):
    return Quote(price, 1_000 + at, at, Source.CLOB)


# --- a book ---


@pytest.mark.parametrize(
    ("bid", "ask", "last", "price"),
    [
        (600_000, 700_000, 10_000, 650_000),
        (600_000, 700_001, 10_000, 10_000),
        (600_000, 601_001, 10_000, 600_500),
        (600_000, 700_001, None, None),
        (None, 5_000, 10_000, 10_000),
        (995_000, None, None, None),
        (None, None, None, None),
        (None, None, 0, 0),
    ],
)
def test_middle_of_a_spread_of_a_tenth_at_most_else_the_last_trade(bid, ask, last, price):
    assert book_price(bid, ask, last) == price


@given(prices, prices, st.none() | prices)
def test_middle_lies_between_bid_and_ask(bid, ask, last):
    bid, ask = sorted((bid, ask))
    price = book_price(bid, ask, last)
    assert price == last if ask - bid > 100_000 else bid <= price <= ask


def test_quote_is_by_the_best_levels_and_of_the_books_age():
    book = make_book("1", {600_000: 5, 10_000: 5}, {620_000: 5, 990_000: 5}, hash="", as_of_ns=7)
    assert quote(Known(book, 3, 4, Source.CLOB, False)) == Quote(610_000, 3, 4, Source.CLOB)
    empty = make_book("1", {}, {}, hash="", as_of_ns=7)
    assert quote(Known(empty, 3, 4, Source.CLOB, False)) is None
    traded = msgspec.structs.replace(empty, last_trade=5)
    assert quote(Known(traded, 3, 4, Source.STREAM, False)) == Quote(5, 3, 4, Source.STREAM)


# --- the books of a market ---


@given(prices, st.booleans())
def test_one_of_two_outcomes_tells_the_other(price, is_first):
    known = stream(price, 5)
    view = book_view((known, None) if is_first else (None, known))
    assert view.prices[not is_first] == price
    assert sum(view.prices) == MICROS
    assert (view.as_of_ns, view.mono_ns, view.source) == (1_005, 5, Source.STREAM)


def test_of_two_outcomes_the_fresher_book_tells_both_and_never_are_two_moments_mixed():
    older, fresher = stream(300_000, 5), fetched(650_000, 6)
    for quotes, prices in (((older, fresher), (350_000, 650_000)), ((fresher, older), (650_000, 350_000))):
        view = book_view(quotes)
        assert (view.prices, view.mono_ns, view.source) == (prices, 6, Source.CLOB)


@given(st.lists(st.tuples(prices, st.integers(0, 99)), min_size=3, max_size=6))
def test_prices_are_as_old_as_the_oldest_part_of_them(parts):
    view = book_view([stream(*part) for part in parts])
    assert view.prices == tuple(price for price, _ in parts)
    assert view.mono_ns == min(at for _, at in parts)
    assert view.as_of_ns == 1_000 + view.mono_ns


def test_prices_come_from_the_stream_only_if_all_of_them_do():
    assert book_view([stream(1, 5), stream(2, 6), stream(3, 6)]).source == Source.STREAM
    assert book_view([stream(1, 9), fetched(2, 6), stream(3, 9)]).source == Source.CLOB
    assert book_view([fetched(1, 9), fetched(2, 6), fetched(3, 9)]).source == Source.CLOB


def test_of_more_than_two_outcomes_nothing_is_told_unless_all_are_known():
    assert book_view([stream(1, 1), stream(2, 2), None]) is None
    assert book_view([stream(1, 1), None, None]) is None
    assert book_view([stream(1, 1), stream(2, 2), stream(3, 3)]).prices == (1, 2, 3)


def test_no_books_say_nothing():
    assert book_view([]) is book_view([None]) is book_view([None, None]) is None


# --- books and rows ---


def test_younger_of_books_and_row_is_told():
    books = [stream(500_000, 11), stream(400_000, 10)]
    assert freshest(row(at=10), books).prices == (500_000, 500_000)
    assert freshest(row(at=11), books).prices == (500_000, 500_000)
    assert freshest(row(at=12), books).prices == (640_000, 360_000)
    assert freshest(row(at=12), [None, None]).source == Source.GAMMA


def test_hearsay_gives_way_to_any_book():
    assert freshest(row(at=99, hearsay=True), [stream(500_000, 1), None]).mono_ns == 1
    assert freshest(row(at=99, hearsay=True), []).prices == (640_000, 360_000)


@pytest.mark.parametrize("resolution", [Resolution.CLOSED, Resolution.DISPUTED])
def test_once_trading_is_over_the_row_alone_counts(resolution):
    books = [stream(500_000, 99), stream(500_000, 99)]
    assert freshest(row(resolution=resolution), books).prices == (640_000, 360_000)


def test_resolved_market_is_worth_what_it_pays():
    known = row(seen=(0, 0), resolution=Resolution.RESOLVED, payouts=(MICROS // 2, MICROS // 2))
    assert freshest(known, [stream(990_000, 99), None]).prices == (500_000, 500_000)


@pytest.mark.parametrize("resolution", [Resolution.OPEN, Resolution.CLOSED, Resolution.DISPUTED])
@pytest.mark.parametrize("zeros", [(0, 0), (), (0, 0, 0)])
def test_row_of_zeros_read_as_prices_would_show_positions_as_lost(resolution, zeros):
    assert host_view(row(seen=zeros, resolution=resolution)).prices == ()


def test_older_books_are_told_where_the_row_says_nothing_of_prices():
    view = freshest(row(at=99, seen=(0, 0)), [stream(500_000, 11), stream(400_000, 12)])
    assert (view.prices, view.mono_ns) == ((600_000, 400_000), 12)
