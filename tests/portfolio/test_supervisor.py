"""The portfolios' supervisor: each trade to its followers, and a portfolio that is to follow otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from examples import NOON_NS, USDC, WALLET, caps, changed, guards, sale, trade, tx_of

from actors.portfolio.args import PortfolioArgs, PortfoliosChanged
from actors.portfolio.decide import Policy
from actors.portfolio.supervisor import Portfolios, PortfoliosArgs
from messages.decisions import CopyProposed
from messages.directory import Directory
from messages.ingest import SourcesJudged
from messages.portfolio import PortfolioQuery
from messages.store import LoadPortfolio, PortfolioLoaded, StoreDecision
from supervisor.simulation import Simulation

OTHER = "0x" + "99" * 20
POLICY = Policy(ratio=100_000, paused=False, caps=caps(), guards=guards())
BUY = trade()


class House:
    """Portfolios of 1,000 USDC among probes: one and two copy one leader, three another."""

    def __init__(self, sim):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ("store", "markets", "prices", "venue")}
        self.loads = []
        self.undecided = ()
        self.probes["store"].answers(LoadPortfolio, self._loaded)
        directory = Directory(**{role: probe.address for role, probe in self.probes.items()})
        self.args = tuple(
            PortfolioArgs(
                portfolio_id=name,
                mode="paper",
                starting_cash=1_000 * USDC,
                policies={wallet: POLICY},
                settings_hash="s",
                directory=directory,
            )
            for name, wallet in (("one", WALLET), ("two", WALLET), ("three", OTHER))
        )
        self.portfolios = sim.spawn(Portfolios, "portfolios", PortfoliosArgs(portfolios=self.args))
        sim.run()

    def _loaded(self, load):
        self.loads.append(load)
        return PortfolioLoaded(
            portfolio_id=load.portfolio_id,
            epoch=len([each for each in self.loads if each.portfolio_id == load.portfolio_id]),
            starting_cash=1_000 * USDC,
            fills=(),
            open_orders=(),
            undecided=self.undecided,
        )

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.portfolios, message)
        self.sim.run()

    def proposed(self):
        return [(each.portfolio_id, each.epoch) for each in self.probes["markets"].take_all(CopyProposed)]

    def change(self, number, **policies):
        """Have one portfolio follow otherwise; the others stay as they are."""
        args = list(self.args)
        args[number] = replace(args[number], **policies)
        self.args = tuple(args)
        self.tell(PortfoliosChanged(portfolios=self.args))


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        yield House(sim)


def test_a_trade_goes_to_every_follower_and_the_rest_to_whom_it_names(house):
    house.tell(BUY)
    assert house.proposed() == [("one", 1), ("two", 1)]
    assert house.sim.ask(house.portfolios, PortfolioQuery(portfolio_id="two")).in_flight == 1
    assert house.sim.ask(house.portfolios, PortfolioQuery(portfolio_id="three")).in_flight == 0
    house.tell(PortfolioQuery(portfolio_id="unknown"))
    assert house.sim.base.drops() == {}


def test_a_portfolio_that_follows_one_more_starts_over_and_the_others_do_not(house):
    house.change(2, policies={WALLET: POLICY, OTHER: POLICY})
    house.tell(BUY)
    assert sorted(house.proposed()) == [("one", 1), ("three", 2), ("two", 1)]
    assert {follow.wallet for follow in house.loads[-1].follows} == {WALLET, OTHER}
    assert len(house.loads) == 4


def test_a_portfolio_that_follows_nobody_any_more_is_sent_nothing(house):
    house.change(0, policies={})
    house.tell(BUY)
    assert house.proposed() == [("two", 1)]


def test_a_paused_leader_is_decided_on_and_not_copied(house):
    house.change(0, policies={WALLET: replace(POLICY, paused=True)})
    house.tell(BUY)
    assert house.proposed() == [("two", 1)]
    assert house.probes["store"].take(StoreDecision).decision.reason == "SKIP_PAUSED"


def test_what_was_sent_before_the_change_is_decided_before_it(house):
    trades = [trade(tx=tx_of(number)) for number in range(5)]
    for one in trades:
        house.sim.tell(house.portfolios, one)
    house.change(0, policies={})
    assert [each for each in house.proposed() if each[0] == "one"] == [("one", 1)] * 5


def test_the_same_arguments_again_change_nothing(house):
    house.tell(PortfoliosChanged(portfolios=house.args))
    assert len(house.loads) == 3


def test_what_is_present_outlives_a_crash_of_the_supervisor(house):
    house.change(0, policies={OTHER: POLICY})
    house.sim.crash(house.portfolios)
    house.tell(BUY)  # what it crashes on
    house.sim.advance(10)
    house.tell(changed(BUY, trade_id="x" * 20, wallet=OTHER))
    assert {name for name, _ in house.proposed()} == {"one", "three"}


def test_while_the_chain_is_missed_nothing_is_bought_and_sales_go_on(house):
    house.tell(SourcesJudged(refusal="the chain is away"), BUY)
    assert house.proposed() == []
    decisions = [write.decision for write in house.probes["store"].take_all(StoreDecision)]
    assert {decision.reason for decision in decisions} == {"SKIP_SOURCE_AWAY"}
    house.tell(sale())
    decisions = [write.decision for write in house.probes["store"].take_all(StoreDecision)]
    assert {decision.reason for decision in decisions} == {"SKIP_NOTHING_HELD"}, "judged as any sale"
    house.tell(SourcesJudged(refusal=""), trade(tx=tx_of(7)))
    assert house.proposed() == [("one", 1), ("two", 1)]


def test_that_nothing_may_be_bought_outlives_a_crash_and_a_change_of_the_portfolio(house):
    house.tell(SourcesJudged(refusal="the chain is away"))
    house.sim.crash(house.sim.base.find("portfolios/two"))
    house.change(0, policies={WALLET: replace(POLICY, ratio=200_000)})
    house.tell(PortfolioQuery(portfolio_id="two"))  # what it crashes on
    house.sim.advance(10)
    house.tell(BUY)
    assert house.proposed() == []
