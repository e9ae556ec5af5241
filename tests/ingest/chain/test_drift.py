"""The venue moved to a new contract and event layout, and the bots were blind: here it is an alarm."""

from __future__ import annotations

from typing import Any

from chain import BUY, SELL, SHARE, UNKNOWN, V2, Chain, Order
from eth_utils import keccak
from outcomes import CONDITION, NO, YES, market

from actors.ingest.chain.generations import GENERATIONS
from actors.ingest.reports import TradeMissed

LEADER = "0x" + "a1" * 20
STRANGER = "0x" + "b2" * 20
BOUGHT = (Order(LEADER, BUY, YES, SHARE, 500_000), Order(STRANGER, SELL, YES, SHARE, 500_000))
OWNER = bytes(12) + bytes.fromhex(LEADER[2:])
FILLED = GENERATIONS[-1].order_filled.topic


async def alarm(feed: Any) -> Any:
    """Wait for the alarm and for the poller to be sent after the trade."""
    await feed.until(lambda: feed.drifts and feed.told(TradeMissed))
    assert [one.wallet for one in feed.told(TradeMissed)] == [LEADER]
    assert feed.inbox.messages == []
    (drift,) = feed.drifts
    return drift


async def test_venue_moved_to_a_new_exchange(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(*BOUGHT, exchange=UNKNOWN)

    drift = await alarm(feed)
    assert (drift.kind, drift.wallet) == ("exchange", LEADER)
    assert UNKNOWN in drift.text


async def test_venue_moved_to_a_new_event(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)
    topic = keccak(text="OrderFilled(bytes32,address,address,uint256)")

    await chain.say(V2, (topic, bytes(32), OWNER, bytes(32)), bytes(32))

    drift = await alarm(feed)
    assert drift.kind == "topic"
    assert "V2 standard" in drift.text
    assert topic.hex() in drift.text


async def test_venue_moved_to_a_new_layout_under_the_old_name(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.say(V2, (FILLED, bytes(32), OWNER, bytes(32)), bytes(32 * 8))

    drift = await alarm(feed)
    assert (drift.kind, drift.text) == ("layout", "OrderFilled had 256 bytes of data, expected 224")


async def test_a_side_that_is_neither_is_no_sale(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(Order(LEADER, 2, YES, SHARE, 500_000))

    assert (await alarm(feed)).text == "OrderFilled had side 2, expected 0 or 1"


async def test_a_token_that_is_none_of_its_market_is_no_trade(follow: Any, chain: Chain) -> None:
    """Whoever knows markets is wrong about this one, and would have had us buy something else."""
    feed = follow()
    feed.catalogue.add(market(CONDITION, ("1234", NO)))
    await feed.up(LEADER)

    await chain.match(Order(LEADER, BUY, "1234", SHARE, 500_000))

    drift = await alarm(feed)
    assert drift.kind == "token"
    assert drift.text == f"token 1234 is none of {CONDITION}, which is said to have it"


async def test_an_alarm_is_raised_once_and_counted_each_time(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    for _ in range(3):
        await chain.match(*BOUGHT, exchange=UNKNOWN)
    await feed.settled(chain)

    assert len(feed.drifts) == 1
    assert feed.snapshot()["drifts"] == 3


async def test_what_exchanges_say_beside_fills_is_no_alarm(follow: Any, chain: Chain) -> None:
    feed = follow()
    await feed.up(LEADER)

    await chain.match(Order(LEADER, BUY, YES, SHARE, 500_000, fee=10_000), *BOUGHT[1:])
    await feed.fills(1)
    await feed.settled(chain)

    assert (feed.drifts, feed.told(TradeMissed)) == ([], [])
