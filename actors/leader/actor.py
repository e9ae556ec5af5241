"""The leader: serial keeper of one wallet's trades, from report to accepted trade.

It decides what is a new trade, never whether to copy it. A new trade goes to the store first and then to
the portfolios, so that a decision can never be durable before its trade.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from thespian.actors import ActorAddress

from actors.leader import metrics
from actors.leader.accepting import sighting_of, trade_of
from actors.leader.args import LeaderArgs
from actors.leader.fallback import Fallback
from actors.leader.ledger import Corrected, NewTrade, TradeLedger
from actors.leader.movements import Movements
from actors.leader.patience import Patience
from actors.leader.position import Accepted, Positions
from messages.backfill import FoldPositions, HistoryAdded, PositionsFolded
from messages.base import Message
from messages.ingest import LeaderReady
from messages.movements import LeaderMovement, MovementReported
from messages.operator import ModeChanged
from messages.store import (
    LeaderLoaded,
    LoadLeader,
    StoreCorrection,
    StoreCursor,
    StoreDuplicates,
    StoreMovement,
    StoreSightings,
    StoreTrade,
)
from messages.trades import (
    CursorReached,
    FillReported,
    FillsConfirmed,
    FillsRetracted,
    GapSuspected,
    LeaderTrade,
    SourceKind,
    Swept,
)
from supervisor import Behaviour, Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("leader")

LOAD_TIMEOUT_S = 30.0
LOAD_AGAIN_S = 0.5
"""Pause before a failed load is tried again."""
HOLD_MAX_S = 12.0
"""How long a sale waits at most for the poller after a gap: copied later than this it is worth less."""
DOUBT_S = 0.25
"""How long the other rows of a transaction may take behind the first."""
FLUSH_S = 1.0
BOTH = "both"
"""The mode in which the chain has company."""
PRUNE_S = 600.0

_NS_PER_S = 1_000_000_000


class _LoadFailed(Message, frozen=True, kw_only=True):
    reason: str


class _LoadAgain(Message, frozen=True):
    pass


class _FoldFailed(Message, frozen=True, kw_only=True):
    reason: str


class _HeldEnough(Message, frozen=True):
    pass


class _DoubtedEnough(Message, frozen=True):
    pass


class _OthersLate(Message, frozen=True):
    pass


class _Flush(Message, frozen=True):
    pass


class _Prune(Message, frozen=True):
    pass


class Leader(SupervisedActor):
    """One wallet's trades: deduplicated, numbered, recorded, passed on in order of acceptance."""

    mailbox = Mailbox(capacity=20_000, overflow=Overflow.HALT)

    loading = Behaviour(
        stashes=(FillReported, FillsConfirmed, FillsRetracted, MovementReported, Swept, CursorReached)
    )
    """Nothing is told apart from what is known before what is known is there."""

    folding = Behaviour(
        stashes=(FillReported, FillsConfirmed, FillsRetracted, MovementReported, Swept, CursorReached)
    )
    """Nothing moves a position while it is worked out anew."""

    args: LeaderArgs

    def started(self) -> None:
        settle_ns = int(self.args.settle_s * _NS_PER_S)
        self.ledger = TradeLedger(settle_ns)
        self.movements = Movements()
        self.patience = Patience(settle_ns)
        self.fallback = Fallback(self._chain_wait_ns())
        self.positions = Positions()
        self.followed_at_ns = self.args.followed_at_ns
        self.window_ns = self.args.identity_window_s * _NS_PER_S
        self.duplicates = 0
        self.accepted = 0
        self.corrected = 0
        self.is_flushing = False
        self.is_doubting = False
        self.args.life.attempts.restarted()
        self.args.life.loads += 1
        self.become(self.loading)
        self._load()
        self.timer("prune", PRUNE_S, _Prune(), every=True)

    def snapshot(self) -> dict[str, object]:
        return {
            "wallet": self.args.wallet,
            "loaded": self.behaviour is not self.loading,
            "loads": self.args.life.loads,
            "accepted": self.accepted,
            "corrected": self.corrected,
            "transactions": len(self.ledger),
            "outcomes": len(self.positions),
        }

    def _load(self) -> None:
        query = LoadLeader(
            wallet=self.args.wallet,
            followed_at_ns=self.args.followed_at_ns,
            cursor_s=self.args.cursor_s,
            trades_since_ns=self.clock.now_ns() - self.window_ns,
        )
        self.pipe(
            self.ask(self.args.directory.store, query, timeout_s=LOAD_TIMEOUT_S),
            into=lambda answer: answer,
            failed=lambda error: _LoadFailed(reason=repr(error)),
        )

    @handles(_LoadFailed)
    def on_load_failed(self, message: _LoadFailed, sender: ActorAddress) -> None:
        """The store is busy or away: ask again; reports wait in the stash."""
        log.warning("leader not loaded yet, asking again", wallet=self.args.wallet, reason=message.reason)
        self.timer("load", LOAD_AGAIN_S, _LoadAgain())

    @handles(_LoadAgain)
    def on_load_again(self, message: _LoadAgain, sender: ActorAddress) -> None:
        self._load()

    @handles(LeaderLoaded)
    def on_loaded(self, message: LeaderLoaded, sender: ActorAddress) -> None:
        moves: list[tuple[LeaderTrade | LeaderMovement, Accepted]] = [
            *((trade, self.ledger.restore(trade)) for trade in message.trades),
            *((movement, self.movements.restore(movement)) for movement in message.movements),
        ]
        self.positions.restore(message.positions, moves)
        self.followed_at_ns = message.followed_at_ns
        if message.trades or message.positions:
            # It was followed before, so there was a time when nobody looked.
            self.patience.gap(self.clock.now_ns())
        self.unbecome()
        ready = LeaderReady(wallet=self.args.wallet, cursor_s=message.cursor_s, load=self.args.life.loads)
        self.send(self.args.directory.leaders, ready)

    @handles(HistoryAdded)
    def on_history(self, message: HistoryAdded, sender: ActorAddress) -> None:
        """More is known of its past now, from which its position follows."""
        if self.behaviour is self.loading:
            self.timer("history", LOAD_AGAIN_S, message)
            return
        if self.behaviour is not self.folding:
            self.become(self.folding)
        self.pipe(
            self.ask(
                self.args.directory.store, FoldPositions(wallet=self.args.wallet), timeout_s=LOAD_TIMEOUT_S
            ),
            into=lambda answer: answer,
            failed=lambda error: _FoldFailed(reason=repr(error)),
        )

    @handles(_FoldFailed)
    def on_fold_failed(self, message: _FoldFailed, sender: ActorAddress) -> None:
        """What is in memory may be what is stored no longer: nothing goes on before that is settled."""
        log.warning("positions not known yet, asking again", wallet=self.args.wallet, reason=message.reason)
        self.timer("history", LOAD_AGAIN_S, HistoryAdded(wallet=self.args.wallet))

    @handles(PositionsFolded)
    def on_folded(self, message: PositionsFolded, sender: ActorAddress) -> None:
        self.positions.reset(message.positions)
        if self.behaviour is self.folding:
            self.unbecome()

    @handles(GapSuspected)
    def on_gap(self, message: GapSuspected, sender: ActorAddress) -> None:
        self.patience.gap(self.clock.now_ns())

    @handles(Swept)
    def on_swept(self, message: Swept, sender: ActorAddress) -> None:
        if message.load != self.args.life.loads:
            return  # some of what it found may have died with an earlier incarnation
        self._end_doubts()
        corrected = self.ledger.swept(message.began_at_ns, is_whole=message.is_whole)
        self._correct(corrected, SourceKind.API, "poller", self.clock.now_ns())
        self._take_all(self.patience.swept(message.began_at_ns))

    @handles(_HeldEnough)
    def on_held_enough(self, message: _HeldEnough, sender: ActorAddress) -> None:
        """The poller does not get there: a sale must not wait for ever."""
        held = self.patience.give_up()
        log.warning("sales held after a gap go on unsettled", wallet=self.args.wallet, reports=len(held))
        self._take_all(held)

    def _take_all(self, held: list[FillReported]) -> None:
        if not held:
            return
        self.cancel("held")
        for report in held:
            self._take(report)

    # -- reports ---------------------------------------------------------------------------------

    def _chain_wait_ns(self) -> int:
        return int(self.args.chain_wait_s * _NS_PER_S) if self.args.life.chain_waits else 0

    @handles(ModeChanged)
    def on_mode(self, message: ModeChanged, sender: ActorAddress) -> None:
        """Where the chain is the only live source, its fills act at once (D9)."""
        self.args.life.chain_waits = message.trigger == BOTH
        self.fallback.follow(self._chain_wait_ns())

    @handles(FillReported)
    def on_report(self, report: FillReported, sender: ActorAddress) -> None:
        attempts = self.args.life.attempts
        if not attempts.begin(report):
            metrics.PUT_ASIDE.inc()
            log.error("a report that crashed its leader was put aside", wallet=report.wallet, tx=report.tx)
            return
        if self._is_wanted(report, report.traded_at_ns):
            now_ns = self.clock.monotonic_ns()
            if self.fallback.holds(report, now_ns):
                self._wait_for_others(report, now_ns)
            else:
                self._act(report)
        attempts.end()

    @handles(MovementReported)
    def on_movement(self, report: MovementReported, sender: ActorAddress) -> None:
        """Shares came or went without a trade: there is nothing to copy, and the position is another."""
        if not self._is_wanted(report, report.moved_at_ns):
            return
        for movement in self.movements.take(report, self.positions):
            log.info(
                "leader movement",
                wallet=movement.wallet,
                market_id=movement.condition_id,
                kind=movement.kind,
                size=movement.size,
                position=movement.position_after,
            )
            position = self.positions.shares(movement.token_id)
            self.send(self.args.directory.store, StoreMovement(movement=movement, position=position))

    def _is_wanted(self, report: FillReported | MovementReported, at_ns: int) -> bool:
        """Return whether what happened then is within what this leader keeps."""
        if at_ns < self.clock.now_ns() - self.window_ns:
            # Its duplicates are forgotten, so it cannot be told from one of them: never trade on it.
            metrics.LATE.inc()
            log.warning("report from before the identity window", wallet=report.wallet, tx=report.tx)
            return False
        if at_ns < self.followed_at_ns - self.args.backfill_s * _NS_PER_S:
            # The poller looks back a little behind every cursor, and cannot know that this one is new.
            metrics.EARLY.inc()
            return False
        return True

    def _wait_for_others(self, report: FillReported, now_ns: int) -> None:
        """The chain was first: say so at once, and act only if the others are late (D9)."""
        self.ledger.sight(report)
        if self.ledger.sighted:
            self._store_sightings()
        if len(self.fallback) == 1:
            self._wake_for_fallback(now_ns)

    def _wake_for_fallback(self, now_ns: int) -> None:
        wait_ns = self.fallback.next_ns(now_ns)
        if wait_ns is not None:
            self.timer("fallback", wait_ns / _NS_PER_S, _OthersLate())

    @handles(_OthersLate)
    def on_others_late(self, message: _OthersLate, sender: ActorAddress) -> None:
        now_ns = self.clock.monotonic_ns()
        before = self.accepted
        for report in self.fallback.due(now_ns):
            self._act(report)
        metrics.FALLBACKS.inc(self.accepted - before)
        self._wake_for_fallback(now_ns)

    def _act(self, report: FillReported) -> None:
        if self.patience.holds(report):
            if len(self.patience) == 1:
                self.timer("held", HOLD_MAX_S, _HeldEnough())
            return
        self._take(report)

    def _take(self, report: FillReported) -> None:
        storms = self.ledger.storms
        found = self.ledger.observe(report)
        if self.ledger.storms > storms:
            metrics.STORMS.inc()
            log.error(
                "more equal rows than fills can be", wallet=report.wallet, tx=report.tx, feed=report.feed
            )
        if self.ledger.sighted:
            self._flush_soon()
        if not found and not self.ledger.is_in_doubt:
            self._count_duplicate(report)
        for new in found:
            if isinstance(new, NewTrade):
                self._accept(new)
            else:
                self._correct((new,), report.kind, report.feed, report.seen_at_ns)
        if self.ledger.is_in_doubt and not self.is_doubting:
            self.is_doubting = True
            self.timer("doubt", DOUBT_S, _DoubtedEnough())

    @handles(_DoubtedEnough)
    def on_doubted_enough(self, message: _DoubtedEnough, sender: ActorAddress) -> None:
        self._end_doubts()

    def _end_doubts(self) -> None:
        if self.is_doubting:
            self.is_doubting = False
            self.cancel("doubt")
            for new in self.ledger.decided():
                self._accept(new)

    def _accept(self, new: NewTrade) -> None:
        report = new.report
        before, after = self.positions.add(report.token_id, new.move)
        backfill = report.traded_at_ns < self.followed_at_ns
        trade = trade_of(new, backfill=backfill, before=before, after=after)
        self.accepted += 1
        metrics.TRADES.labels(report.kind).inc()
        log.info(
            "leader trade",
            trace_id=trade.trace_id,
            wallet=trade.wallet,
            market_id=trade.condition_id,
            side=trade.side,
            size=trade.size,
            price=trade.price,
            source=trade.kind,
            feed=trade.feed,
            backfill=trade.backfill,
        )
        position = self.positions.shares(report.token_id)
        self.send(self.args.directory.store, StoreTrade(trade=trade, position=position))
        self.send(self.args.directory.portfolios, trade)

    # -- corrections -----------------------------------------------------------------------------

    @handles(FillsConfirmed)
    def on_confirmed(self, message: FillsConfirmed, sender: ActorAddress) -> None:
        corrected = self.ledger.confirmed(message.tx, message.totals)
        self._correct(corrected, SourceKind.CHAIN, message.feed, message.seen_at_ns)

    @handles(FillsRetracted)
    def on_retracted(self, message: FillsRetracted, sender: ActorAddress) -> None:
        self.fallback.drop(message.tx)
        self.patience.drop(message.tx)
        corrected = self.ledger.retracted(message.tx, message.seen_at_ns)
        self._correct(corrected, SourceKind.CHAIN, message.feed, message.seen_at_ns)

    def _correct(self, corrected: Iterable[Corrected], kind: SourceKind, feed: str, at_ns: int) -> None:
        """Put the record and the position right. What was copied stays: no order follows from this."""
        for one in corrected:
            self.corrected += len(one.corrections)
            for each in one.corrections:
                metrics.CORRECTIONS.labels(kind, each.reason).inc()
                log.warning(
                    "leader trade corrected",
                    trace_id=each.trade_id,
                    wallet=self.args.wallet,
                    was=each.was,
                    now=each.now,
                    reason=each.reason,
                    source=kind,
                )
            write = StoreCorrection(
                wallet=self.args.wallet,
                token_id=one.token_id,
                corrections=one.corrections,
                position=self.positions.fold_again(one.token_id),
                kind=kind,
                feed=feed,
                at_ns=at_ns,
            )
            self.send(self.args.directory.store, write)

    # -- what is written now and then ------------------------------------------------------------

    def _count_duplicate(self, report: FillReported) -> None:
        metrics.DUPLICATES.labels(report.kind).inc()
        self.duplicates += 1
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self.is_flushing:
            self.is_flushing = True
            self.timer("flush", FLUSH_S, _Flush())

    @handles(_Flush)
    def on_flush(self, message: _Flush, sender: ActorAddress) -> None:
        self.is_flushing = False
        if self.duplicates:
            count, self.duplicates = self.duplicates, 0
            self.send(self.args.directory.store, StoreDuplicates(wallet=self.args.wallet, count=count))
        self._store_sightings()

    def _store_sightings(self) -> None:
        """Write who was first to see what. History is no race: whoever looks back finds it."""
        sighted, self.ledger.sighted = self.ledger.sighted, []
        rows = tuple([sighting_of(one) for one in sighted if one.traded_at_ns >= self.followed_at_ns])
        if rows:
            self.send(self.args.directory.store, StoreSightings(sightings=rows))

    @handles(CursorReached)
    def on_cursor(self, message: CursorReached, sender: ActorAddress) -> None:
        """The poller handed over everything up to here: durable behind the trades themselves.

        Handed to an earlier incarnation it says nothing: what that one died of is read again.
        """
        if message.load == self.args.life.loads:
            self._end_doubts()
            write = StoreCursor(wallet=message.wallet, cursor_s=message.cursor_s)
            self.send(self.args.directory.store, write)

    @handles(_Prune)
    def on_prune(self, message: _Prune, sender: ActorAddress) -> None:
        before_ns = self.clock.now_ns() - self.window_ns
        self.ledger.prune(before_ns)
        self.movements.prune(before_ns)
        self.positions.prune(before_ns)
