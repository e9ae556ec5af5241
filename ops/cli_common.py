"""What all commands share: their common options, how they end, how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click

from config.loading import Loaded
from config.problems import ConfigError
from ops.exits import CannotGoOn, Exit

P = ParamSpec("P")

config_option = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="Configuration file (YAML)."
)
set_option = click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override one setting; repeatable."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object, last on stdout.")


def exits(command: Callable[P, Exit]) -> Callable[P, None]:
    """Let a command return its exit code, and turn what it cannot go on from into a message and a code."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except ConfigError as error:
            click.echo(f"remora: the configuration cannot be used:\n{error}", err=True)
            code = Exit.CONFIG
        except CannotGoOn as error:
            click.echo(f"remora: {error}", err=True)
            code = error.code
        except KeyboardInterrupt:
            click.echo("remora: interrupted", err=True)
            code = Exit.FAILED
        sys.exit(code)

    return wrapper


def print_json(document: Any) -> None:
    """Print a document on one line."""
    click.echo(json.dumps(document, separators=(",", ":")))


def state_dir(loaded: Loaded) -> Path:
    """Return where the daemon of this configuration keeps its state."""
    return Path(loaded.settings.state_dir).expanduser().absolute()
