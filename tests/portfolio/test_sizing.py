"""Sizes: proportional, in lots, and never more than is held (L3, L5)."""

from __future__ import annotations

from examples import SHARE, order
from hypothesis import given
from hypothesis import strategies as st

from actors.executor.fills import fills_of, match
from actors.portfolio.sizing import (
    LOT,
    buy_limit,
    buy_reservation,
    buy_size,
    catch_up_limit,
    lots,
    sell_limit,
    sell_share,
)

SHARES = st.integers(0, 10**12)
PRICES = st.integers(1, SHARE - 1)


def test_a_buy_is_the_leaders_size_times_the_ratio_down_to_the_lot():
    assert buy_size(1_234_567_890, 10_000) == 12_340_000


def test_a_leaders_crumb_is_no_lot_of_ours():
    assert buy_size(999_999, 10_000) == 0


def test_selling_half_sells_our_half():
    assert sell_share(held=7 * SHARE, sold=50 * SHARE, leader_before=100 * SHARE) == 3_500_000


def test_three_buys_of_which_one_was_copied_still_sell_in_proportion():
    leader, ours = 3 * 100 * SHARE, 1 * SHARE
    first = sell_share(ours, sold=100 * SHARE, leader_before=leader)
    assert first == 333_333
    assert sell_share(ours - first, sold=200 * SHARE, leader_before=200 * SHARE) == ours - first


def test_a_sale_of_more_than_was_ever_seen_is_a_sale_of_everything():
    assert sell_share(5 * SHARE, sold=SHARE, leader_before=0) == 5 * SHARE


@given(SHARES, SHARES, SHARES)
def test_a_sale_never_exceeds_what_is_held(held, sold, leader_before):
    assert 0 <= sell_share(held, sold, leader_before) <= held


@given(SHARES, st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_a_leader_who_sells_out_in_steps_leaves_us_with_nothing(held, steps):
    leader = sum(steps)
    for sold in steps:
        held -= sell_share(held, sold, leader)
        leader -= sold
    assert held == 0


@given(SHARES)
def test_lots_round_down(shares):
    assert 0 <= shares - lots(shares) < LOT
    assert lots(shares) % LOT == 0


@given(
    st.integers(1, 2_000).map(lambda n: n * LOT),
    PRICES,
    st.lists(st.tuples(PRICES, st.integers(1, 500).map(lambda n: n * LOT)), max_size=30),
    st.integers(0, 70_000),
)
def test_a_buy_never_costs_more_than_was_put_aside_however_it_is_filled(size, limit, levels, rate):
    placed = order(size=size, price_limit=limit, fee_rate=rate)
    fills = fills_of(placed, match(placed, tuple(sorted(dict(levels).items()))), 0)
    assert sum(each.usdc + each.fee for each in fills) <= buy_reservation(size, limit)


@given(PRICES, st.integers(0, SHARE))
def test_limits_stay_within_zero_and_one(price, move):
    assert price <= buy_limit(price, move) <= SHARE
    assert 0 <= sell_limit(price, move) <= price
    assert price <= catch_up_limit(price, 20, False) <= SHARE


def test_a_late_buy_may_be_twenty_basis_points_worse():
    assert catch_up_limit(500_000, 20, better_only=False) == 501_000


def test_a_late_buy_that_must_be_better_is_not_at_the_same_price():
    assert catch_up_limit(500_000, 20, better_only=True) == 499_999
