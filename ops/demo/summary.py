"""The demo's summary: what the database holds after the daemon has stopped, and what was seen before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ops.demo.progress import Progress
from ops.reading import database_of
from ops.verify import verify


async def summarise(state_dir: Path, progress: Progress) -> dict[str, Any]:
    """Return the summary. The figures and the invariants come from `ops.verify`, which shares no code
    with what wrote the database; only `trades_seen` and the number of starts are the daemon's own word."""
    async with database_of(state_dir, "") as dsn:
        report = await verify(dsn)
    figures = report.figures()
    return {
        # A daemon that was killed takes its count along, and what it missed came by another way.
        "trades_seen": max(progress.trades_seen, figures["leader_trades"]),
        **figures,
        "invariants": report.invariants(),
        "violations": report.violations(),
        "daemon_starts": progress.starts,
    }
