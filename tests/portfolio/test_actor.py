"""The portfolio: every trade decided once, sales behind buys, nothing reserved for ever."""

from __future__ import annotations

import pytest
from examples import (
    CONDITION,
    NO,
    NOON_NS,
    PAPER,
    SHARE,
    USDC,
    WALLET,
    YES,
    caps,
    changed,
    fill,
    guards,
    intent,
    sale,
    trade,
    tx_of,
)
from thespian.actors import ActorExitRequest

from actors.portfolio.actor import Portfolio
from actors.portfolio.args import PortfolioArgs
from actors.portfolio.decide import Policy
from messages.decisions import CopyDropped, CopyProposed, CopySkipped, CopyTaken, Skip, SkipReason
from messages.directory import Directory
from messages.ids import intent_id
from messages.markets import MarketResolved, WatchResolution
from messages.orders import FillBooked, OrderClosed, OrderRecord, OrderState, VenueSettle, VenueSettled
from messages.portfolio import MismatchFound, PortfolioQuery
from messages.store import (
    DecisionOutcome,
    LoadPortfolio,
    OrderStored,
    PortfolioLoaded,
    StoreDecision,
    StorePositions,
    StoreSettlement,
)
from messages.trades import Side
from supervisor.simulation import Simulation

ROLES = ("store", "markets", "prices", "venue")
POLICY = Policy(ratio=100_000, paused=False, caps=caps(), guards=guards())


class House:
    """A portfolio of 1,000 USDC that copies a tenth of one leader, among probes."""

    def __init__(self, sim, **loaded):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ROLES}
        self.store, self.markets = self.probes["store"], self.probes["markets"]
        self.epoch = 0
        self.loads(**loaded)
        self.args = PortfolioArgs(
            portfolio_id=PAPER,
            mode="paper",
            starting_cash=1_000 * USDC,
            policies={WALLET: POLICY},
            settings_hash="s",
            directory=Directory(**{role: probe.address for role, probe in self.probes.items()}),
        )
        self.portfolio = sim.spawn(Portfolio, PAPER, self.args)
        sim.run()

    def loads(self, *, fills=(), open_orders=(), undecided=()):
        def loaded(_):
            self.epoch += 1
            return PortfolioLoaded(
                portfolio_id=PAPER,
                epoch=self.epoch,
                starting_cash=1_000 * USDC,
                fills=fills,
                open_orders=open_orders,
                undecided=undecided,
            )

        self.store.answers(LoadPortfolio, loaded)

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.portfolio, message)
        self.sim.run()

    def proposed(self):
        return self.markets.take_all(CopyProposed)

    def skipped(self):
        return [write.decision.reason for write in self.store.take_all(StoreDecision)]

    def loaded(self):
        return len(self.store.take_all(LoadPortfolio))

    def state(self):
        return self.sim.ask(self.portfolio, PortfolioQuery(portfolio_id=PAPER))


@pytest.fixture
def sim():
    with Simulation(start_ns=NOON_NS) as sim:
        yield sim


@pytest.fixture
def house(sim):
    house = House(sim)
    house.loaded()
    return house


def identity(copied):
    return intent_id(copied.trade_id, PAPER)


def closed(copied, state=OrderState.FILLED):
    return OrderClosed(
        intent_id=identity(copied),
        portfolio_id=PAPER,
        order_id="0xo",
        token_id=copied.token_id,
        state=state,
        reason="",
    )


def booked(copied, **changes):
    return FillBooked(intent_id=identity(copied), fill=fill(**changes))


def taken(copied):
    return CopyTaken(intent_id=identity(copied), portfolio_id=PAPER)


def dropped(copied, reason, epoch=1):
    return CopyDropped(
        intent_id=identity(copied), portfolio_id=PAPER, epoch=epoch, token_id=copied.token_id, reason=reason
    )


def skipped_by_market(copied, epoch=1):
    skip = Skip(
        intent_id=identity(copied),
        portfolio_id=PAPER,
        epoch=epoch,
        trade_id=copied.trade_id,
        reason=SkipReason.SPREAD,
        checks=(),
        settings_hash="s",
        decided_at_ns=NOON_NS,
    )
    return CopySkipped(skip=skip)


def record(copied, **changes):
    """The order of a copied trade as the store has it."""
    stored = intent(trade_id=copied.trade_id, side=copied.side, token_id=copied.token_id, reserved=6 * USDC)
    return OrderRecord(**{"intent": stored, "state": OrderState.PLACED, "filled": 0} | changes)


BUY, SALE = trade(), sale(tx=tx_of(2))

# -- deciding ------------------------------------------------------------------------------------------


