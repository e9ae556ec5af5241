"""The leader: serial keeper of one wallet's trades, from report to accepted trade.

It decides what is a new trade, never whether to copy it. A new trade goes to the store first and then to
the portfolios, so that a decision can never be durable before its trade.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.leader.ledger import NewTrade, Reversal, TradeLedger
from actors.leader.movements import Movements
from actors.leader.patience import Patience
from actors.leader.position import after_trade
from messages.backfill import FoldPositions, HistoryAdded, PositionsFolded
from messages.base import Message
from messages.directory import Directory
from messages.ids import TokenId, TxHash, Wallet, trade_id
from messages.ingest import LeaderReady
from messages.movements import MovementReported
from messages.store import (
    LeaderLoaded,
    LoadLeader,
    StoreCursor,
    StoreDuplicates,
    StoreMovement,
    StoreRetraction,
    StoreTrade,
)
from messages.trades import CursorReached, FillReported, FillsRetracted, GapSuspected, LeaderTrade, Swept
from messages.units import Shares
from supervisor import Behaviour, Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("leader")

TRADES = Counter("remora_leader_trades_total", "Trades accepted, by the source that was first", ["source"])
DUPLICATES = Counter("remora_leader_duplicates_total", "Reports of trades already known", ["source"])
RETRACTED = Counter(
    "remora_leader_retracted_total", "Trades that the chain took back, or gave again", ["what"]
)
EARLY = Counter("remora_leader_early_reports_total", "Reports from before the following, not taken")
LATE = Counter("remora_leader_late_reports_total", "Reports from before the identity window, not taken")

LOAD_TIMEOUT_S = 30.0
LOAD_AGAIN_S = 0.5
"""Pause before a failed load is tried again."""
HOLD_MAX_S = 12.0
"""How long a sale waits at most for the poller after a gap: copied later than this it is worth less."""
FLUSH_S = 1.0
PRUNE_S = 600.0


@dataclass(frozen=True, slots=True)
class LeaderArgs:
    """What a leader needs: its wallet, who to tell, and from when on it is followed if seen first now.

    `backfill_s` is how much older a trade may be and still be recorded, as backfill; 0 is a flat start (D4).
    `settle_s` is how far behind the API may be.
    """

    wallet: Wallet
    directory: Directory
    identity_window_s: int
    followed_at_ns: int
    cursor_s: int
    backfill_s: int = 0
    settle_s: float = 6.0


class _LoadFailed(Message, frozen=True, kw_only=True):
    reason: str


class _LoadAgain(Message, frozen=True):
    pass


class _FoldFailed(Message, frozen=True, kw_only=True):
    reason: str


class _HeldEnough(Message, frozen=True):
    pass


class _Flush(Message, frozen=True):
    pass


class _Prune(Message, frozen=True):
    pass


class Leader(SupervisedActor):
    """One wallet's trades: deduplicated, numbered, recorded, passed on in order of acceptance."""

    mailbox = Mailbox(capacity=20_000, overflow=Overflow.HALT)

    loading = Behaviour(stashes=(FillReported, FillsRetracted, MovementReported, Swept, CursorReached))
    """Nothing is told apart from what is known before what is known is there."""

    folding = Behaviour(stashes=(FillReported, FillsRetracted, MovementReported, Swept, CursorReached))
    """Nothing moves a position while it is worked out anew."""

    args: LeaderArgs

    def started(self) -> None:
        self.ledger = TradeLedger()
        self.movements = Movements()
        self.patience = Patience(int(self.args.settle_s * 1_000_000_000))
        self.positions: dict[TokenId, Shares] = {}
        self.followed_at_ns = self.args.followed_at_ns
        self.duplicates = 0
        self.accepted = 0
        self.become(self.loading)
        self._load()
        self.timer("prune", PRUNE_S, _Prune(), every=True)

    def snapshot(self) -> dict[str, object]:
        return {
            "wallet": self.args.wallet,
            "loaded": self.behaviour is not self.loading,
            "accepted": self.accepted,
            "transactions": len(self.ledger),
            "outcomes": len(self.positions),
        }

    def _load(self) -> None:
        since_ns = self.clock.now_ns() - self.args.identity_window_s * 1_000_000_000
        query = LoadLeader(
            wallet=self.args.wallet,
            followed_at_ns=self.args.followed_at_ns,
            cursor_s=self.args.cursor_s,
            trades_since_ns=since_ns,
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
        for trade in message.trades:
            self.ledger.restore(trade)
        for movement in message.movements:
            self.movements.restore(movement)
        self.positions = {row.token_id: row.shares for row in message.positions}
        self.followed_at_ns = message.followed_at_ns
        if message.trades or message.positions:
            # It was followed before, so there was a time when nobody looked.
            self.patience.gap(self.clock.now_ns())
        self.unbecome()
        self.send(
            self.args.directory.leaders, LeaderReady(wallet=self.args.wallet, cursor_s=message.cursor_s)
        )

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
        self.positions = {row.token_id: row.shares for row in message.positions}
        if self.behaviour is self.folding:
            self.unbecome()

    @handles(GapSuspected)
    def on_gap(self, message: GapSuspected, sender: ActorAddress) -> None:
        self.patience.gap(self.clock.now_ns())

    @handles(Swept)
    def on_swept(self, message: Swept, sender: ActorAddress) -> None:
        self._take_all(self.patience.swept(message.began_at_ns))

    @handles(_HeldEnough)
    def on_held_enough(self, message: _HeldEnough, sender: ActorAddress) -> None:
        """The poller does not get there: a sale must not wait for ever."""
        held = self.patience.give_up()
        log.warning("sales held after a gap go on unsettled", wallet=self.args.wallet, reports=len(held))
        self._take_all(held)

    def _take_all(self, held: list[FillReported]) -> None:
        self.cancel("held")
        for report in held:
            self._take(report)

    @handles(FillReported)
    def on_report(self, report: FillReported, sender: ActorAddress) -> None:
        if self.patience.holds(report):
            if len(self.patience) == 1:
                self.timer("held", HOLD_MAX_S, _HeldEnough())
            return
        self._take(report)

    @handles(MovementReported)
    def on_movement(self, report: MovementReported, sender: ActorAddress) -> None:
        """Shares came or went without a trade: there is nothing to copy, and the position is another."""
        if not self._is_taken(report, report.moved_at_ns):
            return
        for movement in self.movements.take(report, self.positions):
            self.positions[movement.token_id] = movement.position_after
            log.info(
                "leader movement",
                wallet=movement.wallet,
                market_id=movement.condition_id,
                kind=movement.kind,
                size=movement.size,
                position=movement.position_after,
            )
            self.send(self.args.directory.store, StoreMovement(movement=movement))

    def _is_taken(self, report: FillReported | MovementReported, at_ns: int) -> bool:
        """Return whether what happened then is within what this leader keeps."""
        if at_ns < self.clock.now_ns() - self.args.identity_window_s * 1_000_000_000:
            # Its duplicates are forgotten, so it cannot be told from one of them: never trade on it.
            LATE.inc()
            log.warning("report from before the identity window", wallet=report.wallet, tx=report.tx)
            return False
        if at_ns < self.followed_at_ns - self.args.backfill_s * 1_000_000_000:
            # The poller looks back a little behind every cursor, and cannot know that this one is new.
            EARLY.inc()
            return False
        return True

    def _take(self, report: FillReported) -> None:
        if not self._is_taken(report, report.traded_at_ns):
            return
        reversal = self.ledger.put_back(report)
        if reversal is not None:
            self._reverse(report.tx, reversal, retracted_at_ns=0)
        accepted = self.ledger.observe(report)
        if not accepted:
            self._count_duplicate(report)
        for new in accepted:
            trade = self._accept(report, new)
            self.send(self.args.directory.store, StoreTrade(trade=trade))
            self.send(self.args.directory.portfolios, trade)

    def _count_duplicate(self, report: FillReported) -> None:
        DUPLICATES.labels(report.kind).inc()
        if self.duplicates == 0:
            self.timer("flush", FLUSH_S, _Flush())
        self.duplicates += 1

    def _accept(self, report: FillReported, new: NewTrade) -> LeaderTrade:
        before = self.positions.get(report.token_id, 0)
        after = after_trade(before, report.side, new.size)
        self.positions[report.token_id] = after
        self.ledger.moved(report, after - before)
        self.accepted += 1
        TRADES.labels(report.kind).inc()
        trade = LeaderTrade(
            trade_id=trade_id(new.key),
            key=new.key,
            ordinal=new.ordinal,
            wallet=report.wallet,
            tx=report.tx,
            condition_id=report.condition_id,
            token_id=report.token_id,
            side=report.side,
            size=new.size,
            price=new.price,
            usdc=new.usdc,
            traded_at_ns=report.traded_at_ns,
            seen_at_ns=report.seen_at_ns,
            seen_mono_ns=report.seen_mono_ns,
            kind=report.kind,
            feed=report.feed,
            backfill=report.traded_at_ns < self.followed_at_ns,
            position_before=before,
            position_after=after,
            outcome=report.outcome,
            title=report.title,
            slug=report.slug,
            event_slug=report.event_slug,
            block_number=report.block_number,
            log_index=report.log_index,
            raw=report.raw,
        )
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
        return trade

    @handles(FillsRetracted)
    def on_retracted(self, message: FillsRetracted, sender: ActorAddress) -> None:
        """None of it happened. What was decided on it stands, and whoever asks is told that it was wrong."""
        self.patience.drop(message.tx)
        for reversal in self.ledger.retract(message.tx):
            self._reverse(message.tx, reversal, retracted_at_ns=message.seen_at_ns)

    def _reverse(self, tx: TxHash, reversal: Reversal, *, retracted_at_ns: int) -> None:
        what = "retracted" if retracted_at_ns else "given again"
        RETRACTED.labels(what).inc()
        shares = max(0, self.positions.get(reversal.token_id, 0) + reversal.shares)
        self.positions[reversal.token_id] = shares
        log.warning(
            f"leader trade {what}",
            wallet=self.args.wallet,
            tx=tx,
            token_id=reversal.token_id,
            side=reversal.side,
            position=shares,
        )
        write = StoreRetraction(
            wallet=self.args.wallet,
            tx=tx,
            token_id=reversal.token_id,
            side=reversal.side,
            retracted_at_ns=retracted_at_ns,
            shares=shares,
        )
        self.send(self.args.directory.store, write)

    @handles(CursorReached)
    def on_cursor(self, message: CursorReached, sender: ActorAddress) -> None:
        """The poller handed over everything up to here: durable behind the trades themselves."""
        self.send(self.args.directory.store, StoreCursor(wallet=message.wallet, cursor_s=message.cursor_s))

    @handles(_Flush)
    def on_flush(self, message: _Flush, sender: ActorAddress) -> None:
        count, self.duplicates = self.duplicates, 0
        self.send(self.args.directory.store, StoreDuplicates(wallet=self.args.wallet, count=count))

    @handles(_Prune)
    def on_prune(self, message: _Prune, sender: ActorAddress) -> None:
        before_ns = self.clock.now_ns() - self.args.identity_window_s * 1_000_000_000
        self.ledger.prune(before_ns)
        self.movements.prune(before_ns)
