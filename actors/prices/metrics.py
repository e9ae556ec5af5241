"""What Prometheus is told about market data; answers and their ages are in `tallies`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

STALE: Final = Counter(
    "remora_prices_stale_total", "Answers that were older than asked for, or empty", ["kind", "known"]
)
UPSTREAM_CALLS: Final = Counter(
    "remora_prices_upstream_calls_total",
    "Calls by host, route, the tier that they were made for, and HTTP status (or timeout, error, oversized)",
    ["host", "route", "tier", "status"],
)
UPSTREAM_SECONDS: Final = Histogram(
    "remora_prices_upstream_seconds",
    "How long hosts took to answer",
    ["host", "route"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0),
)
THROTTLED: Final = Counter("remora_prices_throttled_total", "429 answers", ["host"])
NOT_SENT: Final = Counter(
    "remora_prices_not_sent_total", "Calls kept back, by reason: backing_off, over_budget", ["host", "reason"]
)
MALFORMED: Final = Counter(
    "remora_prices_malformed_total", "Answers or rows that could not be read", ["host"]
)
KNOWN: Final = Gauge("remora_prices_known", "Values in memory", ["kind"])
WATCHED: Final = Gauge("remora_prices_watched_markets", "Unresolved markets that somebody waits for")
REFUSED: Final = Counter("remora_prices_refused_total", "Messages that a full mailbox refused", ["message"])
LIVE_CONNECTS: Final = Counter("remora_prices_live_connects_total", "Connections of the market channel")
LIVE_MALFORMED: Final = Counter(
    "remora_prices_live_malformed_total", "Events or frames of the market channel that could not be read"
)
LIVE_UNKNOWN: Final = Counter(
    "remora_prices_live_unknown_total", "Events of a type that Remora does not know"
)
LIVE_EVENTS: Final = Counter("remora_prices_live_events_total", "Events of the market channel")
LIVE_DROPPED: Final = Counter(
    "remora_prices_live_dropped_total", "Live books dropped because something did not add up", ["reason"]
)
LIVE_BOOKS: Final = Gauge("remora_prices_live_books", "Outcomes with a live book", ["state"])
CONTRADICTED: Final = Counter(
    "remora_prices_contradictions_total", "Markets whose witnesses named different payouts"
)
WRITTEN: Final = Counter("remora_prices_written_back_total", "Rows of markets sent to the database")
