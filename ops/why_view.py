"""`remora why` for people: a trade, what each portfolio decided on it, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from messages.decisions import SKIP_MEANINGS, SkipReason
from messages.store import CORRECTION_MEANINGS, CorrectionReason
from ops.consoles import wide_console

FROM_MICROS = ("_shares", "_usdc", "spread", "price_move")
"""Endings of the names of checks whose values are amounts in 1e-6."""


def when(ns: int) -> str:
    """Return wall time in UTC to the millisecond."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def figure(name: str, value: int) -> str:
    """Return a check's value or limit as people read it."""
    return f"{value / 1_000_000:.6g}" if name.endswith(FROM_MICROS) else str(value)


def render_why(story: dict[str, Any]) -> None:
    """Print the story that `actors.store.queries.why` tells."""
    console = wide_console()
    trade = story["trade"]
    console.print(f"[bold]trade {trade['trade_id']}[/bold]", highlight=False)
    console.print(
        f"  leader {trade['wallet']} {trade['side']} {trade['size']} '{trade['outcome']}' at {trade['price']}"
        f" ({trade['title'] or trade['condition_id']})",
        markup=False,
    )
    lag_ms = (trade["seen_at_ns"] - trade["traded_at_ns"]) / 1e6
    console.print(
        f"  traded {when(trade['traded_at_ns'])}, seen {when(trade['seen_at_ns'])} ({lag_ms:.0f} ms later)"
        f" by {trade['feed']}; transaction {trade['tx']}",
        markup=False,
    )
    for sighting in story["sightings"]:
        late_ms = (sighting["seen_at_ns"] - trade["traded_at_ns"]) / 1e6
        console.print(f"  {sighting['kind']} saw it after {late_ms:.0f} ms ({sighting['feed']})")
    for correction in story["corrections"]:
        console.print(
            f"  {when(correction['at_ns'])} {correction['feed']}: {correction['now']} of it counts,"
            f" not {correction['was']}: {CORRECTION_MEANINGS[CorrectionReason(correction['reason'])]}"
        )
    if not story["decisions"]:
        console.print("  no portfolio has decided on it")
    for decision in story["decisions"]:
        _decision(console, decision)


def _decision(console: Console, decision: dict[str, Any]) -> None:
    console.print()
    if decision["kind"] == "SKIP":
        reason = decision["reason"]
        console.print(f"portfolio {decision['portfolio_id']}: {reason}: {SKIP_MEANINGS[SkipReason(reason)]}")
    else:
        console.print(
            f"portfolio {decision['portfolio_id']}: {decision['freshness']} {decision['side']}"
            f" {decision['size']} shares, limit {decision['price_limit']},"
            f" expected {decision['price_expected']}"
        )
    console.print(f"  decided {when(decision['decided_at_ns'])}, settings {decision['settings_hash']}")
    if decision["checks"]:
        checks = Table("guard", "value", "limit", "passed")
        for check in decision["checks"]:
            name = check["name"]
            checks.add_row(
                name,
                figure(name, check["value"]),
                figure(name, check["limit"]),
                "yes" if check["passed"] else "NO",
            )
        console.print(checks)
    if "order" in decision:
        _order(console, decision["order"])


def _order(console: Console, order: dict[str, Any]) -> None:
    console.print(f"  order {order['order_id']}: {order['state']} {order['reason']}".rstrip(), markup=False)
    for event in order["events"]:
        console.print(
            f"    {when(event['at_ns'])} {event['stage']}: {event['state']}"
            f" after {event['elapsed_ms']} ms {event['reason']}".rstrip(),
            markup=False,
        )
    for fill in order["fills"]:
        console.print(
            f"    fill {fill['side']} {fill['size']} at {fill['price']}: {fill['usdc']} USDC,"
            f" fee {fill['fee']}"
        )
