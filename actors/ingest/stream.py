"""One socket of the trade stream as an actor: it reads for ever, on whatever connection it can get.

It hands each fill of a leader straight to that leader's actor and reads on only when there is room. It
must never read while the store takes nothing, and never judge a fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import aiohttp
import structlog
from aiohttp import ClientWebSocketResponse
from thespian.actors import ActorAddress

from actors.ingest import connection, metrics, rtds
from actors.ingest.errors import SocketLost, SubscriptionRefused, TradeUnread
from actors.ingest.intake import Intake
from actors.ingest.redelivery import content
from actors.ingest.reports import FeedReport, FeedStarted, FrameTaken, TradeMissed
from actors.ingest.rtds import Frame
from actors.ingest.shedding import Shedding
from config import settings
from messages.base import Message
from messages.ids import Wallet
from messages.ingest import FeedDown, FeedState, FeedUp, LeadersWatched
from messages.store import StoreAvailability
from supervisor import Backoff, DeadActor, Mailbox, Overflow, SupervisedActor, handles

REPORT_S: Final = 1.0
FRAMES_IN_A_ROW: Final = 64
"""Frames that are nobody's read without letting others go on: a fraction of a millisecond."""
COMPLAIN_S: Final = 10.0
"""Unreadable frames are logged no more often than this; the count is in the metrics."""

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class StreamArgs:
    """What a socket needs: its name, who is told of it, where the stream is, and who records, if anybody."""

    feed: str
    ingest: ActorAddress
    url: str
    settings: settings.Ingest
    recorder: ActorAddress | None = None


class _Report(Message, frozen=True):
    pass


