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


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The daemon is on this machine: a proxy that the environment names for the world is not asked for it."""


def daemon_url(state_dir: Path) -> str:
    """Return where the daemon on this state directory answers. Raises `CannotGoOn` if none runs there."""
    try:
        said = json.loads((state_dir / WEB_FILE).read_text())
        return str(said["url"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CannotGoOn(
            Exit.NETWORK,
            f"no daemon runs on {state_dir}. Start one with `remora run`, "
            "or name the configuration of the one you mean with --config.",
        ) from None


def is_running(state_dir: Path) -> bool:
    """Whether a daemon answers on this state directory, in good health or not."""
    try:
        _direct.open(f"{daemon_url(state_dir)}/healthz", timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return True
    except (CannotGoOn, OSError):
        return False
    return True


def get_json(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Return the JSON that `url` answers. Raises `CannotGoOn` if nobody does, or in the words of its problem
    if it answers with one."""
    try:
        with _direct.open(url, timeout=timeout_s) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            told = _problem(error)
            if told is not None:
                raise told from error
        reason = getattr(error, "reason", None) or error
        seen = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise CannotGoOn(
            Exit.NETWORK,
            f"the daemon does not answer at {url}: {seen}. "
            "If it was killed, start it again with `remora run`; if it runs, its log says what keeps it.",
        ) from error


def _problem(error: urllib.error.HTTPError) -> CannotGoOn | None:
    """Return what the daemon says it refuses the request for, None if it is not the daemon's word."""
    try:
        problem = json.load(error)
        text = str(problem["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return CannotGoOn(Exit.USAGE if error.code < 500 else Exit.NETWORK, text)
