"""Where our books and the venue's differ, and what is no evidence of it (C1, C2, C4)."""

from __future__ import annotations

from examples import NO, PAPER, SHARE, USDC, YES

from actors.reconciler.compare import Difference, differences
from messages.orders import Holding, OpenOrders, VenueAccount
from messages.portfolio import PortfolioState


def ours(held=None, cash=100 * USDC, open_orders=()):
    return PortfolioState(
        portfolio_id=PAPER,
        cash=cash,
        reserved=0,
        realised=0,
        holdings=tuple(Holding(token, shares) for token, shares in (held or {YES: 10 * SHARE}).items()),
        open_orders=open_orders,
        in_flight=0,
    )


def venue(held=None, cash=100 * USDC, complete=True):
    held = {YES: 10 * SHARE} if held is None else held
    return VenueAccount(
        portfolio_id=PAPER,
        holdings=tuple(Holding(token, shares) for token, shares in held.items()),
        cash=cash,
        complete=complete,
    )


def found(mine, theirs, *orders):
    return differences(
        mine,
        theirs,
        OpenOrders(portfolio_id=PAPER, order_ids=orders),
        tolerance_shares=10_000,
        tolerance_usdc=10_000,
    )


def test_equal_books_have_no_difference():
    assert found(ours(), venue()) == ()


def test_an_incomplete_answer_is_not_read_as_flat():
    assert found(ours(), venue({}, cash=0, complete=False), "0xo") == ()


def test_a_complete_answer_without_a_holding_is_a_difference():
    assert found(ours(), venue({})) == (Difference(f"shares of {YES}", "10", "0"),)


def test_what_the_venue_has_and_we_do_not_is_found_too():
    assert found(ours(), venue({YES: 10 * SHARE, NO: SHARE})) == (Difference(f"shares of {NO}", "0", "1"),)


def test_dust_does_not_make_it_flip_and_flop():
    assert found(ours(), venue({YES: 10 * SHARE + 10_000}, cash=100 * USDC - 10_000)) == ()
    assert len(found(ours(), venue({YES: 10 * SHARE + 10_001}, cash=100 * USDC - 10_001))) == 2


def test_an_order_nobody_here_knows_is_reported():
    assert found(ours(), venue(), "0xo") == (Difference("order 0xo", "unknown here", "open at the venue"),)
    assert found(ours(open_orders=("i",)), venue(), "0xo") == ()
