"""Filters by wallet: split, replaced without a gap, and fitted to what a node takes."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from chain import BUY, SELL, SHARE, UNKNOWN, Chain, Order
from outcomes import YES
from relay import Relay

from actors.ingest.chain.wire import topic_of

LEADER = "0x" + "a1" * 20
STRANGER = "0x" + "b2" * 20


def wallet(number: int) -> str:
    return f"0x{number:040x}"


def bought(owner: str) -> tuple[Order, Order]:
    return Order(owner, BUY, YES, SHARE, 500_000), Order(STRANGER, SELL, YES, SHARE, 500_000)


def refused(code: int = -32602) -> dict[str, Any]:
    return {"error": {"code": code, "message": "not that much"}}


async def test_a_thousand_wallets_are_split_over_filters_and_none_is_left_out(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    wallets = [wallet(number) for number in range(1, 1_201)]
    feed = follow()
    await feed.up(*wallets)

    for each in (wallets[0], wallets[600], wallets[-1]):
        await chain.match(*bought(each))

    assert [fill.wallet for fill in await feed.fills(3)] == [wallets[0], wallets[600], wallets[-1]]
    by_exchange = [one["topics"][2] for one in relay.subscribed() if "address" in one]
    assert [len(topics) for topics in by_exchange] == [500, 500, 200]
    assert {topic for topics in by_exchange for topic in topics} == {topic_of(each) for each in wallets}


async def test_subscriptions_are_never_the_firehose(follow: Any, relay: Relay) -> None:
    feed = follow()
    await feed.up(LEADER)
    feed.watch(LEADER, wallet(1))
    await feed.until(lambda: len(relay.subscribed()) == 4)

    assert all(one["topics"][2] for one in relay.subscribed())
    assert {call["method"] for call in relay.calls} <= {"eth_chainId", "eth_subscribe", "eth_unsubscribe"}


async def test_a_new_filter_is_confirmed_before_the_old_one_is_dropped(follow: Any, relay: Relay) -> None:
    feed = follow(polygon_drift_watch=False)
    await feed.up(LEADER)

    feed.watch(LEADER, wallet(1))

    await feed.until(lambda: relay.calls[-1]["method"] == "eth_unsubscribe")
    methods = [call["method"] for call in relay.calls]
    assert methods[-2:] == ["eth_subscribe", "eth_unsubscribe"]


async def test_no_fill_is_lost_or_doubled_while_the_leaders_change(follow: Any, chain: Chain) -> None:
    """Logs flow all the time for one who stays, while others come and go around him."""
    feed = follow(polygon_wallets_per_filter=3)
    await feed.up(LEADER)
    sent: list[str] = []

    async def trade() -> None:
        while len(sent) < 60:
            sent.append(await chain.match(*bought(LEADER)))

    async def change() -> None:
        for number in range(1, 40):
            feed.watch(LEADER, *[wallet(n) for n in range(number, number + number % 7)])
            await asyncio.sleep(0.01)

    await asyncio.gather(trade(), change())
    await feed.fills(len(sent))
    await feed.settled(chain)

    assert Counter(fill.tx for fill in await feed.fills(0)) == Counter(sent)
    assert feed.snapshot()["subscriptions"] <= 2 * 3 * 2


async def test_what_two_subscriptions_bring_is_one_fill(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(*bought(LEADER))
    await feed.settled(chain)

    assert len(await feed.fills(1)) == 1
    assert feed.snapshot()["redelivered"] == 1


async def test_a_leader_who_left_is_heard_no_more(follow: Any, chain: Chain, relay: Relay) -> None:
    feed = follow()
    await feed.up(LEADER, wallet(1))
    feed.watch(wallet(1))
    await feed.until(lambda: len(relay.subscribed()) == 4)

    await chain.match(*bought(LEADER))
    await feed.settled(chain)

    assert feed.inbox.messages == []


async def test_a_node_that_takes_fewer_wallets_gets_smaller_filters(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    def at_most_30(call: dict[str, Any]) -> dict[str, Any] | None:
        filters = call["params"][1:]
        return refused() if filters and len(filters[0]["topics"][2]) > 30 else None

    relay.answer = at_most_30
    wallets = [wallet(number) for number in range(1, 101)]
    feed = follow(polygon_wallets_per_filter=100)
    await feed.up(*wallets)

    await chain.match(*bought(wallets[-1]))

    assert (await feed.fills(1))[0].wallet == wallets[-1]
    assert relay.connections == 1


async def test_a_node_without_filters_by_topic_alone_is_used_all_the_same(
    follow: Any, chain: Chain, relay: Relay
) -> None:
    relay.answer = lambda call: (
        refused() if "address" not in (call["params"] or [{}])[-1] and (len(call["params"]) == 2) else None
    )
    feed = follow()
    await feed.up(LEADER)

    await chain.match(*bought(LEADER))
    await chain.match(*bought(LEADER), exchange=UNKNOWN)
    await feed.settled(chain)

    assert len(await feed.fills(1)) == 1
    assert feed.drifts == []
