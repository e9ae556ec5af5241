"""From a report and what was new in it to the trade that everybody hears of."""

from __future__ import annotations

from actors.leader.ledger import NewTrade
from messages.store import Sighting
from messages.trades import FillReported, LeaderTrade
from messages.units import Shares


def trade_of(new: NewTrade, *, backfill: bool, before: Shares, after: Shares) -> LeaderTrade:
    """Return the trade; only this first report of it leaves its raw payload (D11)."""
    report = new.report
    return LeaderTrade(
        trade_id=new.move.trade_id,
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
        backfill=backfill,
        position_before=before,
        position_after=after,
        outcome=report.outcome,
        title=report.title,
        slug=report.slug,
        event_slug=report.event_slug,
        block_number=report.block_number,
        log_index=report.log_index,
        is_remainder=new.is_remainder,
        raw=report.raw,
    )


def sighting_of(report: FillReported) -> Sighting:
    """Return who saw what when (D12)."""
    return Sighting(
        wallet=report.wallet,
        tx=report.tx,
        token_id=report.token_id,
        side=report.side,
        kind=report.kind,
        feed=report.feed,
        traded_at_ns=report.traded_at_ns,
        seen_at_ns=report.seen_at_ns,
    )
