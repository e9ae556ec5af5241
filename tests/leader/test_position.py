"""A leader's own position as far as it is known (L1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.leader.position import after_trade
from messages.trades import Side

SHARES = st.integers(0, 10**12)


def test_a_buy_adds_and_a_sale_subtracts():
    assert after_trade(100, Side.BUY, 50) == 150
    assert after_trade(100, Side.SELL, 40) == 60


@given(SHARES, st.lists(st.tuples(st.sampled_from(list(Side)), SHARES)))
def test_a_leader_who_sells_what_nobody_saw_them_buy_is_flat_not_short(shares, trades):
    for side, size in trades:
        shares = after_trade(shares, side, size)
        assert shares >= 0
