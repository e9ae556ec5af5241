"""What markets are worth over HTTP: exact numbers with their age, and a refusal where there is no number."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
import pytest
from price_script import LEGACY, NOBODY, OLD, PAID, RAIN, SILENT, answer, condition_of

from actors.web import asking, price_routes
from messages.markets import Tier
from messages.prices import IDS_MAX, PriceQuery, PricesQuery


async def post(house, document, content_type="application/json"):
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{house.url}/api/markets/prices", data=body, headers={"Content-Type": content_type}
        ) as said,
    ):
        return said.status, await said.json(content_type=None)


def price(condition_id, more=""):
    return f"/api/polymarket/price?conditionId={condition_id}{more}"


async def test_a_price_is_exact_and_says_how_old_it_is(house):
    status, body = await house.get(price(RAIN))
    market = body.pop("market")
    assert status == 200
    assert body == {
        "conditionId": RAIN,
        "prices": ["0.52", "0.48"],
        "asOf": "2027-01-15T12:00:00.000Z",
        "ageMs": 250,
        "stale": False,
        "source": "market_ws",
        "tier": "T3",
        "error": "",
        "unknown": False,
        "marketAsOf": "2027-01-15T11:59:55.000Z",
        "marketAgeMs": 5250,
    }
    assert (market["outcomes"], market["tokenIds"], market["tick"]) == (["Yes", "No"], ["111", "222"], "0.01")
    assert (market["resolution"], market["sizeMin"], market["feeRate"]) == ("open", "5", "0.05")


@pytest.mark.parametrize(
    ("more", "tier", "age_ms_max"),
    [
        ("", Tier.T3, None),
        ("&tier=T2a", Tier.T2A, None),
        ("&maxAgeSeconds=0", None, 0),
        ("&maxAgeSeconds=2.5", None, 2_500),
        ("&maxAgeSeconds=1e3", None, 1_000_000),
    ],
)
async def test_how_fresh_it_must_be_is_asked_for_as_it_was_said(house, more, tier, age_ms_max):
    assert (await house.get(price(RAIN.upper(), more)))[0] == 200
    assert house.script["asked"] == [PriceQuery(condition_id=RAIN, tier=tier, age_ms_max=age_ms_max)]


async def test_many_who_ask_the_same_at_once_share_an_answer_and_are_told_its_true_age(house, monkeypatch):
    monkeypatch.setattr(price_routes, "HOLD_NS", 60 * 10**9)
    house.script["answers"][RAIN] = answer(age_ms=250, age_ms_max=100_000)
    bodies = [(await house.get(price(RAIN, "&tier=T2a")))[1] for _ in range(3)]
    assert len(house.script["asked"]) == 1
    ages = [body["ageMs"] for body in bodies]
    assert ages == sorted(ages)
    assert ages[0] == 250 <= ages[-1]
    monkeypatch.setattr(price_routes, "HOLD_NS", 0)
    house.script["answers"][RAIN] = answer(prices=(530_000, 470_000), age_ms=7, age_ms_max=2_000)
    body = (await house.get(price(RAIN, "&tier=T2a")))[1]
    assert (body["prices"], body["ageMs"]) == (["0.53", "0.47"], 7)


async def test_nobody_shares_an_answer_that_is_too_old_for_them_or_to_execute_on(house, monkeypatch):
    monkeypatch.setattr(price_routes, "HOLD_NS", 60 * 10**9)
    house.script["answers"][RAIN] = answer(age_ms=1_999, age_ms_max=2_000)
    await house.get(price(RAIN, "&tier=T2a"))
    await asyncio.sleep(0.01)
    await house.get(price(RAIN, "&tier=T2a"))
    house.script["answers"][RAIN] = answer(tier=Tier.T1, age_ms_max=30_000)
    await house.get(price(RAIN, "&tier=T1"))
    await house.get(price(RAIN, "&tier=T1"))
    assert len(house.script["asked"]) == 4


async def test_what_changes_between_two_questions_is_told(house):
    await house.get(price(RAIN))
    house.script["answers"][RAIN] = answer(prices=(530_000, 470_000), age_ms=7)
    body = (await house.get(price(RAIN)))[1]
    assert (body["prices"], body["ageMs"]) == (["0.53", "0.47"], 7)


async def test_a_market_that_no_host_has_is_a_404(house):
    status, body = await house.get(price(NOBODY))
    assert (status, body["type"]) == (404, "/problems/unknown-market")
    assert NOBODY in body["detail"]


async def test_what_is_too_old_to_act_on_is_no_number_at_t1(house):
    async with aiohttp.ClientSession() as session, session.get(house.url + price(OLD, "&tier=T1")) as said:
        body = await said.json(content_type=None)
        assert (said.status, said.headers["Retry-After"]) == (503, "1")
    assert said.content_type == "application/problem+json"
    assert (body["type"], body["detail"]) == ("/problems/not-fresh", "the prices are a day old")
    assert "prices" not in body


async def test_elsewhere_the_last_value_is_given_and_said_to_be_stale(house):
    status, body = await house.get(price(OLD, "&tier=T2a"))
    assert (status, body["stale"], body["ageMs"], body["source"]) == (200, True, 86_400_000, "store")
    assert body["error"] == "gamma: no answer in 1.5 s"


async def test_a_resolved_market_is_worth_what_it_pays_whatever_its_age(house):
    status, body = await house.get(price(PAID, "&maxAgeSeconds=0"))
    assert (status, body["prices"], body["stale"]) == (200, ["1", "0"], False)
    assert body["market"]["resolution"] == "resolved"


async def test_a_market_that_was_closed_without_prices_is_not_worth_nothing(house):
    status, body = await house.get(price(LEGACY))
    assert (status, body["prices"], body["ageMs"], body["asOf"]) == (200, [], None, None)
    assert body["market"]["resolution"] == "closed"


async def test_nothing_known_at_present_is_a_503_and_not_a_404(house):
    status, body = await house.get(price(SILENT))
    assert (status, body["type"]) == (503, "/problems/not-known")
    assert "gamma: no answer" in body["detail"]


async def test_a_price_service_that_does_not_answer_is_a_503_and_not_a_hang(house, monkeypatch):
    monkeypatch.setattr(asking, "TIMEOUT_S", 0.05)
    house.script["silent"] = True
    for path in (price(RAIN), f"/api/markets/{RAIN}/book", "/api/markets/demand"):
        status, body = await house.get(path)
        assert (status, body["type"]) == (503, "/problems/no-answer")
        assert "no answer to" in body["detail"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "conditionId is missing"),
        ("conditionId=0x12", "expected 0x and 64 hex digits"),
        (f"conditionId={RAIN}&conditionId={RAIN}", "conditionId was given twice"),
        (f"conditionId={RAIN}&tier=T9", "tier was 'T9', expected one of T1, T2a, T2b, T3, T4"),
        (f"conditionId={RAIN}&maxAgeSeconds=-1", "expected from 0 to 86400"),
        (f"conditionId={RAIN}&maxAgeSeconds=86401", "expected from 0 to 86400"),
        (f"conditionId={RAIN}&maxAgeSeconds=nan", "expected a number from 0 to 86400"),
        (f"conditionId={RAIN}&maxAgeSeconds=1_0", "expected a number from 0 to 86400"),
        (f"conditionId={RAIN}&age=1", "age means nothing here, expected conditionId, tier, maxAgeSeconds"),
    ],
)
async def test_what_was_not_understood_is_a_400_that_says_what_was_expected(house, query, expected):
    status, body = await house.get(f"/api/polymarket/price?{query}")
    assert (status, body["type"]) == (400, "/problems/bad-request")
    assert expected in body["detail"]
    assert house.script["asked"] == []


async def test_many_markets_are_one_question_and_come_in_the_order_asked_for_each_once(house):
    status, body = await post(house, {"conditionIds": [PAID, NOBODY, RAIN, PAID.upper(), OLD], "tier": "T2a"})
    assert status == 200
    assert [one["conditionId"] for one in body["prices"]] == [PAID, RAIN, OLD]
    assert [one["stale"] for one in body["prices"]] == [False, False, True]
    assert body["unknown"] == [NOBODY]
    assert house.script["asked"] == [PricesQuery(condition_ids=(PAID, NOBODY, RAIN, OLD), tier=Tier.T2A)]


async def test_one_document_stands_for_a_market_wherever_it_is_asked_for(house):
    alone = (await house.get(price(RAIN, "&maxAgeSeconds=3")))[1]
    assert (await post(house, {"conditionIds": [RAIN], "maxAgeSeconds": 3}))[1]["prices"] == [alone]


async def test_many_at_t1_are_refused_together_and_the_old_ones_named(house):
    status, body = await post(house, {"conditionIds": [RAIN, OLD], "tier": "T1"})
    assert (status, body["type"], body["refused"]) == (503, "/problems/not-fresh", [OLD])


async def test_of_many_those_of_which_nothing_is_known_say_why(house):
    (one,) = (await post(house, {"conditionIds": [SILENT]}))[1]["prices"]
    assert (one["prices"], one["ageMs"], one["stale"], one["market"]) == ([], None, True, None)
    assert one["error"] == "gamma: no answer in 1.5 s"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "the body was not understood"),
        (b"{", "the body was not understood"),
        (b'{"conditionIds": ["\xff"]}', "the body was not understood"),
        ([], "Expected `object`"),
        ({}, "missing required field `conditionIds`"),
        ({"conditionIds": []}, "length >= 1"),
        ({"conditionIds": ["0x12"]}, "matching regex"),
        ({"conditionIds": [RAIN + "\n"]}, "expected 0x and 64 hex digits"),
        ({"conditionIds": [RAIN], "tier": None}, "`$.tier`"),
        ({"conditionIds": [RAIN], "tiers": "T1"}, "unknown field `tiers`"),
        ({"conditionIds": [RAIN], "maxAgeSeconds": "1"}, "Expected `float`"),
        ({"conditionIds": [condition_of(n) for n in range(IDS_MAX + 1)]}, f"length <= {IDS_MAX}"),
    ],
)
async def test_a_body_that_was_not_understood_is_a_400(house, body, expected):
    status, problem = await post(house, body)
    assert status == 400
    assert expected in problem["detail"]
    assert house.script["asked"] == []


async def test_as_many_markets_as_there_may_be_can_be_asked_for(house):
    ids = [condition_of(number) for number in range(10_000, 10_000 + IDS_MAX)]
    assert (await post(house, {"conditionIds": ids}))[1]["unknown"] == ids


async def test_a_body_that_is_no_json_or_too_large_is_refused_before_it_is_read(house):
    assert (await post(house, {"conditionIds": [RAIN]}, "text/plain"))[0] == 415
    status, body = await post(house, b" " * 100_000)
    assert (status, body["title"]) == (413, "Request Entity Too Large")


async def test_which_markets_are_kept_warm_can_be_seen(house):
    status, body = await house.get("/api/markets/demand")
    rain, old = body["markets"]
    assert status == 200
    assert (rain["conditionId"], rain["tier"], rain["requests"], rain["ageMs"]) == (RAIN, "T1", 7, 250)
    assert rain["lastRequestedAt"] == "2027-01-15T12:00:00.000Z"
    assert (old["held"], old["tier"], old["ageMs"], old["lastRequestedAt"]) == (True, None, None, None)
