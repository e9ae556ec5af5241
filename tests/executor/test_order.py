"""The order: sent once under one identity, asked about when silence falls, over once that is durable."""

from __future__ import annotations

import pytest
from examples import CONDITION, NOON_NS, NS, SHARE, changed, fill, intent

from actors.executor.order import Order, OrderArgs
from config.settings import Execution
from messages.directory import Directory
from messages.orders import (
    FillBooked,
    MarketOutcomeReported,
    OrderClosed,
    OrderQuery,
    OrderReport,
    OrderState,
    PlaceOrder,
)
from messages.store import OrderStored, StoreOrder
from supervisor import Restart
from supervisor.simulation import Simulation

ROLES = ("store", "venue", "portfolios", "markets")


class House:
    """One order of 10 YES among probes."""

    def __init__(self, sim, *, age_s_max=60.0, **changes):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ROLES}
        self.store, self.venue, self.portfolios = (self.probes[role] for role in ROLES[:3])
        self.intent = intent(**changes)
        args = OrderArgs(
            intent=self.intent,
            age_s_max=age_s_max,
            age_from_ns=self.intent.decided_at_ns,
            execution=Execution(),
            directory=Directory(**{role: probe.address for role, probe in self.probes.items()}),
        )
        self.order = sim.spawn(Order, "order", args, restart=Restart.TRANSIENT)
        sim.run()

    def report(self, state=OrderState.FILLED, *fills, known=True):
        self.sim.tell(
            self.order,
            OrderReport(order_id=self.intent.order_id, known=known, state=state, fills=fills),
            self.venue,
        )
        self.sim.run()

    def unknown(self):
        self.report(OrderState.LOST, known=False)

    def stored(self, state=OrderState.FILLED, *fills):
        self.sim.tell(self.order, OrderStored(order_id=self.intent.order_id, state=state, fills=fills))
        self.sim.run()

    def states(self):
        return [write.state for write in self.store.take_all(StoreOrder)]

    def is_gone(self):
        return self.sim.base.cell_at("order") is None

    def placed(self):
        return self.venue.take_all(PlaceOrder)


@pytest.fixture
def sim():
    with Simulation(start_ns=NOON_NS) as sim:
        yield sim


@pytest.fixture
def house(sim):
    return House(sim)


def test_it_is_sent_as_decided_and_its_sending_recorded(house):
    (sent,) = house.placed()
    assert (sent.order_id, sent.size, sent.price_limit, sent.fee_rate) == (
        house.intent.order_id,
        10 * SHARE,
        530_000,
        50_000,
    )
    write = house.store.take(StoreOrder)
    assert (write.state, write.stage, write.sent_at_ns) == (OrderState.PLACED, "sent", NOON_NS)


def test_fills_are_told_once_durable_then_the_end_then_it_is_gone(house):
    bought = fill(order_id=house.intent.order_id, seq=0)
    house.report(OrderState.FILLED, bought)
    assert house.portfolios.messages == []
    assert house.store.take_all(StoreOrder)[-1].fills == (bought,)
    house.stored(OrderState.FILLED, changed(bought, seq=7))
    assert [type(each) for each in house.portfolios.messages] == [FillBooked, OrderClosed]
    assert house.portfolios.take(FillBooked).fill.seq == 7
    assert house.probes["markets"].take(MarketOutcomeReported).condition_id == CONDITION
    assert house.is_gone()


def test_the_record_of_its_sending_is_not_its_end(house):
    house.stored(OrderState.PLACED)
    assert not house.is_gone()
    assert house.portfolios.messages == []


def test_a_second_report_before_the_first_is_durable_changes_nothing(house):
    house.report()
    house.report(OrderState.CANCELLED)
    assert house.states() == [OrderState.PLACED, OrderState.FILLED]


