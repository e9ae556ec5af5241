"""The Data API as a source: every leader's activity read by cursor, for what the stream missed.

It asks on a budget, oldest first, and moves a leader's cursor only behind the rows it has handed over. It
must never decide whether a row is new: the leader does.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import aiohttp
import structlog
from thespian.actors import ActorAddress

from actors.ingest import metrics
from actors.ingest.asking import Asker
from actors.ingest.backfill import Backfill
from actors.ingest.budget import Budget
from actors.ingest.errors import PageError, PageRefused, Unclear
from actors.ingest.movements import Moved
from actors.ingest.pace import Pace
from actors.ingest.pages import Pages
from actors.ingest.pause import Pause
from actors.ingest.placing import Placing
from actors.ingest.reports import FeedReport, FeedStarted, LeaderDoubted, LeadersActive
from actors.ingest.schedule import Schedule
from actors.ingest.sets import Sets
from actors.ingest.shedding import Shedding
from actors.ingest.sweep import Sweep, Taken
from actors.ingest.watch import Watch
from config import settings
from messages.backfill import BackfillsWanted, HistoryPage
from messages.base import Message
from messages.ids import Wallet
from messages.ingest import FeedState, LeadersWatched, PollQuery, PollState, WalletPolled
from messages.markets import MarketAnswer, MarketQuery
from messages.movements import MovementReported
from messages.store import StoreAvailability
from messages.trades import CursorReached, FillReported, GapSuspected, SourceKind, Swept
from supervisor import AskError, Backoff, DeadActor, Mailbox, Overflow, SupervisedActor, handles

FEED: Final = "poller"
REPORT_S: Final = 1.0
WORKERS_MAX: Final = 16
"""Requests under way at a time; the budget, not this, is what limits them."""
PAGES_MAX: Final = 1_000
"""Pages of one sweep; what is left is for the next one, which goes on from there."""

END_AHEAD_S: Final = 86_400
"""How far in the future a sweep ends: what the API takes for granted where no end is named."""
END_SPREAD_S: Final = 100_000
"""By how much that varies at random, so that no two sweeps of two processes ask for the same URL."""

ASK_TIMEOUT_S: Final = 10.0
HISTORY_TIMEOUT_S: Final = 120.0
"""A page's trades go through the store and every portfolio."""

_NS_PER_S: Final = 1_000_000_000


BACKOFF: Final = Backoff(first_s=0.5, max_s=30.0, factor=2.0, jitter=0.3)


@dataclass(frozen=True, slots=True)
class PollerArgs:
    """What the poller needs: who is told of it, where the Data API is, and how its failures are borne."""

    ingest: ActorAddress
    url: str
    settings: settings.Ingest
    backoff: Backoff = BACKOFF
    prices: Any = None
    """The price service, for the outcomes of markets that nobody was seen trading in."""


class _Report(Message, frozen=True):
    pass


