"""Faults on the market channel: each as a client that keeps books meets it."""

import asyncio
import json
from collections import Counter
from itertools import islice

import pytest

from ops.venue import FaultSpec
from ops.venue.feeds.events import LegsTraded, LevelsChanged, TickChanged
from ops.venue.feeds.generator import GeneratorFeed
from ops.venue.feeds.tape import TapeFeed
from ops.venue.waiting import until


def _spec(*faults, seed=1):
    return FaultSpec.parse(
        json.dumps({"seed": seed, "faults": [{"channel": "market"} | fault for fault in faults]})
    )


def _subscribe(*tokens):
    return {"type": "market", "assets_ids": list(tokens)}


def _unsubscribe(*tokens):
    return {"operation": "unsubscribe", "assets_ids": list(tokens)}


@pytest.fixture
def moving(start_venue, connect, rain_tape, make):
    """Opens a venue with a fault, and a socket that holds two tokens; `move` changes a book once more."""

    class Moving:
        async def open(self, *faults, seed=1):
            self.venue = await start_venue(tape=rain_tape, faults=_spec(*faults, seed=seed))
            self.socket = await connect(self.venue.urls["market_ws"], _subscribe(make.yes, make.no))
            await until(lambda: _held(self.venue) == 2, 0.005)
            return self

        def move(self, number, token=make.yes):
            change = make.level(token, "BUY", "0.1", str(number))
            self.venue.world.apply(LevelsChanged(make.condition, [change]), self.venue.world.clock.now_ns())

        async def sizes(self, count, seconds=2.0):
            """Return the sizes that the next frames tell; those that are no change of a level tell None."""
            return [_size(text) for text in await self.socket.texts(count, seconds)]

    return Moving()


def _held(venue):
    return sum(one["tokens"] for one in venue.status()["market_ws"]["connections"])


def _size(text):
    try:
        changes = json.loads(text).get("price_changes") or [{}]
    except (ValueError, AttributeError):
        return None
    return int(changes[0].get("size", 0)) or None


async def test_duplicates_are_the_same_bytes(moving):
    await moving.open({"kind": "duplicate", "times": 3})
    moving.move(1)
    texts = await moving.socket.texts(6)
    assert sorted(Counter(texts).values()) == [3, 3]


async def test_dropped_changes_leave_a_gap(moving):
    await moving.open({"kind": "drop", "rate": 0.4, "after_s": 0.1})
    await moving.sizes(1)
    await asyncio.sleep(0.15)
    for number in range(1, 51):
        moving.move(number)
    seen = await moving.sizes(99, seconds=0.5)
    assert 15 < len(seen) < 45
    assert seen == sorted(seen)


async def test_silence_holds_back_the_first_books_too_and_answers_pings(moving):
    await moving.open({"kind": "silence", "for_s": 0.5})
    moving.move(1)
    await moving.socket.say("PING")
    assert await moving.socket.texts(2, seconds=0.3) == ["PONG"]
    await asyncio.sleep(0.3)
    moving.move(2)
    assert await moving.sizes(1) == [2]


async def test_changes_come_out_of_order_and_none_is_lost(moving):
    await moving.open({"kind": "reorder", "window": 5, "after_s": 0.1})
    await moving.sizes(1)
    await asyncio.sleep(0.15)
    for number in range(1, 31):
        moving.move(number)
    seen = await moving.sizes(30)
    assert sorted(seen) == list(range(1, 31))
    assert seen != sorted(seen)


async def test_delayed_changes_come_in_order(moving):
    await moving.open({"kind": "delay", "seconds": 0.3})
    began = asyncio.get_running_loop().time()
    moving.move(1)
    moving.move(2)
    assert await moving.sizes(3) == [None, 1, 2]
    assert asyncio.get_running_loop().time() - began > 0.3


async def test_garbage_comes_beside_good_frames_never_instead(moving):
    await moving.open({"kind": "garbage"})
    for number in range(1, 11):
        moving.move(number)
    seen = await moving.sizes(22)
    assert len(seen) == 22
    assert [size for size in seen if size is not None] == list(range(1, 11))


async def test_an_oversized_frame_looks_like_one_of_the_channel(moving):
    await moving.open({"kind": "oversized", "size_bytes": 300_000, "limit": 1})
    huge, books = await moving.socket.texts(2)
    assert len(huge) > 300_000
    assert json.loads(huge)["event_type"] == "book"
    assert len(json.loads(books)) == 2


async def test_late_frames_tell_old_times(moving):
    await moving.open({"kind": "backdate", "seconds": 1800})
    (text,) = await moving.socket.texts(1)
    now_ms = moving.venue.world.clock.now_ns() // 1_000_000
    assert all(1_790_000 < now_ms - int(book["timestamp"]) < 1_860_000 for book in json.loads(text))


