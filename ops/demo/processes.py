"""The demo's two processes: the venue, and the daemon, which is started again whenever it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, Final

from ops.daemon import WEB_FILE
from ops.demo.options import DemoOptions
from ops.exits import CannotGoOn, Exit

START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 60.0
RESTARTS_MAX: Final = 20
LEADER_SHARE: Final = 0.2
"""More than leaders really make, so that half a minute shows something."""
SAID_MAX: Final = 10_000
_REMORA: Final = (sys.executable, "-P", "-m", "ops.cli")
"""-P: a folder that happens to be called `config` where the user stands is not ours."""


async def _stop(process: Process) -> int:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
    return await process.wait()


class VenueProcess:
    """The local venue, started as a user would start it."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.control = ""
        self._process: Process | None = None
        self._drain: asyncio.Task[None] | None = None
        self._said = ""

    async def start(self, options: DemoOptions) -> None:
        """Start the venue and wait until it listens; it does not play yet."""
        args = ["venue", "--port", "0", "--seed", str(options.seed), "--hold"]
        if options.tape is not None:
            args += ["--tape", str(options.tape), "--fit-seconds", str(options.seconds)]
        else:
            args += ["--seconds", str(options.seconds), "--leader-share", str(LEADER_SHARE)]
        if options.deliveries > 1:
            faults = {"faults": [{"kind": "duplicate", "channel": "rtds", "times": options.deliveries}]}
            args += ["--faults", json.dumps(faults)]
        self._process = await asyncio.create_subprocess_exec(*_REMORA, *args, stdout=PIPE, stderr=PIPE)
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
            said = json.loads(line)
        except (TimeoutError, ValueError):
            _, errors = await self._process.communicate()
            text = errors.decode(errors="replace").strip().removeprefix("remora: ")
            code = Exit.USAGE if self._process.returncode == Exit.USAGE else Exit.FAILED
            raise CannotGoOn(code, f"the local venue did not start: {text or 'no answer'}") from None
        self._drain = asyncio.create_task(self._read_errors())
        self.urls = said["urls"]
        self.control = f"http://127.0.0.1:{said['port']}/control"

    async def _read_errors(self) -> None:
        """Keep the end of what it says, so that it is never held up by a pipe nobody reads."""
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._said = (self._said + line.decode(errors="replace"))[-SAID_MAX:]

    def ended(self) -> CannotGoOn:
        """Return the error of a venue that answers no more."""
        text = self._said.strip().removeprefix("remora: ")
        return CannotGoOn(
            Exit.FAILED, f"the local venue does not answer any more: {text or 'it said nothing'}"
        )

    async def stop(self) -> None:
        """End the venue."""
        if self._process is not None:
            await _stop(self._process)
        if self._drain is not None:
            await self._drain


class DaemonProcess:
    """The daemon, started as a user would start it, and again when it dies, as systemd would."""

    def __init__(self, config: Path, state_dir: Path, log: Path) -> None:
        self._config = config
        self._state_dir = state_dir
        self._log = log
        self._process: Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False
        self.starts = 0
        self.started_at = 0.0

    async def start(self) -> None:
        """Start the daemon and keep it started."""
        await self._spawn()
        self._watcher = asyncio.create_task(self._watch())

    async def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_REMORA, "run", "--config", str(self._config), stdin=DEVNULL, stdout=log, stderr=log
            )
        self.starts += 1
        self.started_at = asyncio.get_running_loop().time()

    async def _watch(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            if self._stopping or self.starts > RESTARTS_MAX:
                return
            await self._spawn()

    @property
    def url(self) -> str | None:
        """Where the daemon answers at present, or None while it starts."""
        assert self._process is not None
        try:
            said: dict[str, Any] = json.loads((self._state_dir / WEB_FILE).read_text())
        except (OSError, ValueError):
            return None
        return str(said["url"]) if said["pid"] == self._process.pid else None

    @property
    def gave_up(self) -> bool:
        """Whether it was started too often and stays down."""
        return self._watcher is not None and self._watcher.done()

    def kill(self) -> None:
        """Kill the daemon with -9."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> int:
        """Stop the daemon for good, as SIGTERM does, and return its exit code."""
        self._stopping = True
        if self._process is None:
            return 0
        code = await _stop(self._process)
        if self._watcher is not None:
            await self._watcher
        return code

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of the daemon's log."""
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""
