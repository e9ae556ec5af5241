"""What ingest shows to Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

FRAMES = Counter("remora_ingest_frames_total", "Frames read, pages for the poller", ["feed"])
IGNORED = Counter("remora_ingest_ignored_total", "Frames and rows that are no trade", ["feed", "kind"])
MOVEMENTS = Counter("remora_ingest_movements_total", "Splits, merges and redemptions handed over", ["kind"])
UNCLEAR = Counter(
    "remora_ingest_unclear_movements_total", "Movements of leaders' shares not understood", ["kind"]
)
SHED = Counter("remora_ingest_shed_total", "Trades that nobody copies, put off under load", ["feed"])
MALFORMED = Counter("remora_ingest_malformed_total", "Frames and rows that could not be read", ["feed"])
REDELIVERED = Counter("remora_ingest_redelivered_total", "Leaders' frames delivered again", ["feed"])
LEADER_FILLS = Counter("remora_ingest_leader_fills_total", "Reports handed to leaders", ["feed"])
RECONNECTS = Counter("remora_ingest_reconnects_total", "Connections that ended or failed", ["feed"])
THROTTLED = Counter("remora_ingest_throttled_total", "429s of the Data API")
SLOWED = Counter("remora_ingest_slowed_total", "Times the Data API was asked less often for being slow")
LATE = Gauge("remora_ingest_stream_late", "1 while a socket delivers what happened long ago", ["feed"])
GAPS = Counter("remora_ingest_gaps_total", "Times the stream may have missed something")
LAST_EVENT = Gauge("remora_ingest_last_event_timestamp_seconds", "When data last came", ["feed"])
DRIFT = Counter("remora_ingest_drift_total", "Leaders' logs from contracts that Remora lacks", ["kind"])
RETRACTED = Counter("remora_ingest_retracted_total", "Leaders' transactions that the chain took back")
THROTTLED_RPC = Counter("remora_ingest_rpc_throttled_total", "429s of Polygon nodes")
WALLETS_SUBSCRIBED = Gauge("remora_ingest_chain_wallets", "Wallets with a confirmed subscription")
RECORDED = Counter("remora_ingest_recorded_total", "Leaders' frames written to recordings")
UNRECORDED = Counter("remora_ingest_unrecorded_total", "Leaders' frames that recording had to leave out")

LAG = Histogram(
    "event_lag_ms",
    "From a trade's time to its arrival here",
    ["source"],
    buckets=(
        50,
        100,
        250,
        500,
        1000,
        1500,
        2500,
        5000,
        10_000,
        30_000,
        60_000,
        300_000,
        1_800_000,
        7_200_000,
    ),
)
