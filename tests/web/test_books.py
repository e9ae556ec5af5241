"""Order books over HTTP, and what a size would cost by them."""

from __future__ import annotations

import pytest
from examples import CENT, NO, SHARE, YES, book
from price_script import NOBODY, OLD, RAIN, SILENT

from messages.markets import BookAnswer, BookQuery, Tier
from messages.prices import EffectivePriceAnswer, EffectivePriceQuery, PriceQuery
from messages.trades import Side


def books(condition_id, query=""):
    return f"/api/markets/{condition_id}/book{query}"


def walk(condition_id, query):
    return f"/api/markets/{condition_id}/effective-price?{query}"


def no_book(token_id, **changes):
    fields = {"token_id": token_id, "book": None, "age_ms": 0, "stale": True, "source": "clob"}
    return BookAnswer(**(fields | changes))


async def test_a_book_is_asked_for_by_outcome_and_comes_best_level_first(house):
    bids, asks = ((490_000, 3 * SHARE), (480_000, SHARE // 2)), ((500_000, SHARE), (510_000, 2 * SHARE))
    house.script["books"][NO] = BookAnswer(
        token_id=NO,
        book=book(token_id=NO, bids=bids, asks=asks),
        age_ms=40,
        stale=False,
        source="market_ws",
    )
    status, body = await house.get(books(RAIN, "?outcome=1&tier=T1"))
    assert (status, body["conditionId"], body["tick"], body["sizeMin"]) == (200, RAIN, "0.01", "5")
    (one,) = body["books"]
    assert (one["outcome"], one["name"], one["tokenId"], one["hash"]) == (1, "No", NO, "h1")
    assert one["bids"] == [{"price": "0.49", "size": "3"}, {"price": "0.48", "size": "0.5"}]
    assert one["asks"] == [{"price": "0.5", "size": "1"}, {"price": "0.51", "size": "2"}]
    assert (one["asOf"], one["ageMs"], one["stale"]) == ("2027-01-15T12:00:00.000Z", 40, False)
    assert house.script["asked"] == [
        PriceQuery(condition_id=RAIN, tier=Tier.T4),
        BookQuery(token_id=NO, tier=Tier.T1),
    ]


async def test_without_an_outcome_all_of_them_come_in_their_order(house):
    status, body = await house.get(books(RAIN, "?maxAgeSeconds=0.03"))
    assert status == 200
    assert [(one["tokenId"], one["stale"]) for one in body["books"]] == [(YES, True), (NO, True)]


async def test_one_book_that_is_not_known_does_not_hide_the_other(house):
    house.script["books"][YES] = no_book(YES, error="clob: 500")
    status, body = await house.get(books(RAIN))
    first, second = body["books"]
    assert status == 200
    assert (first["bids"], first["ageMs"], first["error"]) == ([], None, "clob: 500")
    assert second["ageMs"] == 40


@pytest.mark.parametrize(
    ("answers", "status", "slug"),
    [
        ({"missing": True, "error": "no such book"}, 404, "no-book"),
        ({"refused": True, "error": "the book is a minute old"}, 503, "not-fresh"),
        ({"error": "clob: 500"}, 503, "not-known"),
    ],
)
async def test_no_book_at_all_says_why_there_is_none(house, answers, status, slug):
    house.script["books"] |= {token: no_book(token, **answers) for token in (YES, NO)}
    seen, body = await house.get(books(RAIN))
    assert (seen, body["type"]) == (status, f"/problems/{slug}")
    assert body.get("refused", []) == ([YES, NO] if slug == "not-fresh" else [])


async def test_one_book_too_old_to_act_on_refuses_all_that_were_asked_for(house):
    house.script["books"][NO] = no_book(NO, refused=True, error="the book is a minute old")
    status, body = await house.get(books(RAIN, "?tier=T1"))
    assert (status, body["refused"], body["detail"]) == (503, [NO], "the book is a minute old")
    assert (await house.get(books(RAIN, "?tier=T1&outcome=0")))[0] == 200


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        (books(NOBODY), 404, "unknown-market"),
        (books(SILENT), 503, "not-known"),
        (books(RAIN, "?outcome=2"), 404, "unknown-outcome"),
        (books(RAIN, "?outcome=-1"), 400, "bad-request"),
        (books("rain"), 400, "bad-request"),
        (walk(NOBODY, "side=BUY&size=1"), 404, "unknown-market"),
        (walk(RAIN, "side=BUY&size=1&outcome=2"), 404, "unknown-outcome"),
        (walk(RAIN, "side=BUY"), 400, "bad-request"),
        (walk(RAIN, "size=1"), 400, "bad-request"),
        (walk(RAIN, "side=HOLD&size=1"), 400, "bad-request"),
        (walk(RAIN, "side=BUY&size=0"), 400, "bad-request"),
        (walk(RAIN, "side=BUY&size=0.0000001"), 400, "bad-request"),
        (walk(RAIN, "side=BUY&size=1e400"), 400, "bad-request"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_the_same_words_as_elsewhere(house, path, status, slug):
    seen, body = await house.get(path)
    assert (seen, body["type"]) == (status, f"/problems/{slug}")


async def test_a_market_whose_prices_are_old_still_tells_its_outcomes_books(house):
    status, body = await house.get(books(OLD, "?outcome=0&tier=T1"))
    assert (status, body["books"][0]["tokenId"]) == (200, "333")


async def test_what_a_size_costs_is_asked_for_to_the_micro_share(house):
    status, body = await house.get(walk(RAIN, "side=SELL&size=1500.000001&outcome=1&tier=T2a"))
    assert (status, body["side"], body["size"], body["filled"]) == (200, "SELL", "1500.000001", "1000")
    assert (body["average"], body["notional"], body["outcome"], body["tokenId"]) == ("0.49", "490", 1, NO)
    assert house.script["asked"][-1] == EffectivePriceQuery(
        token_id=NO, side=Side.SELL, size=1_500 * SHARE + 1, tier=Tier.T2A
    )


async def test_a_book_with_nothing_to_take_has_no_price_rather_than_a_zero(house):
    house.script["walks"][YES] = EffectivePriceAnswer(
        token_id=YES,
        side=Side.BUY,
        size=SHARE,
        filled=0,
        notional=0,
        average=None,
        best=None,
        worst=None,
        as_of_ns=CENT,
        age_ms=1,
        stale=False,
        source="clob",
    )
    status, body = await house.get(walk(RAIN, "side=BUY&size=1"))
    assert (status, body["filled"], body["average"], body["best"], body["worst"]) == (
        200,
        "0",
        None,
        None,
        None,
    )
