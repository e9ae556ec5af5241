"""The demo's configuration: the daemon's ordinary one, pointed at the local venue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ops.demo.options import DemoOptions

PORTFOLIOS: tuple[dict[str, Any], ...] = (
    {
        "id": "steady",
        "cash": 50000,
        "ratio": 0.1,
        "caps": {
            "per_trade": 2500,
            "per_market": 10000,
            "per_event": 20000,
            "per_portfolio": 50000,
            "daily_loss": 5000,
        },
    },
    {
        "id": "careful",
        "cash": 10000,
        "ratio": 0.05,
        "caps": {"per_trade": 50, "per_market": 300, "per_event": 600, "per_portfolio": 5000},
        "guards": {"max_spread": 0.03, "max_price_move": 0.015},
    },
)
"""Two books with the same leaders: one that takes nearly everything, one whose caps and guards bite."""


def write_config(
    path: Path, state_dir: Path, urls: dict[str, str], leaders: list[str], options: DemoOptions
) -> None:
    """Write the daemon's configuration file for this demo."""
    config = {
        "state_dir": str(state_dir),
        "endpoints": {
            "rtds_url": urls["rtds"],
            "clob_url": urls["clob"],
            "market_ws_url": urls["market_ws"],
            "gamma_url": urls["gamma"],
            "data_url": urls["data"],
        },
        "ingest": {
            "sockets": options.sockets,
            "silence_s": 5,
            "reconnect_max_s": 2,
            "poll_interval_s": 10,
            "poll_settle_s": 4,
        },
        "leaders": leaders,
        "portfolios": list(PORTFOLIOS),
        "prices": {"resolution_poll_s": 2},
        "reconciliation": {"interval_s": 3},
        "web": {"port": 0},
        "logs": {"format": "json"},
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False))