def test_a_trade_becomes_one_proposal_however_often_it_comes(house):
    house.tell(BUY, BUY)
    (proposal,) = house.proposed()
    assert (proposal.size, proposal.epoch, proposal.intent_id) == (10 * SHARE, 1, identity(BUY))
    assert house.state().reserved == proposal.reserved


def test_a_skip_is_recorded_with_its_reason(house):
    house.tell(trade(backfill=True), sale(tx=tx_of(2)))
    assert house.skipped() == [SkipReason.BACKFILL, SkipReason.NOTHING_HELD]


def test_trades_left_undecided_by_a_crash_are_decided_in_their_order(sim):
    left = [trade(tx=tx_of(n)) for n in (3, 1, 2)]
    house = House(sim, undecided=tuple(left))
    assert [each.trade.tx for each in house.proposed()] == [each.tx for each in left]


def test_a_trade_both_loaded_and_delivered_is_decided_once(sim):
    house = House(sim, undecided=(BUY,))
    house.tell(BUY)
    assert len(house.proposed()) == 1


def test_trades_wait_for_the_books_and_keep_their_order(sim):
    house = House(sim)
    house.store.answers(LoadPortfolio, lambda _: None)
    sim.crash(house.portfolio)
    house.tell(BUY, *[trade(tx=tx_of(n)) for n in (2, 3)])
    sim.advance(1)
    assert house.proposed() == []
    house.loads(undecided=(BUY,))
    sim.advance(31)
    assert [each.trade.tx for each in house.proposed()] == [BUY.tx, tx_of(2), tx_of(3)]


def test_a_leader_not_followed_is_not_copied(house):
    house.tell(trade(wallet="0x" + "99" * 20))
    assert house.proposed() == house.skipped() == []


def test_a_store_that_is_gone_is_not_asked_in_a_loop(house):
    house.sim.tell(house.store.address, ActorExitRequest())
    house.tell(MismatchFound(portfolio_id=PAPER, details=()))
    house.sim.advance(10)
    asked = [each for each in house.sim.base.dead_letters() if each.message_type == "LoadPortfolio"]
    assert 10 < len(asked) < 30


def test_caps_count_what_is_only_on_its_way(sim):
    house = House(sim)
    house.tell(*[trade(tx=tx_of(n), size=3_000 * SHARE, token_id=f"{n}") for n in range(1, 9)])
    assert len(house.proposed()) == 6
    assert house.skipped() == [SkipReason.CAP_MARKET] * 2


# -- sales behind buys ---------------------------------------------------------------------------------


def test_a_sale_waits_for_the_buy_before_it_and_sells_what_that_brought(house):
    house.tell(BUY, SALE)
    assert len(house.proposed()) == 1
    assert house.state().in_flight == 2
    house.tell(booked(BUY, size=7 * SHARE), closed(BUY))
    (sold,) = house.proposed()
    assert (sold.side, sold.size) == (Side.SELL, 7 * SHARE)


def test_a_sale_behind_a_buy_that_came_to_nothing_is_recorded_as_such(house):
    house.tell(BUY, SALE, skipped_by_market(BUY))
    assert house.skipped() == [SkipReason.NOTHING_HELD]


def test_a_buy_does_not_overtake_the_sale_before_it(house):
    again = trade(tx=tx_of(3))
    house.tell(BUY, SALE, again)
    assert len(house.proposed()) == 1
    house.tell(booked(BUY), closed(BUY))
    sold, bought = house.proposed()
    assert (sold.side, sold.size, bought.trade) == (Side.SELL, 10 * SHARE, again)


def test_two_sales_go_one_after_the_other(house):
    half = sale(tx=tx_of(3), size=50 * SHARE, position_before=50 * SHARE)
    house.tell(BUY, booked(BUY), closed(BUY), sale(tx=tx_of(2), size=50 * SHARE), half)
    _, first = house.proposed()
    assert first.size == 5 * SHARE
    house.tell(booked(first.trade, seq=2, side=Side.SELL, size=5 * SHARE), closed(first.trade))
    (second,) = house.proposed()
    assert second.size == 5 * SHARE


def test_another_outcome_waits_for_nothing(house):
    house.tell(BUY, sale(tx=tx_of(2), token_id=NO))
    assert house.skipped() == [SkipReason.NOTHING_HELD]


# -- reservations --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        skipped_by_market(BUY),
        closed(BUY, OrderState.CANCELLED),
        dropped(BUY, DecisionOutcome.REFUSED),
    ],
)
def test_whatever_ends_a_copy_frees_its_reservation(house, end):
    house.tell(BUY, end)
    assert (house.state().reserved, house.state().in_flight) == (0, 0)


