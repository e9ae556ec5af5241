"""The CLOB market channel, over a real socket."""

import json

import pytest


@pytest.fixture
def moving_tape(write_tape, make):
    """A book that moves, a trade by a taker, and a resolution."""
    resolved = make.market(closed=True, outcomePrices='["1", "0"]')
    return write_tape(
        [
            (-1, "gamma.market", make.market()),
            (-1, "clob.book", make.book()),
            (-1, "clob.book", make.book(make.no, "0.39", "0.41")),
            (0.0, "rtds.activity", make.frame(fee=0.1)),
            (0.01, "clob.book", make.book(bid="0.6", ask="0.62", size="7.5")),
            (0.02, "gamma.market", resolved),
        ]
    )


def _events(texts):
    documents = [json.loads(text) for text in texts]
    return [one for document in documents for one in (document if isinstance(document, list) else [document])]


async def test_a_subscription_is_answered_with_the_books_worst_price_first(
    start_venue, connect, write_tape, make
):
    deep = make.book()
    deep["bids"] = [{"price": p, "size": "1"} for p in ("0.58", "0.59", "0.57")]
    deep["asks"] = [{"price": p, "size": "1"} for p in ("0.61", "0.63", "0.62")]
    venue = await start_venue(tape=write_tape([(-1, "gamma.market", make.market()), (-1, "clob.book", deep)]))
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": [make.yes]})
    (text,) = await socket.texts(1)
    (dump,) = json.loads(text)  # the first dump is an array
    assert dump["event_type"] == "book"
    assert [level["price"] for level in dump["bids"]] == ["0.57", "0.58", "0.59"]
    assert [level["price"] for level in dump["asks"]] == ["0.63", "0.62", "0.61"]
    assert isinstance(dump["timestamp"], str)


async def test_moves_trades_and_the_resolution_are_told(start_venue, connect, moving_tape, make):
    venue = await start_venue(tape=moving_tape)
    wants = {"type": "market", "assets_ids": [make.yes], "custom_feature_enabled": True}
    socket = await connect(venue.urls["market_ws"], wants)
    await socket.texts(1)
    venue.play()
    events = {event["event_type"]: event for event in _events(await socket.texts(5, seconds=2))}
    assert set(events) == {"last_trade_price", "price_change", "best_bid_ask", "book", "market_resolved"}
    assert events["last_trade_price"]["price"] == "0.6"
    changes = {(c["side"], c["price"]): c["size"] for c in events["price_change"]["price_changes"]}
    assert changes == {
        ("BUY", "0.59"): "0",
        ("BUY", "0.6"): "7.5",
        ("SELL", "0.61"): "0",
        ("SELL", "0.62"): "7.5",
    }
    assert {c["best_bid"] for c in events["price_change"]["price_changes"]} == {"0.6"}
    assert events["market_resolved"]["winning_asset_id"] == make.yes


async def test_custom_events_need_the_custom_flag(start_venue, connect, moving_tape, make):
    venue = await start_venue(tape=moving_tape)
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": [make.yes]})
    await socket.texts(1)
    venue.play()
    kinds = {event["event_type"] for event in _events(await socket.texts(9, seconds=0.5))}
    assert kinds == {"last_trade_price", "price_change", "book"}


async def test_a_second_subscription_to_the_same_asset_dumps_nothing_but_sets_the_flag(
    start_venue, connect, moving_tape, make
):
    venue = await start_venue(tape=moving_tape)
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": [make.yes]})
    await socket.texts(1)
    again = {"operation": "subscribe", "assets_ids": [make.yes], "custom_feature_enabled": True}
    await socket.say(again)
    assert await socket.texts(1, seconds=0.2) == []
    venue.play()
    kinds = {event["event_type"] for event in _events(await socket.texts(9, seconds=0.5))}
    assert "market_resolved" in kinds


async def test_an_unsubscribed_asset_is_silent(start_venue, connect, moving_tape, make):
    venue = await start_venue(tape=moving_tape)
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": [make.yes]})
    await socket.texts(1)
    await socket.say({"operation": "unsubscribe", "assets_ids": [make.yes]})
    await socket.say("PING")
    assert await socket.texts(1) == ["PONG"]
    venue.play()
    assert await socket.texts(1, seconds=0.3) == []


async def test_following_the_changes_gives_the_book_that_rest_shows(start_venue, connect, get):
    """The disaster: a client that applies changes drifts away from the venue's own book."""
    venue = await start_venue(frames_per_second=400, run_seconds=1.0, markets=3, short_lived_markets=0)
    tokens = list(venue.world.books)
    socket = await connect(venue.urls["market_ws"], {"type": "market", "assets_ids": tokens})
    books = {}
    for dump in json.loads((await socket.texts(1))[0]):
        books[dump["asset_id"]] = {
            side: {level["price"]: level["size"] for level in dump[key]}
            for side, key in (("BUY", "bids"), ("SELL", "asks"))
        }
    venue.play()
    await venue.play_finished()
    for event in _events(await socket.texts(100_000, seconds=0.5)):
        for change in event.get("price_changes", ()):
            levels = books[change["asset_id"]][change["side"]]
            levels[change["price"]] = change["size"]
            if change["size"] == "0":
                del levels[change["price"]]
    for token in tokens:
        answer = await get(venue.urls["clob"] + "/book", token_id=token)
        assert books[token]["BUY"] == {level["price"]: level["size"] for level in answer["bids"]}
        assert books[token]["SELL"] == {level["price"]: level["size"] for level in answer["asks"]}
