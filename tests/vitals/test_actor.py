"""Memory and lag: written down every minute, and an alert before a limit is met."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from actors.vitals.actor import MB, Vitals, VitalsArgs, resident_bytes
from config import settings
from supervisor.simulation import Simulation


class Process:
    """A process with figures of our making, in virtual time."""

    def __init__(self, sim):
        self.sim = sim
        self.memory = 100 * MB
        args = VitalsArgs(
            settings=settings.Vitals(memory_mb_max=500, loop_lag_ms_max=100),
            inspector=sim.base.inspector,
            memory_bytes=lambda: self.memory,
        )
        self.vitals = sim.spawn(Vitals, "vitals", args)

    def minutes(self, count):
        """Let time pass and return what was logged, as (level, event, vital)."""
        with capture_logs() as logs:
            for _ in range(count):
                self.sim.advance(60)
        return [(entry["log_level"], entry["event"], entry.get("vital")) for entry in logs]


@pytest.fixture
def process():
    with Simulation() as sim:
        yield Process(sim)


def test_vitals_are_written_down_every_minute(process):
    assert process.minutes(3) == [("info", "vitals", None)] * 3


def test_memory_near_its_limit_is_an_alert_once_until_it_is_well_again(process):
    process.memory = 400 * MB
    alarmed = process.minutes(2)
    process.memory = 399 * MB
    well = process.minutes(1)

    assert alarmed == [
        ("info", "vitals", None),
        ("warning", "over 80 % of a limit", "memory_mb"),
        ("info", "vitals", None),
    ]
    assert well == [("info", "vitals", None), ("info", "under 80 % of the limit again", "memory_mb")]


def test_an_event_loop_that_runs_late_is_an_alert(process):
    process.sim.base.inspector._system.measures.note_lag(0.09)

    assert ("warning", "over 80 % of a limit", "loop_lag_ms") in process.minutes(1)


def test_the_memory_of_this_process_is_known():
    assert resident_bytes() > 10 * MB
