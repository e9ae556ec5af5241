"""The runtime's own figures for Prometheus: mailboxes, restarts, drops, memory; read when scraped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from supervisor import AsyncioSystemBase


class RuntimeCollector(Collector):
    """Summed by kind of actor: one actor per wallet must not become one time series per wallet."""

    def __init__(self, view: Callable[[], AsyncioSystemBase]) -> None:
        self._view = view
        self._process = psutil.Process()

    def collect(self) -> Iterator[Metric]:
        """Yield the families, freshly read."""
        view = self._view()
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        for actor in view.tree():
            figures = sums[actor.kind]
            figures[0] += 1
            figures[1] += actor.depth
            figures[2] = max(figures[2], actor.depth)
            figures[3] += actor.handled
            figures[4] += actor.restarts
        gauges: tuple[GaugeMetricFamily, ...] = (
            GaugeMetricFamily("remora_actors", "Live actors", labels=["kind"]),
            GaugeMetricFamily("remora_mailbox_depth", "Messages waiting", labels=["kind"]),
            GaugeMetricFamily("remora_mailbox_depth_max", "Messages in the fullest mailbox", labels=["kind"]),
        )
        counters: tuple[CounterMetricFamily, ...] = (
            CounterMetricFamily("remora_messages_handled", "Messages handled", labels=["kind"]),
            CounterMetricFamily("remora_actor_restarts", "Restarts of live actors", labels=["kind"]),
        )
        for kind, figures in sorted(sums.items()):
            for gauge, value in zip(gauges, figures, strict=False):
                gauge.add_metric([kind], value)
            for counter, value in zip(counters, figures[len(gauges) :], strict=True):
                counter.add_metric([kind], value)
        yield from gauges
        yield from counters
        dropped = CounterMetricFamily(
            "remora_mailbox_drops", "Messages dropped", labels=["kind", "type", "reason"]
        )
        for labels, count in sorted(view.drops().items()):
            dropped.add_metric(list(labels), count)
        yield dropped
        lag = GaugeMetricFamily(
            "remora_event_loop_lag_seconds", "How late the event loop ran, worst of the last samples"
        )
        lag.add_metric([], view.loop_lag().max_s)
        yield lag
        memory = GaugeMetricFamily("remora_resident_memory_bytes", "Resident memory")
        memory.add_metric([], self._process.memory_info().rss)
        yield memory
