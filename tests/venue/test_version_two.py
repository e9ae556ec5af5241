"""Markets of the second protocol, whose ids stand elsewhere."""

import json
from itertools import islice

import pytest

from ops.venue import TapeUnplayable, VenueConfig
from ops.venue.feeds.events import LegsTraded
from ops.venue.feeds.generator import GeneratorFeed
from ops.venue.market import from_gamma

RESERVED = ((1 << 64) - 1) << 40
"""Bits that are zero in every position id of the second protocol."""


async def test_position_ids_trade_and_the_clob_token_ids_beside_them_do_not(start_venue, get, http, connect):
    """The disaster: a client that takes the ids it always took follows books that nobody has."""
    venue = await start_venue(markets=6, short_lived_markets=0, version_two_share=1.0)
    for market in await get(venue.urls["gamma"] + "/markets"):
        positions, others = market["positionIds"], json.loads(market["clobTokenIds"])
        assert (market["version"], len(set(positions))) == ("v2", 2)
        assert not set(positions) & set(others)
        (found,) = await get(venue.urls["gamma"] + "/markets", clob_token_ids=positions[1])
        assert found["id"] == market["id"]
        clob = await get(f"{venue.urls['clob']}/markets/{market['conditionId']}")
        assert [token["token_id"] for token in clob["tokens"]] == positions
        assert (await get(venue.urls["clob"] + "/book", token_id=positions[0]))["asset_id"] == positions[0]
        async with http.get(venue.urls["clob"] + "/book", params={"token_id": others[0]}) as response:
            assert response.status == 404
        wants = {"type": "market", "assets_ids": [others[0], positions[0]]}
        socket = await connect(venue.urls["market_ws"], wants)
        assert [book["asset_id"] for book in json.loads((await socket.texts(1))[0])] == [positions[0]]


def test_position_ids_are_of_the_second_protocols_range():
    listed = [event.market for event in _feed(1.0).opening() if hasattr(event, "market")]
    for market in listed:
        first, second = (int(token) for token in market.tokens)
        assert first & RESERVED == second & RESERVED == 0
        assert (first & 255, second & 255, first >> 248, first >> 8) == (0, 1, 1, second >> 8)
    for event in _feed(0.0).opening():
        if hasattr(event, "market"):
            assert event.market.document["version"] == "v1"
            assert int(event.market.tokens[0]) & RESERVED


def _feed(share):
    return GeneratorFeed(VenueConfig(markets=30, wallets=60, version_two_share=share))


def test_the_share_of_them_changes_nothing_but_ids():
    def trades(share):
        return [
            [(leg.condition, leg.wallet, leg.side, leg.price, leg.size) for leg in event.legs]
            for _, event in islice(_feed(share).events(), 2000)
            if isinstance(event, LegsTraded)
        ]

    assert trades(0.0) == trades(0.5)


def test_a_v2_market_without_position_ids_is_named(make):
    with pytest.raises(TapeUnplayable, match="here: positionIds"):
        from_gamma(make.market(version="v2"), "here")