class Stream(SupervisedActor):
    """One feed of the trade stream, from the socket to the leaders' mailboxes."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.HALT)

    args: StreamArgs

    def started(self) -> None:
        self.log = structlog.get_logger("ingest").bind(feed=self.args.feed)
        self.leaders: Mapping[Wallet, Any] = {}
        self.intake = Intake(self.args.feed, int(self.args.settings.stream_late_s * 1000))
        self.gate = asyncio.Event()
        self.connected = False
        self.late = metrics.LATE.labels(self.args.feed)
        self.reconnects = 0
        self.failures = 0
        self.error = ""
        self.up_ns: int | None = None
        self.reading_since_ns: int | None = None
        self.missed: dict[Wallet | None, TradeMissed] = {}
        self.shedding = Shedding(self.args.feed)
        self.active: set[Wallet] = set()
        self.complained_ns: int | None = None
        self.frames_reported = 0
        self.send(self.args.ingest, FeedStarted(feed=self.args.feed))
        self.timer("report", REPORT_S, _Report(), every=True)
        self.pipe(self._run())

    def snapshot(self) -> dict[str, object]:
        return {
            "connected": self.connected,
            "frames": self.intake.frames,
            "leader_fills": self.intake.leader_fills,
            "lag_ms": self.intake.lag_ms,
            "shed": self.shedding.count,
            "reconnects": self.reconnects,
            "error": self.error,
        }

    # --- what it is told ---

    @handles(LeadersWatched)
    def on_leaders(self, message: LeadersWatched, sender: ActorAddress) -> None:
        self.leaders = message.addresses
        self.shedding.follow(message)

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self.shedding.tell(message)
        if message.available:
            self.gate.set()
        else:
            self.gate.clear()

    @handles(_Report)
    def on_report(self, message: _Report, sender: ActorAddress) -> None:
        intake = self.intake
        metrics.FRAMES.labels(intake.feed).inc(intake.frames - self.frames_reported)
        metrics.LAST_EVENT.labels(intake.feed).set(intake.last_event_at_ns / 1e9)
        self.frames_reported = intake.frames
        state = FeedState(
            feed=intake.feed,
            connected=self.connected,
            frames=intake.frames,
            leader_fills=intake.leader_fills,
            malformed=intake.malformed,
            redelivered=intake.redelivered,
            reconnects=self.reconnects,
            last_event_at_ns=intake.last_event_at_ns,
            lag_ms=intake.lag_ms,
            is_late=intake.lateness.is_late,
            error=self.error,
            shed=self.shedding.count,
        )
        active, self.active = self.active, set()
        report = FeedReport(state=state, trades=intake.trades, active=tuple(sorted(active)))
        self.send(self.args.ingest, report)
        missed, self.missed = self.missed, {}
        for one in missed.values():
            self.send(self.args.ingest, one)

    # --- connections, one after another ---

    async def _run(self) -> NoReturn:
        limits = self.args.settings
        backoff = Backoff(
            first_s=limits.reconnect_first_s, max_s=limits.reconnect_max_s, factor=2, jitter=0.3
        )
        async with aiohttp.ClientSession() as session:
            while True:
                await self.gate.wait()
                self.up_ns = None
                reason = await self._one_connection(session)
                self.reconnects += 1
                metrics.RECONNECTS.labels(self.args.feed).inc()
                self._trouble(reason)
                self.failures = 1 if self._lived_s() > limits.reconnect_max_s else self.failures + 1
                await asyncio.sleep(backoff.delay_s(self.failures, self.random))

    async def _one_connection(self, session: aiohttp.ClientSession) -> str:
        """Read one connection to its end and return why it ended."""
        limits = self.args.settings
        try:
            socket = await connection.connect(
                session,
                self.args.url,
                timeout_s=limits.connect_timeout_s,
                frame_bytes_max=limits.frame_bytes_max,
                greeting=rtds.SUBSCRIBE,
            )
        except SocketLost as lost:
            return str(lost)
        up_at_ns = self.clock.now_ns()
        self._up()
        reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(socket))
                tasks.create_task(connection.keep_alive(socket, limits.ping_s))
                tasks.create_task(connection.watch_silence(self._quiet_s, limits.silence_s))
        except* SocketLost as ended:
            reason = f"{self.args.url}: {ended.exceptions[0]}"
        finally:
            self.connected = False
            self.reading_since_ns = None
            await socket.close()
        last_event_at_ns = max(up_at_ns, self.intake.last_event_at_ns)
        self.send(
            self.args.ingest,
            FeedDown(feed=self.args.feed, last_event_at_ns=last_event_at_ns, reason=reason),
        )
        return reason

    def _up(self) -> None:
        self.connected = True
        self.intake.connected()
        self.up_ns = self.reading_since_ns = self.clock.monotonic_ns()
        if self.error:
            self.log.info("trade stream connected again", url=self.args.url)
        self.error = ""
        self.late.set(0)
        self.send(self.args.ingest, FeedUp(feed=self.args.feed))

    def _lived_s(self) -> float:
        return 0.0 if self.up_ns is None else (self.clock.monotonic_ns() - self.up_ns) / _NS_PER_S

    def _trouble(self, reason: str) -> None:
        """Say what is wrong, once for as long as it stays the same."""
        if reason != self.error:
            self.log.warning("trade stream lost", reason=reason)
        self.error = reason

    # --- reading ---

    async def _read(self, socket: ClientWebSocketResponse) -> NoReturn:
        while True:
            if not self.gate.is_set():
                await self._hold(self.gate.wait())
            frame = await connection.receive(socket)
            leader = self._take(frame, self.clock.now_ns(), self.clock.monotonic_ns())
            if leader is not None:
                await self._hold(self._room(leader))
            if leader is not None or self.intake.frames % FRAMES_IN_A_ROW == 0:
                await asyncio.sleep(0)  # what is buffered comes without a wait: let the others go on

    async def _hold(self, waiting: Any) -> None:
        """Wait for something of our own; meanwhile it is not the stream that is silent."""
        self.reading_since_ns = None
        await waiting
        self.reading_since_ns = self.clock.monotonic_ns()

    async def _room(self, leader: Any) -> None:
        try:
            await self.ready(leader)
        except DeadActor:
            self.log.warning("a leader is gone; it is polled when it is back")

    def _quiet_s(self) -> float:
        """Return for how long the stream has sent no data although it was read."""
        if self.reading_since_ns is None:
            return 0.0
        since_ns = max(self.reading_since_ns, self.intake.last_event_mono_ns)
        return (self.clock.monotonic_ns() - since_ns) / _NS_PER_S

    def _take(self, frame: Frame, at_ns: int, mono_ns: int) -> Any | None:
        """Hand a leader's fill over and return whom to wait for, or None."""
        try:
            report = self.intake.take(frame, self.leaders, at_ns, mono_ns)
        except SubscriptionRefused as refused:
            raise SocketLost(str(refused)) from refused
        except TradeUnread as unread:
            self._missed(unread, at_ns, mono_ns)
            return None
        if self.intake.turned:
            self._turned(at_ns)
        if report is None:
            return None
        self.active.add(report.wallet)
        if self.args.recorder is not None:
            key = hash((content(report), report.occurrence))
            taken = FrameTaken(key=key, at_ns=at_ns, monotonic_ns=mono_ns, frame=report.raw)
            self.send(self.args.recorder, taken)
        if self.shedding.sheds(report.wallet):
            self.missed.setdefault(report.wallet, self.shedding.put_off(report.wallet, at_ns))
            return None
        leader = self.leaders[report.wallet]
        self.send(leader, report)
        return leader

    def _turned(self, at_ns: int) -> None:
        """Say that the stream runs late, when it does no more than catch up, or that it is live again."""
        self.intake.turned = False
        is_late, lag_ms = self.intake.lateness.is_late, self.intake.lag_ms
        self.late.set(is_late)
        if not is_late:
            self.log.info("the trade stream is live again", lag_ms=lag_ms)
            self.send(self.args.ingest, FeedUp(feed=self.args.feed))
            return
        reason = f"runs {lag_ms / 1000:.0f} s late"
        self.log.warning("the trade stream runs late: what it says is only caught up with", lag_ms=lag_ms)
        self.send(
            self.args.ingest,
            FeedDown(feed=self.args.feed, last_event_at_ns=at_ns - lag_ms * 1_000_000, reason=reason),
        )

    def _missed(self, unread: TradeUnread, at_ns: int, mono_ns: int) -> None:
        """Remember to have another source asked, each wallet once a report however much garbage comes."""
        missed = TradeMissed(feed=self.args.feed, wallet=unread.wallet, at_ns=at_ns, reason=str(unread))
        self.missed.setdefault(unread.wallet, missed)
        if self.complained_ns is None or mono_ns - self.complained_ns > COMPLAIN_S * _NS_PER_S:
            self.complained_ns = mono_ns
            self.log.warning(
                "a frame could not be read",
                wallet=unread.wallet,
                reason=str(unread),
                malformed=self.intake.malformed,
            )