def test_news_of_an_earlier_epoch_frees_nothing(house):
    house.tell(MismatchFound(portfolio_id=PAPER, details=()), BUY)
    house.tell(skipped_by_market(BUY, epoch=1), dropped(BUY, DecisionOutcome.REFUSED, epoch=1))
    assert house.state().in_flight == 1


@pytest.mark.parametrize("outcome", [DecisionOutcome.DUPLICATE, DecisionOutcome.FENCED])
def test_a_store_that_knows_better_is_asked_what_it_knows(house, outcome):
    house.tell(BUY)
    house.loads(open_orders=(record(BUY),))
    house.tell(dropped(BUY, outcome))
    assert house.loaded() == 1
    assert house.state().reserved == 6 * USDC


def test_a_duplicate_of_what_is_over_disturbs_nobody(house):
    house.tell(BUY, closed(BUY), dropped(BUY, DecisionOutcome.DUPLICATE))
    assert house.loaded() == 0


def test_an_order_nothing_is_reserved_for_makes_the_portfolio_look(house):
    house.loads(open_orders=(record(BUY),))
    house.tell(taken(BUY))
    assert house.state().reserved == 6 * USDC


def test_an_open_order_keeps_the_unfilled_part_of_its_reservation_over_a_restart(sim):
    opened = record(BUY, filled=4 * SHARE, state=OrderState.PARTIAL)
    house = House(sim, open_orders=(opened,), fills=(fill(size=4 * SHARE),))
    assert house.state().reserved == 3_600_000
    assert house.state().holdings[0].shares == 4 * SHARE


def test_an_order_that_ended_unheard_does_not_hold_its_reservation_for_ever(house):
    house.tell(BUY, taken(BUY))
    house.loads(fills=(fill(),))
    house.sim.advance(75)
    state = house.state()
    assert (state.reserved, state.holdings[0].shares) == (0, 10 * SHARE)


# -- chasing -------------------------------------------------------------------------------------------


def test_a_buy_nobody_answered_is_decided_anew_under_the_late_rules(house):
    house.tell(BUY)
    house.proposed()
    house.sim.advance(45)
    (again,) = house.proposed()
    assert (again.intent_id, again.freshness, again.price_limit) == (identity(BUY), "CATCH_UP", 501_000)
    assert house.state().reserved == again.reserved


def test_a_sale_nobody_answered_goes_out_as_it_was(house):
    house.tell(BUY, booked(BUY), closed(BUY), SALE)
    first = house.proposed()[-1]
    house.sim.advance(45)
    assert house.proposed() == [first]


def test_what_was_answered_is_not_chased(house):
    house.tell(BUY, taken(BUY))
    house.proposed()
    house.sim.advance(55)
    assert house.proposed() == []


# -- fills ---------------------------------------------------------------------------------------------


def test_a_duplicate_fill_across_a_restart_is_booked_once(sim):
    house = House(sim, fills=(fill(),))
    house.tell(booked(BUY))
    assert house.state().cash == 995 * USDC


def test_a_fill_overtaken_by_a_later_one_is_not_lost(house):
    late, soon = fill(seq=5, token_id=NO), fill(seq=6)
    house.tell(BUY, FillBooked(intent_id="other", fill=soon))
    house.loads(fills=(late, soon), open_orders=(record(BUY),))
    house.tell(FillBooked(intent_id="another", fill=late))
    assert {each.token_id for each in house.state().holdings} == {YES, NO}
    assert house.state().cash == 990 * USDC


def test_each_fill_writes_the_snapshot_it_leads_to(house):
    house.store.clear()
    house.tell(BUY, booked(BUY, fee=10))
    written = house.store.take(StorePositions)
    assert (written.cash, written.fees, written.fill_seq) == (995 * USDC - 10, 10, 1)
    assert (written.positions[0].shares, written.positions[0].cost) == (10 * SHARE, 5 * USDC + 10)


def test_loading_writes_the_whole_snapshot(sim):
    house = House(sim, fills=(fill(seq=1), fill(seq=2, token_id=NO)))
    assert {row.token_id for row in house.store.take(StorePositions).positions} == {YES, NO}


def test_a_mismatch_makes_it_fold_anew_under_a_new_epoch(house):
    house.loads(fills=(fill(),))
    house.tell(MismatchFound(portfolio_id=PAPER, details=("cash",)), BUY)
    assert house.state().cash == 995 * USDC
    assert house.proposed()[0].epoch == 2


# -- settlement ----------------------------------------------------------------------------------------

RESOLVED = MarketResolved(condition_id=CONDITION, token_ids=(YES, NO), payouts=(SHARE, 0))


