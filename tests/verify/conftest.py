"""A database that a day of copying has left in good order, for each test to break."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from examples import (
    CONDITION,
    NO,
    NOON_NS,
    PAPER,
    SHARE,
    USDC,
    YES,
    fill,
    intent,
    market_row,
    order,
    sale,
    trade,
    tx_of,
)
from pg import place, postgres, url
from store_desk import Desk

from config.settings import Database
from messages.decisions import Skip, SkipReason
from messages.ids import intent_id
from messages.orders import Fill, FillKind, OrderState
from messages.store import (
    PaperOrder,
    PositionRow,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreOrder,
    StorePaperOrder,
    StorePaperSettlement,
    StorePositions,
    StoreSettlement,
)
from messages.trades import LeaderTrade, Side

__all__ = ["day", "place", "postgres", "url"]

BOUGHT = trade(tx=tx_of(1))
SOLD = sale(tx=tx_of(2), size=30 * SHARE)
OTHER = trade(tx=tx_of(3), token_id=NO)
SKIPPED = trade(tx=tx_of(4))
HISTORY = trade(tx=tx_of(5), backfill=True)
"""What the day's trades are called in the tests."""


def skip(skipped: LeaderTrade, reason: SkipReason) -> StoreDecision:
    return StoreDecision(
        decision=Skip(
            intent_id=intent_id(skipped.trade_id, PAPER),
            portfolio_id=PAPER,
            epoch=1,
            trade_id=skipped.trade_id,
            reason=reason,
            checks=(),
            settings_hash="s",
            decided_at_ns=NOON_NS,
        )
    )


async def copy(desk: Desk, copied: LeaderTrade, latency_ns: int, *fills: Fill) -> None:
    """Decide on a trade, let the paper venue fill the order, and record it all."""
    decided = intent(trade_id=copied.trade_id, side=copied.side, token_id=copied.token_id)
    own = tuple(_of(one, decided.order_id) for one in fills)
    desk.put(StoreDecision(decision=decided))
    placed = order(order_id=decided.order_id, side=copied.side, token_id=copied.token_id)
    desk.put(
        StorePaperOrder(
            paper=PaperOrder(order=placed, state=OrderState.FILLED, reason="", fills=own, at_ns=NOON_NS)
        )
    )
    desk.put(
        StoreOrder(
            order_id=decided.order_id,
            state=OrderState.FILLED,
            fills=own,
            reason="",
            sent_at_ns=NOON_NS + 5,
            at_ns=NOON_NS + 9,
            stage="filled",
            elapsed_ms=4,
            latency_ns=latency_ns,
        )
    )


def _of(one: Fill, order_id: str) -> Fill:
    fields: dict[str, Any] = {name: getattr(one, name) for name in one.__struct_fields__}
    return Fill(**(fields | {"order_id": order_id}))


def position(token_id: str, shares: int, cost: int, realised: int, fees: int) -> PositionRow:
    return PositionRow(
        portfolio_id=PAPER,
        condition_id=CONDITION,
        token_id=token_id,
        shares=shares,
        cost=cost,
        realised=realised,
        fees=fees,
    )


@pytest.fixture
async def day(url: str, place: Path) -> Desk:
    """10 YES bought for 5.02, 3.333333 sold for 1.99; 10 NO bought for 4 and paid out at nothing."""
    desk = Desk(Database(url=url), place)
    await desk.load()
    desk.trades(BOUGHT, SOLD, OTHER, SKIPPED, HISTORY)
    desk.put(StoreDuplicates(wallet=BOUGHT.wallet, count=7))
    await copy(desk, BOUGHT, 1_000_000, fill(fill_id="b", usdc=5 * USDC, fee=20_000))
    await copy(
        desk, SOLD, 2_000_000, fill(fill_id="s", side=Side.SELL, size=3_333_333, usdc=2_000_000, fee=10_000)
    )
    await copy(desk, OTHER, 4_000_000, fill(fill_id="o", token_id=NO, usdc=4 * USDC))
    desk.put(skip(SKIPPED, SkipReason.SPREAD))
    desk.put(skip(HISTORY, SkipReason.BACKFILL))
    paid = fill(
        fill_id="p", order_id="", token_id=NO, kind=FillKind.SETTLEMENT, side=Side.SELL, price=0, usdc=0
    )
    desk.put(StorePaperSettlement(fill=paid))
    (seq,) = [one.seq for one in (await desk.ask(StoreSettlement(fill=paid))).fills]
    # 5.02 * 3333333 // 10000000 is 1.673333 (1e-6): what the sold shares had cost.
    yes = position(YES, 6_666_667, 5_020_000 - 1_673_333, 1_990_000 - 1_673_333, 30_000)
    no = position(NO, 0, 0, -4 * USDC, 0)
    desk.put(
        StorePositions(
            portfolio_id=PAPER,
            cash=1000 * USDC - 5_020_000 + 1_990_000 - 4 * USDC,
            realised=yes.realised + no.realised,
            fees=30_000,
            fill_seq=seq,
            positions=(yes, no),
        )
    )
    desk.put(StoreMarkets(rows=(market_row(prices=(600_000, 400_000)),)))
    await desk.settled()
    await desk.close()
    return desk
