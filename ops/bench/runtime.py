"""The actor runtime side by side with other ways of having actors, all in one run.

    python -m ops.bench.runtime [--json] [--crowd N] [--rounds N] [--scale F]

`workloads` says what is done, `contestants` who does it. Each figure is the best of some rounds, in which all
take turns; a `_ratio` is to the bare loop: one deque of calls, the least that sends can cost in Python. The
runtime's measures (handled counts, ages, time in handlers, lag, slow handlers) are on, as they always are.
In the JSON a figure's name begins with whose it is.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from ops.bench.entrants import entrants
from ops.bench.race import ROUNDS, Figures, race


@click.command()
@click.option("--crowd", default=10_000, show_default=True, help="How many actors make a crowd.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="Of how many rounds the best counts.")
@click.option("--scale", default=1.0, show_default=True, help="How much of everything else, 1 for all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def main(crowd: int, rounds: int, scale: float, as_json: bool) -> None:
    """Measure the actor runtime."""
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as directory:
        found, absent = entrants(Path(directory))
        figures = race(found, scale=scale, crowd=crowd, rounds=rounds)
    if as_json:
        flat = {f"{name}_{figure}": value for name, own in figures.items() for figure, value in own.items()}
        click.echo(json.dumps({"crowd": crowd, "rounds": rounds, **flat, "left_out": absent}))
        return
    Console().print(_table(figures))
    for name, reason in absent.items():
        click.echo(f"{name} is left out: {reason}")


def _table(figures: Figures) -> Table:
    table = Table("", box=box.SIMPLE)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    rows = dict.fromkeys(figure for own in figures.values() for figure in own)
    for row in rows:
        table.add_row(row, *(_text(own.get(row)) for own in figures.values()))
    return table


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if value >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
