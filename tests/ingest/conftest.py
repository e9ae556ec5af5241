"""Recorded payloads and payloads made like them; a venue on a loopback port; actors around ingest."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from thespian.actors import ActorAddress

from actors.ingest.actor import Ingest as IngestActor
from actors.ingest.actor import IngestArgs
from actors.ingest.reports import FeedReport, FeedStarted, LeaderDoubted, TradeMissed
from config.settings import Endpoints, Ingest, Recording
from messages.ingest import (
    ContractDrift,
    FeedDown,
    FeedUp,
    IngestQuery,
    IngestState,
    LeadersWatched,
    SourcesJudged,
)
from messages.movements import MovementReported
from messages.store import StoreAvailability, SubscribeAvailability
from messages.trades import CursorReached, FillReported, FillsRetracted, GapSuspected
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

T = TypeVar("T")

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"

WALLET = "0x" + "a1" * 20
TX = "0x" + "b2" * 32
CONDITION = "0x" + "c3" * 32
TOKEN = "1234567890" * 7
TRADED_S = 1_790_272_257


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a recorded payload."""

    def path(name: str) -> Path:
        found = SAMPLES / name
        if not found.exists():
            pytest.skip(f"the recorded payload {name} is not there: looked in {SAMPLES}")
        return found

    return path


def _payload(**changes: Any) -> dict[str, Any]:
    return {
        "asset": TOKEN,
        "bio": "",
        "conditionId": CONDITION,
        "eventSlug": "an-event",
        "outcome": "Yes",
        "outcomeIndex": 0,
        "price": 0.52,
        "proxyWallet": WALLET,
        "side": "BUY",
        "size": 12.5,
        "slug": "a-market",
        "timestamp": TRADED_S,
        "title": "Will it?",
        "transactionHash": TX,
        **changes,
    }


@pytest.fixture
def frame() -> Callable[..., bytes]:
    """Make a trade-stream frame; keywords change the payload, `envelope` the rest."""

    def make(envelope: dict[str, Any] | None = None, **changes: Any) -> bytes:
        document = {
            "connection_id": "abc=",
            "payload": _payload(**changes),
            "timestamp": TRADED_S * 1000 + 115,
            "topic": "activity",
            "type": "trades",
            **(envelope or {}),
        }
        return json.dumps(document, separators=(",", ":")).encode()

    return make


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Make a row of `/v2/activity`."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "proxy_wallet": WALLET,
            "timestamp": TRADED_S,
            "condition_id": CONDITION,
            "type": "TRADE",
            "size": 12.5,
            "usdc_size": 6.7,
            "transaction_hash": TX,
            "price": 0.52,
            "token_id": TOKEN,
            "side": "BUY",
            "outcome_index": 0,
            "title": "Will it?",
            "slug": "a-market",
            "event_slug": "an-event",
            "outcome": "Yes",
            **changes,
        }

    return make


@pytest.fixture
def page() -> Callable[..., bytes]:
    """Make the body of an activity page."""

    def make(rows: list[Any] | None, next_cursor: str | None = None) -> bytes:
        pagination = {
            "limit": 500,
            "offset": 0,
            "has_more": next_cursor is not None,
            "next_cursor": next_cursor,
        }
        return json.dumps({"data": rows, "pagination": pagination}).encode()

    return make


@pytest.fixture
def wallet() -> str:
    """The wallet that frames and rows are of unless they say otherwise."""
    return WALLET


