"""What closed markets pay, and what must never be taken for a payout."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.prices.resolution import by_prices, by_winners
from messages.markets import Resolution

prices = st.lists(st.integers(0, 1_000_000), min_size=2, max_size=6).map(tuple)


@given(prices, st.booleans())
def test_open_market_never_pays(prices, settled):
    assert by_prices(prices, closed=False, settled=settled) == (Resolution.OPEN, ())


@given(prices, st.booleans())
def test_payouts_are_stated_exactly_when_resolved_and_pay_one_in_all(prices, settled):
    resolution, payouts = by_prices(prices, closed=True, settled=settled)
    assert (payouts != ()) == (resolution is Resolution.RESOLVED)
    if payouts:
        assert sum(payouts) == 1_000_000
        assert len(payouts) == len(prices)


@given(st.integers(990_000, 1_000_000), st.integers(0, 10_000), st.booleans(), st.booleans())
def test_winner_takes_exactly_one(high, low, first, settled):
    shown = (high, low) if first else (low, high)
    paid = (1_000_000, 0) if first else (0, 1_000_000)
    assert by_prices(shown, closed=True, settled=settled) == (Resolution.RESOLVED, paid)


@given(st.integers(10_001, 989_999), st.integers(0, 1_000_000))
def test_closed_without_winner_is_unknown(middle, other):
    assert by_prices((middle, other), closed=True, settled=False) == (Resolution.CLOSED, ())


def test_zero_zero_is_never_a_loss():
    assert by_prices((0, 0), closed=True, settled=True) == (Resolution.CLOSED, ())
    assert by_prices((1_000_000, 1_000_000), closed=True, settled=True) == (Resolution.CLOSED, ())


def test_two_winners_are_none():
    assert by_winners((True, True), (0, 0), closed=True, even=False) == (Resolution.CLOSED, ())


def test_winner_flag_counts_only_once_closed():
    assert by_winners((True, False), (0, 0), closed=False, even=False) == (Resolution.OPEN, ())
    assert by_winners((False, True), (0, 0), closed=True, even=False)[1] == (0, 1_000_000)


def test_prices_alone_do_not_make_a_winner_at_clob():
    assert by_winners((False, False), (0, 1_000_000), closed=True, even=False) == (Resolution.CLOSED, ())
    halves = (500_000, 500_000)
    assert by_winners((False, False), halves, closed=True, even=False) == (Resolution.CLOSED, ())
    assert by_winners((False, False), halves, closed=True, even=True) == (Resolution.RESOLVED, halves)
