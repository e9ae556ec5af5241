"""Ingest: supervisor of the sources, and keeper of the set of watched wallets.

It passes on who is watched and whether the store takes trades, and knows when the stream may have missed
something. Trades do not come through it: sources send them straight to the leaders.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog
from thespian.actors import ActorAddress

from actors.ingest import metrics, poller
from actors.ingest.coverage import Coverage
from actors.ingest.health import refusal
from actors.ingest.poller import Poller, PollerArgs
from actors.ingest.recorder import Recorder, RecorderArgs
from actors.ingest.reports import FeedReport, FeedStarted, LeaderDoubted, LeadersActive, TradeMissed
from actors.ingest.sources import CHAIN, Sources
from config import settings
from messages.backfill import BackfillsWanted
from messages.base import Message
from messages.ingest import (
    ContractDrift,
    FeedDown,
    FeedState,
    FeedUp,
    IngestQuery,
    IngestState,
    LeadersWatched,
    PollQuery,
    SourcesJudged,
)
from messages.operator import ModeChanged
from messages.store import StoreAvailability, SubscribeAvailability
from messages.trades import GapSuspected
from supervisor import Backoff, Mailbox, Overflow, SupervisedActor, Supervision, handles

GAP_REPEAT_S: Final = 5.0
"""Without any live source the poller is sent out this often: then it is the only source."""
DOUBT_S: Final = 30.0
"""Frames that nobody can read have the poller sent out no more often than this."""

DRIFTS_KEPT: Final = 16
"""Alarms that are shown; all of them are in the log."""

_NS_PER_S: Final = 1_000_000_000

log = structlog.get_logger("ingest")


@dataclass(slots=True)
class Announced:
    """What was announced last. It is part of the arguments because they outlive a restart: nobody
    announces the leaders, the mode or backfills a second time."""

    leaders: LeadersWatched | None = None
    mode: ModeChanged | None = None
    backfills: BackfillsWanted | None = None


@dataclass(frozen=True, slots=True)
class IngestArgs:
    """What ingest needs: its settings, its neighbours, and where and as which run it records."""

    ingest: settings.Ingest
    endpoints: settings.Endpoints
    recording: settings.Recording
    store: Any
    state_dir: Path
    run_id: str
    portfolios: Any = None
    """Who is told when nothing may be bought."""
    prices: Any = None
    """The price service: for the chain's tokens, and for the outcomes of markets that were split."""
    waits_for_mode: bool = False
    """Whether somebody will say the mode; until then only the poller runs. Otherwise it is as configured."""
    announced: Announced = field(default_factory=Announced)


class _NoFeed(Message, frozen=True):
    pass


class _DoubtOver(Message, frozen=True):
    pass