def settled(house):
    return [each.fill for each in house.probes["venue"].take_all(VenueSettle)]


def stored(*fills):
    return OrderStored(order_id="", state=OrderState.FILLED, fills=fills)


def test_what_is_held_is_watched_for_its_resolution_and_watched_again(house):
    house.tell(BUY, booked(BUY))
    assert house.probes["prices"].take(WatchResolution).condition_id == CONDITION
    house.sim.advance(61)
    assert house.probes["prices"].take(WatchResolution).condition_id == CONDITION


def test_a_resolved_position_is_cashed_in_at_the_venue_before_our_books(house):
    house.tell(BUY, booked(BUY), closed(BUY), RESOLVED)
    (paid,) = settled(house)
    assert (paid.size, paid.usdc) == (10 * SHARE, 10 * USDC)
    house.tell(VenueSettled(fill=paid))
    assert house.store.take(StoreSettlement).fill == paid
    house.tell(stored(changed(paid, seq=2)), stored(changed(paid, seq=2)))
    assert (house.state().cash, house.state().holdings) == (1_005 * USDC, ())


def test_a_settlement_waits_for_orders_still_under_way(house):
    house.tell(BUY, booked(BUY, size=4 * SHARE), RESOLVED)
    assert settled(house) == []
    house.tell(booked(BUY, seq=2, size=6 * SHARE), closed(BUY))
    assert [each.size for each in settled(house)] == [10 * SHARE]


def test_a_settlement_tried_again_is_the_same_one_whatever_was_filled_meanwhile(house):
    other = trade(tx=tx_of(4), token_id="333", condition_id="0x" + "0d" * 32)
    house.tell(BUY, booked(BUY), closed(BUY), RESOLVED, other)
    house.tell(booked(other, seq=2, token_id="333"), RESOLVED)
    first, second = settled(house)
    assert first == second


def test_shares_bought_during_a_settlement_are_settled_by_themselves(house):
    late = trade(tx=tx_of(4))
    house.tell(BUY, booked(BUY), closed(BUY), RESOLVED, late)
    (first,) = settled(house)
    house.tell(booked(late, seq=2, size=3 * SHARE), closed(late))
    assert settled(house) == [first]
    house.tell(stored(changed(first, seq=3)))
    assert [each.size for each in settled(house)] == [3 * SHARE]


def test_a_late_sale_does_not_sell_what_is_being_paid_out(house):
    house.tell(BUY, booked(BUY), closed(BUY), RESOLVED)
    house.proposed()
    (paid,) = settled(house)
    house.tell(SALE)
    assert house.proposed() == []
    house.tell(VenueSettled(fill=paid), stored(changed(paid, seq=2)))
    assert house.skipped() == [SkipReason.NOTHING_HELD]


def test_a_settlement_survives_a_reload_under_its_own_name(house):
    house.tell(BUY, booked(BUY), closed(BUY), RESOLVED)
    (first,) = settled(house)
    house.loads(fills=(fill(),))
    house.tell(MismatchFound(portfolio_id=PAPER, details=()))
    (again,) = settled(house)
    assert again.fill_id == first.fill_id
    house.tell(VenueSettled(fill=first))
    assert house.store.take(StoreSettlement).fill == first


def test_a_payout_asked_for_before_a_crash_is_not_booked_on_trust(house):
    house.tell(VenueSettled(fill=fill(fill_id="settle:paper:111:1", side=Side.SELL)))
    assert house.store.take_all(StoreSettlement) == []


def test_a_market_that_resolved_at_nothing_takes_the_position_to_zero(house):
    lost = MarketResolved(condition_id=CONDITION, token_ids=(YES, NO), payouts=(0, SHARE))
    house.tell(BUY, booked(BUY), closed(BUY), lost)
    (paid,) = settled(house)
    house.tell(stored(changed(paid, seq=2)))
    assert (house.state().cash, house.state().realised) == (995 * USDC, -5 * USDC)


# -- the portfolios' supervisor ------------------------------------------------------------------------


def test_a_trade_that_cannot_be_decided_on_does_not_stop_the_others_for_ever(house):
    house.args.policies[WALLET] = Policy(ratio=None, paused=False, caps=caps(), guards=guards())
    poison = trade(tx=tx_of(1))
    house.loads(undecided=(poison,))
    house.tell(poison)
    house.sim.advance(30)
    (skip,) = [write.decision for write in house.store.take_all(StoreDecision)]
    assert (skip.trade_id, skip.reason) == (poison.trade_id, SkipReason.ERROR)
    house.loads()
    house.args.policies[WALLET] = POLICY
    house.tell(trade(tx=tx_of(2)))
    assert len(house.proposed()) == 1
