"""`remora mode`: which sources trades come from, changed while the daemon runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from config.loading import load
from config.mode import TRIGGERS
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.exits import CannotGoOn, Exit


@click.command(short_help="Show or change which sources trades come from.")
@click.argument("trigger", metavar="[api|polygon|both]", type=click.Choice(TRIGGERS), required=False)
@click.option("--reset", is_flag=True, help="Leave it to the configuration again.")
@config_option
@set_option
@json_option
@exits
def mode(
    trigger: str | None, reset: bool, config_file: Path | None, assignments: tuple[str, ...], as_json: bool
) -> Exit:
    """Show the mode and where it came from, or change it: at once, and for restarts too.

    api is the trade stream and polling, polygon the chain with polling for gaps, both is all of them.
    """
    from ops import mode as modes
    from ops.inspection import is_running

    if trigger is not None and reset:
        raise CannotGoOn(Exit.USAGE, "name a mode or give --reset, not both")
    loaded = load(config_file, assignments=assignments)
    place = state_dir(loaded)
    if trigger is not None or reset:
        did = asyncio.run(modes.change(loaded, place, trigger))
        when = "in effect now" if is_running(place) else "in effect when the daemon starts"
        if as_json:
            print_json({"did": did, "when": when})
        else:
            click.echo(f"{did}; {when}")
        return Exit.OK
    shown = asyncio.run(modes.show(loaded, place))
    if as_json:
        print_json(msgspec.to_builtins(shown))
        return Exit.OK
    origin = f"{shown.origin} {shown.place}".strip()
    click.echo(f"{shown.trigger}, from {origin}" + ("" if shown.is_running else "; no daemon runs"))
    return Exit.OK
