"""A walk through a book's levels: no more than there is, at no better price than there is."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from actors.prices.books import make_book
from actors.prices.depth import NOTHING, Walk, walk
from messages.trades import Side
from messages.units import MICROS

sides = st.sampled_from(Side)
sizes = st.one_of(st.integers(1, 50), st.integers(1, 10**12))
ladders = st.dictionaries(st.integers(1, MICROS - 1), sizes, max_size=6)


def book_of(levels, side):
    asks, bids = (levels, {}) if side is Side.BUY else ({}, levels)
    return make_book("1", bids, asks, hash="", as_of_ns=0)


def taken(levels, side, size):
    """Return what a size takes, level by level, exactly."""
    parts = []
    for price in sorted(levels, reverse=side is Side.SELL):
        part = min(levels[price], size - sum(shares for _, shares in parts))
        if part > 0:
            parts.append((price, part))
    return parts


@given(ladders, sides, st.one_of(st.integers(0, 100), st.integers(0, 10**13)))
def test_walk_agrees_with_the_simplest_model(levels, side, size):
    walked, parts = walk(book_of(levels, side), side, size), taken(levels, side, size)
    assert walked.filled == min(size, sum(levels.values()))
    if not parts:
        assert walked == NOTHING
        return
    exact = sum(Fraction(price * shares, MICROS) for price, shares in parts)
    against = walked.notional - exact if side is Side.BUY else exact - walked.notional
    assert 0 <= against < len(parts), "each level is rounded against the taker, by less than one unit"
    mean = exact * MICROS / walked.filled
    assert 0 <= (walked.average - mean if side is Side.BUY else mean - walked.average) < 1
    assert (walked.best, walked.worst) == (parts[0][0], parts[-1][0])
    assert all(type(each) is int for each in (walked.filled, walked.notional, walked.average))


@given(ladders, sides, sizes)
def test_average_lies_between_the_best_and_the_worst_price_taken(levels, side, size):
    walked = walk(book_of(levels, side), side, size)
    if walked.filled:
        best, worst = sorted((walked.best, walked.worst))
        assert best <= walked.average <= worst


@given(ladders, sides, sizes, sizes)
def test_more_never_comes_at_a_better_average(levels, side, size, more):
    less, all_of_it = (walk(book_of(levels, side), side, each) for each in (size, size + more))
    if less.filled:
        worse = all_of_it.average - less.average
        assert worse >= 0 if side is Side.BUY else worse <= 0
        assert all_of_it.notional >= less.notional


def test_one_level_is_paid_at_its_own_price_not_a_fraction_above():
    book = book_of({570_000: 2 * MICROS}, Side.BUY)
    assert walk(book, Side.BUY, 1_234_567) == Walk(1_234_567, 703_704, 570_000, 570_000, 570_000)


def test_thin_book_fills_what_it_has():
    book = make_book("1", {400_000: 3, 390_000: 2}, {600_000: MICROS}, hash="", as_of_ns=0)
    assert walk(book, Side.SELL, 10**9).filled == 5
    assert walk(book, Side.BUY, 10**9).filled == MICROS
    assert walk(book, Side.BUY, 0) == walk(book, Side.SELL, -5) == NOTHING
    assert walk(make_book("1", {}, {}, hash="", as_of_ns=0), Side.BUY, 5) == NOTHING
