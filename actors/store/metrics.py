"""What Prometheus is told of the store."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

COMMITS: Final = Counter("remora_store_commits_total", "Transactions committed")
COMMIT_SECONDS: Final = Histogram(
    "remora_store_commit_seconds",
    "From the first statement of a batch to its commit",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
BATCH_ROWS: Final = Histogram(
    "remora_store_batch_rows",
    "Messages that shared a commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
WRITES: Final = Counter("remora_store_messages_total", "Messages handled, by type", ["type"])
DECISIONS: Final = Counter("remora_store_decisions_total", "Decisions, by what became of them", ["outcome"])
FAILED_COMMITS: Final = Counter("remora_store_failed_commits_total", "Commits that will be tried again")
DEAD_WRITES: Final = Counter(
    "remora_store_dead_writes_total", "Writes that no retry could make good (see table dead_writes)", ["type"]
)
AVAILABLE: Final = Gauge("remora_store_available", "1 while writes become durable")
WAITING: Final = Gauge("remora_store_waiting", "Messages that wait for their commit")
LOOKUPS_WAITING: Final = Gauge("remora_store_lookups_waiting", "Loads of markets that wait for their answer")
