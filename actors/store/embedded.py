"""The embedded Postgres server: started under the state directory, or attached to where it already runs.

It belongs to nobody in particular: it outlives a daemon that was killed, and the next one attaches to it.
Every process that uses it holds a shared lock; whoever leaves last stops it. It listens on a socket
inside its own closed data directory and on no network, and so asks for no password.

Everything here blocks for up to seconds and belongs in a thread; `release` alone returns at once.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from actors.store import place as places
from actors.store import postmaster, programs
from actors.store.errors import EmbeddedError, UnusableError
from actors.store.locks import FileLock
from actors.store.place import Place

SUPERUSER: Final = "postgres"
DATABASE: Final = "remora"
_START_TIMEOUT_S: Final = 120
"""A server that was killed first replays its log."""
_INIT_TIMEOUT_S: Final = 120
_ATTEMPTS_PER_S: Final = 20
_LOG_BYTES_MAX: Final = 10_000_000
_SOCKET_PATH_MAX: Final = 100
"""Unix allows 107 bytes, macOS 103."""
_TELLING: Final = ("FATAL", "PANIC", "HINT")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._-]+")

_SETTINGS: Final = {
    "listen_addresses": "",
    # Relative to the data directory, so that no path is too long for the server's side of it.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": str(postmaster.PORT),
    "cluster_name": "remora",
    "max_connections": "20",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
"""One writer and a few readers beside a daemon: few processes, little memory, full durability."""


class EmbeddedServer:
    """One process's use of the server under a state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir.expanduser().absolute()
        self._place: Place | None = None
        self._used: FileLock | None = None
        self._alias: Path | None = None

    def start(self) -> str:
        """Start the server or attach to it, and return the address of its database `remora`.

        Safe to call again, which starts a server anew that died in the meantime. Raises `EmbeddedError`.
        """
        try:
            root = places.make(self._state_dir)
            with FileLock(root / "starting.lock") as starting:
                starting.wait(_START_TIMEOUT_S)
                # Each time anew: the way there may have been closed, and the server died of it.
                place = self._place = places.settle(root)
                self._initialise(place)
                self._use(place)
                self._ensure_running(place)
        except OSError as error:
            raise places.explained(error, self._state_dir) from error
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self._socket_dir(place)))}"

    def release(self, *, wait_s: float = 0) -> None:
        """End this process's use; the last one out tells the server to stop, and waits as long as asked."""
        place, used = self._place, self._used
        self._place = self._used = None
        if self._alias is not None:
            shutil.rmtree(self._alias, ignore_errors=True)
            self._alias = None
        if place is None or used is None:
            return
        with used:
            server = postmaster.read(place.data) if used.take() else None
            if server is None or not server.alive:
                return
            # Fast shutdown: sessions are ended, transactions rolled back, the log flushed.
            os.kill(server.pid, signal.SIGINT)
            deadline = time.monotonic() + wait_s
            while time.monotonic() < deadline and (place.data / "postmaster.pid").exists():
                time.sleep(1 / _ATTEMPTS_PER_S)

    def _use(self, place: Place) -> None:
        if self._used is None:
            used = FileLock(place.root / "users.lock")
            place.own(place.root / "users.lock")
            used.share()
            self._used = used

    def _initialise(self, place: Place) -> None:
        version_file = place.data / "PG_VERSION"
        if place.data.exists():
            version = version_file.read_text().strip() if version_file.exists() else "nothing"
            if version != programs.MAJOR_VERSION:
                raise UnusableError(
                    f"{place.data} was written by PostgreSQL {version}, this Remora brings "
                    f"{programs.MAJOR_VERSION}: use the Remora that wrote it, or move the directory away"
                )
            return
        # Made aside and renamed when whole: a kill or a full disk half way leaves no half cluster.
        for left in place.root.glob("data.new*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh = place.root / "data.new"
        fresh.mkdir(mode=0o700)
        place.own(fresh)
        try:
            programs.run(
                place.programs / "bin" / "initdb",
                f"--pgdata={fresh.name}",
                f"--username={SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                account=place.account,
                place=place.root,
                timeout_s=_INIT_TIMEOUT_S,
            )
        except EmbeddedError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            hint = "; free some space" if "No space left" in str(error) else ""
            raise EmbeddedError(f"the database under {place.root} was not created: {error}{hint}") from None
        fresh.rename(place.data)

    def _ensure_running(self, place: Place) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            server = postmaster.read(place.data)
            if server is None or not server.alive:
                if self._started(place, server, last=time.monotonic() > deadline):
                    return
            elif server.status == "ready" and postmaster.accepts(self._socket_dir(place)):
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"the server under {place.root} (pid {server.pid if server else 'none'}) does not "
                    f"answer: see {place.log}, end that process and start again"
                )
            time.sleep(1 / _ATTEMPTS_PER_S)

    def _started(self, place: Place, stale: postmaster.Postmaster | None, *, last: bool) -> bool:
        if stale is not None and not postmaster.forget_dead(place.data, stale):
            return False
        if place.log.exists() and place.log.stat().st_size > _LOG_BYTES_MAX:
            place.log.replace(place.log.with_suffix(".log.1"))
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
        before = place.log.stat().st_size if place.log.exists() else 0
        try:
            programs.run(
                place.programs / "bin" / "pg_ctl",
                "start",
                "--wait",
                f"--timeout={_START_TIMEOUT_S}",
                "--pgdata=data",
                f"--log={place.log.name}",
                f"--options={options}",
                account=place.account,
                place=place.root,
                timeout_s=_START_TIMEOUT_S + 10,
            )
        except EmbeddedError as error:
            with place.log.open(errors="replace") as log:
                log.seek(before)
                said = log.read()
            if "pre-existing shared memory block" in said and not last:
                # The children of a killed server are still on their way out.
                return False
            telling = [line for line in said.splitlines() if any(word in line for word in _TELLING)]
            hint = "; free some space" if "No space left" in said else ""
            raise EmbeddedError(
                f"the server under {place.root} did not start: {' / '.join(telling[-4:]) or error} "
                f"(see {place.log}){hint}"
            ) from None
        return True

    def _socket_dir(self, place: Place) -> Path:
        path = str(place.data)
        if len(path.encode()) + len(postmaster.SOCKET_NAME) < _SOCKET_PATH_MAX and _PLAIN_PATH.fullmatch(
            path
        ):
            return place.data
        if self._alias is None:
            self._alias = Path(tempfile.mkdtemp(prefix="remora-", dir="/tmp"))
            (self._alias / "s").symlink_to(place.data)
        return self._alias / "s"
