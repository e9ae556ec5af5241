"""What the chain takes back, and what it only seems to."""

from __future__ import annotations

import json
from typing import Any

from chain import BUY, SELL, SHARE, Chain, Order
from outcomes import YES
from relay import Relay

LEADER = "0x" + "a1" * 20
BOUGHT = (Order(LEADER, BUY, YES, SHARE, 500_000), Order("0x" + "b2" * 20, SELL, YES, SHARE, 500_000))


async def test_a_transaction_that_lost_its_block_is_retracted(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    await feed.fills(1)

    await chain.reorganise(1)

    await feed.until(lambda: len(feed.retracted) == 1)
    assert (feed.retracted[0].wallet, feed.retracted[0].tx, feed.retracted[0].feed) == (LEADER, tx, "chain")


async def test_a_transaction_mined_again_is_the_same_trade(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    await feed.fills(1)

    await chain.reorganise(1, tx)
    fills = await feed.fills(2)
    await feed.until(lambda: feed.snapshot()["undone"] == 0)
    await feed.settled(chain)

    assert [(fill.tx, fill.occurrence) for fill in fills] == [(tx, 1), (tx, 1)]
    assert feed.retracted == []


async def test_a_transaction_mined_again_later_is_reported_again(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    await feed.fills(1)
    await chain.reorganise(1)
    await feed.until(lambda: len(feed.retracted) == 1)

    await chain.rpc("eth_sendRawTransaction", chain.raw[tx])

    again = (await feed.fills(2))[1]
    assert (again.tx, again.occurrence) == (tx, 1)


async def test_a_deep_reorganisation_takes_back_every_block_of_it(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    txs = [await chain.match(*BOUGHT) for _ in range(3)]
    await feed.fills(3)

    await chain.reorganise(3, txs[0])

    await feed.until(lambda: len(feed.retracted) == 2)
    await feed.settled(chain)
    assert {one.tx for one in feed.retracted} == set(txs[1:])


async def test_logs_that_a_node_calls_removed_are_retracted(follow: Any, chain: Chain, relay: Relay) -> None:
    """Some nodes send the logs once more instead of letting heads speak for themselves."""
    feed = follow()
    relay.answer = lambda call: {"result": None} if call["method"] == "eth_getTransactionReceipt" else None
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    (fill,) = await feed.fills(1)
    removed = json.loads(fill.raw) | {"removed": True}
    notice = {"method": "eth_subscription", "params": {"subscription": "0x1", "result": removed}}

    await relay.tell(*[json.dumps(notice)] * 2)

    await feed.until(lambda: len(feed.retracted) == 1)
    await feed.settled(chain)
    assert [one.tx for one in feed.retracted] == [tx]


async def test_a_node_that_lags_takes_nothing_back(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    feed = follow(relay.url, second_relay.url)
    await feed.up(LEADER)
    old_heads: list[dict[str, Any]] = []

    def remember(frame: dict[str, Any]) -> list[dict[str, Any]]:
        if "parentHash" in frame.get("params", {}).get("result", {}):
            old_heads.append(frame)
        return [frame]

    relay.edit = remember
    await chain.mine(3)
    await chain.match(*BOUGHT)
    await feed.fills(1)
    await relay.stop()
    await feed.until(lambda: second_relay.open == 1)
    await feed.up(LEADER)

    await second_relay.tell(*[json.dumps(frame) for frame in old_heads[:3]])
    await feed.settled(chain)

    assert feed.snapshot()["undone"] == 0


async def test_a_transaction_that_has_a_receipt_is_not_retracted(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    """Mined again by a node that did not tell: the same trade, at the place that its receipt says."""
    feed = follow()
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    await feed.fills(1)
    relay.edit = lambda frame: [] if "topics" in frame.get("params", {}).get("result", {}) else [frame]

    await chain.reorganise(1, tx)

    fills = await feed.fills(2)
    assert [(fill.tx, fill.occurrence) for fill in fills] == [(tx, 1), (tx, 1)]
    await feed.until(lambda: feed.snapshot()["undone"] == 0)
    assert feed.retracted == []


async def test_a_block_that_was_replaced_while_no_node_was_there_is_found_out(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    feed = follow()
    await feed.up(LEADER)
    lost = await chain.match(*BOUGHT)
    kept = await chain.match(*BOUGHT)
    await feed.fills(2)
    await relay.stop()

    await chain.reorganise(2)
    await chain.rpc("eth_sendRawTransaction", chain.raw[lost])
    await relay.start()

    await feed.until(lambda: len(feed.retracted) == 1)
    assert [one.tx for one in feed.retracted] == [kept]


async def test_a_receipt_from_a_replaced_block_is_asked_for_again(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    """A node that lags still knows the block that is gone: what it says is not the last word."""
    feed = follow()
    await feed.up(LEADER)
    tx = await chain.match(*BOUGHT)
    (fill,) = await feed.fills(1)
    receipt = {"result": {"logs": [json.loads(fill.raw)]}}
    relay.answer = lambda call: receipt if call["method"] == "eth_getTransactionReceipt" else None
    await chain.reorganise(1)
    await feed.until(lambda: sum(call["method"] == "eth_getTransactionReceipt" for call in relay.calls) >= 2)
    assert feed.retracted == []

    relay.answer = lambda call: None

    await feed.until(lambda: len(feed.retracted) == 1)
    assert feed.retracted[0].tx == tx


async def test_doubts_about_who_is_followed_no_more_are_dropped(follow: Any, chain: Chain) -> None:
    feed = follow(polygon_reorg_settle_s=1.0)
    await feed.up(LEADER)
    await chain.match(*BOUGHT)
    await feed.fills(1)
    await chain.reorganise(1)
    await feed.until(lambda: feed.snapshot()["undone"] == 1)

    feed.watch("0x" + "a2" * 20)

    await feed.until(lambda: feed.snapshot()["undone"] == 0)
    await feed.settled(chain)
    assert feed.retracted == []
