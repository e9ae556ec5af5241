"""`remora leaders`: whom to follow, changed while the daemon runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from config.amounts import AmountError, exact, micros
from config.loading import load
from messages import ids
from messages.ids import Wallet
from messages.units import Rate
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.exits import Exit

if TYPE_CHECKING:
    from ops.following import Desk, Row

RATIO_MAX: Final = micros("1000")


class WalletText(click.ParamType[Wallet]):
    """A wallet as typed, in whatever case."""

    name = "wallet"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Wallet:
        try:
            return ids.wallet(value)
        except ids.IdError as error:
            self.fail(str(error), param, ctx)


class _Ratio(click.ParamType[Rate]):
    name = "ratio"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rate:
        if isinstance(value, int):
            return value
        try:
            ratio = exact(Decimal(value))
        except (InvalidOperation, AmountError):
            self.fail(f"was {value!r}, expected a decimal number such as 0.02", param, ctx)
        if not 0 < ratio <= RATIO_MAX:
            self.fail(f"was {value}, expected more than 0 and at most 1000", param, ctx)
        return ratio


wallet_argument = click.argument("wallet", type=WalletText())
portfolio_option = click.option(
    "--portfolio", "portfolios", multiple=True, help="Only in this portfolio; repeatable."
)


@click.group(short_help="Whom to follow, changed at once and for good.")
def leaders() -> None:
    """Whom to follow; changes take effect at once and outlive restarts."""


@leaders.command("list")
@config_option
@set_option
@json_option
@exits
def list_leaders(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Show every leader, who copies it how, and what was seen of it."""
    from ops.following import desk
    from ops.leaders_view import render_leaders

    loaded = load(config_file, assignments=assignments)

    async def rows() -> list[Row]:
        async with desk(loaded, state_dir(loaded)) as one:
            return await one.rows()

    found = asyncio.run(rows())
    if as_json:
        print_json([msgspec.to_builtins(row) for row in found])
    else:
        render_leaders(found)
    return Exit.OK


@leaders.command()
@config_option
@set_option
@json_option
@exits
def lag(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Show how late polling finds a leader's trade that no other source sees, at the present budget."""
    from ops.inspection import daemon_url, get_json
    from ops.leaders_view import render_lag

    loaded = load(config_file, assignments=assignments)
    document = get_json(f"{daemon_url(state_dir(loaded))}/api/leaders/lag")
    if as_json:
        print_json(document)
    else:
        render_lag(document)
    return Exit.OK


@leaders.command()
@wallet_argument
@click.option("--name", default="", help="What to call it.")
@click.option("--ratio", type=_Ratio(), help="Our size per share of the leader's.")
@portfolio_option
@config_option
@set_option
@exits
def add(
    wallet: Wallet,
    name: str,
    ratio: Rate | None,
    portfolios: tuple[str, ...],
    config_file: Path | None,
    assignments: tuple[str, ...],
) -> Exit:
    """Follow WALLET from now on; nothing it traded before is copied."""
    return _change(config_file, assignments, lambda one: one.add(wallet, name, portfolios, ratio))


@leaders.command()
@wallet_argument
@config_option
@set_option
@exits
def remove(wallet: Wallet, config_file: Path | None, assignments: tuple[str, ...]) -> Exit:
    """Follow WALLET no more. Positions copied from it stay as they are."""
    return _change(config_file, assignments, lambda one: one.remove(wallet))


@leaders.command()
@wallet_argument
@portfolio_option
@config_option
@set_option
@exits
def pause(
    wallet: Wallet, portfolios: tuple[str, ...], config_file: Path | None, assignments: tuple[str, ...]
) -> Exit:
    """Go on recording the trades of WALLET, without copying them."""
    return _change(config_file, assignments, lambda one: one.pause(wallet, portfolios, is_paused=True))


@leaders.command()
@wallet_argument
@portfolio_option
@config_option
@set_option
@exits
def resume(
    wallet: Wallet, portfolios: tuple[str, ...], config_file: Path | None, assignments: tuple[str, ...]
) -> Exit:
    """Copy the trades of WALLET again, from the next one on."""
    return _change(config_file, assignments, lambda one: one.pause(wallet, portfolios, is_paused=False))


@leaders.command()
@wallet_argument
@click.argument("new_ratio", metavar="RATIO", type=_Ratio())
@portfolio_option
@config_option
@set_option
@exits
def ratio(
    wallet: Wallet,
    new_ratio: Rate,
    portfolios: tuple[str, ...],
    config_file: Path | None,
    assignments: tuple[str, ...],
) -> Exit:
    """Copy WALLET at RATIO (our size per share of the leader's) from the next trade on."""
    return _change(config_file, assignments, lambda one: one.set_ratio(wallet, portfolios, new_ratio))


@leaders.command()
@wallet_argument
@config_option
@set_option
@exits
def reset(wallet: Wallet, config_file: Path | None, assignments: tuple[str, ...]) -> Exit:
    """Take back everything changed here for WALLET: the configuration alone decides again."""
    return _change(config_file, assignments, lambda one: one.reset(wallet))


def _change(
    config_file: Path | None, assignments: tuple[str, ...], change: Callable[[Desk], Awaitable[str]]
) -> Exit:
    from ops.following import desk
    from ops.inspection import is_running

    loaded = load(config_file, assignments=assignments)
    place = state_dir(loaded)

    async def make() -> str:
        async with desk(loaded, place) as one:
            return await change(one)

    did = asyncio.run(make())
    when = "in effect now" if is_running(place) else "in effect when the daemon starts"
    click.echo(f"{did}; {when}")
    return Exit.OK
