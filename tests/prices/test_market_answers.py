"""Markets over a real socket: how many calls are made, and what is answered when they fail."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from messages.markets import MarketQuery, Resolution, Tier


async def test_cold_market_is_fetched_and_answered_with_its_age_and_source(start, venue, condition):
    venue.add_market(1)
    answer = await start().market(1)
    assert answer.condition_id == condition(1)
    assert answer.market.slug == "rain-on-day-1"
    assert (answer.stale, answer.source, answer.error) == (False, "gamma", "")
    assert 0 <= answer.age_ms < 1000
    assert answer.as_of_ns > 10**18
    assert venue.calls == {"gamma": 1}


async def test_a_thousand_askers_of_a_cold_market_make_one_call(start, venue):
    venue.add_market(1)
    venue.hang("gamma", 0.05)
    service = start()
    answers = await asyncio.gather(*(service.market(1) for _ in range(1000)))
    assert {answer.market.slug for answer in answers} == {"rain-on-day-1"}
    assert not any(answer.stale for answer in answers)
    assert venue.calls == {"gamma": 1}
    assert service.snapshot()["markets"]["waiting"] == 0


async def test_fresh_enough_is_answered_from_memory(start, venue):
    venue.add_market(1)
    service = start()
    await service.market(1)
    for _ in range(10):
        assert not (await service.market(1, age_ms_max=5000)).stale
    assert venue.calls["gamma"] == 1
    await asyncio.sleep(0.03)
    assert not (await service.market(1, age_ms_max=10)).stale
    assert venue.calls["gamma"] == 2


async def test_no_age_accepted_still_gets_what_was_fetched_for_it(start, venue):
    venue.add_market(1)
    service = start()
    await service.market(1)
    answer = await service.market(1, age_ms_max=0)
    assert (answer.stale, venue.calls["gamma"]) == (False, 2)


async def test_markets_asked_for_together_share_calls(start, venue):
    for number in range(120):
        venue.add_market(number)
    service = start()
    answers = await asyncio.gather(*(service.market(number) for number in range(120)))
    assert [answer.market.slug for answer in answers] == [f"rain-on-day-{n}" for n in range(120)]
    assert venue.calls == {"gamma": 3}
    assert max(len(ids) for _, ids in venue.asked) == 50


async def test_market_that_gamma_hides_because_it_is_closed_is_asked_for_again(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["0", "1"]')
    answer = await start().market(1)
    assert answer.market.payouts == (0, 1_000_000)
    assert venue.calls == {"gamma": 1, "gamma closed": 1}


async def test_resolved_market_is_never_asked_for_again(start, venue, until):
    venue.add_market(1, closed=True, outcomePrices='["1", "0"]')
    service = start(warm_interval_s=0.01, resolution_poll_s=0.01, t1_ms=10)
    first = await service.market(1)
    calls = dict(venue.calls)
    await asyncio.sleep(0.2)
    again = await service.market(1, age_ms_max=0)
    assert (again.market, again.stale) == (first.market, False)
    assert again.age_ms >= 200
    assert venue.calls == calls


async def test_closed_market_without_winner_is_shown_as_such_and_witnesses_are_asked(start, venue, until):
    venue.add_market(1, closed=True, outcomePrices='["0", "0"]')
    service = start()
    assert (await service.market(1)).market.resolution is Resolution.CLOSED
    assert (await service.market(1, age_ms_max=0)).market.resolution is Resolution.CLOSED
    await until(lambda: venue.calls["resolutions"] and venue.calls["clob"])
    assert venue.calls == {"gamma": 1, "gamma closed": 2, "resolutions": 1, "clob": 1}


async def test_clob_answers_where_gamma_fails(start, venue, condition, clob_row):
    venue.add_market(1)
    venue.clob[condition(1)] = clob_row(1, minimum_tick_size=0.001)
    service = start()
    await service.market(1)
    venue.fail("gamma", 500)
    answer = await service.market(1, age_ms_max=0)
    assert (answer.source, answer.stale, answer.market.tick) == ("clob", False, 1000)
    assert answer.market.event_slug == "rainy-days"
    assert answer.market.fee_rate == 50_000


async def test_clob_answers_for_a_market_that_gamma_does_not_know_or_garbles(
    start, venue, condition, clob_row, gamma_row
):
    venue.gamma[condition(1)] = gamma_row(1, outcomes="garbled")
    venue.clob[condition(1)] = clob_row(1)
    venue.clob[condition(2)] = clob_row(2)
    service = start()
    answers = await asyncio.gather(service.market(1), service.market(2))
    assert [answer.source for answer in answers] == ["clob", "clob"]
    assert venue.calls == {"gamma": 1, "gamma closed": 1, "clob": 2}


async def test_market_nobody_knows_is_answered_with_the_reason_and_not_remembered(start, venue):
    service = start()
    answer = await service.market(1)
    assert (answer.market, answer.stale, answer.source) == (None, True, "")
    assert answer.error == "neither Gamma nor CLOB knows this market"
    venue.add_market(1)
    assert (await service.market(1)).market is not None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failing_hosts_serve_the_last_known_value_as_stale_and_are_left_alone(start, venue, status):
    venue.add_market(1)
    service = start()
    fresh = await service.market(1)
    for route in ("gamma", "clob"):
        venue.fail(route, status)
    await asyncio.sleep(0.02)
    for _ in range(20):
        answer = await service.market(1, age_ms_max=1)
        assert (answer.market, answer.stale, answer.source) == (fresh.market, True, "gamma")
        assert answer.age_ms >= 20
        assert answer.as_of_ns == fresh.as_of_ns
    assert f"gamma: {status}" in answer.error or "gamma: not asked" in answer.error
    assert venue.calls == {"gamma": 2, "clob": 1}
    assert service.snapshot()["hosts"]["clob"]["pause_s"] > 0 or status >= 500


async def test_healed_host_is_asked_again_after_the_pause(start, venue):
    venue.add_market(1)
    for route in ("gamma", "clob"):
        venue.fail(route, 429)
    service = start(backoff_first_s=0.05)
    assert (await service.market(1)).market is None
    venue.heal()
    await asyncio.sleep(0.1)
    assert not (await service.market(1)).stale


async def test_hanging_hosts_answer_everyone_once_in_bounded_time(start, venue):
    venue.add_market(1)
    for route in ("gamma", "clob"):
        venue.hang(route)
    service = start(timeout_s=0.2)
    answers = await asyncio.gather(*(service.market(1) for _ in range(100)))
    assert all(answer.market is None and answer.stale for answer in answers)
    assert all("no answer within 0.2 s" in answer.error for answer in answers)
    assert venue.calls == {"gamma": 1, "clob": 1}


async def test_web_page_where_json_belongs_is_stale_not_a_crash(start, venue):
    venue.add_market(1)
    service = start()
    await service.market(1)
    for route in ("gamma", "clob"):
        venue.faults[route] = lambda: web.Response(text="<html>one moment</html>")
    answer = await service.market(1, age_ms_max=0)
    assert answer.market is not None
    assert "expected a JSON document" in answer.error
    assert service.base.dead_letters() == []


async def test_malformed_id_is_answered_without_a_call(start, venue):
    service = start()
    for bad in ("", "0xABC", "0x" + "A" * 64, "?closed=true", "0x" + "0" * 63):
        query = MarketQuery(condition_id=bad, age_ms_max=1000)
        answer = await service.base.ask(service.address, query, timeout_s=2)
        assert (answer.condition_id, answer.market, answer.stale) == (bad, None, True)
        assert "condition id" in answer.error
    assert venue.calls == {}


async def test_every_fetched_market_is_written_back_off_the_way(start, venue, until, condition):
    for number in (1, 2):
        venue.add_market(number)
    service = start(write_back_s=0.05)
    answers = await asyncio.gather(service.market(1), service.market(2), service.market(1))
    await until(lambda: service.store.written)
    (rows,) = service.store.written
    assert {row.market.condition_id for row in rows} == {condition(1), condition(2)}
    assert (rows[0].as_of_ns, rows[0].source) == (answers[0].as_of_ns, "gamma")
    assert all(0 <= row.as_of_ns - row.last_requested_at_ns < 10**9 for row in rows)
    await asyncio.sleep(0.12)
    assert service.store.written == [rows], "nothing new, nothing written"


async def test_markets_in_play_are_refreshed_in_one_call_before_they_are_asked_for(start, venue, until):
    for number in range(10):
        venue.add_market(number)
    service = start(warm_interval_s=0.02, t1_ms=100)
    await asyncio.gather(*(service.market(number, 100, Tier.T1) for number in range(10)))
    await until(lambda: venue.calls["gamma"] >= 6)
    assert all(len(ids) == 10 for _, ids in venue.asked[1:])
    assert service.snapshot()["markets"]["in_play"] == 10


async def test_market_out_of_play_is_left_alone(start, venue):
    venue.add_market(1)
    service = start(warm_interval_s=0.02, t1_ms=40, warm_for_s=0.1)
    await service.market(1, 40, Tier.T1)
    await asyncio.sleep(0.5)
    calls = venue.calls["gamma"]
    assert calls > 2
    await asyncio.sleep(0.2)
    assert venue.calls["gamma"] == calls


async def test_askers_are_answered_when_the_service_crashes_under_them(start, venue, until):
    venue.add_market(1)
    venue.hang("gamma")
    service = start(timeout_s=4.0)
    asking = asyncio.gather(*(service.market(1) for _ in range(10)))
    await until(lambda: venue.calls["gamma"] == 1)
    service.crash()
    answers = await asking
    assert {answer.error for answer in answers} == {"the price service stops"}
    venue.heal()
    assert (await service.market(1)).market is not None
