"""`remora sources race` for people."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ops.consoles import wide_console


def render_race(found: dict[str, Any]) -> None:
    """Print a line for each source and one for each pair of them."""
    console = wide_console()
    if not found["trades"]:
        console.print("no source has told of a trade in that time")
        return
    console.print(f"{found['trades']} trades")
    table = Table("source", "seen", "first", "lost", "lag p50", "p95", "p99")
    for one in found["sources"]:
        table.add_row(
            one["source"],
            str(one["seen"]),
            f"{one['first_share']:.1%}",
            f"{one['lost']} ({one['lost_share']:.1%})",
            *_times(one["lag_ms"]),
        )
    console.print(table)
    pairs = Table("source", "against", "both saw", "ahead in", "ahead by p50", "p95", "p99")
    for pair in found["pairs"]:
        ahead = f"{pair['ahead'] / pair['both']:.1%}" if pair["both"] else ""
        pairs.add_row(pair["source"], pair["against"], str(pair["both"]), ahead, *_times(pair["lead_ms"]))
    if found["pairs"]:
        console.print(pairs)


def _times(percentiles: dict[str, float] | None) -> list[str]:
    return [f"{value:,.0f} ms" for value in percentiles.values()] if percentiles is not None else ["", "", ""]
