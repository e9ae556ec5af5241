"""What only the chain has seen waits a moment for the others (D9)."""

from __future__ import annotations

import pytest
from examples import NOON_NS, NS, WALLET, changed, report, tx_of
from leader_house import House

from actors.leader.fallback import Fallback
from messages.operator import ModeChanged
from messages.store import StoreSightings
from messages.trades import FillsRetracted, LeaderTrade, SourceKind
from supervisor.simulation import Simulation


def chained(**changes):
    return report(kind=SourceKind.CHAIN, feed="chain", **changes)


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        house = House(sim, chain_wait_s=3.0)
        house.loads()
        sim.run()
        yield house


def test_what_the_stream_or_the_api_brings_in_time_is_theirs_and_one_trade(house):
    house.tell(chained())
    house.sim.advance(2.9)
    assert house.accepted() == []
    house.tell(report(kind=SourceKind.API, feed="poller", sweep_ns=NOON_NS))
    house.sim.advance(10)
    (trade,) = house.accepted()
    assert trade.kind is SourceKind.API


def test_what_the_others_do_not_bring_in_time_is_acted_on(house):
    house.tell(chained())
    house.sim.advance(3.0)
    (trade,) = house.accepted()
    assert (trade.kind, trade.seen_at_ns) == (SourceKind.CHAIN, chained().seen_at_ns)


def test_that_the_chain_saw_it_is_written_at_once(house):
    house.tell(chained())
    (write,) = house.store.take_all(StoreSightings)
    assert [(one.kind, one.seen_at_ns) for one in write.sightings] == [
        (SourceKind.CHAIN, chained().seen_at_ns)
    ]


def test_where_the_chain_is_the_only_live_source_it_acts_at_once_also_after_a_restart(house):
    house.tell(ModeChanged(trigger="polygon", origin="operator"), chained())
    assert len(house.accepted()) == 1
    house.sim.crash(house.leader)
    house.tell(report(tx=tx_of(9)))
    house.sim.advance(1)
    house.tell(chained(tx=tx_of(2)))
    assert [trade.tx for trade in house.accepted()] == [tx_of(2)]


def test_what_the_chain_takes_back_while_it_waits_is_no_trade(house):
    house.tell(chained(), chained(tx=tx_of(2)))
    house.tell(FillsRetracted(wallet=WALLET, tx=chained().tx, feed="chain", seen_at_ns=NOON_NS + 1))
    house.sim.advance(4)
    assert [trade.tx for trade in house.portfolios.take_all(LeaderTrade)] == [tx_of(2)]


def test_each_waits_for_the_same_time_in_its_order():
    fallback = Fallback(3 * NS)
    first, second = chained(), changed(chained(), size=5)
    assert fallback.holds(first, 10)
    assert fallback.holds(second, 20)
    assert not fallback.holds(report(), 20)
    assert (fallback.due(3 * NS + 9), fallback.next_ns(3 * NS + 9)) == ([], 1)
    assert fallback.due(3 * NS + 10) == [first]
    assert fallback.due(3 * NS + 20) == [second]
    assert fallback.next_ns(4 * NS) is None
