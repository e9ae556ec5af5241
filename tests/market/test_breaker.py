"""A market's own breaker: the market halts, the rest goes on (R2)."""

from __future__ import annotations

import pytest

from actors.market.breaker import MarketBreaker
from config.settings import Breaker
from messages.orders import OrderState

NS = 1_000_000_000


def breaker():
    return MarketBreaker(Breaker(rejects_max=3, latency_ms_max=10_000, cooldown_s=60))


def record(one, *states, elapsed_ms=10, at_ns=NS):
    return [one.record(state, elapsed_ms, at_ns) for state in states]


@pytest.mark.parametrize("bad", [OrderState.REJECTED, OrderState.LOST])
def test_three_bad_ends_in_a_row_halt_the_market(bad):
    one = breaker()
    assert record(one, bad, bad, bad) == [False, False, True]
    assert one.is_open(NS)
    assert "3 orders in a row" in one.reason


def test_one_good_end_between_keeps_it_going():
    bad, good = OrderState.REJECTED, OrderState.CANCELLED
    assert not any(record(breaker(), bad, bad, good, bad, bad))


def test_one_slow_order_halts_and_one_at_the_limit_does_not():
    assert record(breaker(), OrderState.FILLED, elapsed_ms=10_000) == [False]
    assert record(breaker(), OrderState.FILLED, elapsed_ms=10_001) == [True]


def test_it_closes_by_itself_and_counts_from_zero():
    one = breaker()
    record(one, *[OrderState.REJECTED] * 3)
    assert one.is_open(NS + 60 * NS - 1)
    assert not one.is_open(NS + 60 * NS)
    assert record(one, OrderState.REJECTED, OrderState.REJECTED, at_ns=62 * NS) == [False, False]
