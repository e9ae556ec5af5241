"""The server process as its pid file tells of it, and whether that is to be believed.

A pid file outlives a server that was killed, and its number may by now be anybody's process, or one that
nobody has buried yet. Postgres takes either for a running server and refuses to start.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from actors.store.errors import EmbeddedError

PORT: Final = 5432
"""Only the name of the socket: the server listens on no network."""
SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
_STATUS_LINE: Final = 7


@dataclass(frozen=True)
class Postmaster:
    """A pid file's content. `alive` is False for a stale one."""

    pid: int
    status: str
    alive: bool


def read(data: Path) -> Postmaster | None:
    """Return what the pid file of the cluster says, or None where there is none to speak of."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    status = lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE else ""
    return Postmaster(pid, status, _is_postgres(pid))


def _is_postgres(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def forget_dead(data: Path, dead: Postmaster) -> bool:
    """Remove what a dead server left if Postgres itself would be misled by it; False to come back later.

    Where the number is simply free, Postgres is left to judge, as it looks for surviving children through
    the same file. Where the file must go, that look is taken here: two servers on the same data ruin it.
    """
    if not psutil.pid_exists(dead.pid):
        return True
    if _children(data):
        return False
    for name in ("postmaster.pid", f"{SOCKET_NAME}.lock", SOCKET_NAME):
        (data / name).unlink(missing_ok=True)
    return True


def _children(data: Path) -> list[int]:
    """Return the processes of a dead server that are not gone yet: they work in its data directory."""
    owner = data.stat().st_uid
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.uids().real == owner and Path(process.cwd()) == data:
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            raise EmbeddedError(
                f"a server died on {data}, and process {process.pid} may be a part of it that still runs: "
                "end that process, or run as the user who owns it"
            ) from None
    return found


def accepts(socket_dir: Path) -> bool:
    """Return whether a server listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        try:
            client.connect(str(socket_dir / SOCKET_NAME))
        except OSError:
            return False
    return True
