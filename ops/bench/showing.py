"""How benches print their figures."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click


def show(figures: Mapping[str, int | float], *, as_json: bool) -> None:
    """Print a figure a line, or all as one JSON object on one line."""
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:32} {value:,.3f}" if isinstance(value, float) else f"{name:32} {value:,}")
