"""A market's tick changes: what sockets and routes say of it, and when the generator lets it happen."""

import json
from decimal import Decimal
from itertools import islice

from ops.venue import VenueConfig
from ops.venue.clock import MachineClock
from ops.venue.feeds.events import LegsTraded, LevelsChanged, TickChanged
from ops.venue.feeds.generator import GeneratorFeed
from ops.venue.world import World

FINE = Decimal("0.001")


def _events(texts):
    return [json.loads(text) for text in texts]


def _apply(venue, *events):
    for event in events:
        venue.world.apply(event, venue.world.clock.now_ns())


async def _subscribed(start_venue, connect, tape, *tokens):
    venue = await start_venue(tape=tape)
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": list(tokens)})
    await socket.texts(1)
    return venue, socket


async def test_each_token_hears_of_the_change_and_its_book_follows_with_the_next_move(
    start_venue, connect, rain_tape, make
):
    venue, socket = await _subscribed(start_venue, connect, rain_tape, make.yes, make.no)
    _apply(venue, TickChanged(make.condition, FINE))
    told = _events(await socket.texts(2))
    assert [(one["event_type"], one["asset_id"]) for one in told] == [
        ("tick_size_change", make.yes),
        ("tick_size_change", make.no),
    ]
    assert {(one["market"], one["old_tick_size"], one["new_tick_size"]) for one in told} == {
        (make.condition, "0.01", "0.001")
    }
    assert all(one["timestamp"].isdigit() for one in told)
    assert await socket.texts(1, seconds=0.2) == []
    _apply(venue, LevelsChanged(make.condition, [make.level(make.yes, "BUY", "0.595", "7")]))
    change, book = _events(await socket.texts(2))
    assert change["event_type"] == "price_change"
    assert (book["event_type"], book["asset_id"], book["tick_size"]) == ("book", make.yes, "0.001")
    assert book["bids"][-1] == {"price": "0.595", "size": "7"}


async def test_only_sockets_that_hold_a_token_hear_of_it(start_venue, connect, rain_tape, make):
    venue, socket = await _subscribed(start_venue, connect, rain_tape, make.no)
    _apply(venue, TickChanged(make.condition, FINE), TickChanged("0x" + "00" * 32, FINE))
    assert [one["asset_id"] for one in _events(await socket.texts(2, seconds=0.3))] == [make.no]


async def test_the_routes_tell_the_new_tick(start_venue, get, rain_tape, make):
    venue = await start_venue(tape=rain_tape)
    _apply(venue, TickChanged(make.condition, FINE))
    (market,) = await get(venue.urls["gamma"] + "/markets", condition_ids=make.condition)
    assert market["orderPriceMinTickSize"] == 0.001
    clob = venue.urls["clob"]
    assert await get(clob + "/tick-size", token_id=make.yes) == {"minimum_tick_size": 0.001}
    assert (await get(clob + "/book", token_id=make.no))["tick_size"] == "0.001"
    assert (await get(f"{clob}/markets/{make.condition}"))["minimum_tick_size"] == 0.001
    assert (await get(f"{clob}/clob-markets/{make.condition}"))["mts"] == 0.001


async def test_the_same_tick_again_is_no_news(start_venue, connect, rain_tape, make):
    venue, socket = await _subscribed(start_venue, connect, rain_tape, make.yes)
    _apply(venue, TickChanged(make.condition, Decimal("0.01")))
    assert await socket.texts(1, seconds=0.2) == []


async def test_a_tape_tells_of_it_by_restating_the_market(start_venue, connect, write_tape, make):
    tape = write_tape(
        [
            (-1, "gamma.market", make.market()),
            (-1, "clob.book", make.book()),
            (0, "rtds.activity", make.frame()),
            (0.01, "gamma.market", make.market(orderPriceMinTickSize=0.001)),
        ]
    )
    venue, socket = await _subscribed(start_venue, connect, tape, make.yes)
    venue.play()
    assert [one["event_type"] for one in _events(await socket.texts(1))] == ["tick_size_change"]


def _played(share, events=6000):
    feed = GeneratorFeed(VenueConfig(markets=30, wallets=60, tick_change_share=share))
    world = World(feed, 10_000, MachineClock())
    seen = []
    for at, event in islice(feed.events(), events):
        middle = None
        if isinstance(event, TickChanged):
            middle = world.books[world.markets[event.condition].tokens[0]].midpoint
        world.apply(event, 0)
        seen.append((at, event, middle))
    return world, seen


def test_the_generator_changes_ticks_near_the_extremes_only_and_prices_follow():
    world, seen = _played(1.0)
    changed = {event.condition: middle for _, event, middle in seen if isinstance(event, TickChanged)}
    assert 2 <= len(changed) < 30
    assert all(middle > Decimal("0.96") or middle < Decimal("0.04") for middle in changed.values())
    off_the_cent = 0
    for book in world.books.values():
        market = world.markets[book.condition]
        for price in (*book.bids, *book.asks):
            assert price % market.tick_size == 0
            assert 0 < price < 1
            off_the_cent += book.condition in changed and price % Decimal("0.01") != 0
    assert off_the_cent > 0


def test_without_changes_of_tick_the_same_seed_trades_the_same():
    """The disaster: a setting that shifts every later draw, so that no old run can be compared."""

    def trades(share):
        return [
            (at, [(leg.wallet, leg.transaction, leg.side, leg.size) for leg in event.legs])
            for at, event, _ in _played(share)[1]
            if isinstance(event, LegsTraded)
        ]

    with_changes, without = trades(1.0), trades(0.0)
    assert with_changes == without[: len(with_changes)]
    assert len(with_changes) > 1000
