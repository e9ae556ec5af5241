"""Gamma, over real HTTP."""

import json
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
async def gamma(start_venue, write_tape, make):
    closed = make.market(
        id="72", conditionId="0x" + "c2" * 32, clobTokenIds='["3", "4"]', closed=True, slug="over"
    )
    tape = write_tape([(-1, "gamma.market", make.market()), (-1, "gamma.market", closed)])
    return (await start_venue(tape=tape)).urls["gamma"]


async def test_lists_come_inside_strings(gamma, get, make):
    (market,) = await get(gamma + "/markets", condition_ids=make.condition)
    assert json.loads(market["clobTokenIds"]) == [make.yes, make.no]
    assert json.loads(market["outcomePrices"]) == ["0.6", "0.4"]


async def test_a_closed_market_is_invisible_unless_asked_for(gamma, get):
    condition = "0x" + "c2" * 32
    assert await get(gamma + "/markets", condition_ids=condition) == []
    (found,) = await get(gamma + "/markets", condition_ids=condition, closed="true")
    assert found["closed"] is True


async def test_condition_ids_are_case_sensitive(gamma, get, make):
    assert await get(gamma + "/markets", condition_ids=make.condition.replace("c", "C")) == []


async def test_repeated_keys_ask_for_several(gamma, http, make):
    query = [("clob_token_ids", make.yes), ("clob_token_ids", "3"), ("closed", "false")]
    async with http.get(gamma + "/markets", params=query) as response:
        assert [one["id"] for one in await response.json()] == ["71"]
        assert "sunset" in response.headers


async def test_keyset_pages_follow_the_cursor_to_the_end(start_venue, get):
    gamma = (await start_venue(markets=25, short_lived_markets=0)).urls["gamma"]
    seen, cursor = [], None
    while True:
        query = {"limit": 10} | ({"after_cursor": cursor} if cursor else {})
        page = await get(gamma + "/markets/keyset", **query)
        seen += [market["id"] for market in page["markets"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 25


async def test_a_market_by_id_and_a_miss(gamma, get, http):
    assert (await get(gamma + "/markets/71"))["slug"] == "will-it-rain"
    async with http.get(gamma + "/markets/9999") as response:
        assert response.status == 404


async def test_bad_numbers_are_refused_with_422(gamma, http):
    async with http.get(gamma + "/markets", params={"limit": "many"}) as response:
        assert response.status == 422


async def test_dates_move_with_the_play(gamma, get, make):
    """The market on the tape ends a day after the first record; so it does from now."""
    (market,) = await get(gamma + "/markets", condition_ids=make.condition)
    ends = datetime.fromisoformat(market["endDate"])
    tape_distance = datetime(2020, 3, 1, tzinfo=UTC) - datetime.fromtimestamp(1_582_999_999, UTC)
    assert abs(ends - datetime.now(UTC) - tape_distance) < timedelta(seconds=5)
