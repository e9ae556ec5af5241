"""The historian: tells what of a wallet's past is new, by the same rules as a leader, and has it recorded.

It keeps away from what is a leader's own to judge: the time since the following began, as far back as trades
are remembered there. Everything it records is backfill, which no portfolio copies.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.leader.accepting import trade_of
from actors.leader.ledger import NewTrade, TradeLedger
from messages.backfill import (
    HistoryAdded,
    HistoryPage,
    HistoryStored,
    HistoryTaken,
    LoadTrades,
    StoreHistory,
    TradesLoaded,
)
from messages.base import Message
from messages.directory import Directory
from messages.movements import LeaderMovement, MovementReported, movement_key
from messages.trades import LeaderTrade
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("history")

BACKFILLED = Counter("remora_backfilled_trades_total", "Trades recorded from leaders' past")

ASK_TIMEOUT_S: Final = 30.0
MARGIN_S: Final = 3_600
"""Trades that a leader may just be forgetting are left alone for this long."""

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HistorianArgs:
    """Whom it tells, and what leaders keep to themselves: see `LeaderArgs`."""

    directory: Directory
    identity_window_s: int
    backfill_s: int


class _PageFailed(Message, frozen=True, kw_only=True):
    reason: str


class Historian(SupervisedActor):
    """Takes pages of history, one after another."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    args: HistorianArgs

    def started(self) -> None:
        self.turn = asyncio.Lock()
        self.recorded = 0

    def snapshot(self) -> dict[str, object]:
        return {"recorded": self.recorded, "busy": self.turn.locked()}

    @handles(HistoryPage)
    def on_page(self, page: HistoryPage, sender: ActorAddress) -> None:
        self.pipe(self._take(page, sender), failed=lambda error: _PageFailed(reason=repr(error)))

    @handles(_PageFailed)
    def on_failed(self, message: _PageFailed, sender: ActorAddress) -> None:
        """Whoever sent the page hears nothing, and sends it again."""
        log.warning("a page of history was not taken", reason=message.reason)

    async def _take(self, page: HistoryPage, sender: ActorAddress) -> None:
        async with self.turn:
            trades, movements = await self._news(page)
            stored: HistoryStored = await self.ask(
                self.args.directory.store,
                StoreHistory(
                    request_id=page.request_id,
                    trades=trades,
                    movements=movements,
                    rows=page.rows,
                    reached_s=page.reached_s,
                    is_last=page.is_last,
                    refusal=page.refusal,
                ),
                timeout_s=ASK_TIMEOUT_S,
            )
            self.recorded += stored.trades
            BACKFILLED.inc(stored.trades)
            for trade in trades:
                self.send(self.args.directory.portfolios, trade)
                await self.ready(self.args.directory.portfolios)
        if page.is_last:
            log.info("backfill done", wallet=page.wallet, request=page.request_id)
            self.send(self.args.directory.leaders, HistoryAdded(wallet=page.wallet))
        self.send(sender, HistoryTaken(request_id=page.request_id))

    async def _news(self, page: HistoryPage) -> tuple[tuple[LeaderTrade, ...], tuple[LeaderMovement, ...]]:
        times = [one.traded_at_ns for one in page.fills] + [one.moved_at_ns for one in page.movements]
        if not times:
            return (), ()
        loaded: TradesLoaded = await self.ask(
            self.args.directory.store,
            LoadTrades(wallet=page.wallet, from_ns=min(times), to_ns=max(times)),
            timeout_s=ASK_TIMEOUT_S,
        )
        before_ns = self._leaders_own_ns(loaded.followed_at_ns)
        ledger = TradeLedger()
        for trade in loaded.trades:
            ledger.restore(trade)
        found = [
            new
            for fill in page.fills
            if fill.traded_at_ns < before_ns
            for new in ledger.observe(fill)
            if isinstance(new, NewTrade)
        ]
        trades = tuple(
            msgspec.structs.replace(trade_of(new, backfill=True, before=0, after=0), seen_mono_ns=0)
            for new in found + ledger.decided()
        )
        return trades, tuple(
            movement for one in page.movements if one.moved_at_ns < before_ns for movement in _movements(one)
        )

    def _leaders_own_ns(self, followed_at_ns: int | None) -> int:
        """Return from when on what happened is a leader's to judge."""
        now_ns = self.clock.now_ns()
        if followed_at_ns is None:
            return now_ns
        remembered_ns = now_ns - (self.args.identity_window_s + MARGIN_S) * _NS_PER_S
        return max(followed_at_ns - self.args.backfill_s * _NS_PER_S, remembered_ns)


def _movements(report: MovementReported) -> list[LeaderMovement]:
    ordinal = report.occurrence - 1
    return [
        LeaderMovement(
            key=movement_key(report.wallet, report.tx, token, report.kind, report.size, ordinal),
            ordinal=ordinal,
            wallet=report.wallet,
            tx=report.tx,
            condition_id=report.condition_id,
            kind=report.kind,
            token_id=token,
            size=report.size,
            moved_at_ns=report.moved_at_ns,
            seen_at_ns=report.seen_at_ns,
            feed=report.feed,
            position_before=0,
            position_after=0,
            raw=report.raw,
        )
        for token in report.token_ids
    ]
