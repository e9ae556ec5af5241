"""The runtime's own figures for Prometheus: mailboxes, restarts, drops, lag, memory; read when scraped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from supervisor import Inspector, KindTotals, Totals

_BY_KIND: Final[tuple[tuple[str, str, Callable[[KindTotals], float]], ...]] = (
    ("remora_actors", "Live actors", lambda kind: kind.actors),
    ("remora_actors_suspended", "Actors suspended by an operator", lambda kind: kind.suspended),
    ("remora_mailbox_depth", "Messages waiting", lambda kind: kind.depth),
    ("remora_mailbox_depth_max", "Messages in the fullest mailbox", lambda kind: kind.depth_max),
    (
        "remora_mailbox_oldest_seconds",
        "How long the message that waits longest has waited",
        lambda kind: kind.oldest_age_s,
    ),
)
_COUNTED_BY_KIND: Final[tuple[tuple[str, str, Callable[[KindTotals], float]], ...]] = (
    ("remora_messages_handled", "Messages handled", lambda kind: kind.handled),
    ("remora_handler_seconds", "Time spent in handlers", lambda kind: kind.busy_s),
    ("remora_actor_restarts", "Restarts of actors", lambda kind: kind.restarts),
    ("remora_actors_ended", "Actors that ended for good", lambda kind: kind.ended),
)


class RuntimeCollector(Collector):
    """Summed by kind of actor: one actor per wallet must not become one time series per wallet."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Yield the families, freshly read."""
        totals = self._inspector.totals()
        for name, text, value in _BY_KIND:
            gauge = GaugeMetricFamily(name, text, labels=["kind"])
            for kind in totals.kinds:
                gauge.add_metric([kind.kind], value(kind))
            yield gauge
        for name, text, value in _COUNTED_BY_KIND:
            counter = CounterMetricFamily(name, text, labels=["kind"])
            for kind in totals.kinds:
                counter.add_metric([kind.kind], value(kind))
            yield counter
        yield from _drops(totals)
        yield from _lag(totals)
        memory = GaugeMetricFamily("remora_resident_memory_bytes", "Resident memory")
        memory.add_metric([], self._process.memory_info().rss)
        yield memory


def _drops(totals: Totals) -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        "remora_mailbox_drops", "Messages not handled", labels=["kind", "type", "reason"]
    )
    for drop in totals.drops:
        dropped.add_metric([drop.kind, drop.message_type, drop.reason], drop.count)
    yield dropped
    slow = CounterMetricFamily(
        "remora_slow_handlers", "Handlers that held the event loop too long", labels=["kind", "type"]
    )
    for handler in totals.slow_handlers:
        slow.add_metric([handler.kind, handler.message_type], handler.count)
    yield slow


def _lag(totals: Totals) -> Iterator[Metric]:
    worst = GaugeMetricFamily(
        "remora_event_loop_lag_seconds", "How late the event loop ran, worst of the last samples"
    )
    worst.add_metric([], totals.lag.max_s)
    yield worst
    every = totals.lag_histogram
    buckets = [(str(bound), count) for bound, count in every.buckets]
    lateness = HistogramMetricFamily(
        "remora_event_loop_delay_seconds", "How late the event loop came to what was due"
    )
    lateness.add_metric([], [*buckets, ("+Inf", every.count)], every.sum_s)
    yield lateness
