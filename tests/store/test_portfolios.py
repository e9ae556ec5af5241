"""Portfolios: what a restart finds, whom they follow since when, snapshots that only go forward."""

from __future__ import annotations

from typing import Any

from examples import CONDITION, NO, PAPER, USDC, WALLET, YES, fill, intent, trade, tx_of
from store_desk import Desk

from messages.decisions import Skip, SkipReason
from messages.ids import intent_id
from messages.orders import OrderState
from messages.store import LoadPortfolio, PositionRow, StoreDecision, StoreOrder, StorePositions
from messages.trades import LeaderTrade

OTHER = "0x" + "b2" * 20


def skipped(copied: LeaderTrade, epoch: int) -> StoreDecision:
    return StoreDecision(
        decision=Skip(
            intent_id=intent_id(copied.trade_id, PAPER),
            portfolio_id=PAPER,
            epoch=epoch,
            trade_id=copied.trade_id,
            reason=SkipReason.SPREAD,
            checks=(),
            settings_hash="s",
            decided_at_ns=1,
        )
    )


def ids(trades: tuple[LeaderTrade, ...]) -> list[str]:
    return [one.trade_id for one in trades]


async def test_each_load_raises_the_epoch_and_keeps_the_starting_cash(desk: Desk) -> None:
    assert (await desk.load()).epoch == 1
    load = LoadPortfolio(portfolio_id=PAPER, mode="paper", starting_cash=5, follows=(), at_ns=1)
    again = await desk.ask(load)
    assert (again.epoch, again.starting_cash) == (2, 1000 * USDC)


async def test_a_restart_finds_fills_open_orders_and_undecided_trades(desk: Desk) -> None:
    await desk.load()
    decided, open_one, undecided = (trade(tx=tx_of(number)) for number in range(3))
    desk.trades(decided, open_one, undecided)
    order_id = intent(trade_id=decided.trade_id).order_id
    desk.put(StoreDecision(decision=intent(trade_id=decided.trade_id)))
    desk.put(StoreDecision(decision=intent(trade_id=open_one.trade_id)))
    desk.put(
        StoreOrder(
            order_id=order_id,
            state=OrderState.FILLED,
            fills=(fill(order_id=order_id),),
            reason="",
            sent_at_ns=5,
            at_ns=6,
            stage="end",
            elapsed_ms=1,
        )
    )
    loaded = await desk.load()
    assert [one.order_id for one in loaded.fills] == [order_id]
    assert [one.intent.trade_id for one in loaded.open_orders] == [open_one.trade_id]
    assert ids(loaded.undecided) == [undecided.trade_id]


async def test_trades_from_before_the_following_are_not_owed(desk: Desk) -> None:
    desk.trades(trade(tx=tx_of(1)))
    assert (await desk.load()).undecided == ()
    later = trade(tx=tx_of(2))
    desk.trades(later, trade(tx=tx_of(3), wallet=OTHER))
    assert ids((await desk.load()).undecided) == [later.trade_id]


async def test_a_leader_added_later_owes_from_then_on(desk: Desk) -> None:
    await desk.load()
    desk.trades(trade(tx=tx_of(1), wallet=OTHER))
    await desk.load(WALLET, OTHER)
    later = trade(tx=tx_of(2), wallet=OTHER)
    desk.trades(later)
    assert ids((await desk.load(WALLET, OTHER)).undecided) == [later.trade_id]


async def test_a_leader_dropped_and_taken_up_again_owes_nothing_in_between(desk: Desk) -> None:
    await desk.load(at_ns=1)
    before, after, between, again = (trade(tx=tx_of(number)) for number in range(4))
    desk.trades(before, after)
    desk.put(skipped(before, 1))
    assert (await desk.load(OTHER, at_ns=2)).undecided == ()
    desk.trades(between)
    assert (await desk.load(WALLET, at_ns=3)).undecided == ()
    desk.trades(again)
    assert ids((await desk.load(WALLET, at_ns=4)).undecided) == [again.trade_id]
    spans = await desk.rows(
        "SELECT since_seq, until_seq FROM follows WHERE wallet = $1 ORDER BY since_ns", WALLET
    )
    # The first span ends before `after`, which nobody had decided on when it ended.
    assert spans == [(0, 1), (3, None)]


async def test_a_changed_ratio_is_kept(desk: Desk) -> None:
    await desk.load()
    await desk.load()
    assert await desk.rows("SELECT wallet, ratio * 1000000 FROM follows") == [(WALLET, 10_000)]


def snapshot(fill_seq: int, cash: int, *rows: PositionRow) -> StorePositions:
    return StorePositions(
        portfolio_id=PAPER, cash=cash, realised=-3, fees=4, fill_seq=fill_seq, positions=rows
    )


def row(token_id: str, shares: int, **changes: Any) -> PositionRow:
    fields = {"cost": 7, "realised": -8, "fees": 9} | changes
    return PositionRow(portfolio_id=PAPER, condition_id=CONDITION, token_id=token_id, shares=shares, **fields)


async def stored(desk: Desk) -> tuple[list[Any], list[Any]]:
    return (
        await desk.rows("SELECT (cash * 1000000)::bigint, fill_seq FROM portfolios"),
        await desk.rows("SELECT token_id, (shares * 1000000)::bigint FROM positions ORDER BY token_id"),
    )


async def test_snapshots_replace_what_they_name_and_leave_the_rest(desk: Desk) -> None:
    await desk.load()
    desk.put(snapshot(1, 100, row(YES, 10)))
    desk.put(snapshot(2, 200, row(NO, 20)))
    await desk.settled()
    desk.put(snapshot(3, 300, row(YES, 30)))
    await desk.settled()
    assert await stored(desk) == ([(300, 3)], [(YES, 30), (NO, 20)])


async def test_an_older_snapshot_never_replaces_a_newer(desk: Desk) -> None:
    await desk.load()
    desk.put(snapshot(5, 500, row(YES, 50)))
    desk.put(snapshot(4, 400, row(YES, 40), row(NO, 4)))
    await desk.settled()
    desk.put(snapshot(3, 300, row(YES, 30)))
    desk.put(snapshot(5, 555, row(YES, 55)))
    await desk.settled()
    assert await stored(desk) == ([(555, 5)], [(YES, 55), (NO, 4)])
