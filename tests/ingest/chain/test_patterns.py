"""Every pattern of a match, from a contract's call to the report: a real chain, a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from chain import BUY, SELL, SHARE, V1, V2, V2_NEG_RISK, V3, Chain, Order
from outcomes import COMBO_YES, CONDITION, NEG_RISK, NEG_RISK_YES, NO, V2_CONDITION, V2_YES, YES

from messages.trades import FillReported, Side, SourceKind

LEADER = "0x" + "a1" * 20
SECOND = "0x" + "a2" * 20
STRANGER = "0x" + "b2" * 20
OTHER = "0x" + "b3" * 20
Fill = tuple[str, Side, int, int, int]


def short(fill: FillReported) -> Fill:
    return fill.token_id, fill.side, fill.size // SHARE, fill.usdc, fill.occurrence


async def test_a_fill_carries_all_that_other_sources_say_and_its_place_in_the_chain(
    follow: Any, chain: Chain
) -> None:
    feed = follow()
    await feed.up(LEADER)

    tx = await chain.match(
        Order(LEADER, BUY, NO, 3 * SHARE, 1_000_000), Order(STRANGER, SELL, NO, 3 * SHARE, 1_000_000)
    )

    (fill,) = await feed.fills(1)
    block = await chain.rpc("eth_getBlockByNumber", hex(fill.block_number), False)
    assert (fill.wallet, fill.tx, fill.condition_id, fill.token_id) == (LEADER, tx, CONDITION, NO)
    assert (fill.side, fill.size, fill.usdc, fill.price) == (Side.BUY, 3 * SHARE, 1_000_000, 333_333)
    assert (fill.outcome, fill.outcome_index, fill.slug, fill.event_slug) == ("No", 1, "rain", "weather")
    assert (fill.kind, fill.feed, fill.log_index) == (SourceKind.CHAIN, "chain", 1)
    assert fill.traded_at_ns == int(block["timestamp"], 16) * 10**9
    assert b'"logIndex"' in fill.raw


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        pytest.param(
            [
                Order(LEADER, BUY, YES, 30 * SHARE, 15_600_000),
                Order(STRANGER, SELL, YES, 10 * SHARE, 5_100_000),
                Order(OTHER, SELL, YES, 20 * SHARE, 10_500_000),
            ],
            [(YES, Side.BUY, 30, 15_600_000, 1)],
            id="a taking order is one trade, whatever met it",
        ),
        pytest.param(
            [
                Order(STRANGER, BUY, YES, 30 * SHARE, 15_600_000),
                Order(LEADER, SELL, YES, 10 * SHARE, 5_100_000),
                Order(OTHER, SELL, YES, 15 * SHARE, 7_500_000),
                Order(LEADER, SELL, YES, 5 * SHARE, 2_600_000),
            ],
            [(YES, Side.SELL, 10, 5_100_000, 1), (YES, Side.SELL, 5, 2_600_000, 1)],
            id="resting orders are a trade each",
        ),
        pytest.param(
            [
                Order(STRANGER, SELL, YES, 20 * SHARE, 10_000_000),
                Order(LEADER, BUY, YES, 10 * SHARE, 5_000_000),
                Order(LEADER, BUY, YES, 10 * SHARE, 5_000_000),
            ],
            [(YES, Side.BUY, 10, 5_000_000, 1), (YES, Side.BUY, 10, 5_000_000, 2)],
            id="two fills that look the same are both kept",
        ),
        pytest.param(
            [
                Order(STRANGER, BUY, YES, 10 * SHARE, 9_700_000),
                Order(LEADER, BUY, NO, 10 * SHARE, 300_000),
            ],
            [(NO, Side.BUY, 10, 300_000, 1)],
            id="minted: both buy, and each pays its part of a dollar",
        ),
        pytest.param(
            [
                Order(LEADER, SELL, YES, 10 * SHARE, 9_700_000),
                Order(STRANGER, SELL, NO, 10 * SHARE, 300_000),
            ],
            [(YES, Side.SELL, 10, 9_700_000, 1)],
            id="merged: both sell",
        ),
        pytest.param(
            [
                Order(LEADER, BUY, YES, 100 * SHARE, 50_000_000, fee=1_250_000),
                Order(STRANGER, SELL, YES, 100 * SHARE, 50_000_000),
            ],
            [(YES, Side.BUY, 100, 50_000_000, 1)],
            id="a fee is no part of the price",
        ),
        pytest.param(
            [Order(LEADER, BUY, YES, 10 * SHARE, 5_000_000), Order(LEADER, BUY, NO, 10 * SHARE, 5_000_000)],
            [(NO, Side.BUY, 10, 5_000_000, 1), (YES, Side.BUY, 10, 5_000_000, 1)],
            id="a wallet that meets itself has both its trades",
        ),
    ],
)
async def test_a_match(follow: Any, chain: Chain, orders: list[Order], expected: list[Fill]) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(*orders)
    await feed.settled(chain)

    assert [short(fill) for fill in await feed.fills(len(expected))] == expected


@pytest.mark.parametrize(
    ("exchange", "token", "condition_id"),
    [
        (V1, YES, CONDITION),
        (V2, YES, CONDITION),
        (V2_NEG_RISK, NEG_RISK_YES, NEG_RISK),
        (V3, V2_YES, V2_CONDITION),
    ],
)
async def test_every_generation_of_the_exchange_is_understood(
    follow: Any, chain: Chain, exchange: str, token: str, condition_id: str
) -> None:
    feed = follow()
    await feed.up(LEADER, SECOND)

    await chain.match(
        Order(LEADER, BUY, token, 10 * SHARE, 4_200_000),
        Order(SECOND, SELL, token, 10 * SHARE, 4_200_000, fee=SHARE),
        exchange=exchange,
    )

    fills = await feed.fills(2)
    assert {(fill.wallet, fill.side) for fill in fills} == {(LEADER, Side.BUY), (SECOND, Side.SELL)}
    assert {(fill.condition_id, fill.token_id, fill.price) for fill in fills} == {
        (condition_id, token, 420_000)
    }
    assert feed.drifts == []


async def test_a_combination_of_markets_is_left_alone(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(Order(LEADER, BUY, COMBO_YES, SHARE, 1), exchange=V3)
    await feed.settled(chain)

    assert (feed.inbox.messages, feed.drifts) == ([], [])
