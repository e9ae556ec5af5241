"""May a proposal become an order: the market's guards, one by one (L3 to L6, E5, E6)."""

from __future__ import annotations

import pytest
from examples import SHARE, book, guards, market, proposal, sale, trade
from hypothesis import given
from hypothesis import strategies as st

from actors.market.guards import Approved, Refused, evaluate, limit_on_tick, take, within_limit
from config.amounts import Micros
from messages.decisions import Freshness, SkipReason
from messages.markets import Resolution
from messages.trades import Side


def judged(asked=None, *, market_is=None, book_is=None, **changes):
    return evaluate(
        proposal() if asked is None else asked,
        market() if market_is is None else market_is,
        book() if book_is is None else book_is,
        guards(**changes),
    )


def reason(verdict):
    assert isinstance(verdict, Refused)
    return verdict.reason


def test_a_good_buy_is_approved_at_the_books_price():
    verdict = judged()
    assert isinstance(verdict, Approved)
    assert (verdict.price_limit, verdict.price_expected) == (530_000, 500_000)
    assert all(check.passed for check in verdict.checks)


@pytest.mark.parametrize(
    "closed",
    [
        {"resolution": Resolution.CLOSED},
        {"resolution": Resolution.RESOLVED, "payouts": (SHARE, 0)},
        {"accepting_orders": False},
    ],
)
@pytest.mark.parametrize("copied", [trade(), sale()])
def test_a_market_that_is_over_takes_no_late_order(closed, copied):
    assert reason(judged(proposal(trade=copied), market_is=market(**closed))) is SkipReason.MARKET_CLOSED


def test_a_token_of_another_market_is_not_traded_here():
    copied = trade(token_id="999")
    assert reason(judged(proposal(trade=copied))) is SkipReason.UNKNOWN_OUTCOME


def test_an_empty_side_is_no_liquidity():
    assert reason(judged(book_is=book(asks=()))) is SkipReason.NO_LIQUIDITY
    assert reason(judged(proposal(trade=sale()), book_is=book(bids=()))) is SkipReason.NO_LIQUIDITY


def bid_ask(bid, ask, size=1_000 * SHARE):
    return book(bids=((bid, size),), asks=((ask, size),))


def test_a_spread_at_the_limit_passes_and_a_tick_more_does_not():
    assert isinstance(judged(book_is=bid_ask(450_000, 500_000)), Approved)
    assert reason(judged(book_is=bid_ask(440_000, 500_000))) is SkipReason.SPREAD


def test_a_buy_with_nobody_on_the_other_side_has_the_widest_spread():
    assert reason(judged(book_is=book(bids=()))) is SkipReason.SPREAD


def test_a_sale_has_its_own_wider_spread():
    wide = bid_ask(450_000, 600_000)
    assert isinstance(judged(proposal(trade=sale()), book_is=wide), Approved)
    assert reason(judged(proposal(trade=sale()), book_is=bid_ask(440_000, 600_000))) is SkipReason.SPREAD


def test_a_price_at_the_limit_is_bought_and_beyond_it_not():
    assert isinstance(judged(book_is=bid_ask(520_000, 530_000)), Approved)
    assert reason(judged(book_is=bid_ask(530_000, 540_000))) is SkipReason.PRICE_MOVED


def test_a_late_buy_refused_for_its_price_says_so():
    late = proposal(freshness=Freshness.CATCH_UP, price_limit=501_000)
    assert isinstance(judged(late), Approved)
    assert reason(judged(late, book_is=bid_ask(500_000, 510_000))) is SkipReason.CATCH_UP_PRICE


def test_a_sale_is_not_dumped_into_a_gapped_book():
    floor = proposal(trade=sale(), price_limit=400_000)
    assert isinstance(judged(floor, book_is=bid_ask(400_000, 420_000)), Approved)
    assert reason(judged(floor, book_is=bid_ask(390_000, 420_000))) is SkipReason.PRICE_MOVED


def test_the_expected_price_is_that_of_the_depth_not_of_the_top():
    levels = ((500_000, 4 * SHARE), (520_000, 6 * SHARE), (530_001, 1_000 * SHARE))
    assert judged(book_is=book(asks=levels)).price_expected == 512_000


def test_less_than_the_venues_minimum_within_the_limit_is_no_liquidity():
    thin = ((500_000, 4 * SHARE), (540_000, 1_000 * SHARE))
    assert reason(judged(book_is=book(asks=thin))) is SkipReason.NO_LIQUIDITY
    enough = ((500_000, 5 * SHARE), (540_000, 1_000 * SHARE))
    assert isinstance(judged(book_is=book(asks=enough)), Approved)


def test_a_level_without_shares_divides_nothing_by_zero():
    empty = book(asks=((500_000, 0),))
    assert reason(judged(book_is=empty, market_is=market(size_min=0))) is SkipReason.NO_LIQUIDITY


def test_an_order_under_the_minimum_size_is_not_sent():
    assert reason(judged(proposal(size=5 * SHARE - 10_000))) is SkipReason.BELOW_MINIMUM
    assert isinstance(judged(proposal(size=5 * SHARE)), Approved)


def test_a_marketable_buy_under_a_dollar_is_not_sent_but_such_a_sale_is():
    cheap = bid_ask(90_000, 100_000)
    bought = proposal(trade=trade(price=100_000), price_limit=130_000, size=9_990_000)
    assert reason(judged(bought, book_is=cheap)) is SkipReason.BELOW_MINIMUM
    sold = proposal(trade=sale(price=100_000), price_limit=0, size=9_990_000)
    assert isinstance(judged(sold, book_is=cheap), Approved)


def test_every_guard_looked_at_is_recorded_behind_the_portfolios():
    names = [check.name for check in judged().checks]
    assert names == ["spread", "price_move", "depth_shares", "size_min_shares", "notional_min_usdc"]
    refused = judged(max_spread=Micros(5_000)).checks
    assert [(check.name, check.value, check.limit, check.passed) for check in refused] == [
        ("spread", 10_000, 5_000, False)
    ]


@given(st.integers(-1, SHARE), st.sampled_from([1_000, 2_500, 5_000, 10_000, 100_000]))
def test_a_limit_on_the_grid_is_never_worse_than_asked(limit, tick):
    bought, sold = limit_on_tick(limit, tick, Side.BUY), limit_on_tick(limit, tick, Side.SELL)
    assert bought % tick == sold % tick == 0
    assert bought <= min(limit, SHARE - tick)
    assert sold >= max(limit, tick)


LEVELS = st.dictionaries(st.integers(1, SHARE - 1), st.integers(1, 10**9), max_size=8)


@given(LEVELS, st.integers(1, 10**9), st.integers(1, SHARE - 1))
def test_an_approved_buy_fits_the_book_and_the_limit(asks, size, limit):
    levels = tuple(sorted(asks.items()))
    usable = within_limit(levels, limit, Side.BUY)
    filled, usdc = take(usable, size)
    assert filled == min(size, sum(shares for price, shares in asks.items() if price <= limit))
    assert usdc <= filled * limit // SHARE
