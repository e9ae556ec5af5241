"""Sales held back after a gap: none lost, none ahead of the buys that the poller still has to bring."""

from __future__ import annotations

from examples import NO, YES, report, tx_of

from actors.leader.patience import Patience
from messages.trades import Side, SourceKind

SECOND = 1_000_000_000


def sold(number, **changes):
    return report(tx=tx_of(number), side=Side.SELL, **changes)


def test_without_a_gap_nothing_waits():
    assert not Patience(6 * SECOND).holds(sold(1))


def test_a_live_sale_waits_for_a_sweep_that_began_late_enough_after_the_gap():
    patience = Patience(6 * SECOND)
    patience.gap(100 * SECOND)
    sale = sold(1)
    assert patience.holds(sale)
    assert patience.swept(105 * SECOND) == []
    assert patience.swept(106 * SECOND) == [sale]
    assert not patience.holds(sold(2))


def test_what_the_poller_brings_and_buys_go_ahead():
    patience = Patience(SECOND)
    patience.gap(0)
    assert not patience.holds(sold(1, kind=SourceKind.API))
    assert not patience.holds(report(tx=tx_of(2)))


def test_a_buy_behind_a_held_sale_of_the_same_outcome_waits_with_it_in_order():
    patience = Patience(SECOND)
    patience.gap(0)
    sale, buy = sold(1, token_id=YES), report(tx=tx_of(2), token_id=YES)
    assert patience.holds(sale)
    assert patience.holds(buy)
    assert not patience.holds(report(tx=tx_of(3), token_id=NO))
    assert patience.give_up() == [sale, buy]
    assert len(patience) == 0
