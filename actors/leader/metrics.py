"""What a leader counts."""

from __future__ import annotations

from prometheus_client import Counter

TRADES = Counter("remora_leader_trades_total", "Trades accepted, by the source that was first", ["source"])
DUPLICATES = Counter("remora_leader_duplicates_total", "Reports of trades already known", ["source"])
EARLY = Counter("remora_leader_early_reports_total", "Reports from before the following, not taken")
LATE = Counter("remora_leader_late_reports_total", "Reports from before the identity window, not taken")
CORRECTIONS = Counter(
    "remora_leader_corrections_total",
    "Accepted trades that count for something else since",
    ["source", "reason"],
)
FALLBACKS = Counter(
    "remora_leader_chain_fallbacks_total", "Trades that the chain brought because the others were late"
)
PUT_ASIDE = Counter(
    "remora_leader_reports_put_aside_total", "Reports not taken because handling them crashed again and again"
)
STORMS = Counter("remora_leader_storms_total", "Reports beyond the cap of equal rows in one transaction")
