"""The Data API's budget as the venue sees it: ten thousand leaders polled through all that a venue may do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from world import NS, START_S

from actors.ingest.poller import Poller, PollerArgs
from config.settings import Ingest
from messages.base import Message
from messages.ingest import LeadersWatched
from messages.store import StoreAvailability
from messages.trades import GapSuspected
from ops.venue import FaultSpec, Venue, VenueConfig
from ops.venue.faults import spec
from supervisor.simulation import Probe, Simulation

LEADERS: Final = 10_000
PER_S: Final = 10.0
"""The default of `ingest.poll_requests_per_s`."""
ACTIVITY: Final = "GET /data/v2/activity"
JITTER_S: Final = 0.025
"""By how much the network of the simulation lets two requests draw nearer to each other."""


@dataclass
class Polled:
    """A venue in the simulation, and a poller of many leaders."""

    sim: Simulation
    venue: Venue
    poller: Any
    leader: Probe

    def tell(self, message: Message) -> None:
        self.sim.tell(self.poller, message)

    def arrivals(self) -> Sequence[float]:
        return self.venue.arrivals(ACTIVITY)


@pytest.fixture
def polled() -> Iterator[Polled]:
    with Simulation(1, start_ns=START_S * NS) as sim:
        venue = Venue(VenueConfig(host="venue", port=80, requests_kept=1_000_000), sim.clock)
        with sim.network.running_on("venue"):
            sim.await_(venue.start())
        leader = sim.probe("leader")
        args = PollerArgs(
            ingest=sim.probe("ingest").address,
            url="http://venue/data",
            settings=Ingest(poll_requests_per_s=PER_S, poll_timeout_s=5.0),
        )
        poller = sim.spawn(Poller, "poller", args)
        wallets = [f"0x{number:040x}" for number in range(LEADERS)]
        running = Polled(sim, venue, poller, leader)
        running.tell(StoreAvailability(available=True))
        running.tell(
            LeadersWatched(
                addresses=dict.fromkeys(wallets, leader.address),
                polled_from_s=dict.fromkeys(wallets, START_S),
            )
        )
        yield running
        sim.await_(venue.stop())


def ahead_s(arrivals: Sequence[float]) -> float:
    """Return by how many seconds requests were ahead of the budget in the worst window of any length.

    A window from the first to the last of n requests must take (n - 1) / rate at least.
    """
    worst, latest = 0.0, float("-inf")
    for number, at_s in enumerate(arrivals):
        due = at_s - number / PER_S
        latest = max(latest, due)
        worst = max(worst, latest - due)
    return worst


def test_a_burst_in_any_window_is_seen():
    even = [number / PER_S for number in range(50)]
    assert ahead_s(even) == pytest.approx(0, abs=1e-9)
    assert ahead_s([*even, even[-1], even[-1]]) == pytest.approx(2 / PER_S)


def test_the_budget_is_used_and_never_exceeded_whatever_the_number_of_leaders(polled):
    polled.sim.advance(20)
    polled.tell(GapSuspected(since_ns=0, reason="drawn"))
    polled.sim.advance(20)
    arrivals = polled.arrivals()
    assert ahead_s(arrivals) <= JITTER_S
    assert len(arrivals) >= 0.95 * 40 * PER_S


FAULTS: Final[dict[str, list[spec.AnyFault]]] = {
    "429 without Retry-After": [spec.Throttle(rate=0.2)],
    "429 with Retry-After": [spec.Throttle(rate=0.1, retry_after_s=3)],
    "429 for everything": [spec.Throttle()],
    "delays instead of 429": [spec.Latency(seconds=3, jitter_s=1)],
    "5xx": [spec.ServerError(rate=0.2, status=502)],
    "silence": [spec.Hang(rate=0.3)],
    "pages that end in the midst": [spec.Truncate(rate=0.3)],
    "web pages for answers": [spec.Malformed(rate=0.3)],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_budget_holds_through(polled, fault):
    polled.sim.advance(3)
    polled.venue.faults.set(FaultSpec(seed=2, faults=FAULTS[fault]))
    polled.sim.advance(30)
    polled.tell(GapSuspected(since_ns=0, reason="drawn"))
    polled.sim.advance(10)
    during = len(polled.arrivals())
    polled.venue.faults.set(FaultSpec())
    polled.sim.advance(60)
    arrivals = polled.arrivals()
    assert ahead_s(arrivals) <= JITTER_S
    assert 0 < during < 40 * PER_S, "it was not asked less while it failed"
    assert len(arrivals) - during > 20 * PER_S, "it was not asked again when it was well"


def test_limits_hit_show_as_slow_answers_and_it_is_asked_less_often(polled):
    """Lessons: a venue that is pressed delays its answers before it refuses any."""
    polled.sim.advance(5)
    polled.venue.faults.set(FaultSpec(faults=[spec.Latency(seconds=2.5)]))
    polled.sim.advance(25)
    before = len(polled.arrivals())
    polled.sim.advance(20)
    slow = len(polled.arrivals()) - before
    polled.venue.faults.set(FaultSpec())
    polled.sim.advance(10)
    before = len(polled.arrivals())
    polled.sim.advance(20)
    assert slow <= 0.2 * 20 * PER_S
    assert len(polled.arrivals()) - before >= 0.9 * 20 * PER_S


def test_retry_after_is_honoured_by_everybody_who_asks(polled):
    polled.sim.advance(3)
    polled.venue.faults.set(FaultSpec(faults=[spec.Throttle(retry_after_s=12, limit=1)]))
    polled.sim.advance(40)
    arrivals = polled.arrivals()
    pauses = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert max(pauses) >= 11.5, "requests under way when it came may still arrive, no others"


def test_the_budget_holds_when_our_own_clock_jumps(polled):
    for by_s in (3600, -7200, 0.5):
        polled.sim.advance(8)
        polled.sim.step_clock(by_s)
    polled.sim.advance(8)
    arrivals = polled.arrivals()
    assert ahead_s(arrivals) <= JITTER_S
    assert len(arrivals) >= 0.9 * 32 * PER_S
