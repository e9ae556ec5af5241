"""`remora status` for people."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from ops.consoles import wide_console
from ops.demo.view import money


def render_status(status: dict[str, Any]) -> None:
    """Print the daemon's status document (`GET /api/status`) on stdout."""
    console = wide_console()
    store = status["store"]
    console.print(
        f"Remora {status['version']}, {status['mode']} mode, pid {status['pid']}, "
        f"up {status['uptime_s']:.0f} s, run {status['run_id']}, settings {status['settings_hash']}"
    )
    console.print("store: available" if store["available"] else f"store: UNAVAILABLE: {store['reason']}")
    console.print(*_runtime(status["runtime"]), sep="\n")
    if "error" in status["ingest"]:
        console.print(f"ingest does not answer: {status['ingest']['error']}")
    else:
        console.print(f"sources: {mode_text(status['ingest'])}")
        console.print(_feeds(status["ingest"]))
        for drift in status["ingest"]["drifts"]:
            alarm = f"ALARM {drift['feed']}: {drift['text']}"
            console.print(alarm, style="bold red", markup=False, highlight=False)
    if "error" in status["counts"]:
        console.print(f"the store does not answer: {status['counts']['error']}")
        return
    counts = status["counts"]
    skips = ", ".join(f"{reason} {count}" for reason, count in sorted(counts["skips"].items()))
    orders = ", ".join(f"{state} {count}" for state, count in sorted(counts["orders"].items()))
    console.print(
        f"leaders' trades {counts['leader_trades']}, duplicates {counts['duplicates']}, "
        f"intents {counts['intents']}, fills {counts['fills']}"
    )
    console.print(f"skips: {skips or 'none'}")
    console.print(f"orders: {orders or 'none'}")
    console.print(_portfolios(counts))


def _runtime(runtime: dict[str, Any]) -> tuple[str, str]:
    not_handled = ", ".join(f"{reason} {count}" for reason, count in runtime["not_handled"].items())
    return (
        f"actors {runtime['actors']}, suspended {runtime['suspended']}, restarts {runtime['restarts']}; "
        f"messages waiting {runtime['waiting']}, the longest for {runtime['waiting_longest_s']:.1f} s; "
        f"event loop late by {runtime['loop_lag_p99_ms']:.1f} ms (p99), "
        f"slow handlers {runtime['slow_handlers']}",
        f"messages not handled: {not_handled or 'none'}",
    )


def mode_text(ingest: dict[str, Any]) -> str:
    """Return the trigger mode with where it came from."""
    if not ingest["trigger"]:
        return "mode not known yet: the operator's changes are being read"
    place = f" ({ingest['trigger_place']})" if ingest["trigger_place"] else ""
    return f"mode {ingest['trigger']}, from {ingest['trigger_origin']}{place}"


def _feeds(ingest: dict[str, Any]) -> Table:
    table = Table("feed", "connected", "frames", "leader fills", "lag ms", "reconnects", "put off", "error")
    for feed in ingest["feeds"]:
        table.add_row(
            feed["feed"],
            "NO" if not feed["connected"] else "LATE" if feed["is_late"] else "yes",
            str(feed["frames"]),
            str(feed["leader_fills"]),
            str(feed["lag_ms"]),
            str(feed["reconnects"]),
            str(feed["shed"]),
            feed["error"],
        )
    return table


def _portfolios(counts: dict[str, Any]) -> Table:
    table = Table("portfolio", "cash", "realised", "unrealised", "fees", "open", "intents", "skips")
    for one in counts["portfolios"]:
        table.add_row(
            one["portfolio_id"],
            *(money(one[name]) for name in ("cash", "realised", "unrealised", "fees")),
            *(str(one[name]) for name in ("positions_open", "intents", "skips")),
        )
    return table
