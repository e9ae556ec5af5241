"""`remora markets` and `remora price`: market data as a running daemon has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from config.loading import load
from messages import ids
from messages.markets import Tier
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.exits import CannotGoOn, Exit

SLOW_S = 10.0
"""Where no price is known yet, the daemon may ask several hosts before it answers."""


class _Condition(click.ParamType[str]):
    name = "condition"

    def convert(self, value: Any, param: Any, context: Any) -> str:
        try:
            return ids.condition(value)
        except ids.IdError as error:
            self.fail(str(error), param, context)


@click.command(short_help="Show which markets are kept warm, and for whom.")
@config_option
@set_option
@json_option
@exits
def markets(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Show the markets whose prices the running daemon keeps warm: why, how fresh, and from where."""
    from ops.inspection import daemon_url, get_json
    from ops.markets_view import render_demand

    loaded = load(config_file, assignments=assignments)
    document = get_json(f"{daemon_url(state_dir(loaded))}/api/markets/demand")
    if as_json:
        print_json(document)
    else:
        render_demand(document)
    return Exit.OK


@click.command(short_help="Show what a market is worth, and how old that is.")
@click.argument("condition", metavar="CONDITION", type=_Condition())
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    help="What the price is for; at T1 an old one is refused.",
)
@click.option(
    "--max-age", "age_s_max", type=click.FloatRange(0, 86_400), help="How old it may be, in seconds."
)
@config_option
@set_option
@json_option
@exits
def price(
    condition: str,
    tier: str | None,
    age_s_max: float | None,
    config_file: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> Exit:
    """Show what the outcomes of a market are worth, as the running daemon answers it.

    CONDITION is the market's condition id: 0x and 64 hex digits.
    """
    from ops.inspection import daemon_url, get_json
    from ops.markets_view import render_price

    if tier is not None and age_s_max is not None:
        raise CannotGoOn(Exit.USAGE, "give --tier or --max-age, not both")
    loaded = load(config_file, assignments=assignments)
    fresh = {"tier": tier, "maxAgeSeconds": age_s_max}
    said = {"conditionId": condition} | {name: value for name, value in fresh.items() if value is not None}
    document = get_json(f"{daemon_url(state_dir(loaded))}/api/polymarket/price?{urlencode(said)}", SLOW_S)
    if as_json:
        print_json(document)
    else:
        render_price(document)
    return Exit.OK
