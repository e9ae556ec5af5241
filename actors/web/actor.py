"""The web actor: market data, metrics, health and what else there is, on a socket that was bound beforehand.

It only reads. Looking never writes, and a slow answer from inside is an answer "unavailable", not a hang.
What it serves is told by /openapi.json; `README.md` is for who uses it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from thespian.actors import ActorAddress

from actors.web import asking, inspection
from actors.web.price_documents import PriceWriter
from actors.web.routes import BODY_BYTES_MAX
from actors.web.site import Site
from actors.web.status_documents import About, StoreStatus
from actors.web.status_routes import Inside
from actors.web.streams import Streams
from messages.base import Message
from messages.directory import Directory
from messages.ingest import IngestQuery, PollQuery
from messages.prices import FOLLOW_S, FollowPrices, PriceMoved
from messages.store import CountsQuery, StoreAvailability, SubscribeAvailability
from supervisor import Inspector, Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("web")
http_log = logging.getLogger("remora.http")
http_log.addFilter(
    lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
)
"""What aiohttp says of its work, but not that somebody sent what is no HTTP: that is answered with a 400."""

ASK_TIMEOUT_S = 3.0
FOLLOW_SOON_S: Final = 0.05
"""Streams that are opened together make one change of what is followed."""
FOLLOW_AGAIN_S: Final = FOLLOW_S / 3
LINE_BYTES_MAX: Final = 48 * 1024
"""The stream's ids stand in the request's first line: `IDS_MAX` of them must fit."""
END_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class WebArgs:
    """The listening socket, and what the status page says that no actor knows."""

    listener: socket.socket
    about: About
    directory: Directory
    inspector: Inspector


class _Serving(Message, frozen=True):
    pass


class _NotServing(Message, frozen=True, kw_only=True):
    reason: str


class _Follow(Message, frozen=True):
    pass


class Web(SupervisedActor):
    """Serves as long as it lives; a new incarnation serves on the same socket.

    It follows prices once for all streams together, and only as long as there are any.
    """

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.DROP_OLDEST)
    """Room for every market that streams may follow, all told of at once, several times over."""

    args: WebArgs

    def started(self) -> None:
        self.store = StoreStatus(available=False, reason="starting", pressed=False)
        self.started_at_ns = self.clock.now_ns()
        self.writer = PriceWriter()
        self.streams = Streams(self.writer, self._follow_soon)
        self.send(self.args.directory.store, SubscribeAvailability())
        self._follow_soon()  # nobody's: what an earlier incarnation followed would not be told of anew
        self.pipe(
            self._serve(),
            into=lambda _: _Serving(),
            failed=lambda error: _NotServing(reason=repr(error)),
        )

    def snapshot(self) -> dict[str, object]:
        return {
            "store_available": self.store.available,
            "reason": self.store.reason,
            "streams": len(self.streams),
            "followed": len(self.streams.followed),
        }

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self.store = StoreStatus(
            available=message.available, reason=message.reason, pressed=message.is_pressed
        )

    @handles(PriceMoved)
    def on_price_moved(self, message: PriceMoved, sender: ActorAddress) -> None:
        self.streams.moved(message.answer, self.clock.monotonic_ns())

    @handles(_Follow)
    def on_follow(self, message: _Follow, sender: ActorAddress) -> None:
        followed = self.streams.followed
        self.send(self.args.directory.prices, FollowPrices(condition_ids=followed))
        self.streams.forget()
        if followed:
            self.timer("follow", FOLLOW_AGAIN_S, _Follow())

    @handles(_Serving)
    def on_serving(self, message: _Serving, sender: ActorAddress) -> None:
        log.debug("web server stopped")

    @handles(_NotServing)
    def on_not_serving(self, message: _NotServing, sender: ActorAddress) -> None:
        raise RuntimeError(f"the web server stopped: {message.reason}")

    def _follow_soon(self) -> None:
        self.timer("follow", FOLLOW_SOON_S, _Follow())

    async def _serve(self) -> None:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        site = Site(
            ask=self._ask_prices,
            inside=self._inside(),
            inspector=self.args.inspector,
            writer=self.writer,
            streams=self.streams,
            now_mono_ns=self.clock.monotonic_ns,
        )
        site.serve(app)
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=END_S,
            handler_cancellation=True,
            max_line_size=LINE_BYTES_MAX,
            logger=http_log,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, self.args.listener.dup()).start()
            await asyncio.Event().wait()
        finally:
            self.streams.end()
            await runner.cleanup()

    def _ask_prices(self, message: Any) -> Any:
        return self.ask(self.args.directory.prices, message, timeout_s=asking.TIMEOUT_S)

    def _ask_ingest(self, message: Any) -> Any:
        return self.ask(self.args.directory.ingest, message, timeout_s=ASK_TIMEOUT_S)

    def _ask_store(self, message: Any) -> Any:
        return self.ask(self.args.directory.store, message, timeout_s=ASK_TIMEOUT_S)

    def _inside(self) -> Inside:
        return Inside(
            about=self.args.about,
            uptime_s=lambda: (self.clock.now_ns() - self.started_at_ns) / 1e9,
            store=lambda: self.store,
            runtime=partial(inspection.summary, self.args.inspector),
            ingest=partial(self._ask_ingest, IngestQuery()),
            polling=partial(self._ask_ingest, PollQuery()),
            counts=partial(self._ask_store, CountsQuery()),
        )
