"""What people ask: how much of everything, and why."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
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
    market,
    market_row,
    trade,
    tx_of,
)
from store_desk import Desk

from actors.store.errors import EmptyError
from actors.store.queries import trades_like, why
from actors.store.reading import reading
from messages.decisions import Check, Skip, SkipReason
from messages.ids import intent_id
from messages.markets import Resolution
from messages.orders import OrderState
from messages.store import (
    CountsQuery,
    PositionRow,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreOrder,
    StorePositions,
)

SKIPPED = trade(tx=tx_of(2))


def skip() -> Skip:
    return Skip(
        intent_id=intent_id(SKIPPED.trade_id, PAPER),
        portfolio_id=PAPER,
        epoch=1,
        trade_id=SKIPPED.trade_id,
        reason=SkipReason.SPREAD,
        checks=(Check(name="spread", value=60_000, limit=50_000, passed=False),),
        settings_hash="s",
        decided_at_ns=NOON_NS,
    )


@pytest.fixture
async def told(desk: Desk) -> Desk:
    """A trade copied and filled with 2.5 ms of latency, another one skipped."""
    await desk.load()
    desk.trades(trade(), SKIPPED)
    desk.put(StoreDuplicates(wallet=trade().wallet, count=5))
    desk.put(StoreDecision(decision=intent(checks=(Check(name="lag", value=1, limit=2, passed=True),))))
    desk.put(StoreDecision(decision=skip()))
    order_id = intent().order_id
    desk.put(
        StoreOrder(
            order_id=order_id,
            state=OrderState.FILLED,
            fills=(fill(order_id=order_id, fee=20_000),),
            reason="",
            sent_at_ns=NOON_NS + 1,
            at_ns=NOON_NS + 2,
            stage="filled",
            elapsed_ms=3,
            latency_ns=2_500_000,
        )
    )
    await desk.settled()
    return desk


async def test_counts_of_nothing(desk: Desk) -> None:
    counts = await desk.ask(CountsQuery())
    assert (counts.leader_trades, counts.skips, counts.orders, counts.portfolios) == (0, {}, {}, ())
    assert counts.latency_p50_ms is None


async def test_counts_count_everything_sent_before(told: Desk) -> None:
    counts = await told.ask(CountsQuery())
    assert (counts.leader_trades, counts.duplicates, counts.intents, counts.fills) == (2, 5, 1, 1)
    assert counts.skips == {"SKIP_SPREAD": 1}
    assert counts.orders == {"FILLED": 1}
    assert (counts.latency_p50_ms, counts.latency_p99_ms) == (2.5, 2.5)
    (one,) = counts.portfolios
    assert (one.portfolio_id, one.intents, one.skips) == (PAPER, 1, 1)


async def test_latency_is_that_of_orders_that_have_one(told: Desk) -> None:
    for number in range(100, 200):
        one = trade(tx=tx_of(number))
        told.trades(one)
        told.put(StoreDecision(decision=intent(trade_id=one.trade_id)))
    counts = await told.ask(CountsQuery())
    assert (counts.orders, counts.latency_p99_ms) == ({"CREATED": 100, "FILLED": 1}, 2.5)


@pytest.mark.parametrize(
    ("known", "worth"),
    [
        (market(prices=(700_000, 300_000)), 7 * USDC - 5 * USDC),
        (market(resolution=Resolution.RESOLVED, payouts=(1_000_000, 0)), 10 * USDC - 5 * USDC),
        (market(resolution=Resolution.RESOLVED, payouts=(0, 1_000_000)), -5 * USDC),
        (market(resolution=Resolution.CLOSED, prices=(700_000, 300_000)), 7 * USDC - 5 * USDC),
        (market(resolution=Resolution.DISPUTED, prices=(900_000, 100_000)), 9 * USDC - 5 * USDC),
        (market(resolution=Resolution.OPEN, prices=(0, 1_000_000)), -5 * USDC),
        (market(resolution=Resolution.CLOSED, prices=(0, 0)), 0),
        (market(token_ids=("8", "9")), 0),
        (None, 0),
    ],
)
async def test_unrealised_pnl_is_what_the_last_prices_say(told: Desk, known: object, worth: int) -> None:
    if known is not None:
        told.put(StoreMarkets(rows=(market_row(market=known),)))
    sold_out, held = (
        PositionRow(
            portfolio_id=PAPER,
            condition_id=CONDITION,
            token_id=token,
            shares=shares,
            cost=5 * USDC if shares else 0,
            realised=0,
            fees=0,
        )
        for token, shares in ((NO, 0), (YES, 10 * SHARE))
    )
    told.put(
        StorePositions(portfolio_id=PAPER, cash=7, realised=8, fees=9, fill_seq=1, positions=(sold_out, held))
    )
    (one,) = (await told.ask(CountsQuery())).portfolios
    assert (one.cash, one.realised, one.fees, one.positions_open, one.unrealised) == (7, 8, 9, 1, worth)


async def test_why_a_trade_was_copied_is_told_from_source_to_fill(told: Desk, place: Path) -> None:
    async with reading(told.url, place) as connection:
        story = await why(connection, trade().trade_id)
    assert story is not None
    assert json.loads(json.dumps(story)) == story
    assert story["trade"]["size"] == "100"
    assert story["trade"]["price"] == "0.5"
    (decision,) = story["decisions"]
    assert (decision["kind"], decision["portfolio_id"], decision["price_limit"]) == ("COPY", PAPER, "0.53")
    assert decision["checks"] == [{"name": "lag", "value": 1, "limit": 2, "passed": True}]
    order = decision["order"]
    assert (order["state"], order["filled"], order["latency_ns"]) == ("FILLED", "10", 2_500_000)
    life = [(event["stage"], event["elapsed_ms"]) for event in order["events"]]
    assert life == [("decided", 0), ("filled", 3)]
    assert [(one["size"], one["usdc"], one["fee"]) for one in order["fills"]] == [("10", "5", "0.02")]


async def test_why_a_trade_was_skipped_names_the_guard_and_its_limit(told: Desk, place: Path) -> None:
    async with reading(told.url, place) as connection:
        story = await why(connection, SKIPPED.trade_id)
        assert await why(connection, "unknown") is None
    assert story is not None
    (decision,) = story["decisions"]
    assert decision["reason"] == "SKIP_SPREAD"
    assert decision["checks"] == [{"name": "spread", "value": 60_000, "limit": 50_000, "passed": False}]
    assert "order" not in decision
    assert "price_limit" not in decision


async def test_trades_are_found_by_the_beginning_of_their_id(told: Desk, place: Path) -> None:
    async with reading(told.url, place) as connection:
        assert await trades_like(connection, trade().trade_id[:12].upper()) == [trade().trade_id]
        assert await trades_like(connection, "") == [SKIPPED.trade_id, trade().trade_id]
        assert await trades_like(connection, "%") == []
        assert len(await trades_like(connection, "", limit=1)) == 1


async def test_who_only_looks_cannot_write(told: Desk, place: Path) -> None:
    async with reading(told.url, place) as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM trades")


async def test_an_empty_database_says_so(url: str, place: Path) -> None:
    with pytest.raises(EmptyError, match="no daemon has written"):
        async with reading(url, place):
            raise AssertionError


async def test_the_embedded_database_can_be_read_after_its_daemon(open_desk: object, place: Path) -> None:
    desk = open_desk(url="")  # type: ignore[operator]
    await desk.load()
    desk.trades(trade())
    await desk.close()
    async with reading("", place / "state") as connection:
        assert await trades_like(connection, trade().trade_id) == [trade().trade_id]