class Ingest(SupervisedActor):
    """Starts `stream-0` to `stream-n`, `chain`, `poller` and `recorder`, as far as they are wanted (D2)."""

    mailbox = Mailbox(capacity=50_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=20, period_s=60, backoff=Backoff(first_s=0.1, max_s=10))

    args: IngestArgs

    def started(self) -> None:
        self.coverage = Coverage(
            self.clock.now_ns(), settle_ns=int(self.args.ingest.poll_settle_s * _NS_PER_S)
        )
        self.availability: StoreAvailability | None = None
        self.unavailable_since_ns: int | None = None
        self.states: dict[str, FeedState] = {}
        self.trades: dict[str, int] = {}
        self.trades_before: dict[str, int] = {}
        self.doubted: TradeMissed | None = None
        self.is_doubting = False
        self.is_chain_up = False
        self.refusal: str | None = None
        self.drifts: deque[ContractDrift] = deque(maxlen=DRIFTS_KEPT)
        self._start_sources()
        self._judge()
        self.timer("no feed", GAP_REPEAT_S, _NoFeed())
        self.send(self.args.store, SubscribeAvailability())

    def snapshot(self) -> dict[str, object]:
        leaders = self.args.announced.leaders
        return {
            "leaders": len(leaders.addresses) if leaders is not None else 0,
            "mode": self.mode.trigger if self.mode is not None else "",
            "is_streaming": self.coverage.is_up,
            "is_pressed": self.availability is not None and self.availability.is_pressed,
            "store_available": self.availability is not None and self.availability.available,
        }

    # --- which sources there are ---

    def _start_sources(self) -> None:
        args = self.args
        recorder = None
        if args.recording.enabled:
            folder = Path(args.state_dir).expanduser() / "recordings"
            recorder = self.spawn(Recorder, "recorder", RecorderArgs(folder=folder, run_id=args.run_id))
        self.live = Sources(self, args.ingest, args.endpoints, args.prices, recorder)
        self.mode = args.announced.mode
        if self.mode is None and not args.waits_for_mode:
            self.mode = ModeChanged(trigger=args.ingest.trigger, origin="settings")
        if self.mode is not None:
            self.live.follow(self.mode.trigger)
        self.poller = self.spawn(
            Poller,
            poller.FEED,
            PollerArgs(
                ingest=self.myAddress, url=args.endpoints.data_url, settings=args.ingest, prices=args.prices
            ),
        )

    @handles(ModeChanged)
    def on_mode(self, message: ModeChanged, sender: ActorAddress) -> None:
        """What a source that stops had read and not handed over yet, the poller finds."""
        before, self.mode = self.mode, message
        self.args.announced.mode = message
        now_ns = self.clock.now_ns()
        if before is not None and before.trigger == message.trigger:
            return
        stopped = self.live.follow(message.trigger)
        self._judge()
        log.info("mode", trigger=message.trigger, origin=message.origin, place=message.place, stopped=stopped)
        for feed in stopped:
            last = self.states.pop(feed, None)
            self._down(feed, last.last_event_at_ns if last is not None else 0)
        if stopped:
            self._tell_gap(now_ns, f"the mode became {message.trigger}, which stopped {', '.join(stopped)}")

    # --- passed on to the sources ---

    @handles(LeadersWatched)
    def on_leaders(self, message: LeadersWatched, sender: ActorAddress) -> None:
        """The sockets are told first: what the poller does not find yet, they will see."""
        self.args.announced.leaders = message
        self._tell_sources(message)

    @handles(BackfillsWanted)
    def on_backfills(self, message: BackfillsWanted, sender: ActorAddress) -> None:
        self.args.announced.backfills = message
        self.send(self.poller, message)

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        was, self.availability = self.availability, message
        if was == message:
            return
        self._tell_sources(message)
        if was is not None and was.available == message.available:
            return
        now_ns = self.clock.now_ns()
        if not message.available:
            self.unavailable_since_ns = now_ns
        elif self.unavailable_since_ns is not None:
            since_ns, self.unavailable_since_ns = self.unavailable_since_ns, None
            self._tell_gap(since_ns, "nothing was read while the store took no trades")

    def _tell_sources(self, message: Message) -> None:
        for address in (*self.live.addresses, self.poller):
            self.send(address, message)

    @handles(FeedStarted)
    def on_started(self, message: FeedStarted, sender: ActorAddress) -> None:
        """A source that is new or started over is told what the others know already."""
        self.trades_before[message.feed] = self.trades.get(message.feed, 0)
        if message.feed != poller.FEED:
            state = self.states.get(message.feed)
            self._down(message.feed, state.last_event_at_ns if state is not None else 0)
        if self.args.announced.leaders is not None:
            self.send(sender, self.args.announced.leaders)
        if self.availability is not None:
            self.send(sender, self.availability)
        if message.feed == poller.FEED and self.args.announced.backfills is not None:
            self.send(sender, self.args.announced.backfills)

    # --- gaps ---

    @handles(FeedUp)
    def on_up(self, message: FeedUp, sender: ActorAddress) -> None:
        if not self.live.has(message.feed, sender):
            return  # it was on its way when the source was stopped
        self.coverage.up(message.feed, self.clock.now_ns())
        if message.feed == CHAIN:
            self.is_chain_up = True
            self._judge()
        self.cancel("no feed")
        self._close_gap("a live source is back after a gap")

    @handles(FeedDown)
    def on_down(self, message: FeedDown, sender: ActorAddress) -> None:
        if self.live.has(message.feed, sender):
            self._down(message.feed, message.last_event_at_ns)

    def _down(self, feed: str, last_event_at_ns: int) -> None:
        if feed == CHAIN:
            self.is_chain_up = False
            self._judge()
        self.coverage.down(feed, last_event_at_ns, self.clock.now_ns())
        if self.coverage.is_up:
            self._close_gap("all live sources were silent at the same time")
        else:
            self.timer("no feed", GAP_REPEAT_S, _NoFeed())

    def _judge(self) -> None:
        """Tell the portfolios when the health of the chain begins or ends to forbid buying."""
        if self.mode is None or self.args.portfolios is None:
            return
        now = refusal(
            self.mode.trigger,
            is_strict=self.args.ingest.polygon_strict,
            is_chain_up=self.is_chain_up,
        )
        if now == self.refusal:
            return
        if now:
            log.warning("nothing is bought", reason=now)
        elif self.refusal:
            log.info("buying goes on")
        self.refusal = now
        self.send(self.args.portfolios, SourcesJudged(refusal=now))

    @handles(_NoFeed)
    def on_no_feed(self, message: _NoFeed, sender: ActorAddress) -> None:
        """Do not wait for a stream any longer; the gap stays open until there is one."""
        if self.coverage.is_up:
            return
        since_ns = self.coverage.gap_since_ns
        self._tell_gap(since_ns if since_ns is not None else self.clock.now_ns(), "no live source is up")
        self.timer("no feed", GAP_REPEAT_S, _NoFeed())

    def _close_gap(self, reason: str) -> None:
        since_ns = self.coverage.take_gap(self.clock.now_ns())
        if since_ns is not None:
            self._tell_gap(since_ns, reason)

    def _tell_gap(self, since_ns: int, reason: str) -> None:
        metrics.GAPS.inc()
        gap = GapSuspected(since_ns=since_ns, reason=reason)
        self.send(self.poller, gap)
        leaders = self.args.announced.leaders
        for address in leaders.addresses.values() if leaders is not None else ():
            self.send(address, gap)

    @handles(ContractDrift)
    def on_drift(self, message: ContractDrift, sender: ActorAddress) -> None:
        self.drifts.append(message)

    @handles(TradeMissed)
    def on_missed(self, message: TradeMissed, sender: ActorAddress) -> None:
        """A source saw something it could not take: have the poller ask for it, everybody's if need be."""
        if message.wallet is not None:
            self.send(self.poller, LeaderDoubted(wallet=message.wallet))
        elif self.is_doubting:
            self.doubted = self.doubted or message
        else:
            self._doubt(message)

    def _doubt(self, missed: TradeMissed) -> None:
        self.is_doubting = True
        self.doubted = None
        self.timer("doubt", DOUBT_S, _DoubtOver())
        self._tell_gap(missed.at_ns, f"{missed.feed} sent a frame that could not be read")

    @handles(_DoubtOver)
    def on_doubt_over(self, message: _DoubtOver, sender: ActorAddress) -> None:
        self.is_doubting = False
        if self.doubted is not None:
            self._doubt(self.doubted)

    # --- what it knows ---

    @handles(FeedReport)
    def on_report(self, message: FeedReport, sender: ActorAddress) -> None:
        feed = message.state.feed
        self.states[feed] = message.state
        self.trades[feed] = self.trades_before.get(feed, 0) + message.trades
        if message.active:
            self.send(self.poller, LeadersActive(wallets=message.active))

    @handles(PollQuery)
    def on_poll_query(self, message: PollQuery, sender: ActorAddress) -> None:
        self.forward(self.poller, message, sender)

    @handles(IngestQuery)
    def on_query(self, message: IngestQuery, sender: ActorAddress) -> None:
        leaders, mode = self.args.announced.leaders, self.mode
        feeds = (*self.live.feeds, poller.FEED)
        state = IngestState(
            feeds=tuple(self.states[feed] for feed in feeds if feed in self.states),
            trades_seen=max(self.trades.values(), default=0),
            leaders=len(leaders.addresses) if leaders is not None else 0,
            drifts=tuple(self.drifts),
            trigger=mode.trigger if mode is not None else "",
            trigger_origin=mode.origin if mode is not None else "",
            trigger_place=mode.place if mode is not None else "",
            refusal=self.refusal or "",
        )
        self.send(sender, state)
