"""Backfill stored: a page and its progress together, and positions worked out anew from all of it."""

from __future__ import annotations

from random import Random
from typing import Any

from examples import NO, NOON_NS, NS, SHARE, WALLET, YES, correction, trade, tx_of
from store_desk import Desk

from actors.leader.position import after_trade
from actors.store import overrides
from actors.store.connection import connect
from messages.backfill import BackfillRequest, FoldPositions, LoadTrades, StoreHistory
from messages.operator import LoadOverrides
from messages.trades import LeaderTrade, Side

LONG_AGO_S = NOON_NS // NS - 10**6
NOW_S = NOON_NS // NS


async def asked(desk: Desk) -> int:
    """Ask for the wallet's past, as the command does."""
    await desk.settled()
    connection = await connect(desk.url, {})
    try:
        return await overrides.ask_for_history(connection, WALLET, LONG_AGO_S, NOW_S)
    finally:
        await connection.close()


def old(number: int, **changes: Any) -> LeaderTrade:
    fields = {"backfill": True, "position_before": 0, "position_after": 0, "traded_at_ns": LONG_AGO_S * NS}
    return trade(tx=tx_of(number), **(fields | changes))


def page(request_id: int, *trades: LeaderTrade, **changes: Any) -> StoreHistory:
    fields = {"movements": (), "rows": len(trades), "reached_s": LONG_AGO_S + 100, "is_last": False}
    return StoreHistory(request_id=request_id, trades=trades, **(fields | changes))


async def progress(desk: Desk) -> list[Any]:
    return await desk.rows("SELECT state, reached_s, rows, trades, reason FROM backfills ORDER BY request_id")


async def test_an_open_request_is_told_with_how_far_it_is_until_it_is_done(desk: Desk) -> None:
    number = await asked(desk)
    request = BackfillRequest(
        request_id=number, wallet=WALLET, from_s=LONG_AGO_S, to_s=NOW_S, reached_s=LONG_AGO_S
    )
    assert (await desk.ask(LoadOverrides())).backfills == (request,)
    assert (await desk.ask(page(number, old(1), old(2)))).trades == 2
    (told,) = (await desk.ask(LoadOverrides())).backfills
    assert told.reached_s == LONG_AGO_S + 100
    await desk.ask(page(number, old(2), old(3), reached_s=NOW_S + 5, is_last=True))
    assert (await desk.ask(LoadOverrides())).backfills == ()
    assert await progress(desk) == [("DONE", NOW_S, 4, 3, "")]


async def test_a_request_that_was_refused_says_why_and_is_not_told_again(desk: Desk) -> None:
    number = await asked(desk)
    await desk.ask(page(number, is_last=True, reached_s=LONG_AGO_S, refusal="the API said no"))
    assert await progress(desk) == [("FAILED", LONG_AGO_S, 0, 0, "the API said no")]
    assert (await desk.ask(LoadOverrides())).backfills == ()


async def test_history_leaves_positions_alone_until_they_are_worked_out_anew(desk: Desk) -> None:
    desk.trades(trade(tx=tx_of(9), side=Side.SELL, size=30 * SHARE, position_before=0, position_after=0))
    await desk.ask(page(await asked(desk), old(1, size=100 * SHARE)))
    assert (await desk.load_leader()).positions == ()
    folded = await desk.ask(FoldPositions(wallet=WALLET))
    assert [(one.token_id, one.shares) for one in folded.positions] == [(YES, 70 * SHARE)]
    assert (await desk.load_leader()).positions == folded.positions


async def test_the_last_page_brings_the_positions_with_it_so_no_crash_comes_between(
    desk: Desk,
) -> None:
    number = await asked(desk)
    await desk.ask(page(number, old(1, size=100 * SHARE)))
    await desk.ask(page(number, old(2, size=20 * SHARE, side=Side.SELL), is_last=True))
    assert [one.shares for one in (await desk.load_leader()).positions] == [80 * SHARE]


async def test_trades_of_a_time_are_loaded_with_when_the_following_began(desk: Desk) -> None:
    early, late = old(1), old(2, traded_at_ns=LONG_AGO_S * NS + 7)
    desk.trades(late, early)
    load = LoadTrades(wallet=WALLET, from_ns=LONG_AGO_S * NS, to_ns=LONG_AGO_S * NS + 6)
    loaded = await desk.ask(load)
    assert ([one.trade_id for one in loaded.trades], loaded.followed_at_ns) == ([early.trade_id], None)
    await desk.load_leader(followed_at_ns=5)
    assert (await desk.ask(load)).followed_at_ns == 5


async def test_the_database_folds_any_history_as_a_leader_does(desk: Desk) -> None:
    random = Random(1)
    expected: dict[str, dict[str, int]] = {}
    for number in range(60):
        wallet = f"0x{number:040x}"
        positions = expected[wallet] = {}
        steps = [
            (random.choice((YES, NO)), random.choice(tuple(Side)), random.randint(1, 5) * SHARE)
            for _ in range(random.randint(1, 12))
        ]
        for step, (token, side, size) in enumerate(steps):
            positions[token] = after_trade(positions.get(token, 0), side, size)
            at_ns = LONG_AGO_S * NS + step
            fields = {"wallet": wallet, "tx": tx_of(step), "token_id": token, "side": side, "size": size}
            desk.trades(trade(traded_at_ns=at_ns, **fields))
        undone = trade(wallet=wallet, tx=tx_of(99), size=50 * SHARE)
        desk.trades(undone)
        desk.put(correction(undone, 0))
    for wallet, positions in expected.items():
        folded = await desk.ask(FoldPositions(wallet=wallet))
        left = {token: shares for token, shares in positions.items() if shares}
        assert {one.token_id: one.shares for one in folded.positions} == left
