"""Nodes that die, freeze, lag, refuse, or talk nonsense, and the one behind them."""

from __future__ import annotations

import json
import time
from typing import Any

from aiohttp import web
from chain import BUY, SELL, SHARE, Chain, Order
from outcomes import YES
from relay import Relay
from structlog.testing import capture_logs

from actors.ingest.reports import TradeMissed
from messages.ingest import FeedDown, FeedUp
from messages.store import StoreAvailability

LEADER = "0x" + "a1" * 20
BOUGHT = (Order(LEADER, BUY, YES, SHARE, 500_000), Order("0x" + "b2" * 20, SELL, YES, SHARE, 500_000))


async def test_a_node_that_dies_is_left_for_the_next(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    feed = follow(relay.url, second_relay.url)
    await feed.up(LEADER)
    await chain.match(*BOUGHT)
    await feed.fills(1)

    await relay.stop()
    await feed.until(lambda: len(feed.told(FeedUp)) == 2)
    await chain.match(*BOUGHT)

    assert len(await feed.fills(2)) == 2
    (down,) = feed.told(FeedDown)
    assert down.last_event_at_ns <= time.time_ns()
    assert (relay.connections, second_relay.connections) == (1, 1)


async def test_a_single_node_that_comes_back_is_taken_again(follow: Any, chain: Chain, relay: Relay) -> None:
    feed = follow()
    await feed.up(LEADER)
    await relay.stop()
    await feed.until(lambda: feed.told(FeedDown))

    await relay.start()
    await feed.until(lambda: len(feed.told(FeedUp)) == 2)
    await chain.match(*BOUGHT)

    assert len(await feed.fills(1)) == 1


async def test_socket_open_and_blocks_stopped(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    feed = follow(relay.url, second_relay.url, polygon_silence_s=0.3)
    await feed.up(LEADER)

    relay.is_frozen = True

    await feed.until(lambda: second_relay.open == 1)
    (down,) = feed.told(FeedDown)
    assert "no data for 0.3 s" in down.reason


async def test_a_node_far_behind_is_left_for_the_next(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    def yesterday(frame: dict[str, Any]) -> list[dict[str, Any]]:
        head = frame.get("params", {}).get("result", {})
        if "parentHash" in head:
            head["timestamp"] = hex(int(head["timestamp"], 16) - 86_400)
        return [frame]

    feed = follow(relay.url, second_relay.url)
    relay.edit = yesterday
    await feed.up(LEADER)

    await chain.mine()

    await feed.until(lambda: second_relay.open == 1)
    assert "newest block is 864" in feed.told(FeedDown)[0].reason


async def test_a_node_that_wants_to_be_left_alone_is(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    relay.refusal = web.Response(status=429, headers={"Retry-After": "60"})
    feed = follow(relay.url, second_relay.url)
    await feed.up(LEADER)
    relay.refusal = None

    await second_relay.drop()
    await feed.until(lambda: second_relay.connections == 2)
    await feed.up(LEADER)

    assert relay.connections == 0


async def test_a_node_that_refuses_to_subscribe_is_left_for_the_next(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    relay.answer = lambda call: {"error": {"code": -32005, "message": "limit exceeded"}}
    feed = follow(relay.url, second_relay.url)

    await feed.up(LEADER)
    await chain.match(*BOUGHT)

    assert len(await feed.fills(1)) == 1
    assert second_relay.connections == 1


async def test_a_node_of_another_chain_is_not_believed(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    relay.answer = lambda call: {"result": "0x1"} if call["method"] == "eth_chainId" else None
    feed = follow(relay.url, second_relay.url)

    with capture_logs() as logs:
        await feed.up(LEADER)

    assert relay.subscribed() == []
    assert any("it is of chain 0x1, expected 0x89" in entry.get("reason", "") for entry in logs)


async def test_a_request_without_an_answer_is_the_end_of_the_connection(
    follow: Any, chain: Chain, relay: Relay, second_relay: Relay
) -> None:
    relay.is_frozen = True
    feed = follow(relay.url, second_relay.url, connect_timeout_s=0.2)

    await feed.up(LEADER)

    assert second_relay.connections == 1


async def test_garbage_sends_the_poller_and_ends_nothing(follow: Any, chain: Chain, relay: Relay) -> None:
    feed = follow()
    await feed.up(LEADER)
    notice = '{"method":"eth_subscription","params":{"subscription":"0x1","result":%s}}'

    await relay.tell("", "[]", "\x00", '{"id":"x"}', '{"id":99,"result":1}', "[" * 10_000)
    await relay.tell(*[notice % text for text in ("{}", "null", "[]", '{"topics":7}', '{"topics":[]}')])
    await chain.match(*BOUGHT)

    assert len(await feed.fills(1)) == 1
    await feed.until(lambda: feed.told(TradeMissed))
    assert [one.wallet for one in feed.told(TradeMissed)] == [None]
    assert relay.connections == 1


async def test_an_oversized_frame_ends_the_connection(follow: Any, relay: Relay) -> None:
    feed = follow(frame_bytes_max=10_000)
    await feed.up(LEADER)

    await relay.tell(json.dumps({"x": "y" * 20_000}))

    await feed.until(lambda: len(feed.told(FeedUp)) == 2)
    assert "a frame was too big" in feed.told(FeedDown)[0].reason


async def test_nothing_is_read_while_the_store_takes_nothing(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    feed.base.tell(feed.address, StoreAvailability(available=False))
    frames = feed.snapshot()["frames"]

    for _ in range(20):
        await chain.match(*BOUGHT)
    # One frame may have been awaited already when the gate closed.
    assert feed.snapshot()["frames"] <= frames + 1
    feed.base.tell(feed.address, StoreAvailability(available=True))

    assert len(await feed.fills(20)) == 20


async def test_a_nodes_key_is_shown_to_nobody(follow: Any, chain: Chain, relay: Relay) -> None:
    with capture_logs() as logs:
        feed = follow()
        await feed.up(LEADER)
        await relay.stop()
        await feed.until(lambda: feed.snapshot()["reconnects"] >= 2)

    assert relay.url.endswith("a-secret-key")
    shown = [str(logs), str(feed.snapshot()), str(feed.ingest.messages)]
    assert not any("a-secret-key" in text for text in shown)
