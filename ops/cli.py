"""The command line: `remora run`, `demo`, `venue`, `status`, `why`, `config`, `tape`; more in `ops.cli_*`."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

import click

from config.loading import load
from ops.cli_backfill import backfill
from ops.cli_common import config_option, exits, json_option, print_json, set_option, state_dir
from ops.cli_leaders import leaders
from ops.cli_markets import markets, price
from ops.cli_mode import mode
from ops.cli_sources import sources
from ops.exits import MEANINGS, CannotGoOn, Exit

EPILOG = "Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + "."


@click.group(epilog=EPILOG)
@click.version_option(version("remora"), prog_name="remora")
def main() -> None:
    """Remora copies the trades of chosen Polymarket wallets."""


main.add_command(leaders)
main.add_command(mode)
main.add_command(markets)
main.add_command(price)
main.add_command(backfill)
main.add_command(sources)


@main.command(short_help="Run the daemon, in paper mode.")
@config_option
@set_option
@exits
def run(config_file: Path | None, assignments: tuple[str, ...]) -> Exit:
    """Run the daemon in paper mode against the configured endpoints, until SIGINT or SIGTERM."""
    from ops import daemon

    return daemon.run(load(config_file, assignments=assignments))


@main.command(short_help="See it work: the daemon against a local venue, offline.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=1, max=86_400),
    default=30.0,
    show_default=True,
    help="How long the venue plays.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the generated trades.")
@click.option("--tape", type=click.Path(path_type=Path), help="Play this tape instead of generated trades.")
@click.option(
    "--crashes",
    type=click.IntRange(0, 10),
    default=0,
    show_default=True,
    help="Kill the daemon with -9 this often on the way.",
)
@click.option(
    "--deliveries",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Send each frame this often on every socket.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    help="Keep database, configuration and log in this new or empty directory.",
)
@json_option
@exits
def demo(
    seconds: float,
    seed: int,
    tape: Path | None,
    crashes: int,
    deliveries: int,
    keep: Path | None,
    as_json: bool,
) -> Exit:
    """Run the local venue and the daemon against it, offline and in paper mode, then sum up."""
    from ops.demo.options import DemoOptions
    from ops.demo.run import run_demo

    options = DemoOptions(
        seconds=seconds,
        seed=seed,
        tape=tape,
        crashes=crashes,
        deliveries=deliveries,
        state_dir=keep,
        json=as_json,
    )
    code, summary = asyncio.run(run_demo(options))
    if as_json:
        print_json(summary)
    return code


@main.command(short_help="Run the local venue alone.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8469, show_default=True, help="0 takes a free port.")
@click.option("--seed", default=1, show_default=True, help="Seed of the generated trades.")
@click.option("--seconds", type=float, help="How long the generator runs; without it, for ever.")
@click.option("--rate", default=50.0, show_default=True, help="Generated trade frames a second.")
@click.option("--leader-share", default=0.08, show_default=True, help="Part of the trades that leaders make.")
@click.option("--tape", type=click.Path(path_type=Path), help="Play this tape instead.")
@click.option("--speed", default=1.0, show_default=True, help="Seconds of the tape a second.")
@click.option("--fit-seconds", type=float, help="Play the whole tape in this time.")
@click.option("--faults", default="", help="What goes wrong, as JSON; see ops/venue/README.md.")
@click.option("--hold", is_flag=True, help="Play only when told to: POST /control/start.")
@exits
def venue(
    host: str,
    port: int,
    seed: int,
    seconds: float | None,
    rate: float,
    leader_share: float,
    tape: Path | None,
    speed: float,
    fit_seconds: float | None,
    faults: str,
    hold: bool,
) -> Exit:
    """Run the local venue alone; the first line on stdout is JSON with its URLs."""
    from ops.venue.config import VenueConfig
    from ops.venue.errors import PortTaken, VenueError
    from ops.venue.faults.spec import FaultSpec
    from ops.venue.serve import serve

    try:
        config = VenueConfig(
            host=host,
            port=port,
            seed=seed,
            run_seconds=seconds,
            frames_per_second=rate,
            leader_share=leader_share,
            tape=tape,
            speed=speed,
            fit_seconds=fit_seconds,
            faults=FaultSpec.parse(faults) if faults else FaultSpec(),
            wait_for_subscriber=not hold,
        )
        asyncio.run(serve(config))
    except PortTaken as error:
        raise CannotGoOn(Exit.PORT, str(error)) from error
    except VenueError as error:
        raise CannotGoOn(Exit.USAGE, str(error)) from error
    except OSError as error:
        raise CannotGoOn(Exit.PORT, f"cannot listen on {host} port {port}: {error.strerror}") from error
    return Exit.OK


@main.command()
@config_option
@set_option
@json_option
@exits
def status(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Show what the running daemon does."""
    from ops.inspection import daemon_url, get_json
    from ops.status_view import render_status

    url = daemon_url(state_dir(load(config_file, assignments=assignments)))
    document = get_json(f"{url}/api/status")
    if as_json:
        print_json(document)
    else:
        render_status(document)
    return Exit.OK


@main.command(short_help="Explain one trade, from the leader's fill to ours.")
@click.argument("trade_id")
@config_option
@set_option
@json_option
@exits
def why(trade_id: str, config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Explain a trade: what was decided on it, by which guards, and what came of it.

    TRADE_ID is a trade's id, or as much of its beginning as is unambiguous.
    """
    from ops.reading import explain
    from ops.why_view import render_why

    loaded = load(config_file, assignments=assignments)
    document = asyncio.run(explain(state_dir(loaded), loaded.settings.database.url, trade_id))
    if as_json:
        print_json(document)
    else:
        render_why(document)
    return Exit.OK


@main.group()
def config() -> None:
    """The configuration."""


@config.command("show")
@config_option
@set_option
@json_option
@exits
def config_show(config_file: Path | None, assignments: tuple[str, ...], as_json: bool) -> Exit:
    """Show every setting with its value, where that came from, and what it means."""
    import msgspec

    from config.show import rows

    loaded = load(config_file, assignments=assignments)
    if as_json:
        settings = [msgspec.to_builtins(row) for row in rows(loaded)]
        print_json(
            {"file": str(loaded.file) if loaded.file else None, "hash": loaded.hash, "settings": settings}
        )
        return Exit.OK
    for row in rows(loaded):
        place = f"{row.origin} {row.place}" if row.place else str(row.origin)
        click.echo(f"{row.key} = {row.value}  # {place}; {row.meaning}")
    return Exit.OK


@main.group()
def tape() -> None:
    """Tapes: recorded payloads for the local venue to play."""


@tape.command("import")
@click.option("--from", "kind", required=True, help="What the source is: leader-fills.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The tape to write.")
@json_option
@exits
def tape_import(kind: str, source: Path, out: Path, as_json: bool) -> Exit:
    """Make a tape out of somebody's recording."""
    import msgspec

    from ops.tape import ImportFailed, find_importer

    try:
        summary = find_importer(kind)(source, out)
    except ImportFailed as error:
        raise CannotGoOn(Exit.USAGE, str(error)) from error
    if as_json:
        print_json(msgspec.to_builtins(summary))
    else:
        click.echo(
            f"{summary.out}: {summary.fills} fills of {len(summary.wallets)} wallets"
            f" in {summary.markets} markets, {summary.first_at} to {summary.last_at}"
        )
        for what, count in summary.made_up.items():
            click.echo(
                f"made up, because the source has nothing on it: {count} {what} (see ops/tape/README.md)"
            )
    return Exit.OK


if __name__ == "__main__":
    main(prog_name="remora")
