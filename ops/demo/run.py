"""Runs the demo from start to summary."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import aiohttp

from ops.demo.options import DemoOptions
from ops.demo.processes import DaemonProcess, VenueProcess
from ops.demo.progress import Progress
from ops.demo.setup import PORTFOLIOS, write_config
from ops.demo.summary import summarise
from ops.demo.view import View, render_summary
from ops.exits import CannotGoOn, Exit

POLL_S: Final = 0.25
READY_TIMEOUT_S: Final = 90.0
LEADERS_MAX: Final = 10
STILL_S: Final = 3.0
"""How long nothing may change before the demo counts as over."""
SETTLE_S: Final = 8.0
"""How long after the daemon's last start the poller may still bring what was missed meanwhile."""
GRACE_S: Final = 40.0
STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_demo(options: DemoOptions) -> tuple[Exit, dict[str, Any]]:
    """Run the demo and return its exit code and summary. Raises `CannotGoOn` where it cannot run."""
    if options.tape is not None and not options.tape.is_file():
        raise CannotGoOn(Exit.USAGE, f"there is no tape {options.tape}; `remora tape import` makes one")
    home = _home(options.state_dir)
    demo = asyncio.ensure_future(_Demo(options, home).run())
    with _stopped_by_signals(demo):
        try:
            return await demo
        except asyncio.CancelledError:
            raise CannotGoOn(
                Exit.FAILED, "stopped before the end; the venue and the daemon are stopped too"
            ) from None
        finally:
            if options.state_dir is None:
                shutil.rmtree(home, ignore_errors=True)


def _home(wanted: Path | None) -> Path:
    """Return the directory of this demo. Raises `CannotGoOn`."""
    if wanted is None:
        home = Path(tempfile.mkdtemp(prefix="remora-demo-"))
        # The database server may run as a user of its own, who must be able to walk in.
        home.chmod(0o755)
        return home
    home = wanted.expanduser().absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise CannotGoOn(
                Exit.STATE, f"{home} is not empty; a demo begins anew, so name an empty or a new directory"
            )
    except OSError as error:
        raise CannotGoOn(
            Exit.STATE, f"nothing can be kept in {home}: {error.strerror}; name a directory of yours"
        ) from error
    return home


@contextlib.contextmanager
def _stopped_by_signals(demo: asyncio.Future[Any]) -> Iterator[None]:
    """Let the first signal that ends a program end the demo in order: its processes must not outlive it."""
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        if not told:
            told = True
            demo.cancel()

    for number in STOPPING:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in STOPPING:
            loop.remove_signal_handler(number)


class _Demo:
    def __init__(self, options: DemoOptions, home: Path) -> None:
        self.options = options
        self.state_dir = home / "state"
        self.config = home / "demo.yaml"
        self.log = home / "daemon.log"
        self.venue = VenueProcess()
        self.daemon = DaemonProcess(self.config, self.state_dir, self.log)
        self.progress = Progress()

    async def run(self) -> tuple[Exit, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=5)
        with View() as view:
            async with aiohttp.ClientSession(timeout=timeout) as self.http:
                try:
                    await self._start(view)
                    await self._watch(view)
                finally:
                    code = await self.daemon.stop()
                    await self.venue.stop()
        if code != 0:
            raise CannotGoOn(Exit.FAILED, f"the daemon ended with {code}:\n{self.daemon.log_tail()}")
        summary = await summarise(self.state_dir, self.progress)
        if not self.options.json:
            render_summary(summary)
        return (Exit.OK if all(summary["invariants"].values()) else Exit.INVARIANT), summary

    async def _start(self, view: View) -> None:
        view.say("starting the local venue and the daemon (paper mode, nothing leaves this machine)")
        await self.venue.start(self.options)
        leaders = (await self._get(f"{self.venue.control}/leaders"))["leaders"][:LEADERS_MAX]
        write_config(self.config, self.state_dir, self.venue.urls, leaders, self.options)
        await self.daemon.start()
        await self._until_ready()
        async with self.http.post(f"{self.venue.control}/start") as answer:
            answer.raise_for_status()

    async def _until_ready(self) -> None:
        """Wait until the daemon listens to the trade stream."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_TIMEOUT_S
        while loop.time() < deadline:
            await self._look()
            if any(feed["connected"] for feed in self.progress.ingest.get("feeds", ())):
                return
            self._check_alive()
            await asyncio.sleep(POLL_S)
        raise CannotGoOn(
            Exit.FAILED, f"the daemon was not ready within {READY_TIMEOUT_S:.0f} s:\n{self.daemon.log_tail()}"
        )

    def _check_alive(self) -> None:
        if self.daemon.gave_up:
            raise CannotGoOn(Exit.FAILED, f"the daemon does not stay up:\n{self.daemon.log_tail()}")

    async def _look(self) -> None:
        """Take one look at the daemon and at the venue; a daemon that is down is no reason to stop."""
        self.progress.starts = self.daemon.starts
        url = self.daemon.url
        if url is not None:
            try:
                self.progress.take_status(await self._get(f"{url}/api/status"))
            except (aiohttp.ClientError, TimeoutError):
                url = None
        try:
            self.progress.venue = await self._get(f"{self.venue.control}/status")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.venue.ended() from error
        self.progress.finished = bool(self.progress.venue["finished"])

    async def _get(self, url: str) -> Any:
        async with self.http.get(url) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _watch(self, view: View) -> None:
        """Watch until the venue has played everything and the daemon has dealt with all of it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        crashes = [
            began + self.options.seconds * (number + 1) / (self.options.crashes + 1)
            for number in range(self.options.crashes)
        ]
        last: tuple[int, int] = (-1, -1)
        changed_at = began
        finished_at: float | None = None
        while True:
            if crashes and loop.time() >= crashes[0]:
                crashes.pop(0)
                self.progress.crashes += 1
                view.say(f"{loop.time() - began:5.0f} s  killing the daemon with -9")
                self.daemon.kill()
            await self._look()
            self._check_alive()
            view.show(self.progress, loop.time() - began)
            counts = self.progress.counts
            figures = (counts.get("leader_trades", -1), counts.get("fills", -1))
            if figures != last:
                last, changed_at = figures, loop.time()
            if self.progress.finished:
                finished_at = finished_at or loop.time()
                still = loop.time() - changed_at >= STILL_S
                settled = loop.time() - self.daemon.started_at >= SETTLE_S
                if still and settled and not crashes and self.progress.settled(len(PORTFOLIOS)):
                    return
                if loop.time() - finished_at > GRACE_S:
                    view.say("the daemon did not come to rest in time; the summary says what is open")
                    return
            await asyncio.sleep(POLL_S)
