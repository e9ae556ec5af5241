"""What Prometheus is shown of the runtime."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from actors.web.runtime_metrics import RuntimeCollector
from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation


class Leader(SupervisedActor):
    mailbox = Mailbox(capacity=4, overflow=Overflow.DROP_NEWEST)

    @handles(int)
    def on_number(self, message, sender):
        if message < 0:
            raise ValueError("negative")


class Store(Leader):
    """Another kind."""


def scraped(sim):
    """Return the page's samples by name and label values (in the order of the labels' names)."""
    registry = CollectorRegistry()
    registry.register(RuntimeCollector(sim.base.inspector))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation() as sim:
        for name in ("leader-1", "leader-2"):
            sim.spawn(Leader, name)
        sim.spawn(Store, "store")
        sim.run()
        yield sim


def test_a_thousand_leaders_are_one_time_series_not_a_thousand(sim):
    for name, count in (("leader-1", 2), ("leader-2", 6)):
        sim.base.inspector.suspend(name, by="test")
        for _ in range(count):
            sim.tell(sim.base.find(name), 1)
    sim.advance(3)
    samples = scraped(sim)
    assert samples["remora_actors", "Leader"] == 2
    assert samples["remora_actors_suspended", "Leader"] == 2
    assert samples["remora_mailbox_depth", "Leader"] == 6
    assert samples["remora_mailbox_depth_max", "Leader"] == 4
    assert samples["remora_mailbox_oldest_seconds", "Leader"] == 3
    assert samples["remora_mailbox_depth", "Store"] == 0
    assert samples["remora_mailbox_drops_total", "Leader", "dropped-newest", "int"] == 2
    assert samples["remora_resident_memory_bytes",] > 0


def test_counters_go_on_from_what_ended_actors_had_counted(sim):
    for message in (1, 1, -1):
        sim.tell(sim.base.find("leader-1"), message)
    sim.advance(1)
    before = scraped(sim)
    sim.await_(sim.base.inspector.stop("leader-1", by="test"))
    after = scraped(sim)
    for name in ("remora_messages_handled_total", "remora_actor_restarts_total"):
        assert after[name, "Leader"] == before[name, "Leader"] > 0
    assert (after["remora_actors", "Leader"], after["remora_actors_ended_total", "Leader"]) == (1, 1)


def test_the_lag_of_the_loop_is_a_histogram_over_all_samples(sim):
    for lag_s in (0.0001, 0.004, 9.0):
        sim.base.measures.note_lag(lag_s)
    samples = scraped(sim)
    assert samples["remora_event_loop_lag_seconds",] == 9
    assert samples["remora_event_loop_delay_seconds_bucket", "0.005"] == 2
    assert samples["remora_event_loop_delay_seconds_bucket", "+Inf"] == 3
    assert samples["remora_event_loop_delay_seconds_count",] == 3


def test_slow_handlers_are_counted_by_kind_and_message_type(sim):
    for _ in range(2):
        sim.base.measures.note_slow(sim.base.find("store").cell, (7, None, 0.0), 0.5)
    assert scraped(sim)["remora_slow_handlers_total", "Store", "int"] == 2
