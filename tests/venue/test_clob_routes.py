"""CLOB REST, over real HTTP."""

import time

import pytest


@pytest.fixture
async def clob(start_venue, rain_tape):
    return (await start_venue(tape=rain_tape)).urls["clob"]


async def test_a_book_has_string_numbers_and_what_an_order_needs(clob, get, make):
    book = await get(clob + "/book", token_id=make.yes)
    assert book["asset_id"] == make.yes
    assert book["market"] == make.condition
    assert book["bids"] == [{"price": "0.59", "size": "100"}]
    assert (book["tick_size"], book["min_order_size"], book["neg_risk"]) == ("0.01", "5", False)


async def test_price_buy_is_the_best_bid_and_sell_the_best_ask(clob, get, make):
    assert await get(clob + "/price", token_id=make.yes, side="BUY") == {"price": "0.59"}
    assert await get(clob + "/price", token_id=make.yes, side="SELL") == {"price": "0.61"}
    assert await get(clob + "/midpoint", token_id=make.yes) == {"mid": "0.6"}
    assert await get(clob + "/spread", token_id=make.yes) == {"spread": "0.02"}


async def test_small_answers_about_a_token(clob, get, make):
    assert await get(clob + "/tick-size", token_id=make.no) == {"minimum_tick_size": 0.01}
    assert await get(clob + "/neg-risk", token_id=make.no) == {"neg_risk": False}
    assert abs(await get(clob + "/time") - time.time()) < 3


async def test_books_come_in_one_call_and_unknown_tokens_are_left_out(clob, http, make):
    wanted = [{"token_id": make.yes}, {"token_id": "404"}, {"token_id": make.no}]
    async with http.post(clob + "/books", json=wanted) as response:
        assert [book["asset_id"] for book in await response.json()] == [make.yes, make.no]


async def test_unknown_tokens_and_markets_are_404(clob, http):
    for path in ("/book?token_id=404", "/markets/0x00", "/clob-markets/0x00", "/tick-size?token_id=404"):
        async with http.get(clob + path) as response:
            assert response.status == 404, path
            assert "error" in await response.json()


async def test_the_compact_market_tells_fee_tick_and_minimum(clob, get, make):
    market = await get(f"{clob}/clob-markets/{make.condition}")
    assert market["t"] == [{"t": make.yes, "o": "Yes"}, {"t": make.no, "o": "No"}]
    assert market["fd"] == {"r": 0.05, "e": 1, "to": True}
    assert (market["mos"], market["mts"], market["nr"]) == (5, 0.01, False)


async def test_a_resolved_market_has_a_winner_and_no_book(start_venue, get, http, write_tape, make):
    resolved = make.market(closed=True, outcomePrices='["0", "1"]')
    tape = write_tape(
        [
            (-1, "gamma.market", make.market()),
            (-1, "clob.book", make.book()),
            (0, "rtds.activity", make.frame()),
            (0.01, "gamma.market", resolved),
        ]
    )
    venue = await start_venue(tape=tape, autostart=True)
    await venue.play_finished()
    market = await get(f"{venue.urls['clob']}/markets/{make.condition}")
    assert [(one["outcome"], one["winner"]) for one in market["tokens"]] == [("Yes", False), ("No", True)]
    async with http.get(venue.urls["clob"] + "/book", params={"token_id": make.yes}) as response:
        assert response.status == 404


async def test_a_tape_book_stays_as_it_is_whatever_is_traded(start_venue, get, rain_tape, make):
    """The disaster: an exactly-once test that fails because prices moved between two runs."""
    venue = await start_venue(tape=rain_tape, autostart=True)
    before = await get(venue.urls["clob"] + "/book", token_id=make.yes)
    await venue.play_finished()
    after = await get(venue.urls["clob"] + "/book", token_id=make.yes)
    assert (before["bids"], before["asks"], before["hash"]) == (after["bids"], after["asks"], after["hash"])
