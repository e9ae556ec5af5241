"""Rows that move shares without being trades: understood as documented, or not at all."""

from __future__ import annotations

import json
import time

import pytest
from outcomes import (
    CONDITION,
    NEG_RISK,
    NEG_RISK_NO,
    NEG_RISK_YES,
    NO,
    V2_CONDITION,
    V2_NO,
    V2_YES,
    YES,
    market,
)

from actors.ingest.errors import ComboMarket, Unclear
from actors.ingest.movements import moved
from actors.ingest.sets import ASKED_MAX, Sets
from messages.markets import MarketAnswer
from messages.movements import MovementKind, MovementReported
from messages.trades import FillReported


@pytest.fixture
def said(row, wallet):
    """Read a row of a type; keywords change it."""

    def read(kind, **changes):
        fields = {"type": kind, "condition_id": CONDITION, "token_id": "", "side": "", "price": 0} | changes
        return moved(json.dumps(row(**fields)).encode(), kind, wallet)

    return read


def answering(*markets):
    """Ask a price service that knows these markets; return the asking and what was asked."""
    known = {one.condition_id: one for one in markets}
    asked = []

    async def ask(query):
        asked.append(query.condition_id)
        found = known.get(query.condition_id)
        return MarketAnswer(
            condition_id=query.condition_id, market=found, as_of_ns=0, age_ms=0, stale=False, source="test"
        )

    return ask, asked


def test_a_split_is_of_complete_sets_and_a_redemption_of_one_outcome(said):
    split = said("SPLIT", size=12.5)
    assert (split.kind, split.token_id, split.size) == (MovementKind.SPLIT, None, 12_500_000)
    assert said("MERGE", token_id=None).token_id is None
    assert said("REDEEM", token_id=YES, usdc_size=0).token_id == YES


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("CONVERSION", {}, "does not say which outcomes"),
        ("MIGRATION", {}, "does not say which outcomes"),
        ("SPLIT", {"token_id": YES}, "names one outcome"),
        ("REDEEM", {}, "does not name the outcome"),
        ("SPLIT", {"size": 0}, "size was not"),
        ("MERGE", {"size": "many"}, "row was not"),
        ("SPLIT", {"proxy_wallet": "0x" + "99" * 20}, "another wallet"),
        ("REDEEM", {"token_id": "yes"}, "token id was not"),
        ("SPLIT", {"condition_id": "0x12"}, "condition id was not"),
        ("SPLIT", {"timestamp": 12}, "timestamp was not"),
    ],
)
def test_what_is_not_as_documented_is_unclear_and_never_guessed(said, kind, changes, reason):
    with pytest.raises(Unclear, match=reason) as refused:
        said(kind, **changes)
    assert refused.value.kind == kind


def test_combos_are_left_out_as_their_trades_are(said):
    with pytest.raises(ComboMarket):
        said("SPLIT", condition_id="0x03" + "00" * 30)


async def test_an_outcome_that_was_seen_tells_the_other_without_asking():
    ask, asked = answering()
    sets = Sets(ask)
    sets.saw(CONDITION, NO)
    sets.saw(NEG_RISK, NEG_RISK_YES)
    assert await sets.pair(CONDITION) == (YES, NO)
    assert await sets.pair(NEG_RISK) == (NEG_RISK_YES, NEG_RISK_NO)
    assert await sets.pair(V2_CONDITION) == (V2_YES, V2_NO)
    assert asked == []


async def test_an_unseen_market_is_asked_for_once_and_its_answer_checked():
    ask, asked = answering(market(NEG_RISK, (NEG_RISK_YES, NEG_RISK_NO)), market(CONDITION, (YES, "17")))
    sets = Sets(ask)
    assert await sets.pair(NEG_RISK) == (NEG_RISK_YES, NEG_RISK_NO)
    assert await sets.pair(NEG_RISK) == (NEG_RISK_YES, NEG_RISK_NO)
    assert asked == [NEG_RISK]
    with pytest.raises(Unclear, match="none that follow"):
        await sets.pair(CONDITION)


async def test_a_market_that_nobody_ever_knows_is_given_up():
    sets = Sets(answering()[0])
    for _ in range(ASKED_MAX - 1):
        assert await sets.pair(CONDITION) is None
    with pytest.raises(Unclear, match="nobody knows"):
        await sets.pair(CONDITION)


async def test_movements_reach_the_leader_in_their_place_and_what_is_unclear_holds_nothing_up(
    house, venue, until, row, wallet
):
    now_s = int(time.time())
    venue.rows += [
        row(timestamp=now_s - 3, condition_id=CONDITION, token_id=YES),
        row(timestamp=now_s - 2, type="SPLIT", condition_id=CONDITION, token_id="", size=7),
        row(timestamp=now_s - 2, type="CONVERSION", condition_id=CONDITION, token_id=""),
        row(timestamp=now_s - 1, type="REDEEM", condition_id=CONDITION, token_id=NO, size=3),
        row(
            timestamp=now_s,
            condition_id=CONDITION,
            token_id=YES,
            side="SELL",
            transaction_hash="0x" + "b3" * 32,
        ),
    ]
    running = house()
    running.watch(now_s - 10)
    await until(lambda: len(running.fills) >= 2)
    rows = [one for one in running.inbox.messages if isinstance(one, FillReported | MovementReported)][:4]
    assert [getattr(one, "kind", None) for one in rows][1:3] == [MovementKind.SPLIT, MovementKind.REDEEM]
    split, redeemed = rows[1:3]
    assert (split.token_ids, split.size) == ((YES, NO), 7_000_000)
    assert (redeemed.token_ids, redeemed.size) == ((NO,), 3_000_000)


async def test_a_movement_whose_market_is_not_known_yet_is_read_again_and_holds_no_trade_up(
    house, venue, until, row
):
    now_s = int(time.time())
    venue.rows += [
        row(timestamp=now_s - 2, type="SPLIT", condition_id=CONDITION, token_id="", size=7),
        row(timestamp=now_s - 1, condition_id=NEG_RISK, token_id=NEG_RISK_YES),
    ]
    running = house(poll_interval_s=0.05)
    running.watch(now_s - 10)
    await until(lambda: running.fills)
    await until(lambda: len(venue.asked) > 3)
    assert not running.inbox.of(MovementReported)
    assert max((one.cursor_s for one in running.cursors), default=0) < now_s - 2
    venue.rows.append(
        row(timestamp=now_s - 2, condition_id=CONDITION, token_id=YES, transaction_hash="0x" + "b4" * 32)
    )
    await until(lambda: running.inbox.of(MovementReported))
