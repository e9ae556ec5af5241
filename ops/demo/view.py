"""The live view on stderr: a table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops.demo.progress import Progress
from ops.verify import MEANINGS

LINE_EVERY_S: Final = 5.0


def money(micros: int) -> str:
    """Return USDC with two decimals for people; exact figures are in the summary."""
    return f"{micros / 1_000_000:,.2f}"


class View:
    """Shows progress until closed. Writes nothing to stdout, which belongs to the summary."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._live: Live | None = None
        self._last_line = float("-inf")

    def __enter__(self) -> View:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print one line of news."""
        self._console.print(Text(text), soft_wrap=True)

    def show(self, progress: Progress, elapsed_s: float) -> None:
        """Show where things stand."""
        if self._live is not None:
            self._live.update(_table(progress, elapsed_s))
        elif elapsed_s - self._last_line >= LINE_EVERY_S:
            self._last_line = elapsed_s
            self.say(_line(progress, elapsed_s))


def _line(progress: Progress, elapsed_s: float) -> str:
    counts = progress.counts
    if not counts:
        return f"{elapsed_s:5.0f} s  the daemon is starting"
    return (
        f"{elapsed_s:5.0f} s  seen {progress.trades_seen:,}  leaders {counts['leader_trades']:,}"
        f"  copied {counts['intents']:,}  skipped {sum(counts['skips'].values()):,}"
        f"  fills {counts['fills']:,}  PnL {money(_pnl(counts))}  lag {progress.lag_ms} ms"
    )


def _pnl(counts: dict[str, Any]) -> int:
    return sum(one["realised"] + one["unrealised"] for one in counts["portfolios"])


def _table(progress: Progress, elapsed_s: float) -> Group:
    counts = progress.counts
    title = f"Remora demo, {elapsed_s:.0f} s"
    if progress.starts > 1:
        title += f", daemon started {progress.starts} times"
    if not counts:
        return Group(Text(title), Text("the daemon is starting"))
    flow = Table(title=title, title_justify="left", show_header=False)
    flow.add_column(style="dim")
    flow.add_column(justify="right")
    flow.add_row("trades seen on the platform", f"{progress.trades_seen:,}")
    flow.add_row("leaders' trades", f"{counts['leader_trades']:,}")
    flow.add_row("known already (duplicates)", f"{counts['duplicates']:,}")
    flow.add_row("copied", f"{counts['intents']:,}")
    flow.add_row("skipped", f"{sum(counts['skips'].values()):,}")
    for reason, count in sorted(counts["skips"].items(), key=lambda item: -item[1]):
        flow.add_row(f"  {reason}", f"{count:,}")
    flow.add_row("fills", f"{counts['fills']:,}")
    flow.add_row("stream lag", f"{progress.lag_ms} ms")
    p50, p99 = counts["latency_p50_ms"], counts["latency_p99_ms"]
    if p50 is not None:
        flow.add_row("frame to order, p50 / p99", f"{p50:.2f} / {p99:.2f} ms")
    books = Table("portfolio", "cash", "open", "realised", "unrealised", "fees", title_justify="left")
    for one in counts["portfolios"]:
        books.add_row(
            one["portfolio_id"],
            money(one["cash"]),
            str(one["positions_open"]),
            money(one["realised"]),
            money(one["unrealised"]),
            money(one["fees"]),
        )
    return Group(flow, books)


def render_summary(summary: dict[str, Any]) -> None:
    """Print the summary for people on stdout."""
    console = Console()
    table = Table(title="Summary", title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name in ("trades_seen", "leader_trades", "duplicates", "intents"):
        table.add_row(name.replace("_", " "), f"{summary[name]:,}")
    table.add_row("skips", f"{sum(summary['skips'].values()):,}")
    for reason, count in sorted(summary["skips"].items(), key=lambda item: -item[1]):
        table.add_row(f"  {reason}", f"{count:,}")
    for state, count in sorted(summary["orders"].items()):
        table.add_row(f"orders {state}", f"{count:,}")
    table.add_row("fills", f"{summary['fills']:,}")
    table.add_row("open positions", f"{len(summary['positions']):,}")
    for name in ("cash", "realised", "unrealised", "fees"):
        table.add_row(name, f"{summary[name]} USDC")
    latency = summary["latency_ms"]
    if latency["p50"] is not None:
        table.add_row("frame to order, p50 / p99", f"{latency['p50']:.2f} / {latency['p99']:.2f} ms")
    table.add_row("daemon starts", str(summary["daemon_starts"]))
    console.print(table)
    checks = Table("invariant", "", "holds")
    for name, holds in summary["invariants"].items():
        checks.add_row(name, MEANINGS[name], "yes" if holds else "NO")
    console.print(checks)
    for line in summary["violations"]:
        console.print(Text(line))
