"""The daemon as a process: from settings to a running house, until it is told to stop or gives up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import traceback
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import structlog
import uvloop
from prometheus_client import REGISTRY
from thespian.actors import ActorSystem

from actors.portfolio.actor import Portfolio
from actors.store.errors import StoreError
from actors.tree import HouseArgs, Root, StopSources
from actors.web.runtime_metrics import RuntimeCollector
from actors.web.status_documents import About
from config.loading import Loaded
from messages.directory import Directory
from ops import logs, preflight
from ops.exits import CannotGoOn, Exit
from supervisor import AsyncioSystemBase, RootFailed, SupervisorError, settle

log = structlog.get_logger("daemon")

WEB_FILE: Final = "web.json"
"""Where the running daemon says how to reach it: {"url", "pid", "run_id"}."""
STOP_TIMEOUT_S: Final = 45.0
STARTED_S: Final = 60.0
"""When the tree stands and what leaders and portfolios loaded is there to stay."""
HOUSE: Final = "house"
DRAIN_MAX_S: Final = 5.0
DRAIN_LOOK_S: Final = 0.05


def run(loaded: Loaded) -> Exit:
    """Run until SIGINT or SIGTERM and return the exit code. Raises `CannotGoOn` where it cannot start."""
    run_id = uuid.uuid4().hex[:12]
    logs.configure(loaded.settings.logs.level, loaded.settings.logs.format, run_id)
    for warning in loaded.warnings:
        log.warning("environment overrides the file", detail=warning)
    state_dir = preflight.prepare_state_dir(loaded.settings.state_dir)
    with (
        preflight.only_one(state_dir),
        contextlib.closing(preflight.listen(loaded.settings.web)) as listener,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_serve(loaded, state_dir, listener, run_id))


async def _serve(loaded: Loaded, state_dir: Path, listener: socket.socket, run_id: str) -> Exit:
    settings = loaded.settings
    stopped = _on_signals()
    for host, reason in (await preflight.require_network(settings.endpoints)).items():
        log.warning("upstream unreachable, going on without it", host=host, reason=reason)
    if not settings.leaders:
        log.warning("no leaders are configured: nothing will be copied; see config/example.yaml")
    base = AsyncioSystemBase(loop=asyncio.get_running_loop(), name="remora")
    ActorSystem(base, transientUnique=True)
    about = _about(loaded, run_id)
    base.spawn(
        Root,
        "root",
        HouseArgs(
            settings=settings,
            settings_hash=loaded.hash,
            run_id=run_id,
            state_dir=state_dir,
            listener=listener,
            about=about,
            directory=Directory(),
            inspector=base.inspector,
            origins=loaded.origins,
        ),
    )
    collector = RuntimeCollector(base.inspector)
    REGISTRY.register(collector)
    web_file = state_dir / WEB_FILE
    web_file.write_text(json.dumps({"url": _url(listener), "pid": os.getpid(), "run_id": run_id}))
    log.info("started", **msgspec.structs.asdict(about), state_dir=str(state_dir), url=_url(listener))
    settle()
    settle_again = asyncio.get_running_loop().call_later(STARTED_S, settle)
    try:
        return await _until_told(base, stopped)
    finally:
        settle_again.cancel()
        REGISTRY.unregister(collector)
        web_file.unlink(missing_ok=True)


async def _until_told(base: AsyncioSystemBase, stopped: asyncio.Event) -> Exit:
    """Wait for a signal or for the root's failure, and stop the tree in either case."""
    ended = asyncio.ensure_future(base.wait())
    told = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not ended.done():
        log.info("stopping")
        await _drain(base)
        await base.stop(STOP_TIMEOUT_S)
        log.info("stopped")
    try:
        await ended
    except RootFailed as failure:
        log.error("giving up", reason=str(failure), cause=_cause(failure.origin))
        return Exit.FAILED
    return Exit.OK


def _cause(error: BaseException) -> str:
    """Return an error's text if it was written for who runs the daemon, otherwise where it was raised."""
    if isinstance(error, StoreError | SupervisorError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


async def _drain(base: AsyncioSystemBase) -> None:
    """Take no more trades in and let what is under way come to its end, for a limited time.

    Nothing is lost where that is too short: the next start takes up whatever is open.
    """
    house = base.find(HOUSE)
    if house is None:
        return
    base.tell(house, StopSources())
    left = 0
    for _ in range(round(DRAIN_MAX_S / DRAIN_LOOK_S)):
        await asyncio.sleep(DRAIN_LOOK_S)
        left = _in_flight(base)
        if not left:
            break
    if left:
        log.warning("stopping with work under way; the next start takes it up", in_flight=left)


def _in_flight(base: AsyncioSystemBase) -> int:
    """Return how many trades, proposals and orders are not at their end."""
    actors = base.tree()
    total = sum(info.depth for info in actors)
    for info in actors:
        if info.kind == Portfolio.__name__:
            total += int(str(base.snapshot(info.path).get("in_flight", 0)))
    return total


def _on_signals() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _about(loaded: Loaded, run_id: str) -> About:
    return About(
        version=version("remora"),
        run_id=run_id,
        pid=os.getpid(),
        mode="paper",
        leaders=len(loaded.settings.leaders),
        portfolios=[portfolio.id for portfolio in loaded.settings.portfolios],
        settings_hash=loaded.hash,
    )


__all__ = ["WEB_FILE", "CannotGoOn", "run"]
