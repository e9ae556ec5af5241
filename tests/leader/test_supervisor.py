"""The leaders' supervisor: who is followed, and that ingest knows whom to send what."""

from __future__ import annotations

import pytest
from examples import CONDITION, NOON_NS, WALLET, report

from actors.leader.supervisor import Leaders, LeadersArgs
from messages.directory import Directory
from messages.ingest import LeadersWatched
from messages.operator import LeadersChanged
from messages.store import LeaderLoaded, LoadLeader
from messages.trades import LeaderTrade
from supervisor.simulation import Simulation

OTHER = "0x" + "b2" * 20
THIRD = "0x" + "c3" * 20
WINDOW_S = 3600


class House:
    """Two leaders among probes, loaded at once."""

    def __init__(self, sim, wallets=(WALLET, OTHER)):
        self.sim = sim
        self.store, self.portfolios, self.ingest = (
            sim.probe(name) for name in ("store", "portfolios", "ingest")
        )
        directory = Directory(
            store=self.store.address, portfolios=self.portfolios.address, ingest=self.ingest.address
        )
        self.store.answers(
            LoadLeader,
            lambda load: LeaderLoaded(
                wallet=load.wallet,
                followed_at_ns=load.followed_at_ns,
                cursor_s=load.cursor_s,
                positions=(),
                trades=(),
            ),
        )
        args = LeadersArgs(wallets=wallets, directory=directory, identity_window_s=WINDOW_S)
        directory.leaders = self.leaders = sim.spawn(Leaders, "leaders", args)
        sim.advance(1)

    def watched(self):
        """The last announcement, and no older one."""
        return self.ingest.take_all(LeadersWatched)[-1]

    def follow(self, *wallets):
        self.sim.tell(self.leaders, LeadersChanged(wallets=wallets))


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        yield House(sim)


def test_ingest_is_told_of_all_who_are_ready_together_and_reminded(house):
    (watched,) = house.ingest.take_all(LeadersWatched)
    assert watched.polled_from_s == dict.fromkeys((WALLET, OTHER), NOON_NS // 1_000_000_000)
    house.sim.tell(watched.addresses[WALLET], report(condition_id=CONDITION))
    house.sim.advance(5)
    assert house.portfolios.take(LeaderTrade).wallet == WALLET
    assert len(house.ingest.take_all(LeadersWatched)) == 1


def test_a_leader_added_later_is_followed_from_then_on_and_the_others_stay_who_they_are(house):
    before = house.watched().addresses
    house.sim.advance(60)
    house.follow(WALLET, OTHER, THIRD)
    house.sim.advance(1)
    watched = house.watched()
    assert watched.addresses.keys() == {WALLET, OTHER, THIRD}
    assert {wallet: watched.addresses[wallet] for wallet in before} == before
    assert watched.polled_from_s[THIRD] == NOON_NS // 1_000_000_000 + 61


def test_who_is_named_late_at_the_start_is_followed_from_the_start():
    """A database that was away at the start names the leaders when it is back: what they traded counts."""
    with Simulation(start_ns=NOON_NS) as sim:
        house = House(sim, wallets=())
        sim.advance(60)
        house.follow(WALLET)
        sim.advance(1)
        sim.tell(house.watched().addresses[WALLET], report(traded_at_ns=NOON_NS + 5_000_000_000))
        sim.run()
        assert not house.portfolios.take(LeaderTrade).backfill
        house.follow(WALLET, OTHER)
        sim.advance(1)
        sim.tell(house.watched().addresses[OTHER], report(wallet=OTHER, traded_at_ns=NOON_NS + 5_000_000_000))
        sim.run()
        assert house.portfolios.take_all(LeaderTrade) == [], "it was added, and that trade was before"


def test_a_removed_leader_still_handles_what_it_was_sent_and_ingest_knows_before(house):
    address = house.watched().addresses[WALLET]
    house.sim.tell(address, report())
    house.follow(OTHER)
    house.sim.run()
    assert house.watched().addresses.keys() == {OTHER}
    assert house.portfolios.take(LeaderTrade).wallet == WALLET
    assert house.sim.base.drops() == {}


def test_a_leader_removed_and_added_again_is_loaded_again(house):
    house.follow(OTHER)
    house.follow(OTHER, WALLET)
    house.sim.advance(1)
    watched = house.watched()
    assert watched.addresses.keys() == {WALLET, OTHER}
    house.sim.tell(watched.addresses[WALLET], report(traded_at_ns=NOON_NS + 2_000_000_000))
    house.sim.run()
    assert house.portfolios.take(LeaderTrade).wallet == WALLET


def test_who_is_followed_outlives_a_crash_of_the_supervisor(house):
    house.follow(THIRD)
    house.sim.advance(1)
    house.sim.crash(house.leaders)
    house.follow(THIRD)  # what it crashes on
    house.sim.advance(10)
    assert house.watched().addresses.keys() == {THIRD}


def test_ingest_hears_at_once_whom_nobody_copies_any_more(house):
    assert house.watched().uncopied == frozenset()
    house.sim.tell(house.leaders, LeadersChanged(wallets=(WALLET, OTHER), uncopied=frozenset({OTHER})))
    house.sim.run()
    assert house.watched().uncopied == {OTHER}