async def test_a_disconnect_strikes_an_idle_socket_and_the_next_one_lives(moving, connect, make):
    await moving.open({"kind": "disconnect", "after_s": 0.2, "limit": 1, "code": 1012})
    await moving.socket.texts(9, seconds=1)
    assert moving.socket.closed_with == 1012
    again = await connect(moving.venue.urls["market_ws"], _subscribe(make.yes))
    assert len(await again.texts(2, seconds=0.4)) == 1
    assert not again.ws.closed


async def test_a_fault_of_the_trade_stream_leaves_the_market_channel_alone(moving):
    await moving.open({"kind": "drop", "channel": "rtds"})
    assert len(await moving.socket.texts(1)) == 1


async def _muted(start_venue, connect, rate, seed=1, **more):
    """Return a venue of many tokens, a socket that asked for all, and which of them it did not hear of."""
    venue = await start_venue(markets=40, faults=_spec({"kind": "mute", "rate": rate} | more, seed=seed))
    tokens = list(venue.world.books)
    socket = await connect(venue.urls["market_ws"], _subscribe(*tokens))
    return venue, socket, set(tokens) - await _dumped(socket)


async def _dumped(socket):
    return {book["asset_id"] for text in await socket.texts(1, 0.5) for book in json.loads(text)}


async def test_some_tokens_are_mute_and_their_siblings_flow(start_venue, connect):
    """The disaster: a book that never came is taken for one that has not changed."""
    venue, socket, mute = await _muted(start_venue, connect, 0.5)
    assert 20 < len(mute) < 72
    assert venue.status()["fault_strikes"] == {"mute": len(mute)}
    heard = Counter()
    for _, event in islice(GeneratorFeed(venue.config).events(), 400):
        venue.world.apply(event, venue.world.clock.now_ns())
    for text in await socket.texts(100_000, seconds=0.5):
        event = json.loads(text)
        heard.update([one["asset_id"] for one in event.get("price_changes", [event])])
    assert len(heard) > 20
    assert not mute & heard.keys()


async def test_nothing_of_a_mute_token_comes_not_even_its_ticks_and_trades(moving, make):
    await moving.open({"kind": "mute", "limit": 1})
    (text,) = await moving.socket.texts(1)
    assert [book["asset_id"] for book in json.loads(text)] == [make.no]
    apply, now_ns = moving.venue.world.apply, moving.venue.world.clock.now_ns()
    _, trade = next(TapeFeed(moving.venue.config.tape).events())
    assert isinstance(trade, LegsTraded)
    apply(trade, now_ns)
    apply(TickChanged(make.condition, make.level(make.yes, "BUY", "0.001", "1").price), now_ns)
    both = [make.level(make.yes, "BUY", "0.2", "1"), make.level(make.no, "SELL", "0.8", "1")]
    apply(LevelsChanged(make.condition, both), now_ns)
    told = [json.loads(text) for text in await moving.socket.texts(9, seconds=0.3)]
    assert [one["event_type"] for one in told] == ["tick_size_change", "price_change", "book"]
    assert [one["asset_id"] for one in told[1]["price_changes"]] == [make.no]
    assert make.yes not in {one.get("asset_id") for one in told}


async def test_subscribing_again_cures_about_half_and_the_same_seed_the_same_ones(start_venue, connect):
    runs = []
    for _ in range(2):
        _, socket, mute = await _muted(start_venue, connect, 0.5, seed=7)
        await socket.say(_subscribe(*mute))  # an asset that is active already: no new chance
        assert await socket.texts(1, seconds=0.2) == []
        await socket.say(_unsubscribe(*mute))
        await socket.say(_subscribe(*sorted(mute)))
        cured = await _dumped(socket)
        assert 0.25 * len(mute) < len(cured) < 0.75 * len(mute)
        runs.append((len(mute), len(cured)))
    assert runs[0] == runs[1]


async def test_another_connection_has_other_mute_tokens(start_venue, connect):
    venue, _, mute = await _muted(start_venue, connect, 0.5)
    tokens = list(venue.world.books)
    socket = await connect(venue.urls["market_ws"], _subscribe(*tokens))
    other = set(tokens) - await _dumped(socket)
    assert mute != other
    assert mute & other


async def test_mutes_are_of_one_connection_where_told(start_venue, connect):
    _, _, mute = await _muted(start_venue, connect, 1.0, connection=2)
    assert mute == set()


async def test_a_mute_set_and_lifted_while_the_socket_is_open(moving, make):
    await moving.open()
    await moving.sizes(1)
    moving.venue.faults.set(_spec({"kind": "mute"}))
    moving.move(1)
    assert await moving.sizes(1, seconds=0.2) == []
    moving.venue.faults.set(FaultSpec())
    moving.move(2)
    assert await moving.sizes(1) == [2]


async def test_a_mute_that_ends(moving):
    await moving.open({"kind": "mute", "for_s": 0.4})
    moving.move(1)
    assert await moving.sizes(1, seconds=0.2) == []
    await asyncio.sleep(0.3)
    moving.move(2)
    assert await moving.sizes(1) == [2]
