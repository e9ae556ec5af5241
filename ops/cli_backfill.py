"""`remora backfill`: leaders' past, read from the Data API and recorded, never traded."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from config.loading import load
from messages.ids import Wallet
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.cli_leaders import WalletText
from ops.exits import CannotGoOn, Exit

if TYPE_CHECKING:
    from ops.backfill import Row


class _Time(click.ParamType[int]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value.isascii() and value.isdecimal() and len(value) < 12:
            return int(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"was {value!r}, expected 2026-11-01, 2026-11-01T12:00 or epoch seconds", param, ctx)
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())


@click.command(short_help="Record what a leader traded before; it is never copied.")
@click.option("--leader", "wallet", type=WalletText(), help="Whose past to read; without it, show requests.")
@click.option(
    "--from", "from_s", type=_Time(), help="From when on: 2026-11-01, with a time, or epoch seconds."
)
@click.option("--to", "to_s", type=_Time(), help="Up to when; now, if not given. Times are UTC.")
@click.option("--no-wait", is_flag=True, help="Do not wait for the end of it.")
@config_option
@set_option
@json_option
@exits
def backfill(
    wallet: Wallet | None,
    from_s: int | None,
    to_s: int | None,
    no_wait: bool,
    config_file: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> Exit:
    """Have the daemon read a leader's past from the Data API, within its request budget, and record it.

    What it finds is marked as backfill and never copied. A daemon that runs begins at once and goes on after
    a restart; where none runs, the next one does it.
    """
    from ops import backfill as past
    from ops.inspection import is_running

    loaded = load(config_file, assignments=assignments)
    place = state_dir(loaded)
    if wallet is None:
        if from_s is not None or to_s is not None:
            raise CannotGoOn(Exit.USAGE, "say whose past to read, with --leader")
        return _list(asyncio.run(past.rows(loaded, place)), as_json)
    if from_s is None:
        raise CannotGoOn(Exit.USAGE, "say from when on, with --from")
    until_s = int(time.time()) if to_s is None else to_s
    number = asyncio.run(past.ask(loaded, place, wallet, from_s, until_s))
    if not is_running(place):
        _say(f"request {number} is kept: no daemon runs, the next one carries it out", as_json)
    elif not no_wait:
        done = asyncio.run(past.watch(loaded, place, number, lambda row: _say(_line(row), as_json)))
        if as_json:
            print_json(msgspec.to_builtins(done))
        return Exit.OK if done.state == "DONE" else Exit.FAILED
    else:
        _say(f"request {number}; `remora backfill` shows how far it is", as_json)
    if as_json:
        print_json(msgspec.to_builtins(asyncio.run(past.rows(loaded, place, number))[0]))
    return Exit.OK


def _list(rows: list[Row], as_json: bool) -> Exit:
    if as_json:
        print_json([msgspec.to_builtins(row) for row in rows])
    elif not rows:
        click.echo("nothing was asked for; `remora backfill --leader WALLET --from TIME` does")
    else:
        for row in rows:
            click.echo(_line(row))
    return Exit.OK


def _line(row: Row) -> str:
    reason = f": {row.reason}" if row.reason else ""
    return (
        f"request {row.request_id} of {row.wallet}: {row.state.lower()}{reason}, {row.part:.0%} of the time, "
        f"{row.rows} rows, {row.trades} trades not known before"
    )


def _say(text: str, as_json: bool) -> None:
    click.echo(text, err=as_json)
