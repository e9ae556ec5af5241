"""Ten worlds with the real edges on each run of the tests; `make simulate SUITE=edges` runs more."""

from __future__ import annotations

import edges
import pytest
import run

from messages.decisions import SkipReason
from ops.venue import FaultSpec
from ops.venue.faults import spec
from supervisor.simulation import ClockStep, FaultPlan
from supervisor.simulation.network import Cut, Orphan, Refuse, Reset, Truncate


@pytest.mark.parametrize("seed", range(1, 11))
def test_every_invariant_holds_whatever_the_network_does(seed):
    try:
        result = edges.run(seed)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('edges', seed)}")
        raise
    assert result.trades > 0
    assert result.fills > 0 or result.skips[SkipReason.NO_PRICE], "prices were had, and nothing was bought"


def test_a_seed_repeats_its_run_to_the_byte():
    assert edges.run(2) == edges.run(2)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param((Orphan(server="stream", at_s=30),), id="half-open trade streams"),
        pytest.param((Cut(at_s=20, for_s=80),), id="a venue that is gone for over a minute"),
        pytest.param((Cut(at_s=20, for_s=80, one_way=True),), id="a venue that nobody can ask"),
        pytest.param((Cut(server="stream", at_s=100),), id="streams that are gone until the end"),
        pytest.param(
            (Reset(server="stream", at_s=30), Refuse(server="data", at_s=29, for_s=60)),
            id="streams reset while nobody can be polled",
        ),
        pytest.param(
            tuple(Truncate(server="data", at_s=second, after_bytes=700) for second in range(20, 90, 3)),
            id="pages that end in the midst",
        ),
    ],
)
def test_no_trade_is_lost_to(faults):
    result = edges.run(1, FaultPlan(faults))
    assert set(result.faults) <= set(faults)
    assert result.faults
    assert result.trades > 0


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([spec.Throttle()], id="429 without Retry-After"),
        pytest.param([spec.Throttle(retry_after_s=5)], id="429 with Retry-After"),
        pytest.param([spec.Latency(seconds=4, jitter_s=4)], id="delays instead of 429"),
        pytest.param([spec.ServerError(status=502)], id="5xx"),
        pytest.param([spec.Hang()], id="requests that nobody answers"),
        pytest.param([spec.Silence(channel="rtds", after_s=3)], id="streams that fall silent"),
        pytest.param([spec.Garbage(channel="rtds", rate=0.5)], id="garbage in the streams"),
        pytest.param([spec.Oversized(channel="rtds", rate=0.2)], id="oversized frames"),
        pytest.param([spec.Backdate(channel="rtds", seconds=900)], id="a stream whose time went back"),
        pytest.param([spec.Backdate(channel="rtds", rate=0.5, seconds=20)], id="a stream whose time wavers"),
    ],
)
def test_no_trade_is_lost_to_a_venue_with(faults):
    result = edges.run(3, FaultPlan(), faults=FaultSpec(faults=faults))
    assert result.trades > 0


@pytest.mark.parametrize("by_s", [-3600, -1, 40])
def test_no_trade_is_lost_to_a_clock_that_jumps(by_s):
    plan = FaultPlan((ClockStep(by_s=by_s, at_s=50), ClockStep(by_s=-by_s, at_s=75)))
    result = edges.run(3, plan, faults=FaultSpec())
    assert set(result.faults) == set(plan)
    assert result.trades > 0