def test_a_lost_reply_is_asked_for_never_sent_anew(house):
    house.sim.advance(10)
    assert len(house.venue.take_all(OrderQuery)) == 1
    assert len(house.placed()) == 1
    house.report(OrderState.FILLED, fill())
    assert house.states()[-1] is OrderState.FILLED


def test_an_order_under_way_is_followed_until_it_ends(house):
    for _ in range(5):
        house.sim.advance(10)
        house.report(OrderState.PENDING)
    assert len(house.venue.take_all(OrderQuery)) == 5
    assert len(house.placed()) == 1
    assert OrderState.LOST not in house.states()


def test_not_found_three_times_is_lost_and_sent_with_the_same_identity_until_then(sim):
    house = House(sim, age_s_max=600.0)
    for _ in range(3):
        sim.advance(10)
        house.unknown()
    assert {each.order_id for each in house.placed()} == {house.intent.order_id}
    assert house.states()[-1] is OrderState.LOST


def test_one_look_answered_three_times_is_not_three_looks(sim):
    house = House(sim, age_s_max=600.0)
    sim.advance(10)
    for _ in range(3):
        house.unknown()
    assert OrderState.LOST not in house.states()
    assert len(house.placed()) == 2


def test_found_again_starts_the_count_anew(sim):
    house = House(sim, age_s_max=600.0)
    for known in (False, False, True, False, False):
        sim.advance(10)
        house.report(OrderState.PENDING, known=known)
    assert OrderState.LOST not in house.states()


def test_too_old_to_send_asks_whether_an_earlier_process_sent_it(sim):
    house = House(sim, decided_at_ns=NOON_NS - 61 * NS)
    assert house.placed() == []
    assert house.venue.take(OrderQuery).order_id == house.intent.order_id
    house.report(OrderState.FILLED, fill())
    assert house.states() == [OrderState.FILLED]


def test_too_old_and_unknown_is_cancelled_and_never_sent(sim):
    house = House(sim, decided_at_ns=NOON_NS - 61 * NS)
    house.unknown()
    write = house.store.take(StoreOrder)
    assert (write.state, write.reason) == (OrderState.CANCELLED, "too old to send")
    house.stored(OrderState.CANCELLED)
    sim.advance(60)
    assert house.placed() == []
    assert house.is_gone()


def test_a_crash_sends_the_same_order_again_and_the_venue_tells_it_from_a_new_one(house):
    house.sim.crash(house.order)
    house.report(OrderState.PENDING)
    house.sim.advance(1)
    first, second = house.placed()
    assert first == second


def test_a_crash_while_the_end_becomes_durable_still_ends(house):
    house.report(OrderState.FILLED, fill(fill_id="0xo:0", seq=0))
    house.sim.crash(house.order)
    house.stored(OrderState.FILLED, fill(fill_id="0xo:0", seq=3))
    house.sim.advance(1)
    house.report(OrderState.FILLED, fill(fill_id="0xo:0", seq=0))
    house.stored(OrderState.FILLED, fill(fill_id="0xo:0", seq=3))
    assert house.portfolios.take(FillBooked).fill.seq == 3
    assert house.portfolios.take(OrderClosed)
    assert house.is_gone()


def test_an_end_stored_before_a_crash_does_not_swallow_the_fills_that_came_with_it(house):
    house.report(OrderState.FILLED, fill(fill_id="0xo:0", seq=0))
    house.sim.crash(house.order)
    house.stored(OrderState.FILLED, fill(fill_id="0xo:0", seq=3))
    house.sim.advance(1)
    house.stored(OrderState.FILLED)  # the answer to the second PLACED: the order had ended by then
    house.report(OrderState.FILLED, fill(fill_id="0xo:0", seq=0))
    house.stored(OrderState.FILLED)
    assert not house.is_gone()
    house.stored(OrderState.FILLED, fill(fill_id="0xo:0", seq=3))
    assert [type(each) for each in house.portfolios.messages] == [FillBooked, OrderClosed]
    assert house.is_gone()