class Venue:
    """A trade stream and an activity route on a loopback port, which do what a test tells them."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.opened = 0
        self.pings = 0
        self.subscriptions: list[Any] = []
        self.greeting: Callable[[web.WebSocketResponse], Awaitable[None]] | None = None
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
        self.rows: list[dict[str, Any]] = []
        self.asked: list[tuple[float, web.Request]] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(
            rtds_url=f"ws://127.0.0.1:{self.port}/rtds", data_url=f"http://127.0.0.1:{self.port}"
        )

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.add_routes([web.get("/rtds", self._stream), web.get("/v2/activity", self._activity)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._runner is not None:
            await self.drop_sockets()
            await self._runner.cleanup()
            self._runner = None

    async def drop_sockets(self) -> None:
        for socket in list(self.sockets):
            await socket.close()

    async def send(self, *frames: bytes | str) -> None:
        """Send frames to every open socket."""
        for socket in list(self.sockets):
            for frame in frames:
                await socket.send_str(frame if isinstance(frame, str) else frame.decode())

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened += 1
        try:
            async for message in socket:
                if message.data == "PING":
                    self.pings += 1
                    await socket.send_str("PONG")
                    continue
                self.subscriptions.append(json.loads(message.data))
                self.sockets.append(socket)
                if self.greeting is not None:
                    await self.greeting(socket)
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)
        return socket

    async def _activity(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((asyncio.get_running_loop().time(), request))
        if self.answer is not None:
            answer = await self.answer(request)
            if answer is not None:
                return answer
        query = request.query
        rows = [
            row
            for row in self.rows
            if row["proxy_wallet"] == query["user"] and row["timestamp"] >= int(query["start"])
        ]
        rows.sort(key=lambda row: int(row["timestamp"]), reverse=query.get("sort_direction") != "ASC")
        first, limit = int(query.get("cursor", "0")), int(query["limit"])
        more = first + limit < len(rows)
        pagination = {"limit": limit, "has_more": more, "next_cursor": str(first + limit) if more else None}
        return web.json_response({"data": rows[first : first + limit], "pagination": pagination})


@dataclass
class Inbox:
    """What a probe was sent."""

    messages: list[Any] = field(default_factory=list)
    pause: asyncio.Event | None = None

    def of(self, kind: type[T]) -> list[T]:
        return [message for message in self.messages if isinstance(message, kind)]


class Probe(SupervisedActor):
    """Writes down what it is sent."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    @handles(
        FillReported,
        MovementReported,
        CursorReached,
        GapSuspected,
        LeaderDoubted,
        FeedStarted,
        FeedReport,
        FeedUp,
        FeedDown,
        TradeMissed,
        ContractDrift,
        FillsRetracted,
        SourcesJudged,
    )
    def on_message(self, message: object, sender: ActorAddress) -> None:
        self.args.messages.append(message)


class FakeStore(SupervisedActor):
    """Tells its subscribers whether it takes writes: `args` says so at first, then whatever it is sent."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    def started(self) -> None:
        self.subscribers: list[ActorAddress] = []
        self.available = StoreAvailability(available=self.args)

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: SubscribeAvailability, sender: ActorAddress) -> None:
        self.subscribers.append(sender)
        self.send(sender, self.available)

    @handles(StoreAvailability)
    def on_change(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self.available = message
        for subscriber in self.subscribers:
            self.send(subscriber, message)


async def _until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for happens behind a socket
            await asyncio.sleep(0.005)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait until a condition holds; fails after 5 s."""
    return _until


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """A venue that listens."""
    made = Venue()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def base() -> AsyncIterator[AsyncioSystemBase]:
    """A system of actors on the test's own loop."""
    made = AsyncioSystemBase(seed=1)
    yield made
    await made.stop()


@pytest.fixture
def probe(base: AsyncioSystemBase) -> Callable[[], tuple[Any, Inbox]]:
    """Start an actor that writes down what it is sent; return its address and its inbox."""
    numbers = itertools.count(1)

    def start() -> tuple[Any, Inbox]:
        inbox = Inbox()
        return base.spawn(Probe, f"probe-{next(numbers)}", inbox), inbox

    return start


@dataclass
class House:
    """A running ingest with its neighbours."""

    base: AsyncioSystemBase
    venue: Venue
    ingest: Any
    store: Any
    leader: Any
    inbox: Inbox

    def watch(self, cursor_s: int, *wallets: str) -> None:
        """Announce leaders, all of whom are the one probe."""
        chosen = wallets or (WALLET,)
        message = LeadersWatched(
            addresses=dict.fromkeys(chosen, self.leader),
            polled_from_s=dict.fromkeys(chosen, cursor_s),
        )
        self.base.tell(self.ingest, message)

    async def state(self) -> IngestState:
        answer: IngestState = await self.base.ask(self.ingest, IngestQuery(), timeout_s=5)
        return answer

    @property
    def cursors(self) -> list[CursorReached]:
        return self.inbox.of(CursorReached)

    @property
    def fills(self) -> list[FillReported]:
        return self.inbox.of(FillReported)


@pytest.fixture
async def house(
    base: AsyncioSystemBase, venue: Venue, probe: Callable[[], tuple[Any, Inbox]], tmp_path: Path
) -> Callable[..., House]:
    """Start an ingest against the venue; keywords are settings of `ingest`."""

    def start(*, available: bool = True, recording: bool = False, **changes: Any) -> House:
        defaults: dict[str, Any] = {
            "sockets": 1,
            "reconnect_first_s": 0.02,
            "reconnect_max_s": 0.2,
            "poll_requests_per_s": 200.0,
            "poll_settle_s": 0.2,
            "stream_late_s": 30_000_000.0,  # the frames of these tests are from long ago
        }
        store = base.spawn(FakeStore, "store", available)
        leader, inbox = probe()
        args = IngestArgs(
            ingest=Ingest(**(defaults | changes)),
            endpoints=venue.endpoints,
            recording=Recording(enabled=recording),
            store=store,
            portfolios=leader,
            state_dir=tmp_path,
            run_id="run1",
        )
        ingest = base.spawn(IngestActor, "ingest", args)
        return House(base, venue, ingest, store, leader, inbox)

    return start
