"""`remora leaders list` and `remora leaders lag` for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ops.consoles import wide_console
from ops.following import Row
from ops.why_view import when


def render_leaders(rows: Sequence[Row]) -> None:
    """Print one line a leader on stdout."""
    console = wide_console()
    if not rows:
        console.print("nobody is followed; `remora leaders add WALLET` changes that")
        return
    table = Table("wallet", "name", "from", "copied by", "trades", "last trade", "polled up to")
    for row in rows:
        copied = ", ".join(f"{owner} {how}" for owner, how in row.follows.items())
        table.add_row(
            row.wallet,
            row.name,
            row.origin,
            copied or "nobody",
            str(row.trades),
            when(row.last_trade_at_ns) if row.last_trade_at_ns is not None else "never",
            when(row.polled_to_s * 1_000_000_000) if row.polled_to_s is not None else "never",
        )
    console.print(table)


def render_lag(state: dict[str, Any]) -> None:
    """Print the answer of `GET /api/leaders/lag` on stdout, the latest first."""
    console = wide_console()
    wanted, budget = state["wanted_milli_per_s"] / 1000, state["budget_milli_per_s"] / 1000
    stretch = state["stretch_milli"] / 1000
    console.print(
        f"{len(state['wallets'])} leaders; regular polls want {wanted:.2f} requests a second "
        f"of a budget of {budget:g}, so every interval is {stretch:.2f} times what it should be"
        if stretch > 1
        else f"{len(state['wallets'])} leaders; regular polls take {wanted:.2f} requests a second "
        f"of a budget of {budget:g}"
    )
    if state["error"]:
        console.print(f"polling fails: {state['error']}")
    table = Table("wallet", "traded", "polled every", "found after, at most", "last polled", "known up to")
    now_s = time.time()
    for one in sorted(state["wallets"], key=lambda each: -each["interval_ms"]):
        interval_s = one["interval_ms"] / 1000
        swept_s = one["swept_at_s"]
        table.add_row(
            one["wallet"],
            one["warmth"],
            f"{interval_s:.0f} s",
            f"{interval_s + state['lag_ms'] / 1000:.0f} s",
            "never" if swept_s is None else f"{max(0.0, now_s - swept_s):.0f} s ago",
            when(one["cursor_s"] * 1_000_000_000),
        )
    console.print(table)
