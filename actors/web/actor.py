"""The web actor: /metrics, /healthz and /api on a socket that the daemon bound beforehand.

It only reads. Looking never writes, and a slow answer from inside is an answer "unavailable", not a hang.
"""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from thespian.actors import ActorAddress

from actors.web import inspection
from messages.base import Message
from messages.directory import Directory
from messages.ingest import IngestQuery, IngestState, PollQuery
from messages.store import Counts, CountsQuery, StoreAvailability, SubscribeAvailability
from supervisor import AskError, Inspector, Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("web")

ASK_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class WebArgs:
    """The listening socket, and what the status page says that no actor knows."""

    listener: socket.socket
    about: dict[str, Any]
    directory: Directory
    inspector: Inspector


class _Serving(Message, frozen=True):
    pass


class _NotServing(Message, frozen=True, kw_only=True):
    reason: str


class Web(SupervisedActor):
    """Serves as long as it lives; a new incarnation serves on the same socket."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_OLDEST)

    args: WebArgs

    def started(self) -> None:
        self.available = False
        self.reason = "starting"
        self.is_pressed = False
        self.started_at_ns = self.clock.now_ns()
        self.send(self.args.directory.store, SubscribeAvailability())
        self.pipe(
            self._serve(),
            into=lambda _: _Serving(),
            failed=lambda error: _NotServing(reason=repr(error)),
        )

    def snapshot(self) -> dict[str, object]:
        return {"store_available": self.available, "reason": self.reason}

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self.available, self.reason = message.available, message.reason
        self.is_pressed = message.is_pressed

    @handles(_Serving)
    def on_serving(self, message: _Serving, sender: ActorAddress) -> None:
        log.debug("web server stopped")

    @handles(_NotServing)
    def on_not_serving(self, message: _NotServing, sender: ActorAddress) -> None:
        raise RuntimeError(f"the web server stopped: {message.reason}")

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/api/status", self._status)
        app.router.add_get("/api/leaders/lag", self._lag)
        inspection.add_routes(app, self.args.inspector)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, self.args.listener.dup()).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, request: web.Request) -> web.Response:
        body = {"ok": self.available, "store": "available" if self.available else self.reason}
        return web.json_response(body, status=200 if self.available else 503)

    async def _status(self, request: web.Request) -> web.Response:
        answers: tuple[Any, ...] = await asyncio.gather(
            self.ask(self.args.directory.ingest, IngestQuery(), timeout_s=ASK_TIMEOUT_S),
            self._count(),
            return_exceptions=True,
        )
        ingest, counts = answers
        body = {
            **self.args.about,
            "uptime_s": round((self.clock.now_ns() - self.started_at_ns) / 1e9, 3),
            "store": {
                "available": self.available,
                "reason": self.reason,
                "pressed": self.is_pressed,
            },
            "runtime": inspection.summary(self.args.inspector),
            "ingest": msgspec.to_builtins(ingest)
            if isinstance(ingest, IngestState)
            else {"error": str(ingest)},
            "counts": msgspec.to_builtins(counts) if isinstance(counts, Counts) else {"error": str(counts)},
        }
        return web.Response(text=json.dumps(body), content_type="application/json")

    async def _lag(self, request: web.Request) -> web.Response:
        """How late polling would find a trade of each leader that no other source sees."""
        try:
            state = await self.ask(self.args.directory.ingest, PollQuery(), timeout_s=ASK_TIMEOUT_S)
        except AskError as error:
            return web.json_response({"error": f"the poller does not answer: {error}"}, status=503)
        return web.json_response(msgspec.to_builtins(state))

    async def _count(self) -> Any:
        """Ask for the counts, unless it is known that nobody can count now."""
        if not self.available:
            return self.reason
        return await self.ask(self.args.directory.store, CountsQuery(), timeout_s=ASK_TIMEOUT_S)
