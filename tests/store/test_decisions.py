"""Decisions: one per portfolio and trade, none by a dead incarnation, none on history."""

from __future__ import annotations

from typing import Any

import pytest
from examples import NOON_NS, PAPER, intent, trade, tx_of
from store_desk import Desk

from messages.decisions import Check, Intent, Skip, SkipReason
from messages.ids import intent_id
from messages.orders import OrderState
from messages.store import DecisionOutcome, LoadOpenOrders, StoreDecision
from messages.trades import LeaderTrade

CHECKS = (
    Check(name="spread", value=20_000, limit=50_000, passed=True),
    Check(name="big", value=-(2**62), limit=2**62, passed=False),
)


def skip(copied: LeaderTrade, **changes: Any) -> Skip:
    fields = {
        "intent_id": intent_id(copied.trade_id, PAPER),
        "portfolio_id": PAPER,
        "epoch": 1,
        "trade_id": copied.trade_id,
        "reason": SkipReason.SPREAD,
        "checks": CHECKS,
        "settings_hash": "s",
        "decided_at_ns": NOON_NS,
    } | changes
    return Skip(**fields)


async def decide(desk: Desk, decision: Intent | Skip) -> DecisionOutcome:
    outcome: DecisionOutcome = (await desk.ask(StoreDecision(decision=decision))).outcome
    return outcome


@pytest.fixture
async def ready(desk: Desk) -> Desk:
    """A portfolio at epoch 1 and the example trade."""
    await desk.load()
    desk.trades(trade())
    return desk


async def test_an_intent_is_stored_with_its_order_and_comes_back_whole(ready: Desk) -> None:
    decided = intent(checks=CHECKS, shortfall=7)
    assert await decide(ready, decided) is DecisionOutcome.STORED
    (record,) = (await ready.ask(LoadOpenOrders())).orders
    assert record.state is OrderState.CREATED
    assert (record.filled, record.sent_at_ns) == (0, 0)
    for name in decided.__struct_fields__:
        expected = 0 if name == "seen_mono_ns" else getattr(decided, name)
        assert getattr(record.intent, name) == expected, name


async def test_a_skip_is_stored_without_an_order(ready: Desk) -> None:
    assert await decide(ready, skip(trade())) is DecisionOutcome.STORED
    assert (await ready.ask(LoadOpenOrders())).orders == ()
    assert await ready.rows("SELECT kind, reason, epoch FROM intents") == [("SKIP", "SKIP_SPREAD", 1)]


async def test_the_second_decision_on_a_trade_is_a_duplicate_whatever_it_says(ready: Desk) -> None:
    assert await decide(ready, intent()) is DecisionOutcome.STORED
    assert await decide(ready, intent()) is DecisionOutcome.DUPLICATE
    assert await decide(ready, intent(order_id="0xanother")) is DecisionOutcome.DUPLICATE
    assert await decide(ready, skip(trade())) is DecisionOutcome.DUPLICATE
    assert await ready.rows("SELECT kind FROM intents") == [("COPY",)]
    assert await ready.rows("SELECT order_id FROM orders") == [(intent().order_id,)]


async def test_within_one_batch_the_first_decision_wins(ready: Desk) -> None:
    for number in range(5):
        ready.put(StoreDecision(decision=intent(reserved=number + 1)), number)
    await ready.settled()
    outcomes = [answer.outcome for _, answer in ready.answers if hasattr(answer, "outcome")]
    assert outcomes == [DecisionOutcome.STORED] + [DecisionOutcome.DUPLICATE] * 4
    assert await ready.rows("SELECT reserved * 1000000 FROM intents") == [(1,)]


async def test_two_portfolios_decide_on_the_same_trade(ready: Desk) -> None:
    await ready.load(portfolio_id="second")
    assert await decide(ready, intent()) is DecisionOutcome.STORED
    assert await decide(ready, intent(portfolio_id="second")) is DecisionOutcome.STORED


async def test_a_decision_of_an_earlier_incarnation_is_fenced(ready: Desk) -> None:
    await ready.load()
    assert await decide(ready, intent(epoch=1)) is DecisionOutcome.FENCED
    assert await decide(ready, skip(trade(), epoch=1)) is DecisionOutcome.FENCED
    assert await ready.rows("SELECT * FROM intents") == []
    assert await decide(ready, intent(epoch=2)) is DecisionOutcome.STORED


async def test_fencing_is_judged_decision_by_decision_within_a_batch(ready: Desk) -> None:
    others = [trade(tx=tx_of(number)) for number in range(3)]
    ready.trades(*others)
    epochs = (1, 0, 1)
    for number, (one, epoch) in enumerate(zip(others, epochs, strict=True)):
        ready.put(StoreDecision(decision=intent(trade_id=one.trade_id, epoch=epoch)), number)
    ready.put(StoreDecision(decision=intent(trade_id=others[1].trade_id, epoch=1)), 3)
    await ready.settled()
    outcomes = [answer.outcome for sender, answer in ready.answers if isinstance(sender, int)]
    stored, fenced = DecisionOutcome.STORED, DecisionOutcome.FENCED
    assert outcomes == [stored, fenced, stored, stored]


async def test_a_backfilled_trade_is_never_copied_but_may_be_skipped(ready: Desk) -> None:
    old = trade(tx=tx_of(9), backfill=True)
    ready.trades(old)
    answer = await ready.ask(StoreDecision(decision=intent(trade_id=old.trade_id)))
    assert answer.outcome is DecisionOutcome.REFUSED
    assert "history" in answer.detail
    assert await decide(ready, skip(old, reason=SkipReason.BACKFILL)) is DecisionOutcome.STORED
    assert await ready.rows("SELECT * FROM orders") == []


async def test_the_database_itself_refuses_a_copy_of_a_backfilled_trade(ready: Desk) -> None:
    old = trade(tx=tx_of(9), backfill=True)
    ready.trades(old)
    await decide(ready, intent())
    with pytest.raises(Exception, match="must not be copied"):
        await ready.execute(f"UPDATE intents SET trade_id = '{old.trade_id}'")


async def test_a_decision_on_what_is_not_recorded_is_refused(ready: Desk) -> None:
    unknown = trade(tx=tx_of(77))
    assert await decide(ready, intent(trade_id=unknown.trade_id)) is DecisionOutcome.REFUSED
    assert await decide(ready, intent(portfolio_id="nobody")) is DecisionOutcome.REFUSED


async def test_a_trade_and_its_decision_may_share_a_batch(desk: Desk) -> None:
    await desk.load()
    for number in range(200):
        one = trade(tx=tx_of(number))
        desk.trades(one)
        desk.put(StoreDecision(decision=intent(trade_id=one.trade_id)), number)
    await desk.settled()
    answers = [(sender, answer) for sender, answer in desk.answers if isinstance(sender, int)]
    assert [sender for sender, _ in answers] == list(range(200))
    assert {answer.outcome for _, answer in answers} == {DecisionOutcome.STORED}
