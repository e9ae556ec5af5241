"""How a demo goes, as its live view shows it: the daemon's own status, and the venue's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """The last known figures. `trades_seen` counts on over restarts of the daemon."""

    starts: int = 0
    crashes: int = 0
    finished: bool = False
    venue: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    seen_before: int = 0
    seen_now: int = 0
    run_id: str = ""

    def take_status(self, status: dict[str, Any]) -> None:
        """Take over what the daemon says of itself."""
        if status.get("run_id") != self.run_id:
            self.run_id = str(status.get("run_id"))
            self.seen_before += self.seen_now
            self.seen_now = 0
        self.status = status
        self.seen_now = int(self.ingest.get("trades_seen", self.seen_now))

    @property
    def ingest(self) -> dict[str, Any]:
        """The ingest part of the status, empty while unknown."""
        part = self.status.get("ingest", {})
        return part if isinstance(part, dict) and "error" not in part else {}

    @property
    def counts(self) -> dict[str, Any]:
        """The counted part of the status, empty while unknown."""
        part = self.status.get("counts", {})
        return part if isinstance(part, dict) and "error" not in part else {}

    @property
    def trades_seen(self) -> int:
        """Distinct platform trades seen, over all runs of the daemon."""
        return self.seen_before + self.seen_now

    @property
    def lag_ms(self) -> int:
        """How late the best live socket is."""
        lags = [feed["lag_ms"] for feed in self.ingest.get("feeds", ()) if feed["connected"]]
        return min(lags, default=0)

    def settled(self, portfolios: int) -> bool:
        """Whether every leader's trade is decided on by every portfolio, and every order at its end."""
        counts = self.counts
        if not counts:
            return False
        decided = counts["intents"] + sum(counts["skips"].values())
        waiting = sum(
            count
            for state, count in counts["orders"].items()
            if state in ("CREATED", "PLACED", "PENDING", "PARTIAL")
        )
        return bool(decided == counts["leader_trades"] * portfolios and waiting == 0)
