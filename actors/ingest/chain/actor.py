"""The chain as an actor: it follows one node after another, and what their logs say of watched wallets.

It hands each fill of a leader straight to that leader's actor, in the order of the chain, and reads on only
when there is room. It never asks a node for fills of the past: what was missed is the poller's to bring (D5).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import aiohttp
import structlog
from thespian.actors import ActorAddress

from actors.ingest import connection, metrics
from actors.ingest.budget import Budget
from actors.ingest.chain import fills
from actors.ingest.chain.confirmations import Confirmations
from actors.ingest.chain.delivery import Delivery, NotFound, ReceiptCame, TimeFound, TokenFound
from actors.ingest.chain.doubts import Confirmed, Doubts, Settle
from actors.ingest.chain.intake import ChainIntake, Sighted, Unplaced
from actors.ingest.chain.node import Node
from actors.ingest.chain.rotation import Rotation
from actors.ingest.chain.sightings import Undone
from actors.ingest.chain.subscriptions import Subscriptions
from actors.ingest.chain.wire import Head, Log
from actors.ingest.errors import Drift, Malformed, SocketLost, TradeUnread
from actors.ingest.pages import seconds
from actors.ingest.reports import FeedReport, FeedStarted, TradeMissed
from actors.ingest.shedding import Shedding
from config import settings
from config.secrets import without_key
from messages.base import Message
from messages.ids import Wallet
from messages.ingest import ContractDrift, FeedDown, FeedState, FeedUp, LeadersWatched
from messages.store import StoreAvailability
from messages.trades import FillsConfirmed
from supervisor import Backoff, DeadActor, Mailbox, Overflow, SupervisedActor, handles

FEED: Final = "chain"
REPORT_S: Final = 1.0
COMPLAIN_S: Final = 10.0
"""Unreadable frames are logged no more often than this; the count is in the metrics."""
ALARMS_MAX: Final = 256
"""Kinds of drift that are told once each; with more, all further ones are counted only."""

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ChainArgs:
    """What the chain's actor needs: who is told of it, who knows markets, and which nodes there are."""

    ingest: ActorAddress
    prices: Any
    urls: tuple[str, ...]
    settings: settings.Ingest


class _Report(Message, frozen=True):
    pass


