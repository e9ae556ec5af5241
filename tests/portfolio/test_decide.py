"""What a portfolio wants of a trade, at the boundaries of each rule (L2 to L6, D4)."""

from __future__ import annotations

import pytest
from examples import NOON_NS, NS, SHARE, USDC, caps, fill, guards, sale, trade

from actors.portfolio.account import Account
from actors.portfolio.decide import Declined, Policy, Wanted, decide
from actors.portfolio.sizing import buy_reservation
from config.amounts import Micros
from messages.decisions import Freshness, SkipReason

DEFAULT_CAPS = caps()


def policy(*, ratio=100_000, paused=False, caps=DEFAULT_CAPS, **changes):
    return Policy(ratio=ratio, paused=paused, caps=caps, guards=guards(**changes))


def holding(shares):
    account = Account(1_000 * USDC)
    account.apply(fill(size=shares))
    return account


def decided(trade, *, age_s=0.0, account=None, **changes):
    at_ns = NOON_NS + int(age_s * NS)
    return decide(trade, policy(**changes), account or Account(1_000 * USDC), at_ns)


def reason(verdict):
    assert isinstance(verdict, Declined)
    return verdict.reason


def test_a_live_buy_is_ours_in_proportion_with_its_worst_cost_put_aside():
    wanted = decided(trade())
    assert isinstance(wanted, Wanted)
    assert (wanted.freshness, wanted.size, wanted.price_limit) == (Freshness.LIVE, 10 * SHARE, 530_000)
    assert wanted.reserved == buy_reservation(10 * SHARE, 530_000)


def test_history_never_trades_whatever_else_is_true():
    assert reason(decided(trade(backfill=True))) is SkipReason.BACKFILL
    assert reason(decided(sale(backfill=True), account=holding(10 * SHARE))) is SkipReason.BACKFILL


def test_a_paused_leader_is_recorded_not_copied():
    assert reason(decided(trade(), paused=True)) is SkipReason.PAUSED
    assert reason(decided(sale(), paused=True, account=holding(10 * SHARE))) is SkipReason.PAUSED


def test_fifteen_seconds_old_is_live_and_a_moment_more_is_catching_up():
    assert decided(trade(), age_s=15).freshness is Freshness.LIVE
    assert decided(trade(), age_s=15.001).freshness is Freshness.CATCH_UP


def test_a_clock_behind_the_leaders_makes_the_trade_live():
    assert decided(trade(), age_s=-3).freshness is Freshness.LIVE


def test_a_late_buy_has_the_tighter_limit():
    assert decided(trade(), age_s=60).price_limit == 501_000
    assert decided(trade(), age_s=60, catch_up_buy_require_better_price=True).price_limit == 499_999


def test_ten_minutes_late_is_the_last_that_is_bought():
    assert isinstance(decided(trade(), age_s=600), Wanted)
    assert reason(decided(trade(), age_s=600.001)) is SkipReason.CATCH_UP_TOO_OLD


def test_a_buy_of_less_than_a_lot_is_no_order_of_size_zero():
    assert reason(decided(trade(size=SHARE // 20))) is SkipReason.BELOW_MINIMUM


def test_a_cap_refuses_with_its_own_reason():
    assert reason(decided(trade(), caps=caps(per_trade=Micros(USDC)))) is SkipReason.CAP_TRADE


def test_a_leader_sells_what_we_do_not_hold():
    assert reason(decided(sale())) is SkipReason.NOTHING_HELD


def test_half_sold_is_half_of_ours_at_the_wider_limit():
    wanted = decided(sale(size=50 * SHARE), account=holding(10 * SHARE))
    assert (wanted.size, wanted.price_limit, wanted.reserved) == (5 * SHARE, 400_000, 0)


def test_a_sale_of_more_than_we_saw_them_buy_sells_all_and_says_by_how_much():
    wanted = decided(sale(size=100 * SHARE, position_before=30 * SHARE), account=holding(10 * SHARE))
    assert (wanted.size, wanted.shortfall) == (10 * SHARE, 70 * SHARE)


def test_dust_is_not_sold_and_the_smallest_lot_is():
    account = holding(SHARE)
    assert reason(decided(sale(size=SHARE // 2), account=account)) is SkipReason.DUST
    assert decided(sale(size=SHARE), account=account).size == 10_000
    assert reason(decided(sale(size=SHARE), account=account, dust_shares=Micros(10_001))) is SkipReason.DUST


def test_a_late_sale_is_attempted_unless_switched_off():
    account = holding(10 * SHARE)
    assert decided(sale(), age_s=10_000, account=account).size == 10 * SHARE
    late = decided(sale(), age_s=16, account=account, sell_always_attempt=False)
    assert reason(late) is SkipReason.SELL_DISABLED
    assert decided(sale(), age_s=15, account=account, sell_always_attempt=False).size == 10 * SHARE


def test_a_sale_is_not_stopped_by_caps_or_losses():
    nothing = caps(per_trade=Micros(0), per_portfolio=Micros(0), daily_loss=Micros(0), positions_max=0)
    assert decided(sale(), account=holding(10 * SHARE), caps=nothing).size == 10 * SHARE


@pytest.mark.parametrize(
    ("verdict", "names"),
    [
        (decided(trade()), ["live_lag_ms", "size_shares", "per_trade_usdc"]),
        (decided(trade(), age_s=60), ["live_lag_ms", "catch_up_age_ms", "size_shares"]),
        (decided(trade(), age_s=601), ["live_lag_ms", "catch_up_age_ms"]),
        (decided(sale()), ["live_lag_ms", "held_shares"]),
        (decided(sale(), account=holding(10 * SHARE)), ["live_lag_ms", "held_shares", "dust_shares"]),
    ],
)
def test_every_guard_looked_at_is_recorded_in_its_order(verdict, names):
    assert [check.name for check in verdict.checks][: len(names)] == names


def test_a_refusal_ends_with_the_check_that_refused():
    checks = decided(trade(), age_s=601).checks
    assert (checks[-1].value, checks[-1].limit, checks[-1].passed) == (601_000, 600_000, False)
