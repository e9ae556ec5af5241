"""Five worlds of prices each run, and bad afternoons; `make simulate SUITE=prices` runs more."""

from __future__ import annotations

import msgspec
import pricing
import pytest
import run

from config import settings
from ops.venue import FaultSpec
from ops.venue.faults import spec
from supervisor.simulation import FaultPlan
from supervisor.simulation.network import Cut, Orphan

SHORT_S = 20.0
FRESH_MS = 3_000
"""What a page that polls four times a second may see of age, 99 times of 100."""
REST_ONLY = msgspec.structs.replace(pricing.SETTINGS, live=False, gamma_requests_per_s=1.0)
"""No live books, and one call to Gamma a second for fifty markets."""
AFTERNOONS = {
    "429 without Retry-After": [spec.Throttle(rate=0.2)],
    "429 with Retry-After": [spec.Throttle(rate=0.1, retry_after_s=1)],
    "5xx": [spec.ServerError(rate=0.2, status=503)],
    "800 ms of latency": [spec.Latency(seconds=0.8)],
    "hangs": [spec.Hang(rate=0.1, seconds=30)],
    "all of it": [
        spec.Throttle(rate=0.05),
        spec.ServerError(rate=0.05, status=502),
        spec.Hang(rate=0.03, seconds=30),
        spec.Latency(seconds=0.8),
    ],
}


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_answer_keeps_the_contract_whatever_happens(seed):
    try:
        result = pricing.run(seed, busy_s=SHORT_S)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('prices', seed)}")
        raise
    assert result.answers > 3_000


def test_a_seed_repeats_its_run():
    assert pricing.run(4, deep=True, busy_s=10) == pricing.run(4, deep=True, busy_s=10)


@pytest.mark.parametrize(
    ("faults", "prices"),
    [*((each, REST_ONLY) for each in AFTERNOONS), ("all of it", pricing.SETTINGS)],
    ids=[*(f"{each}, no live books" for each in AFTERNOONS), "all of it, live books"],
)
def test_what_a_page_sees_of_fifty_markets_is_three_seconds_old_at_most(faults, prices):
    """It polls each of them every 250 ms for a minute."""
    result = pricing.run(1, FaultPlan(), faults=FaultSpec(seed=1, faults=AFTERNOONS[faults]), prices=prices)
    assert result.age_p99_ms <= FRESH_MS, str(result)
    assert result.stale_open <= result.answers * 0.02, str(result)


def test_fifty_active_markets_need_one_call_to_gamma_a_second():
    result = pricing.run(2, FaultPlan(), faults=FaultSpec(), prices=REST_ONLY)
    assert result.gamma_calls <= pricing.BUSY_S + pricing.QUIET_S + 1
    assert result.age_p99_ms <= FRESH_MS, str(result)


@pytest.mark.parametrize(
    ("faults", "quirks"),
    [
        pytest.param((Orphan(server="books", at_s=10),), [], id="a half-open socket of books"),
        pytest.param((Cut(server="gamma", at_s=4, for_s=14),), [], id="Gamma gone for most of the time"),
        pytest.param(
            (), [spec.Silence(channel="market", after_s=10)], id="books that stall and answer pings"
        ),
        pytest.param((), [spec.Mute(rate=0.5)], id="outcomes that never deliver a first event"),
        pytest.param((), [spec.Delay(channel="market", seconds=10)], id="books ten seconds late"),
    ],
)
def test_a_page_sees_nothing_stale_of(faults, quirks):
    plan, quirk = FaultPlan(faults), FaultSpec(seed=1, faults=quirks)
    result = pricing.run(3, plan, faults=quirk, busy_s=SHORT_S)
    assert result.age_p99_ms <= FRESH_MS, str(result)
    assert result.stale_open == 0, str(result)


def test_the_market_socket_alone_keeps_prices_fresh_while_every_call_fails():
    quirk = FaultSpec(faults=[spec.ServerError(status=503)])
    result = pricing.run(3, FaultPlan(), faults=quirk, busy_s=SHORT_S)
    assert result.live > 0.8 * result.answers, str(result)
    assert result.age_p99_ms <= FRESH_MS, str(result)


def test_settings_are_those_of_the_product():
    assert pricing.SETTINGS.t2a_ms == settings.Prices().t2a_ms
