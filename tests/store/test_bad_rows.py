"""One write that can never be: it is put aside for a person, and the others go on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from examples import NOON_NS, changed, fill, intent, stored, trade, tx_of
from store_desk import Desk

from messages.orders import OrderState
from messages.store import DecisionOutcome, StoreDecision, StoreOrder, StoreSettlement

BAD: dict[str, Any] = {
    "a size the database refuses": stored(trade(size=-5, usdc=1, tx=tx_of(900))),
    "a price beyond one": stored(trade(price=2_000_000, tx=tx_of(901))),
    "a time beyond 64 bits": stored(trade(traded_at_ns=2**70, tx=tx_of(902))),
    "an amount beyond NUMERIC(30,6)": stored(trade(size=10**40, usdc=1, tx=tx_of(903))),
    "half a surrogate in an id": stored(changed(trade(), key="\ud800")),
    "NUL in an id": stored(trade(key="a\0b")),
    "a key too long for its index": stored(trade(key="".join(map(str, range(5000))))),
    "no decision at all": StoreDecision(decision=None),  # type: ignore[arg-type]
    "an order that nobody decided on": StoreOrder(
        order_id="0xunknown",
        state=OrderState.PLACED,
        fills=(),
        reason="",
        sent_at_ns=1,
        at_ns=1,
        stage="sent",
        elapsed_ms=1,
    ),
    "a fill of an order that nobody decided on": StoreSettlement(fill=fill(order_id="0xunknown")),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_write_is_put_aside_and_the_rest_goes_on(desk: Desk, what: str) -> None:
    await desk.load()
    good = [trade(tx=tx_of(number)) for number in range(40)]
    for number, one in enumerate(good):
        if number == 17:
            desk.put(BAD[what], "bad")
        desk.trades(one)
        desk.put(StoreDecision(decision=intent(trade_id=one.trade_id)), number)
    await desk.settled()

    answers = [(sender, answer) for sender, answer in desk.answers if isinstance(sender, int)]
    assert [sender for sender, _ in answers] == list(range(40))
    assert {answer.outcome for _, answer in answers} == {DecisionOutcome.STORED}
    assert await desk.rows("SELECT tx FROM trades ORDER BY seq") == [(one.tx,) for one in good]
    ((message, body, error),) = await desk.rows("SELECT message, body, error FROM dead_writes")
    assert message == type(BAD[what]).__name__
    assert body
    assert error
    assert [available for available, _ in desk.told] == [True]


async def test_the_body_of_a_bad_write_is_kept_whole(desk: Desk) -> None:
    desk.put(stored(trade(size=-5, usdc=1)))
    await desk.settled()
    ((body,),) = await desk.rows("SELECT body FROM dead_writes")
    assert json.loads(body)["trade"]["size"] == -5


async def test_a_bad_decision_is_answered(desk: Desk) -> None:
    await desk.load()
    desk.trades(trade())
    answer = await desk.ask(StoreDecision(decision=intent(size=-1)))
    assert answer.outcome is DecisionOutcome.REFUSED
    assert "cannot be recorded" in answer.detail
    again = await desk.ask(StoreDecision(decision=intent()))
    assert again.outcome is DecisionOutcome.STORED


async def test_many_bad_writes_among_many_good(desk: Desk) -> None:
    for number in range(300):
        size = -1 if number % 10 == 0 else 1
        desk.put(stored(trade(tx=tx_of(number), size=size, usdc=0, traded_at_ns=NOON_NS)))
    await desk.settled()
    assert await desk.rows("SELECT count(*) FROM trades") == [(270,)]
    assert await desk.rows("SELECT count(*) FROM dead_writes") == [(30,)]
