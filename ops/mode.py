"""Which sources the daemon uses, seen and changed from the command line, whether it runs or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from actors.store import overrides
from actors.store.errors import EmptyError
from config import mode as modes
from config.loading import Loaded
from ops.exits import CannotGoOn, Exit
from ops.inspection import daemon_url, get_json, is_running
from ops.operating import session


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A mode with its origin, and whether a daemon runs in it now or one would that were started."""

    trigger: str
    origin: str
    place: str
    is_running: bool


async def show(loaded: Loaded, state_dir: Path) -> Shown:
    """Return the running daemon's mode; where none runs, that of the next. Raises `CannotGoOn`."""
    if is_running(state_dir):
        ingest: dict[str, Any] = get_json(f"{daemon_url(state_dir)}/api/status")["ingest"]
        if not ingest.get("trigger"):
            raise CannotGoOn(Exit.NETWORK, "the daemon does not know its mode yet: ask again in a moment")
        return Shown(
            trigger=ingest["trigger"],
            origin=ingest["trigger_origin"],
            place=ingest["trigger_place"],
            is_running=True,
        )
    now = modes.mode(loaded.settings, loaded.origins, await _chosen(loaded, state_dir))
    return Shown(trigger=now.trigger, origin=now.origin, place=now.place, is_running=False)


async def _chosen(loaded: Loaded, state_dir: Path) -> str | None:
    """Return what the operator chose; nobody can have where there is no database yet."""
    try:
        async with session(loaded, state_dir) as one:
            return one.overrides.trigger
    except CannotGoOn as error:
        if isinstance(error.__cause__, EmptyError):
            return None
        raise


async def change(loaded: Loaded, state_dir: Path, trigger: str | None) -> str:
    """Choose a mode, or with None leave it to the configuration again; return what was done."""
    refused = "" if trigger is None else modes.refusal(loaded.settings, trigger)
    if refused:
        raise CannotGoOn(Exit.USAGE, refused)
    async with session(loaded, state_dir) as one:
        await overrides.put_mode(one.connection, trigger)
        if trigger is not None:
            return await one.note(f"mode {trigger}")
        now = modes.mode(loaded.settings, loaded.origins, None)
        return await one.note(f"mode left to the configuration, which says {now.trigger}")
