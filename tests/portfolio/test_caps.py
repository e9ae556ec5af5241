"""Caps hold at every instant, reservations counted (R1, I4)."""

from __future__ import annotations

import pytest
from examples import CONDITION, NO, NOON_NS, SHARE, USDC, YES, caps, fill
from hypothesis import given
from hypothesis import strategies as st

from actors.portfolio.account import Account, Reservation
from actors.portfolio.caps import check_caps
from config.amounts import Micros
from messages.decisions import SkipReason
from messages.trades import Side

OTHER = "0x" + "0d" * 32


def account_with(*fills, cash=1_000 * USDC):
    account = Account(cash)
    for seq, each in enumerate(fills, start=1):
        account.apply(fill(seq=seq, **each))
    return account


def ask(account, amount=10 * USDC, *, token=YES, condition=CONDITION, event="rain", now_ns=NOON_NS, **limits):
    return check_caps(
        account,
        caps(**{name: Micros(limit) for name, limit in limits.items()}),
        amount=amount,
        condition_id=condition,
        event_slug=event,
        token_id=token,
        now_ns=now_ns,
    )


def reserve(account, name, usdc, *, token=YES, condition=CONDITION, event="rain"):
    account.reserve(name, Reservation(Side.BUY, condition, token, event, usdc, 0))


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        ("per_trade", SkipReason.CAP_TRADE),
        ("per_market", SkipReason.CAP_MARKET),
        ("per_event", SkipReason.CAP_EVENT),
        ("per_portfolio", SkipReason.CAP_PORTFOLIO),
    ],
)
def test_exactly_the_cap_passes_and_a_millionth_more_does_not(cap, reason):
    assert ask(Account(1_000 * USDC), 10 * USDC, **{cap: 10 * USDC})[0] is None
    assert ask(Account(1_000 * USDC), 10 * USDC + 1, **{cap: 10 * USDC})[0] is reason


@pytest.mark.parametrize(
    ("cap", "reason", "place"),
    [
        ("per_market", SkipReason.CAP_MARKET, {"token": NO}),
        ("per_event", SkipReason.CAP_EVENT, {"condition": OTHER}),
        ("per_portfolio", SkipReason.CAP_PORTFOLIO, {"condition": OTHER, "event": "sun"}),
    ],
)
def test_two_buys_on_their_way_cannot_pass_a_cap_together(cap, reason, place):
    account = Account(1_000 * USDC)
    reserve(account, "first", 6 * USDC, **place)
    assert ask(account, 5 * USDC, **{cap: 10 * USDC})[0] is reason


def test_what_was_bought_counts_with_its_fee():
    account = account_with({"size": 10 * SHARE, "fee": 1})
    assert ask(account, 5 * USDC, per_market=10 * USDC)[0] is SkipReason.CAP_MARKET


def test_other_markets_and_events_are_not_counted():
    account = account_with({"size": 100 * SHARE, "condition_id": OTHER, "event_slug": "sun"})
    assert ask(account, 10 * USDC, per_market=10 * USDC, per_event=10 * USDC)[0] is None


def test_markets_without_an_event_do_not_share_one():
    account = account_with({"size": 100 * SHARE, "condition_id": OTHER, "event_slug": ""})
    assert ask(account, 10 * USDC, event="", per_event=10 * USDC)[0] is None


def test_a_buy_on_its_way_takes_up_a_position():
    account = account_with({"token_id": "1"})
    reserve(account, "first", 6 * USDC, token="2")
    assert ask(account, token="3", positions_max=2)[0] is SkipReason.CAP_POSITIONS
    assert ask(account, token="2", positions_max=2)[0] is None


def test_a_daily_loss_at_the_limit_still_buys_and_beyond_it_does_not():
    account = account_with({}, {"side": Side.SELL, "price": 400_000})
    assert ask(account, daily_loss=1 * USDC)[0] is None
    assert ask(account, daily_loss=1 * USDC - 1)[0] is SkipReason.CAP_DAILY_LOSS


def test_cash_put_aside_cannot_be_spent_twice():
    account = Account(10 * USDC)
    reserve(account, "first", 6 * USDC, token=NO)
    assert ask(account, 4 * USDC)[0] is None
    assert ask(account, 4 * USDC + 1)[0] is SkipReason.CASH


def test_every_cap_looked_at_is_recorded_up_to_the_one_that_refused():
    _, passed = ask(Account(1_000 * USDC))
    assert [check.passed for check in passed] == [True] * 7
    _, refused = ask(Account(1_000 * USDC), 10 * USDC, per_market=9 * USDC)
    last = refused[-1]
    assert (last.name, last.value, last.limit, last.passed) == ("per_market_usdc", 10 * USDC, 9 * USDC, False)


@given(st.lists(st.tuples(st.integers(1, 6 * USDC), st.sampled_from([YES, NO]), st.booleans()), max_size=20))
def test_whatever_is_asked_for_the_caps_hold_at_every_instant(asked):
    account, market_max, all_max = Account(20 * USDC), 9 * USDC, 15 * USDC
    for seq, (amount, condition, filled) in enumerate(asked, start=1):
        refused, _ = ask(
            account,
            amount,
            token=condition,
            condition=condition,
            per_market=market_max,
            per_portfolio=all_max,
        )
        if refused is None:
            reserve(account, f"{seq}", amount, token=condition, condition=condition)
        if refused is None and filled:
            bought = fill(seq=seq, token_id=condition, condition_id=condition, size=amount, price=SHARE)
            account.apply(bought)
            account.consume(f"{seq}", bought)
        stakes = {YES: 0, NO: 0}
        for each in account.open_positions():
            stakes[each.condition_id] += each.cost
        for held in account.reservations.values():
            stakes[held.condition_id] += held.usdc
        assert max(stakes.values()) <= market_max
        assert sum(stakes.values()) <= all_max
        assert account.cash - account.reserved_cash() >= 0
