"""The executor: durable first, then sent; and after a restart nothing is forgotten or doubled (I2, E3)."""

from __future__ import annotations

import pytest
from examples import NOON_NS, NS, intent, tx_of

from actors.executor.actor import Executor, ExecutorArgs
from config.settings import Execution
from messages.decisions import CopyDropped, CopyTaken, ExecuteIntent
from messages.directory import Directory
from messages.ids import trade_id
from messages.markets import BookQuery
from messages.orders import OrderRecord, OrderState
from messages.store import (
    DecisionOutcome,
    DecisionStored,
    LoadOpenOrders,
    LoadPaperOrder,
    OpenOrdersLoaded,
    PaperOrderLoaded,
    StoreDecision,
    StoreOrder,
    StorePaperOrder,
)
from supervisor.simulation import Simulation

ROLES = ("store", "prices", "portfolios", "markets")


class House:
    """An executor with its paper venue among probes; the store answers when the test lets it."""

    def __init__(self, sim, *open_orders):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ROLES}
        self.store, self.portfolios = self.probes["store"], self.probes["portfolios"]
        self.opens(*open_orders)
        self.store.answers(LoadPaperOrder, lambda load: PaperOrderLoaded(order_id=load.order_id, paper=None))
        self.directory = Directory(**{role: probe.address for role, probe in self.probes.items()})
        args = ExecutorArgs(execution=Execution(), directory=self.directory)
        self.executor = sim.spawn(Executor, "executor", args)
        sim.run()

    def opens(self, *orders):
        self.store.answers(LoadOpenOrders, lambda _: OpenOrdersLoaded(orders=orders))

    def execute(self, *intents):
        for each in intents:
            self.sim.tell(self.executor, ExecuteIntent(intent=each))
        self.sim.run()

    def stored(self, outcome=DecisionOutcome.STORED, intent_id=None):
        answer = DecisionStored(intent_id=intent_id or intent().intent_id, outcome=outcome)
        self.sim.tell(self.executor, answer, self.store)
        self.sim.run()

    def sent(self):
        """Return the states in which orders were stored: PLACED when they are sent."""
        return [write.state for write in self.store.take_all(StoreOrder)]

    def orders(self):
        return [info.path for info in self.sim.base.tree() if info.kind == "Order"]


@pytest.fixture
def sim():
    with Simulation(start_ns=NOON_NS) as sim:
        yield sim


@pytest.fixture
def house(sim):
    return House(sim)


def opened(**changes):
    state = changes.pop("state", OrderState.PLACED)
    return OrderRecord(intent=intent(**changes), state=state, filled=0)


def test_no_order_before_its_intent_is_durable(house):
    house.execute(intent())
    house.sim.advance(60)
    assert house.store.take(StoreDecision).decision == intent()
    assert (house.orders(), house.sent()) == ([], [])


def test_a_durable_intent_is_taken_and_its_order_sent(house):
    house.execute(intent())
    house.stored()
    assert house.portfolios.take(CopyTaken).intent_id == intent().intent_id
    assert (house.orders(), house.sent()) == ([f"executor/{intent().order_id}"], [OrderState.PLACED])


@pytest.mark.parametrize(
    "outcome", [DecisionOutcome.DUPLICATE, DecisionOutcome.FENCED, DecisionOutcome.REFUSED]
)
def test_what_the_store_does_not_take_is_never_placed(house, outcome):
    house.execute(intent())
    house.stored(outcome)
    dropped = house.portfolios.take(CopyDropped)
    assert (dropped.reason, dropped.epoch, dropped.token_id) == (outcome, 1, intent().token_id)
    house.sim.advance(60)
    assert (house.orders(), house.sent()) == ([], [])


def test_an_intent_durable_too_late_is_not_sent_but_ended(house):
    house.execute(intent())
    house.sim.advance(20.001)
    house.stored()
    assert house.sent() == [OrderState.CANCELLED]
    house.sim.advance(10)
    assert house.store.take_all(StorePaperOrder) == []


def test_an_intent_durable_just_in_time_is_sent(house):
    house.execute(intent())
    house.sim.advance(20)
    house.stored()
    assert house.sent() == [OrderState.PLACED]


def test_an_answer_to_a_fenced_decision_is_not_taken_for_one_to_its_successor(house):
    house.execute(intent(epoch=1), intent(epoch=2))
    house.stored(DecisionOutcome.FENCED)
    assert house.portfolios.take(CopyDropped).epoch == 1
    house.stored(DecisionOutcome.STORED)
    assert house.portfolios.take_all(CopyDropped) == []
    assert house.portfolios.take(CopyTaken)
    assert len(house.orders()) == 1


def test_an_intent_proposed_again_does_not_place_a_second_order(house):
    house.execute(intent(), intent())
    house.stored(DecisionOutcome.STORED)
    house.stored(DecisionOutcome.DUPLICATE)
    assert house.sent() == [OrderState.PLACED]


def test_orders_open_at_the_start_are_all_brought_on_their_way(sim):
    old = opened(trade_id=trade_id("old"), traded_at_ns=NOON_NS - 61 * NS)
    house = House(sim, opened(state=OrderState.CREATED), old)
    assert len(house.portfolios.take_all(CopyTaken)) == 2
    writes = {write.order_id: write.state for write in house.store.take_all(StoreOrder)}
    assert writes == {intent().order_id: OrderState.PLACED, old.intent.order_id: OrderState.CANCELLED}


def test_open_orders_that_could_not_be_loaded_are_asked_for_again(sim):
    house = House(sim, opened())
    house.store.answers(LoadOpenOrders, lambda _: None)
    sim.crash(house.executor)
    house.stored(intent_id="nobody's")
    sim.advance(10)
    house.opens(opened(trade_id=trade_id(tx_of(7))))
    sim.advance(31)
    assert len(house.orders()) == 1


def test_a_crash_between_intent_and_order_neither_loses_nor_doubles_it(house):
    house.execute(intent())
    house.sim.crash(house.executor)
    house.stored(intent_id="the message that crashes it")
    house.opens(opened(state=OrderState.CREATED))
    house.sim.advance(1)
    house.stored()
    assert len(house.orders()) == 1
    assert house.sent().count(OrderState.PLACED) == 1


def test_an_answer_nobody_waits_for_makes_the_executor_look_at_the_store(house):
    house.opens(opened(state=OrderState.CREATED))
    house.stored()
    assert len(house.orders()) == 1


def test_a_crash_of_the_executor_with_orders_at_the_venue_asks_before_it_sends_again(sim):
    house = House(sim)
    house.execute(intent())
    house.stored()
    house.opens(opened(traded_at_ns=NOON_NS - 59 * NS))
    sim.advance(5)
    house.sent()
    sim.crash(house.executor)
    house.stored(intent_id="the message that crashes it")
    sim.advance(1)
    assert house.store.take_all(LoadPaperOrder)
    assert house.sent() == [OrderState.CANCELLED]


def test_an_order_reaches_the_venue_that_the_executor_runs(house):
    house.execute(intent())
    house.stored()
    house.sim.advance(0.2)
    assert house.probes["prices"].take(BookQuery).token_id == intent().token_id
