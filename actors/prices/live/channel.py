"""One socket of the market channel as an actor: it reads for ever, on whatever connection it can get.

It decodes and passes on; it must never judge a book. It reads on only while the price service has room, and
connects only while it has something to carry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import aiohttp
import structlog
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.errors import MalformedError
from actors.prices.live import protocol
from actors.prices.live.frames import FRAME_BYTES_MAX, Frame, decode_frame
from actors.prices.live.signals import Carry, Reopen, ShardDown, ShardFrame, ShardStarted, ShardUp
from config.settings import Prices as PricesSettings
from messages.ids import TokenId
from supervisor import Backoff, Mailbox, Overflow, Refused, SupervisedActor, handles

CONNECT_S: Final = 10.0
"""Longest wait for a connection."""
CLOSE_S: Final = 1.0
"""Longest wait for the other side's part in closing; a half-open connection has no other side."""
LIVED_S: Final = 30.0
"""A connection that lasted so long was no failure."""
FRAMES_IN_A_ROW: Final = 16
"""Frames read without letting others go on: a fraction of a millisecond."""
COMPLAIN_S: Final = 10.0
"""Unreadable events are logged no more often than this; the count is in the metrics."""
NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class SocketLost(Exception):
    """The connection is of no more use; the text says why."""


@dataclass(frozen=True, slots=True)
class ChannelArgs:
    """What a socket needs: its name, whom it tells, where the channel is."""

    shard: str
    prices: ActorAddress
    url: str
    settings: PricesSettings
    connector: Callable[[], aiohttp.BaseConnector] | None = None


