"""`remora sources`: how the sources of trades compare."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from config.loading import load
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.exits import Exit


@click.group()
def sources() -> None:
    """The sources of leaders' trades."""


@sources.command("race", short_help="Who sees trades first, by how much, and who misses some.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    help="How far back.",
)
@config_option
@set_option
@json_option
@exits
def race(hours: float, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Compare the sources on the leaders' trades that they told of.

    Lag is from the trade to its arrival here. A trade is lost to a source that never told of it, although it
    told of others within a minute before and within a minute after.
    """
    from ops.race_view import render_race
    from ops.reading import sources_race

    loaded = load(config_file, assignments=assignments)
    found = asyncio.run(sources_race(state_dir(loaded), loaded.settings.database.url, hours))
    if as_json:
        print_json(found)
    else:
        render_race(found)
    return Exit.OK
