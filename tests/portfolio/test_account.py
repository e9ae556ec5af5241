"""The account: exact to 1e-6 under any fills, in any number of deliveries."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import pytest
from examples import CONDITION, NO, NOON_NS, NS, SHARE, USDC, YES, fill
from hypothesis import given
from hypothesis import strategies as st

from actors.portfolio.account import BOOKED_MAX, Account, LedgerError, Reservation
from actors.portfolio.settlement import settlement_fill
from messages.orders import FillKind
from messages.trades import Side

DAY_NS = 86_400 * NS
CASH = 1_000 * USDC


def sell(**changes):
    return fill(**{"side": Side.SELL} | changes)


def folded(*fills):
    account = Account(CASH)
    for each in fills:
        account.apply(each)
    return account


@st.composite
def legal_fills(draw):
    """Fills in order of seq of which none sells what is not held."""
    held, fills = {YES: 0, NO: 0}, []
    for seq in range(1, draw(st.integers(1, 15)) + 1):
        token = draw(st.sampled_from([YES, NO]))
        side = draw(st.sampled_from(list(Side))) if held[token] else Side.BUY
        size = draw(st.integers(1, 10**8 if side is Side.BUY else held[token]))
        held[token] += size if side is Side.BUY else -size
        price, fee = draw(st.integers(0, SHARE)), draw(st.integers(0, 10**5))
        fills.append(fill(seq=seq, token_id=token, side=side, size=size, price=price, fee=fee))
    return fills


def assert_conserved(account):
    cost = sum(position.cost for position in account.positions.values())
    assert account.cash + cost - account.realised == account.starting_cash
    assert account.realised == sum(position.realised for position in account.positions.values())
    assert account.fees == sum(position.fees for position in account.positions.values())


@given(legal_fills())
def test_cash_plus_cost_less_profit_is_what_it_started_with_after_every_fill(fills):
    account = Account(CASH)
    for each in fills:
        assert account.apply(each)
        assert_conserved(account)
        assert all(p.shares >= 0 and p.cost >= 0 for p in account.positions.values())


@given(legal_fills())
def test_the_fold_is_that_of_average_cost_worked_out_in_decimals(fills):
    shares, cost, cash, realised = {}, {}, Decimal(CASH), Decimal(0)
    for each in fills:
        token, size = each.token_id, Decimal(each.size)
        held, paid = shares.get(token, Decimal(0)), cost.get(token, Decimal(0))
        if each.side is Side.BUY:
            shares[token], cost[token] = held + size, paid + each.usdc + each.fee
            cash -= each.usdc + each.fee
        else:
            sold = (paid * size / held).to_integral_value(ROUND_FLOOR) if size < held else paid
            shares[token], cost[token] = held - size, paid - sold
            cash += each.usdc - each.fee
            realised += each.usdc - each.fee - sold
    account = folded(*fills)
    assert (account.cash, account.realised) == (cash, realised)
    assert {p.token_id: (p.shares, p.cost) for p in account.positions.values()} == {
        token: (shares[token], cost[token]) for token in shares
    }


@given(legal_fills(), st.data())
def test_a_fill_delivered_again_changes_nothing(fills, data):
    account = folded(*fills)
    before = (account.cash, account.realised, account.fees, account.fill_seq)
    for each in data.draw(st.lists(st.sampled_from(fills))):
        assert not account.apply(each)
        assert not account.missed(each)
    assert (account.cash, account.realised, account.fees, account.fill_seq) == before


def test_a_fill_overtaken_by_a_later_one_is_noticed_not_swallowed():
    account = folded(fill(seq=7))
    late = fill(seq=5, token_id=NO)
    assert not account.apply(late)
    assert account.missed(late)


def test_what_is_older_than_memory_reaches_counts_as_a_repetition():
    account = folded(*[fill(seq=seq, size=1) for seq in range(2, BOOKED_MAX + 3)])
    assert not account.missed(fill(seq=1))


def test_a_sale_beyond_the_holding_stops_everything_and_books_nothing():
    account = folded(fill(seq=1))
    with pytest.raises(LedgerError, match="sells 10000001 of 10000000"):
        account.apply(sell(seq=2, size=10 * SHARE + 1))
    assert account.held(YES) == 10 * SHARE
    assert_conserved(account)


def test_a_position_sold_out_has_no_cost_left_and_is_not_open():
    account = folded(
        fill(seq=1, size=3, usdc=1, fee=1), sell(seq=2, size=1, usdc=0), sell(seq=3, size=2, usdc=1)
    )
    assert account.positions[YES].cost == 0
    assert list(account.open_positions()) == []


def test_fees_come_off_the_profit():
    account = folded(fill(seq=1, fee=100), sell(seq=2, price=600_000, fee=50))
    assert account.realised == 1 * USDC - 150


def test_todays_loss_is_gone_at_midnight():
    account = folded(fill(seq=1), sell(seq=2, price=400_000))
    assert account.realised_on(NOON_NS) == -1 * USDC
    assert account.realised_on(NOON_NS + DAY_NS) == 0


def test_a_fill_of_yesterday_that_comes_late_does_not_hide_todays_loss():
    sales = sell(seq=2, size=SHARE, price=0), sell(seq=3, size=SHARE, price=0, filled_at_ns=NOON_NS - DAY_NS)
    assert folded(fill(seq=1), *sales).realised_on(NOON_NS) == -500_000


def reservation(side=Side.BUY, usdc=0, shares=0):
    return Reservation(side, CONDITION, YES, "rain", usdc, shares)


def test_a_fill_takes_its_part_of_the_reservation_and_the_end_frees_the_rest():
    account = Account(CASH)
    account.reserve("i", reservation(usdc=6 * USDC))
    account.consume("i", fill(size=4 * SHARE, fee=10))
    assert account.reserved_cash() == 4 * USDC - 10
    account.release("i")
    assert account.reserved_cash() == 0


def test_shares_of_an_open_sale_are_not_free_to_be_sold_again():
    account = folded(fill(seq=1))
    account.reserve("i", reservation(Side.SELL, shares=7 * SHARE))
    assert (account.held(YES), account.free(YES)) == (10 * SHARE, 3 * SHARE)
    account.apply(sell(seq=2, size=7 * SHARE))
    account.consume("i", sell(seq=2, size=7 * SHARE))
    assert account.free(YES) == 3 * SHARE


def settled(account, token=YES, payout=1_000_000):
    return settlement_fill("paper", account.positions[token], payout, NOON_NS)


def test_a_settlement_pays_the_payout_without_an_order_or_a_fee():
    paid = settled(folded(fill(seq=1)))
    assert (paid.kind, paid.side, paid.order_id, paid.fee) == (FillKind.SETTLEMENT, Side.SELL, "", 0)
    assert (paid.size, paid.usdc) == (10 * SHARE, 10 * USDC)


def test_other_fills_meanwhile_do_not_let_a_position_settle_twice():
    account = folded(fill(seq=1))
    first = settled(account)
    account.apply(fill(seq=2, token_id=NO))
    assert settled(account).fill_id == first.fill_id


def test_a_position_opened_after_a_settlement_gets_one_of_its_own():
    account = folded(fill(seq=1))
    first = settled(account)
    account.apply(fill(seq=2, side=Side.SELL))
    account.apply(fill(seq=3))
    assert settled(account).fill_id != first.fill_id