class MarketChannel(SupervisedActor):
    """One socket, from the wire to the price service's mailbox."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.HALT)

    args: ChannelArgs

    def started(self) -> None:
        self.log = structlog.get_logger("prices").bind(shard=self.args.shard)
        self.tokens: dict[TokenId, None] = {}
        self.wanted = asyncio.Event()
        self.socket: ClientWebSocketResponse | None = None
        self.subscribed: dict[TokenId, None] = {}
        """What the present connection was told to carry; how it differs from `tokens` is still to be said."""
        self.changed = asyncio.Event()
        self.anew: dict[TokenId, None] = {}
        self.reopening = asyncio.Event()
        self.reason = ""
        self.heard_ns = 0
        self.frames = 0
        self.failures = 0
        self.opened = 0
        self.error = ""
        self.complained_ns: int | None = None
        self.send(self.args.prices, ShardStarted(shard=self.args.shard))
        self.pipe(self._run())

    def snapshot(self) -> dict[str, object]:
        return {
            "connected": self.socket is not None,
            "tokens": len(self.tokens),
            "frames": self.frames,
            "opened": self.opened,
            "error": self.error,
        }

    @handles(Carry)
    def on_carry(self, message: Carry, sender: ActorAddress) -> None:
        self.tokens = dict.fromkeys(message.token_ids)
        self.anew.update(dict.fromkeys(token for token in message.anew if token in self.tokens))
        self.changed.set()
        if self.tokens:
            self.wanted.set()
        else:
            self.wanted.clear()

    @handles(Reopen)
    def on_reopen(self, message: Reopen, sender: ActorAddress) -> None:
        self.reason = message.reason
        self.reopening.set()

    @handles(Refused)
    def on_refused(self, message: Refused, sender: ActorAddress) -> None:
        """A frame was not taken: what it would have changed is unknown, so everything begins anew."""
        self.reason = "the price service had no room"
        self.reopening.set()

    async def _run(self) -> NoReturn:
        limits = self.args.settings
        backoff = Backoff(first_s=limits.backoff_first_s, max_s=limits.backoff_max_s, factor=2, jitter=0.3)
        connector = self.args.connector() if self.args.connector is not None else None
        async with aiohttp.ClientSession(connector=connector) as session:
            while True:
                await self.wanted.wait()
                began_ns = self.clock.monotonic_ns()
                try:
                    await self._one_connection(session)
                except SocketLost as lost:
                    self._lost(str(lost))
                lived_s = (self.clock.monotonic_ns() - began_ns) / _NS_PER_S
                self.failures = 1 if lived_s > LIVED_S else self.failures + 1
                await asyncio.sleep(backoff.delay_s(self.failures, self.random))

    def _lost(self, reason: str) -> None:
        """Tell of it, and say so in the log once for as long as the reason stays the same."""
        if reason != self.error:
            self.log.warning("market channel lost", reason=reason)
        self.error = reason
        self.send(self.args.prices, ShardDown(shard=self.args.shard, reason=reason))

    async def _one_connection(self, session: aiohttp.ClientSession) -> NoReturn:
        """Read one connection to its end. Raises `SocketLost` saying what that was."""
        socket = await self._open(session)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(socket))
                tasks.create_task(self._obey(socket))
                tasks.create_task(self._keep_alive(socket))
                tasks.create_task(self._watch())
        except* SocketLost as ended:
            raise SocketLost(str(ended.exceptions[0])) from ended
        finally:
            self.socket = None
            await socket.close()
        raise SocketLost("the connection ended")

    async def _open(self, session: aiohttp.ClientSession) -> ClientWebSocketResponse:
        self.reopening.clear()
        socket: ClientWebSocketResponse | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                socket = await session.ws_connect(
                    self.args.url, max_msg_size=FRAME_BYTES_MAX, timeout=ClientWSTimeout(ws_close=CLOSE_S)
                )
                self.socket = socket
                self.subscribed = dict(self.tokens)
                self.anew.clear()
                self.send(self.args.prices, ShardUp(shard=self.args.shard))
                await socket.send_str(protocol.greeting(self.subscribed))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.socket = None
            if socket is not None:
                await socket.close()
            raise SocketLost(f"could not be opened: {type(error).__name__} {error}".strip()) from error
        self.opened += 1
        self.heard_ns = self.clock.monotonic_ns()
        metrics.LIVE_CONNECTS.inc()
        if self.error:
            self.log.info("market channel connected again")
            self.error = ""
        return socket

    async def _read(self, socket: ClientWebSocketResponse) -> NoReturn:
        prices, shard, clock = self.args.prices, self.args.shard, self.clock
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                raise SocketLost(_ending(socket, message))
            data: str | bytes = message.data
            self.heard_ns = clock.monotonic_ns()
            if data == protocol.PONG or not data:
                continue
            self.frames += 1
            frame = self._decoded(data)
            if frame.events or frame.broken:
                self.send(
                    prices,
                    ShardFrame(
                        shard=shard,
                        events=frame.events,
                        mono_ns=self.heard_ns,
                        at_ms=clock.now_ns() // NS_PER_MS,
                        gap=bool(frame.broken),
                    ),
                )
                await self.ready(prices)
            if self.frames % FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)  # what is buffered comes without a wait: let the others go on

    async def _obey(self, socket: ClientWebSocketResponse) -> NoReturn:
        """Have the connection carry what is wanted by now, however often that changed meanwhile."""
        while True:
            self.changed.clear()
            renewed = [token for token in self.anew if token in self.subscribed and token in self.tokens]
            gone = [token for token in self.subscribed if token not in self.tokens]
            fresh = [token for token in self.tokens if token not in self.subscribed]
            self.anew.clear()
            self.subscribed = dict(self.tokens)
            try:
                if gone or renewed:
                    await socket.send_str(protocol.unsubscribe(gone + renewed))
                if fresh or renewed:
                    await socket.send_str(protocol.subscribe(fresh + renewed))
            except (aiohttp.ClientError, OSError) as error:
                raise SocketLost(f"nothing can be sent: {type(error).__name__}") from error
            await self.changed.wait()

    async def _keep_alive(self, socket: ClientWebSocketResponse) -> NoReturn:
        while True:
            await asyncio.sleep(protocol.PING_S)
            try:
                async with asyncio.timeout(protocol.PING_S):
                    await socket.send_str(protocol.PING)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise SocketLost(f"the keep-alive could not be sent: {type(error).__name__}") from error

    async def _watch(self) -> NoReturn:
        """End the connection when it says nothing at all, or is not believed."""
        silence_ns = round(self.args.settings.live_silence_s * _NS_PER_S)
        while True:
            left_ns = silence_ns - (self.clock.monotonic_ns() - self.heard_ns)
            if left_ns <= 0:
                raise SocketLost(f"not a word for {self.args.settings.live_silence_s:g} s")
            try:
                async with asyncio.timeout(min(left_ns / _NS_PER_S, 1.0)):
                    await self.reopening.wait()
            except TimeoutError:
                continue
            raise SocketLost(self.reason)

    def _decoded(self, data: str | bytes) -> Frame:
        """Return what a frame holds; one that cannot be read at all holds one event that is broken."""
        try:
            frame = decode_frame(data)
        except MalformedError as error:
            frame = Frame((), 0, (error,))
        if frame.unknown:
            metrics.LIVE_UNKNOWN.inc(frame.unknown)
        if frame.broken:
            metrics.LIVE_MALFORMED.inc(len(frame.broken))
            now_ns = self.heard_ns
            if self.complained_ns is None or now_ns - self.complained_ns > COMPLAIN_S * _NS_PER_S:
                self.complained_ns = now_ns
                self.log.warning("the market channel sent what cannot be read", reason=str(frame.broken[0]))
        return frame


def _ending(socket: ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    if message.type is WSMsgType.ERROR:
        return f"the connection broke: {message.data}"
    return f"the connection was closed ({socket.close_code})"
