"""Leaders' movements stored: once, and in their place among the trades."""

from __future__ import annotations

from typing import Any

from examples import CONDITION, NOON_NS, SHARE, WALLET, YES, trade, tx_of
from store_desk import Desk

from messages.movements import LeaderMovement, MovementKind, movement_key
from messages.store import StoreMovement


def moved(number: int = 1, **changes: Any) -> LeaderMovement:
    fields: dict[str, Any] = {
        "ordinal": 0,
        "wallet": WALLET,
        "tx": tx_of(number),
        "condition_id": CONDITION,
        "kind": MovementKind.SPLIT,
        "token_id": YES,
        "size": 10 * SHARE,
        "moved_at_ns": NOON_NS,
        "seen_at_ns": NOON_NS,
        "feed": "poller",
        "position_before": 0,
        "position_after": 10 * SHARE,
    } | changes
    made = [fields[name] for name in ("wallet", "tx", "token_id", "kind", "size", "ordinal")]
    return LeaderMovement(key=movement_key(*made), **fields)


def movement(of: LeaderMovement) -> StoreMovement:
    return StoreMovement(movement=of, position=of.position_after)


async def test_a_movement_is_loaded_as_it_was_stored(desk: Desk) -> None:
    desk.put(movement(moved(raw=b'{"type": "SPLIT"}')))
    loaded = await desk.load_leader()
    assert loaded.movements == (moved(),)
    assert [(one.token_id, one.shares) for one in loaded.positions] == [(YES, 10 * SHARE)]
    assert (await desk.load_leader(trades_since_ns=NOON_NS + 1)).movements == ()
    assert await desk.rows("SELECT raw->>'type' FROM leader_movements") == [("SPLIT",)]


async def test_a_movement_stored_again_changes_nothing(desk: Desk) -> None:
    desk.put(movement(moved()))
    desk.trades(trade(position_before=10 * SHARE, position_after=110 * SHARE))
    desk.put(movement(moved()))
    loaded = await desk.load_leader()
    assert [one.shares for one in loaded.positions] == [110 * SHARE]
    assert len(loaded.movements) == 1


async def test_of_trades_and_movements_in_one_commit_the_last_says_the_position(desk: Desk) -> None:
    for number in range(1, 9):
        desk.trades(trade(tx=tx_of(100 + number), position_after=(2 * number) * SHARE))
        desk.put(movement(moved(number, position_after=(2 * number + 1) * SHARE)))
    desk.trades(trade(tx=tx_of(200), position_after=77 * SHARE))
    assert [one.shares for one in (await desk.load_leader()).positions] == [77 * SHARE]
    desk.trades(trade(tx=tx_of(201), position_after=78 * SHARE))
    desk.put(movement(moved(90, position_after=79 * SHARE)))
    assert [one.shares for one in (await desk.load_leader()).positions] == [79 * SHARE]
