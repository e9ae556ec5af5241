"""Orders and fills: states that end, fills that count once, in the order they came."""

from __future__ import annotations

from typing import Any

import pytest
from examples import NOON_NS, NS, PAPER, SHARE, fill, intent, trade, tx_of
from store_desk import Desk

from messages.orders import Fill, FillKind, OrderState
from messages.store import LoadOpenOrders, OrderStored, StoreDecision, StoreOrder, StoreSettlement
from messages.trades import Side

ORDER = intent().order_id


def store_order(state: OrderState, *fills: Fill, **changes: Any) -> StoreOrder:
    fields = {
        "order_id": ORDER,
        "state": state,
        "fills": fills,
        "reason": "",
        "sent_at_ns": NOON_NS + 1,
        "at_ns": NOON_NS + 2,
        "stage": "test",
        "elapsed_ms": 3,
    } | changes
    return StoreOrder(**fields)


def part(number: int, **changes: Any) -> Fill:
    return fill(**{"order_id": ORDER, "seq": 0, "fill_id": f"f{number}", "size": 2 * SHARE} | changes)


@pytest.fixture
async def placed(desk: Desk) -> Desk:
    """A portfolio with the example intent, its order CREATED."""
    await desk.load()
    desk.trades(trade())
    await desk.ask(StoreDecision(decision=intent()))
    return desk


async def order_row(desk: Desk, *columns: str) -> tuple[Any, ...]:
    (row,) = await desk.rows(f"SELECT {', '.join(columns)} FROM orders WHERE order_id = $1", ORDER)
    return tuple(row)


async def test_an_order_takes_its_state_and_its_fills_with_their_seq(placed: Desk) -> None:
    stored = await placed.ask(store_order(OrderState.PARTIAL, part(1), part(2)))
    assert stored.state is OrderState.PARTIAL
    first, second = stored.fills
    assert (first.fill_id, second.fill_id) == ("f1", "f2")
    assert 0 < first.seq < second.seq
    (record,) = (await placed.ask(LoadOpenOrders())).orders
    assert (record.state, record.filled, record.sent_at_ns) == (OrderState.PARTIAL, 4 * SHARE, NOON_NS + 1)


async def test_a_fill_reported_twice_counts_once_and_keeps_its_seq(placed: Desk) -> None:
    once = await placed.ask(store_order(OrderState.PARTIAL, part(1)))
    twice = await placed.ask(store_order(OrderState.FILLED, part(1), part(2), part(1)))
    assert twice.fills[0].seq == once.fills[0].seq == twice.fills[2].seq
    assert await order_row(placed, "filled::int", "state") == (4, "FILLED")
    assert await placed.rows("SELECT count(*) FROM fills") == [(2,)]


async def test_a_fill_reported_twice_in_one_batch_counts_once(placed: Desk) -> None:
    for number in range(5):
        placed.put(store_order(OrderState.PARTIAL, part(1), part(2)), number)
    await placed.settled()
    answers = [answer for sender, answer in placed.answers if isinstance(sender, int)]
    assert len({tuple(one.seq for one in answer.fills) for answer in answers}) == 1
    assert await order_row(placed, "filled::int") == (4,)


@pytest.mark.parametrize("end", [s for s in OrderState if s.terminal])
async def test_a_terminal_state_is_never_left_and_says_so(placed: Desk, end: OrderState) -> None:
    await placed.ask(store_order(end, reason="the end"))
    for state in OrderState:
        late = await placed.ask(store_order(state, reason="late", at_ns=NOON_NS + 9))
        assert late.state is end
    assert await order_row(placed, "state", "reason") == (end, "the end")


async def test_a_fill_that_comes_after_the_end_is_recorded_all_the_same(placed: Desk) -> None:
    await placed.ask(store_order(OrderState.CANCELLED))
    late = await placed.ask(store_order(OrderState.FILLED, part(1)))
    assert (late.state, late.fills[0].seq > 0) == (OrderState.CANCELLED, True)
    assert await order_row(placed, "filled::int") == (2,)


async def test_states_of_one_batch_apply_in_their_order(placed: Desk) -> None:
    states = (OrderState.PLACED, OrderState.PARTIAL, OrderState.CANCELLED, OrderState.PENDING)
    for number, state in enumerate(states):
        placed.put(store_order(state, at_ns=NOON_NS + number, stage=state.lower()), number)
    await placed.settled()
    told = [answer.state for sender, answer in placed.answers if isinstance(sender, int)]
    assert told == [OrderState.PLACED, OrderState.PARTIAL, OrderState.CANCELLED, OrderState.CANCELLED]
    events = await placed.rows("SELECT stage, state FROM order_events ORDER BY seq")
    assert events == [("decided", "CREATED"), *((state.lower(), state) for state in states)]


async def test_the_same_event_again_is_not_recorded_again(placed: Desk) -> None:
    for _ in range(2):
        await placed.ask(store_order(OrderState.PLACED))
    assert await placed.rows("SELECT count(*) FROM order_events") == [(2,)]


async def test_sending_time_and_latency_are_those_of_the_first_sending(placed: Desk) -> None:
    await placed.ask(store_order(OrderState.CREATED, sent_at_ns=0))
    await placed.ask(store_order(OrderState.PLACED, sent_at_ns=NOON_NS + 5, latency_ns=1_500_000))
    await placed.ask(store_order(OrderState.FILLED, sent_at_ns=NOON_NS + NS, latency_ns=0))
    assert await order_row(placed, "sent_at_ns", "latency_ns") == (NOON_NS + 5, 1_500_000)


async def test_fills_over_all_orders_are_numbered_as_they_came(desk: Desk) -> None:
    await desk.load()
    orders = []
    for number in range(3):
        one = trade(tx=tx_of(number))
        desk.trades(one)
        orders.append(intent(trade_id=one.trade_id).order_id)
        desk.put(StoreDecision(decision=intent(trade_id=one.trade_id)))
    # Two rounds over the orders and a settlement in one batch: fills alternate between the orders.
    expected = []
    for number, order_id in enumerate(orders * 2):
        desk.put(store_order(OrderState.PARTIAL, part(number, order_id=order_id), order_id=order_id))
        expected.append(f"f{number}")
        if number == 2:
            desk.put(StoreSettlement(fill=settled("s")))
            expected.append("s")
    await desk.settled()
    assert [row[0] for row in await desk.rows("SELECT fill_id FROM fills ORDER BY seq")] == expected


def settled(fill_id: str) -> Fill:
    return fill(
        fill_id=fill_id, order_id="", kind=FillKind.SETTLEMENT, side=Side.SELL, price=0, usdc=0, seq=0
    )


async def test_a_settlement_is_recorded_once_without_an_order(desk: Desk) -> None:
    await desk.load()
    first = await desk.ask(StoreSettlement(fill=settled("s1")))
    again = await desk.ask(StoreSettlement(fill=settled("s1")))
    assert isinstance(first, OrderStored)
    assert (first.order_id, first.fills[0].seq) == ("", again.fills[0].seq)
    assert (await desk.load()).fills == first.fills


async def test_every_field_of_a_fill_survives(placed: Desk) -> None:
    sent = part(1, fee=12_340, price=123_456, usdc=246_912, event_slug="ä", side=Side.SELL)
    (back,) = (await placed.ask(store_order(OrderState.FILLED, sent))).fills
    (loaded,) = (await placed.load()).fills
    assert loaded == back
    assert loaded.portfolio_id == PAPER
    assert {n: getattr(loaded, n) for n in sent.__struct_fields__ if n != "seq"} == {
        n: getattr(sent, n) for n in sent.__struct_fields__ if n != "seq"
    }
