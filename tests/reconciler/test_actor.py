"""The reconciler: two equal looks with nothing in flight, then a report; it mends nothing itself (C1, C2)."""

from __future__ import annotations

import pytest
from examples import NOON_NS, PAPER, SHARE, USDC, YES

from actors.reconciler.actor import Reconciler, ReconcilerArgs
from config.settings import Reconciliation
from messages.directory import Directory
from messages.orders import Holding, OpenOrders, OpenOrdersQuery, VenueAccount, VenueAccountQuery
from messages.portfolio import MismatchFound, PortfolioQuery, PortfolioState
from messages.store import StoreMismatch
from supervisor.simulation import Simulation

ROLES = ("store", "portfolios", "venue")


class House:
    """A reconciler that looks every 30 s, among probes that agree until told otherwise."""

    def __init__(self, sim):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ROLES}
        self.store, self.portfolios, self.venue = (self.probes[role] for role in ROLES)
        self.ours()
        self.theirs()
        self.venue.answers(OpenOrdersQuery, lambda _: OpenOrders(portfolio_id=PAPER, order_ids=()))
        args = ReconcilerArgs(
            portfolios=(PAPER,),
            settings=Reconciliation(),
            directory=Directory(**{role: probe.address for role, probe in self.probes.items()}),
        )
        self.reconciler = sim.spawn(Reconciler, "reconciler", args)

    def ours(self, in_flight=0):
        state = PortfolioState(
            portfolio_id=PAPER,
            cash=100 * USDC,
            reserved=0,
            realised=0,
            holdings=(Holding(YES, 10 * SHARE),),
            open_orders=(),
            in_flight=in_flight,
        )
        self.portfolios.answers(PortfolioQuery, lambda _: state)

    def theirs(self, shares=10 * SHARE, complete=True):
        account = VenueAccount(
            portfolio_id=PAPER, holdings=(Holding(YES, shares),), cash=100 * USDC, complete=complete
        )
        self.venue.answers(VenueAccountQuery, lambda _: account)

    def look(self, times=1):
        self.sim.advance(30 * times)

    def found(self):
        reports = self.portfolios.take_all(MismatchFound)
        assert bool(reports) == bool(self.store.take_all(StoreMismatch))
        return [detail for each in reports for detail in each.details]

    def count(self, name):
        return self.sim.base.snapshot("reconciler")[name]


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        yield House(sim)


def test_agreement_is_noted_and_nothing_is_reported(house):
    house.look(3)
    assert (house.count("clean"), house.found()) == (3, [])


def test_a_difference_is_reported_at_the_second_look(house):
    house.theirs(9 * SHARE)
    house.look()
    assert house.found() == []
    house.look()
    assert house.found() == [f"shares of {YES}: expected 10, was 9"]


def test_a_lagging_answer_that_mends_itself_is_no_mismatch(house):
    house.theirs(9 * SHARE)
    house.look()
    house.theirs()
    house.look()
    house.theirs(9 * SHARE)
    house.look()
    assert house.found() == []


def test_a_difference_that_moves_is_not_the_same_difference(house):
    for shares in (9, 8, 7, 6):
        house.theirs(shares * SHARE)
        house.look()
    assert house.found() == []


def test_nothing_is_compared_while_something_is_in_flight(house):
    house.theirs(9 * SHARE)
    for in_flight in (0, 1, 0, 1):
        house.ours(in_flight)
        house.look()
    assert house.found() == []


def test_an_incomplete_answer_is_neither_a_mismatch_nor_an_agreement(house):
    house.theirs(0, complete=False)
    house.look(3)
    assert (house.count("clean"), house.found()) == (0, [])


def test_a_venue_that_does_not_answer_is_no_evidence(house):
    house.venue.answers(VenueAccountQuery, lambda _: None)
    house.look(4)
    assert (house.count("looks"), house.found()) == (0, [])


def test_what_stays_different_is_reported_again(house):
    house.theirs(9 * SHARE)
    house.look(4)
    assert len(house.found()) == 2