class Chain(SupervisedActor):
    """The feed `chain`, from a node's socket to the leaders' mailboxes."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.HALT)

    args: ChainArgs

    def started(self) -> None:
        limits = self.args.settings
        self.log = structlog.get_logger("ingest").bind(feed=FEED)
        self.intake = ChainIntake(FEED)
        self.delivery = Delivery(self, FEED, self.args.prices, self.intake, self._give_up)
        self.doubts = Doubts(
            self,
            FEED,
            limits.polygon_reorg_settle_s,
            self.intake.sightings,
            self.delivery,
            self.log,
        )
        self.gate, self.changed = asyncio.Event(), asyncio.Event()
        self.confirmations = Confirmations()
        self.rotation = Rotation(
            self.args.urls,
            Backoff(first_s=limits.reconnect_first_s, max_s=limits.reconnect_max_s, factor=2, jitter=0.3),
            self.random,
        )
        self.subscriptions: Subscriptions | None = None
        self.connected = False
        self.reconnects = 0
        self.error = ""
        self.up_ns: int | None = None
        self.reading_since_ns: int | None = None
        self.missed: dict[Wallet | None, TradeMissed] = {}
        self.shedding = Shedding(FEED)
        self.alarms: set[str] = set()
        self.complained_ns: int | None = None
        self.frames_reported = 0
        self.send(self.args.ingest, FeedStarted(feed=FEED))
        self.timer("report", REPORT_S, _Report(), every=True)
        self.pipe(self._run())

    def snapshot(self) -> dict[str, object]:
        return {
            "node": without_key(self.rotation.url),
            "connected": self.connected,
            "block": self.intake.block_number,
            "frames": self.intake.frames,
            "leader_fills": self.intake.leader_fills,
            "redelivered": self.intake.redelivered,
            "subscriptions": len(self.subscriptions) if self.subscriptions is not None else 0,
            "waiting": len(self.delivery),
            "undone": len(self.doubts),
            "drifts": self.intake.drifts,
            "lag_ms": self.intake.lag_ms,
            "reconnects": self.reconnects,
            "error": self.error,
        }

    # --- what it is told ---

    @handles(LeadersWatched)
    def on_leaders(self, message: LeadersWatched, sender: ActorAddress) -> None:
        is_other = message.addresses.keys() != self.delivery.leaders.keys()
        self.delivery.leaders = message.addresses
        self.shedding.follow(message)
        if is_other:
            self.changed.set()

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
        metrics.FRAMES.labels(FEED).inc(intake.frames - self.frames_reported)
        metrics.LAST_EVENT.labels(FEED).set(intake.last_event_at_ns / 1e9)
        self.frames_reported = intake.frames
        state = FeedState(
            feed=FEED,
            connected=self.connected,
            frames=intake.frames,
            leader_fills=intake.leader_fills,
            malformed=intake.malformed,
            redelivered=intake.redelivered,
            reconnects=self.reconnects,
            last_event_at_ns=intake.last_event_at_ns,
            lag_ms=intake.lag_ms,
            error=self.error,
            shed=self.shedding.count,
        )
        active, self.delivery.active = self.delivery.active, set()
        self.send(self.args.ingest, FeedReport(state=state, active=tuple(sorted(active))))
        missed, self.missed = self.missed, {}
        for one in missed.values():
            self.send(self.args.ingest, one)

    # --- connections, one after another ---

    async def _run(self) -> NoReturn:
        async with aiohttp.ClientSession() as session:
            while True:
                await self.gate.wait()
                self.up_ns = None
                url = self.rotation.url
                retry_after_s, reason = await self._one_connection(session, url)
                self.reconnects += 1
                metrics.RECONNECTS.labels(FEED).inc()
                if reason != self.error:
                    self.log.warning("chain node lost", url=without_key(url), reason=reason)
                self.error = reason
                if self._lived_s() > self.args.settings.reconnect_max_s:
                    self.rotation.worked()
                await asyncio.sleep(self.rotation.failed(self.clock.monotonic_ns(), retry_after_s))

    async def _one_connection(self, session: aiohttp.ClientSession, url: str) -> tuple[float, str]:
        """Read one connection to its end and return after what pause the node may be asked again, and why
        the connection ended."""
        limits = self.args.settings
        try:
            socket = await connection.connect(
                session, url, timeout_s=limits.connect_timeout_s, frame_bytes_max=limits.frame_bytes_max
            )
        except SocketLost as lost:
            return _retry_after_s(lost), str(lost).replace(url, without_key(url))
        began_at_ns = self.clock.now_ns()
        node = self.delivery.node = Node(
            socket, Budget(limits.polygon_requests_per_s), self.clock, timeout_s=limits.connect_timeout_s
        )
        self.reading_since_ns = self.clock.monotonic_ns()
        reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(node))
                tasks.create_task(self._follow(node))
                tasks.create_task(connection.watch_silence(self._quiet_s, limits.polygon_silence_s))
        except* SocketLost as ended:
            reason = f"{without_key(url)}: {ended.exceptions[0]}"
        finally:
            self.delivery.node = None
            self.reading_since_ns = None
            self.confirmations.lost()
            self.doubts.lost_sight(self.intake.block_number)
            await socket.close()
        if self.connected:
            self.connected = False
            last_at_ns = max(began_at_ns, self.intake.last_event_at_ns)
            self.send(self.args.ingest, FeedDown(feed=FEED, last_event_at_ns=last_at_ns, reason=reason))
        return 0.0, reason

    async def _follow(self, node: Node) -> NoReturn:
        """Keep this connection's subscriptions in step with the leaders."""
        limits = self.args.settings
        subscriptions = self.subscriptions = Subscriptions(
            node,
            self.log,
            wallets_per_filter=limits.polygon_wallets_per_filter,
            watches_drift=limits.polygon_drift_watch,
        )
        await subscriptions.begin()
        while True:
            self.changed.clear()
            wallets = frozenset(self.delivery.leaders)
            await subscriptions.follow(wallets)
            self.confirmations.subscribed(wallets, self.intake.block_number)
            if not self.connected:
                self._up()
                await self.doubts.revisit(node)
            await self.changed.wait()

    def _up(self) -> None:
        self.connected = True
        self.up_ns = self.clock.monotonic_ns()
        if self.error:
            self.log.info("chain node connected again", url=without_key(self.rotation.url))
        self.error = ""
        self.send(self.args.ingest, FeedUp(feed=FEED))

    def _lived_s(self) -> float:
        return 0.0 if self.up_ns is None else (self.clock.monotonic_ns() - self.up_ns) / _NS_PER_S

    # --- reading ---

    async def _read(self, node: Node) -> NoReturn:
        while True:
            if not self.gate.is_set():
                await self._hold(self.gate.wait())
            if self.delivery.is_full:
                await self._hold(self.delivery.space())
            try:
                told = await node.receive()
            except Malformed as error:
                self._missed(self.intake.unread(None, str(error)))
                continue
            if isinstance(told, Head):
                self._head(told)
            elif told is not None:
                leader = self._log(told)
                if leader is not None:
                    await self._hold(self._room(leader))
            await asyncio.sleep(0)  # what is buffered comes without a wait: let the others go on

    async def _hold(self, waiting: Any) -> None:
        """Wait for something of our own; meanwhile it is not the node that is silent."""
        self.reading_since_ns = None
        await waiting
        self.reading_since_ns = self.clock.monotonic_ns()

    async def _room(self, leader: Any) -> None:
        try:
            await self.ready(leader)
        except DeadActor:
            self.log.warning("a leader is gone; it is polled when it is back")

    def _quiet_s(self) -> float:
        """Return for how long there was no new block although the node was read."""
        if self.reading_since_ns is None:
            return 0.0
        since_ns = max(self.reading_since_ns, self.intake.last_event_mono_ns)
        return (self.clock.monotonic_ns() - since_ns) / _NS_PER_S

    def _head(self, head: Head) -> None:
        undone = self.intake.head(head, self.clock.now_ns(), self.clock.monotonic_ns())
        for one in undone:
            self.confirmations.undone(one)
            self.doubts.doubt(one)
        for wallet, tx, totals in self.confirmations.head(head.number):
            item = FillsConfirmed(
                wallet=wallet, tx=tx, feed=FEED, totals=totals, seen_at_ns=self.clock.now_ns()
            )
            self.delivery.put(wallet, item)
        behind_s = self.intake.lag_ms / 1000
        if len(self.rotation) > 1 and behind_s > self.args.settings.polygon_lag_max_s:
            raise SocketLost(f"its newest block is {behind_s:.0f} s old")

    def _log(self, log: Log) -> Any | None:
        """Take a log and return the leader to wait for, or None."""
        try:
            taken = self.intake.take(
                log, self.delivery.leaders, self.clock.now_ns(), self.clock.monotonic_ns()
            )
        except Drift as drift:
            self._drift(drift, fills.owner_of(log))
        except TradeUnread as unread:
            self._missed(unread)
        else:
            match taken:
                case Sighted() if self.shedding.sheds(taken.fill.owner):
                    owner, now_ns = taken.fill.owner, self.clock.now_ns()
                    self.missed.setdefault(owner, self.shedding.put_off(owner, now_ns))
                case Sighted():
                    self.confirmations.saw(taken)
                    self.delivery.put(taken.fill.owner, taken)
                    return self.delivery.leaders[taken.fill.owner]
                case Undone():
                    self.confirmations.undone(taken)
                    self.doubts.doubt(taken)
                case Unplaced():
                    self.confirmations.doubt(taken.wallet, self.intake.block_number)
                    self.delivery.look_up(taken)
        return None

    # --- what a log lacked ---

    @handles(TokenFound)
    def on_token(self, message: TokenFound, sender: ActorAddress) -> None:
        self.delivery.token_found(message)

    @handles(TimeFound)
    def on_time(self, message: TimeFound, sender: ActorAddress) -> None:
        self.delivery.time_found(message)

    @handles(NotFound)
    def on_not_found(self, message: NotFound, sender: ActorAddress) -> None:
        self.delivery.not_found(message)

    @handles(ReceiptCame)
    def on_receipt(self, message: ReceiptCame, sender: ActorAddress) -> None:
        if message.error is not None:
            self._give_up(message.wallet, message.error)
        for log in message.logs:
            self._log(log)

    # --- what the chain takes back ---

    @handles(Settle)
    def on_settle(self, message: Settle, sender: ActorAddress) -> None:
        self.doubts.settle()

    @handles(Confirmed)
    def on_confirmed(self, message: Confirmed, sender: ActorAddress) -> None:
        for log in message.logs:
            self._log(log)
        self.doubts.confirmed(message)

    # --- what could not be taken ---

    def _give_up(self, wallet: Wallet, error: Exception) -> None:
        """A fill was not delivered for want of something."""
        if isinstance(error, Drift):
            self._drift(error, wallet)
        else:
            self._missed(self.intake.unread(wallet, str(error) or type(error).__name__))

    def _drift(self, drift: Drift, wallet: Wallet | None) -> None:
        """Raise the alarm, once for each kind of strangeness, and have the poller look for the trade."""
        reason = str(drift)
        self._missed(TradeUnread(wallet, reason))
        if reason in self.alarms or len(self.alarms) >= ALARMS_MAX:
            return
        self.alarms.add(reason)
        self.log.error("the chain shows what Remora does not know", kind=drift.kind, reason=reason)
        at_ns = self.clock.now_ns()
        self.send(
            self.args.ingest,
            ContractDrift(feed=FEED, kind=drift.kind, text=reason, wallet=wallet, at_ns=at_ns),
        )

    def _missed(self, unread: TradeUnread) -> None:
        """Remember to have the poller asked, each wallet once a report however much garbage comes."""
        reason, now_ns = str(unread), self.clock.monotonic_ns()
        self.confirmations.doubt(unread.wallet, self.intake.block_number)
        missed = TradeMissed(feed=FEED, wallet=unread.wallet, at_ns=self.clock.now_ns(), reason=reason)
        self.missed.setdefault(unread.wallet, missed)
        if self.complained_ns is None or now_ns - self.complained_ns > COMPLAIN_S * _NS_PER_S:
            self.complained_ns = now_ns
            self.log.warning(
                "something of the chain could not be taken",
                wallet=unread.wallet,
                reason=reason,
                malformed=self.intake.malformed,
            )


def _retry_after_s(lost: SocketLost) -> float:
    """Return for how long a node that refused the connection wants to be left alone."""
    cause = lost.__cause__
    if not isinstance(cause, aiohttp.WSServerHandshakeError) or cause.status != 429:
        return 0.0
    metrics.THROTTLED_RPC.inc()
    headers = cause.headers
    return seconds(headers.get("Retry-After"), headers.get("Date")) if headers is not None else 0.0
