"""Asking a running daemon over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ops.daemon import WEB_FILE
from ops.exits import CannotGoOn, Exit

TIMEOUT_S = 5.0


def daemon_url(state_dir: Path) -> str:
    """Return where the daemon on this state directory answers. Raises `CannotGoOn` if none runs there."""
    try:
        said = json.loads((state_dir / WEB_FILE).read_text())
        return str(said["url"])
    except (OSError, ValueError, KeyError):
        raise CannotGoOn(
            Exit.NETWORK,
            f"no daemon runs on {state_dir}. Start one with `remora run`, "
            "or name the configuration of the one you mean with --config.",
        ) from None


def get_json(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Return the JSON that `url` answers. Raises `CannotGoOn` if nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise CannotGoOn(Exit.NETWORK, f"{url} did not answer: {error}") from error
