"""`remora leaders list` for people."""

from __future__ import annotations

from collections.abc import Sequence

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
