"""What a node leaves out of its logs is looked up, and nothing else ever is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chain import BUY, SELL, SHARE, Chain, Order
from outcomes import NO, V2_CONDITION, V2_YES, YES
from relay import Relay

from actors.ingest.reports import TradeMissed

LEADER = "0x" + "a1" * 20
SECOND = "0x" + "a2" * 20
STRANGER = "0x" + "b2" * 20


def bought(owner: str, token: str) -> tuple[Order, Order]:
    return Order(owner, BUY, token, SHARE, 500_000), Order(STRANGER, SELL, token, SHARE, 500_000)


def without(*fields: str) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    """Leave fields out of logs."""

    def edit(frame: dict[str, Any]) -> list[dict[str, Any]]:
        result = frame.get("params", {}).get("result", {})
        if "topics" in result:
            for field in fields:
                result[field] = None
        return [frame]

    return edit


def asked(relay: Relay, method: str) -> int:
    return sum(call["method"] == method for call in relay.calls)


async def test_the_time_of_a_block_comes_from_its_head_or_is_asked_for(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    feed = follow()
    relay.edit = without("blockTimestamp")
    await feed.up(LEADER)

    await chain.match(*bought(LEADER, YES))

    (fill,) = await feed.fills(1)
    block = await chain.rpc("eth_getBlockByNumber", hex(fill.block_number), False)
    assert fill.traded_at_ns == int(block["timestamp"], 16) * 10**9
    assert asked(relay, "eth_getBlockByHash") <= 1


async def test_a_log_without_its_place_is_found_in_the_receipt(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    feed = follow()
    relay.edit = without("blockHash", "logIndex")
    await feed.up(LEADER)

    await chain.match(
        Order(STRANGER, SELL, YES, 2 * SHARE, 1_000_000),
        Order(LEADER, BUY, YES, SHARE, 500_000),
        Order(LEADER, BUY, YES, SHARE, 500_000),
    )

    fills = await feed.fills(2)
    await feed.settled(chain)
    assert [(fill.occurrence, fill.log_index) for fill in fills] == [(1, 0), (2, 1)]
    assert feed.snapshot()["leader_fills"] == 2


async def test_a_receipt_that_is_not_had_sends_the_poller(follow: Any, chain: Chain, relay: Relay) -> None:
    feed = follow()
    relay.edit = without("logIndex")
    relay.answer = lambda call: {"result": None} if call["method"] == "eth_getTransactionReceipt" else None
    await feed.up(LEADER)

    await chain.match(*bought(LEADER, YES))

    await feed.until(lambda: feed.told(TradeMissed))
    assert [one.wallet for one in feed.told(TradeMissed)] == [LEADER]


async def test_a_complete_log_is_never_looked_up(follow: Any, chain: Chain, relay: Relay) -> None:
    feed = follow()
    await feed.up(LEADER)

    for _ in range(5):
        await chain.match(*bought(LEADER, YES))

    await feed.fills(5)
    assert {call["method"] for call in relay.calls} == {"eth_chainId", "eth_subscribe"}
    assert feed.catalogue.asked == [YES]


async def test_who_waits_for_a_market_holds_up_nobody_else(follow: Any, chain: Chain) -> None:
    """The sale must not overtake the buy before it; another wallet's trade does not wait for either."""
    feed = follow()
    feed.catalogue.is_silent = True
    await feed.up(LEADER, SECOND)
    await chain.match(*bought(LEADER, NO))
    await chain.match(Order(LEADER, SELL, YES, SHARE, 500_000))
    await chain.match(*bought(SECOND, YES))
    await feed.until(lambda: set(feed.catalogue.asked) == {NO, YES})

    await feed.answer(YES)
    first = await feed.fills(1)
    await feed.answer(NO)

    assert [fill.wallet for fill in first] == [SECOND]
    assert [(fill.wallet, fill.token_id) for fill in await feed.fills(3)] == [
        (SECOND, YES),
        (LEADER, NO),
        (LEADER, YES),
    ]


async def test_a_token_that_nobody_knows_sends_the_poller_and_holds_up_nothing(
    follow: Any, chain: Chain
) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(*bought(LEADER, "777"))
    await chain.match(*bought(LEADER, YES))

    assert [fill.token_id for fill in await feed.fills(1)] == [YES]
    await feed.until(lambda: feed.told(TradeMissed))
    assert [one.wallet for one in feed.told(TradeMissed)] == [LEADER]


async def test_a_token_that_says_its_market_needs_nobody(follow: Any, chain: Chain) -> None:
    """Protocol V2: names are welcome, but a trade is one without them."""
    feed = follow()
    await feed.up(LEADER)
    await chain.match(*bought(LEADER, V2_YES))
    (nameless,) = await feed.fills(1)

    assert (nameless.condition_id, nameless.outcome_index, nameless.title) == (V2_CONDITION, 0, "")
    assert feed.catalogue.asked == []