class Poller(SupervisedActor):
    """Sweeps the activity of every watched wallet: now and then, and at once where something was missed."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.HALT)

    args: PollerArgs

    def started(self) -> None:
        limits = self.args.settings
        self.log = structlog.get_logger("ingest").bind(feed=FEED)
        self.watches: dict[Wallet, Watch] = {}
        self.pace = Pace(limits.poll_interval_s, limits.poll_requests_per_s)
        self.schedule = Schedule(settle_ns=int(limits.poll_settle_s * _NS_PER_S))
        self.gate = asyncio.Event()
        self.wake = asyncio.Event()
        self.asker = Asker(
            FEED,
            Budget(limits.poll_requests_per_s),
            Pause(self.args.backoff, self.random),
            self.gate,
            self.clock,
            self.log,
        )
        self.placing = Placing(FEED, Sets(self._ask_prices if self.args.prices else None), self.log)
        self.backfill = Backfill(self.asker, self.clock, self.log, self.placing, self._ask_historian)
        self.shedding = Shedding(FEED)
        self.put_off: set[Wallet] = set()
        self.pages_reported = 0
        self.fills = self.repeats = self.malformed = 0
        self.lag_ms = 0
        self.lag = metrics.LAG.labels(SourceKind.API)
        self.send(self.args.ingest, FeedStarted(feed=FEED))
        self.timer("report", REPORT_S, _Report(), every=True)
        self.pipe(self._run())

    def snapshot(self) -> dict[str, object]:
        return {
            "wallets": len(self.watches),
            "urgent": self.schedule.urgent,
            "backfills": len(self.backfill),
            "put_off": len(self.put_off),
            "pages": self.asker.pages,
            "fills": self.fills,
            "error": self.asker.error,
        }

    # --- what it is told ---

    @handles(LeadersWatched)
    def on_leaders(self, message: LeadersWatched, sender: ActorAddress) -> None:
        """Take the whole set. A leader at a new address, or one that was loaded anew, has lost what was on
        its way to the old one, so it starts again from its durable cursor."""
        self.shedding.follow(message)
        for wallet in self.watches.keys() - message.addresses.keys():
            del self.watches[wallet]
            self.pace.drop(wallet)
            self.schedule.drop(wallet)
        now_s, now_ns = self.clock.now_ns() // _NS_PER_S, self.clock.monotonic_ns()
        new: list[Wallet] = []
        again: list[Wallet] = []
        for wallet, address in message.addresses.items():
            known = self.watches.get(wallet)
            load = message.loads.get(wallet, 0)
            if known is not None and known.address == address and known.load == load:
                continue
            cursor_s = min(message.polled_from_s.get(wallet, now_s), now_s)
            self.watches[wallet] = Watch(address=address, cursor_s=cursor_s, durable_s=cursor_s, load=load)
            self.pace.set(wallet, cursor_s, now_s)
            (new if known is None else again).append(wallet)
        for wallet in new:  # only now that all are known can their intervals be told
            self.schedule.add(wallet, now_ns, self.pace.interval_ns(wallet))
        self._hurry(new + again)
        self._take_up()

    @handles(GapSuspected)
    def on_gap(self, message: GapSuspected, sender: ActorAddress) -> None:
        self.log.info(
            "polling all leaders", reason=message.reason, since_ns=message.since_ns, leaders=len(self.watches)
        )
        self._hurry(list(self.watches))

    @handles(LeaderDoubted)
    def on_doubt(self, message: LeaderDoubted, sender: ActorAddress) -> None:
        self._hurry([message.wallet])

    @handles(LeadersActive)
    def on_active(self, message: LeadersActive, sender: ActorAddress) -> None:
        """What the others saw of it the API will have to confirm, and there may be more of it."""
        now_s, now_ns = self.clock.now_ns() // _NS_PER_S, self.clock.monotonic_ns()
        for wallet in message.wallets:
            if wallet in self.watches:
                self.watches[wallet].active_s = now_s
                self.pace.set(wallet, now_s, now_s)
                self.schedule.sooner(wallet, now_ns, self.pace.interval_ns(wallet))
        self.wake.set()

    @handles(PollQuery)
    def on_query(self, message: PollQuery, sender: ActorAddress) -> None:
        state = PollState(
            wallets=tuple(
                [
                    WalletPolled(
                        wallet=wallet,
                        warmth=self.pace.warmth(wallet).word,
                        interval_ms=self.pace.interval_ns(wallet) // 1_000_000,
                        swept_at_s=watch.swept_s,
                        cursor_s=watch.cursor_s,
                    )
                    for wallet, watch in self.watches.items()
                ]
            ),
            urgent=self.schedule.urgent,
            wanted_milli_per_s=round(self.pace.requests_per_s * 1000),
            budget_milli_per_s=round(self.args.settings.poll_requests_per_s * 1000),
            stretch_milli=round(self.pace.stretch * 1000),
            lag_ms=self.lag_ms,
            error=self.asker.error,
        )
        self.send(sender, state)

    @handles(BackfillsWanted)
    def on_backfills(self, message: BackfillsWanted, sender: ActorAddress) -> None:
        self.backfill.want(message)

    def _hurry(self, wallets: list[Wallet]) -> None:
        """Poll these soon, who traded last first: with them there is most to miss."""
        known = [wallet for wallet in wallets if wallet in self.watches]
        self.schedule.hurry(sorted(known, key=lambda wallet: -self.watches[wallet].cursor_s))
        self.wake.set()

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self.shedding.tell(message)
        self._take_up()
        if message.available:
            self.gate.set()
        else:
            self.gate.clear()

    def _take_up(self) -> None:
        """Read what was put off and need not be any longer."""
        due = sorted(wallet for wallet in self.put_off if not self.shedding.sheds(wallet))
        self.put_off.difference_update(due)
        self._hurry(due)

    @handles(_Report)
    def on_report(self, message: _Report, sender: ActorAddress) -> None:
        asker = self.asker
        metrics.FRAMES.labels(FEED).inc(asker.pages - self.pages_reported)
        metrics.LAST_EVENT.labels(FEED).set(asker.last_page_at_ns / 1e9)
        self.pages_reported = asker.pages
        state = FeedState(
            feed=FEED,
            connected=asker.pages > 0 and not asker.error,
            frames=asker.pages,
            leader_fills=self.fills,
            malformed=self.malformed,
            redelivered=self.repeats,
            reconnects=asker.failures,
            last_event_at_ns=asker.last_page_at_ns,
            lag_ms=self.lag_ms,
            error=asker.error,
        )
        self.send(self.args.ingest, FeedReport(state=state))

    # --- sweeping ---

    async def _run(self) -> None:
        limits = self.args.settings
        workers = min(WORKERS_MAX, max(2, math.ceil(limits.poll_requests_per_s)))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session,
            asyncio.TaskGroup() as tasks,
        ):
            pages = Pages(session, self.args.url, rows=limits.poll_page_rows, timeout_s=limits.poll_timeout_s)
            for _ in range(workers):
                tasks.create_task(self._work(pages))
            tasks.create_task(self.backfill.run(pages))

    async def _work(self, pages: Pages) -> NoReturn:
        while True:
            await self.gate.wait()
            wallet = self.schedule.next(self.clock.monotonic_ns())
            if wallet is None:
                await self._idle()
                continue
            if self.shedding.sheds(wallet):
                self.put_off.add(wallet)
                self._finished(wallet)
                continue
            try:
                await self._sweep(pages, wallet, self.watches[wallet])
            except PageRefused:
                pass  # asking the same again is useless; its regular turn comes
            except PageError:
                self.schedule.hurry([wallet])
            finally:
                self._finished(wallet)
                self.wake.set()

    def _finished(self, wallet: Wallet) -> None:
        watch = self.watches.get(wallet)
        if watch is None:
            return
        now_s = self.clock.now_ns() // _NS_PER_S
        self.pace.set(wallet, max(watch.cursor_s, watch.active_s), now_s)
        self.schedule.finished(wallet, self.clock.monotonic_ns(), self.pace.interval_ns(wallet))

    async def _idle(self) -> None:
        """Return when somebody may be due."""
        wait_ns = self.schedule.wait_ns(self.clock.monotonic_ns())
        self.wake.clear()
        try:
            async with asyncio.timeout(None if wait_ns is None else wait_ns / _NS_PER_S):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def _sweep(self, pages: Pages, wallet: Wallet, watch: Watch) -> None:
        limits = self.args.settings
        began_at_ns = self.clock.now_ns()
        now_s = began_at_ns // _NS_PER_S
        floor_s = now_s - limits.identity_window_s + limits.poll_overlap_s
        if watch.may_have_lost(floor_s, limits.poll_overlap_s):
            self.log.warning(
                "a leader was away for longer than trades are remembered; its trades between are not read",
                wallet=wallet,
                from_s=watch.cursor_s,
                to_s=floor_s,
            )
        start_s = watch.start(overlap_s=limits.poll_overlap_s, floor_s=floor_s, random=self.random)
        end_s = now_s + END_AHEAD_S + self.random.randrange(END_SPREAD_S)
        sweep = Sweep(wallet, FEED, start_s, began_at_ns)
        cursor: str | None = None

        def is_watched() -> bool:
            return self.watches.get(wallet) is watch

        for _ in range(PAGES_MAX):
            page = await self.asker.page(pages, wallet, start_s, end_s, cursor, is_watched)
            if page is None:
                return
            if page.next_cursor is not None and page.next_cursor == cursor:
                self.asker.trouble(f"{self.args.url} sent a page that leads to itself")
                return
            seen_at_ns, seen_mono_ns = self.clock.now_ns(), self.clock.monotonic_ns()
            taken = sweep.take(page, seen_at_ns=seen_at_ns, seen_mono_ns=seen_mono_ns)
            self._count(wallet, watch, taken, seen_at_ns)
            if sweep.broken_s is not None:
                watch.broke(sweep.broken_s)
            if not await self._hand_over(wallet, watch, sweep, taken):
                return
            cursor = page.next_cursor
            if cursor is None:
                watch.swept(start_s=start_s, broken_s=sweep.broken_s, floor_s=floor_s, at_s=now_s)
                is_whole = sweep.broken_s is None
                swept = Swept(wallet=wallet, began_at_ns=began_at_ns, is_whole=is_whole, load=watch.load)
                self.send(watch.address, swept)
                return
        self.log.warning("a sweep took too many pages; the next goes on", wallet=wallet, pages=PAGES_MAX)

    async def _hand_over(self, wallet: Wallet, watch: Watch, sweep: Sweep, taken: Taken) -> bool:
        """Send a page's rows, then how far they reach. False if the leader is gone: then nothing moved."""
        try:
            for row in taken.rows:
                report = await self._report(row, wallet)
                if report is None:
                    sweep.hold(row)
                    continue
                if isinstance(report, Unclear):
                    self.placing.complain(report, wallet)
                    continue
                self.send(watch.address, report)
                await self.ready(watch.address)
        except DeadActor:
            self.log.warning("a leader is gone; it is polled when it is back", wallet=wallet)
            return False
        reached_s = sweep.held(taken.reached_s)
        if reached_s is not None:
            durable_s = watch.reached(reached_s)
            if durable_s is not None:
                self.send(watch.address, CursorReached(wallet=wallet, cursor_s=durable_s, load=watch.load))
        return True

    async def _report(
        self, row: FillReported | Moved, wallet: Wallet
    ) -> FillReported | MovementReported | Unclear | None:
        if isinstance(row, Moved):
            return await self.placing.report(row, wallet, self.clock.now_ns())
        self.placing.sets.saw(row.condition_id, row.token_id)
        return row

    async def _ask_prices(self, query: MarketQuery) -> MarketAnswer | None:
        try:
            answer: MarketAnswer = await self.ask(self.args.prices, query, timeout_s=ASK_TIMEOUT_S)
        except AskError:
            return None
        return answer

    async def _ask_historian(self, historian: Any, page: HistoryPage) -> None:
        await self.ask(historian, page, timeout_s=HISTORY_TIMEOUT_S)

    def _count(self, wallet: Wallet, watch: Watch, taken: Taken, seen_at_ns: int) -> None:
        for fill in taken.fills:
            if fill.traded_at_ns // _NS_PER_S > watch.cursor_s:
                self.fills += 1
                metrics.LEADER_FILLS.labels(FEED).inc()
                self.lag_ms = max(0, (seen_at_ns - fill.traded_at_ns) // 1_000_000)
                self.lag.observe(self.lag_ms)
            else:
                self.repeats += 1
        for other in taken.others:
            metrics.IGNORED.labels(FEED, other.type).inc()
        for unclear in taken.unclear:
            self.placing.complain(unclear, wallet)
        if taken.combos:
            metrics.IGNORED.labels(FEED, "combo").inc(taken.combos)
        if taken.malformed:
            self.malformed += len(taken.malformed)
            metrics.MALFORMED.labels(FEED).inc(len(taken.malformed))
            self.log.warning(
                "rows could not be read; the cursor stays before them",
                wallet=wallet,
                rows=len(taken.malformed),
                reason=str(taken.malformed[0]),
            )
