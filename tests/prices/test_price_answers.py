"""What a market is worth, over real sockets: fresh, flagged or refused; one call for any number of askers."""

from __future__ import annotations

import asyncio
import json

import pytest
from prometheus_client import REGISTRY

from messages.markets import MarketQuery, Resolution, Source, Tier
from messages.prices import (
    IDS_MAX,
    DemandQuery,
    EffectivePriceQuery,
    PriceQuery,
    PricesQuery,
)
from messages.store import StoreAvailability
from messages.trades import Side

pytestmark = pytest.mark.timeout(60)


async def test_a_price_carries_when_it_was_true_how_old_that_is_and_who_said_so(start, venue, condition):
    venue.add_market(1)
    answer = await start().price(1)
    assert answer.condition_id == condition(1)
    assert answer.prices == (640_000, 360_000)
    assert answer.market.outcomes == ("Yes", "No")
    assert (answer.stale, answer.source, answer.tier, answer.error) == (False, Source.GAMMA, Tier.T2A, "")
    assert 0 <= answer.age_ms < 1000
    assert answer.as_of_ns > 10**18
    assert (answer.unknown, answer.refused) == (False, False)


async def test_a_thousand_askers_of_one_cold_market_make_exactly_one_call(start, venue):
    venue.add_market(1)
    venue.hang("gamma", 0.05)
    service = start()
    questions = [service.price(1, tier=(Tier.T1, Tier.T2A, Tier.T3)[number % 3]) for number in range(900)] + [
        service.market(1) for _ in range(100)
    ]
    answers = await asyncio.gather(*questions)
    assert not any(answer.stale for answer in answers)
    assert venue.calls == {"gamma": 1}
    assert service.snapshot()["markets"]["waiting"] == 0


async def test_an_asker_that_gives_up_takes_no_other_with_it(start, venue, until):
    venue.add_market(1)
    venue.hang("gamma", 0.3)
    service = start()
    first, *others = [asyncio.ensure_future(service.price(1)) for _ in range(20)]
    await until(lambda: venue.calls["gamma"] == 1)
    first.cancel()
    answers = await asyncio.gather(*others)
    assert not any(answer.stale for answer in answers)
    assert venue.calls == {"gamma": 1}
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_calls_are_counted_by_the_tier_that_they_were_made_for(start, venue):
    venue.add_market(1)

    def made():
        labels = {"host": "gamma", "route": "markets", "tier": "T2b", "status": "200"}
        return REGISTRY.get_sample_value("remora_prices_upstream_calls_total", labels) or 0

    before = made()
    await start().price(1, tier=Tier.T2B)
    assert made() == before + 1


async def test_five_hundred_markets_in_one_question_are_ten_calls_and_one_read(start, venue, condition):
    for number in range(IDS_MAX):
        venue.add_market(number)
    service = start()
    answers = await service.prices(range(IDS_MAX))
    assert [answer.condition_id for answer in answers] == [condition(number) for number in range(IDS_MAX)]
    assert not any(answer.stale for answer in answers)
    assert venue.calls == {"gamma": 10}
    assert len(service.store.reads) == 10
    again = await service.prices(range(IDS_MAX))
    assert not any(answer.stale for answer in again)
    assert venue.calls == {"gamma": 10}


async def test_the_same_market_twice_in_one_question_is_answered_once(start, venue):
    venue.add_market(1)
    service = start()
    assert len(await service.prices([1, 1, 1])) == 1
    assert await service.prices([]) == ()


async def test_too_many_markets_in_one_question_are_refused_without_a_call(start, venue):
    answers = await start().prices(range(IDS_MAX + 1))
    assert len(answers) == IDS_MAX + 1
    assert all("over 500 markets" in answer.error for answer in answers)
    assert venue.calls == {}


async def test_one_unknown_market_among_others_harms_none(start, venue):
    venue.add_market(1)
    known, unknown = await start().prices([1, 2])
    assert not known.stale
    assert (unknown.unknown, unknown.prices, unknown.market) == (True, (), None)


# --- tier T1 ---


async def test_execution_is_never_given_a_stale_number(start, venue):
    venue.add_market(1)
    service = start(t1_ms=100)
    fresh = await service.price(1, tier=Tier.T1)
    assert (fresh.prices, fresh.refused) == ((640_000, 360_000), False)
    for route in ("gamma", "clob", "book", "books"):
        venue.fail(route, 503)
    await asyncio.sleep(0.12)
    refused = await service.price(1, tier=Tier.T1)
    assert (refused.refused, refused.prices, refused.stale) == (True, (), True)
    assert refused.market is not None, "what is known otherwise may be told"
    assert "gamma: 503" in refused.error
    shown = await service.price(1, tier=Tier.T2B, age_ms_max=50)
    assert (shown.stale, shown.refused, shown.prices) == (True, False, (640_000, 360_000))
    assert shown.age_ms >= 120


async def test_execution_is_never_given_a_stale_market_or_book(start, venue, tokens):
    venue.add_market(1)
    service = start()
    assert (await service.market(1, 30_000, Tier.T1)).market is not None
    assert (await service.book(tokens(1)[0], 2_000, Tier.T1)).book is not None
    for route in ("gamma", "clob", "book", "books"):
        venue.fail(route, 500)
    await asyncio.sleep(0.03)
    market = await service.market(1, 20, Tier.T1)
    book = await service.book(tokens(1)[0], 20, Tier.T1)
    assert (market.market, market.refused, market.stale) == (None, True, True)
    assert (book.book, book.refused, book.stale) == (None, True, True)
    assert market.error
    assert book.error
    for answer in (await service.market(1, 20), await service.book(tokens(1)[0], 20)):
        assert (answer.refused, answer.stale) == (False, True)


async def test_execution_leaves_before_all_others_when_the_budget_is_short(start, venue):
    for number in range(1, 202):
        venue.add_market(number)
    service = start(gamma_requests_per_s=4.0, timeout_s=3.0)
    for number in range(1, 5):
        await service.market(number)  # the burst is spent
    dashboards = [asyncio.ensure_future(service.price(number, tier=Tier.T3)) for number in range(1, 201)]
    await asyncio.sleep(0.05)
    execution = asyncio.ensure_future(service.price(201, tier=Tier.T1))
    await asyncio.gather(*dashboards, execution)
    first = next(ids for _, ids in venue.asked[4:])
    assert service.args.endpoints
    assert f"0x{201:064x}" in first


# --- whose number it is ---


async def test_books_stand_in_for_gamma_in_one_call_for_many_markets(start, venue, tokens):
    for number in range(50):
        venue.add_market(number)
    service = start(t2a_ms=60)
    await service.prices(range(50))
    venue.hang("gamma")
    await asyncio.sleep(0.07)
    answers = await service.prices(range(50))
    assert {answer.source for answer in answers} == {Source.CLOB}
    assert {answer.prices for answer in answers} == {(640_000, 360_000)}
    assert not any(answer.stale for answer in answers)
    assert venue.calls["books"] == 1


async def test_a_market_nobody_knows_is_told_apart_from_one_that_cannot_be_reached(start, venue):
    service = start()
    assert (await service.price(1)).unknown
    venue.fail("gamma", 503)
    venue.fail("clob", 503)
    answer = await service.price(2)
    assert not answer.unknown
    assert "503" in answer.error


async def test_a_resolved_market_is_worth_what_it_pays_for_ever(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["0.999", "0.001"]')
    service = start()
    await service.price(1)
    calls = dict(venue.calls)
    await asyncio.sleep(0.05)
    answer = await service.price(1, age_ms_max=0)
    assert answer.prices == (1_000_000, 0)
    assert (answer.stale, answer.market.resolution) == (False, Resolution.RESOLVED)
    assert answer.age_ms >= 50
    assert venue.calls == calls


async def test_a_legacy_row_of_zeros_is_unknown_and_never_a_loss(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["0", "0"]')
    answer = await start().price(1)
    assert (answer.prices, answer.market.resolution) == ((), Resolution.CLOSED)


async def test_a_disputed_market_says_so_and_keeps_its_last_prices(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["0.7", "0.3"]', umaResolutionStatus="disputed")
    answer = await start().price(1)
    assert (answer.prices, answer.market.resolution) == ((700_000, 300_000), Resolution.DISPUTED)


async def test_fifty_fifty_is_worth_half(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["0.5", "0.5"]', umaResolutionStatus="resolved")
    answer = await start().price(1)
    assert answer.prices == (500_000, 500_000)
    assert answer.market.is_void


# --- the database ---


async def test_a_market_resolved_before_a_restart_is_never_asked_for_again(start, venue, condition, until):
    venue.add_market(1, closed=True, outcomePrices='["1", "0"]')
    first = start()
    await first.price(1)
    await until(lambda: condition(1) in first.store.rows)
    calls = dict(venue.calls)
    second = start(stored=first.store)
    answer = await second.price(1, tier=Tier.T1)
    assert (answer.prices, answer.stale, answer.source) == ((1_000_000, 0), False, Source.STORE)
    market = await second.ask(MarketQuery(condition_id=condition(1), tier=Tier.T1))
    assert market.market == answer.market
    assert venue.calls == calls


async def test_what_is_stored_is_shown_as_old_only_where_nobody_can_be_reached(
    start, venue, condition, until
):
    venue.add_market(1)
    first = start(write_back_s=0.02)
    await first.price(1)
    await until(lambda: condition(1) in first.store.rows)
    venue.add_market(1, outcomePrices='["0.20", "0.80"]')
    second = start(stored=first.store)
    assert (await second.price(1, tier=Tier.T4)).prices == (200_000, 800_000), "a stale row was shown as live"
    for route in ("gamma", "clob", "book", "books"):
        venue.fail(route, 503)
    third = start(stored=first.store)
    answer = await third.price(1, tier=Tier.T4)
    assert (answer.prices, answer.stale, answer.source) == ((640_000, 360_000), True, Source.STORE)
    assert (await third.price(1, tier=Tier.T1)).refused


async def test_a_database_that_is_away_delays_and_harms_nothing(start, venue, until):
    venue.add_market(1)
    service = start(write_back_s=0.02)
    await until(lambda: service.snapshot() != {})
    service.store.away = True
    answer = await service.price(1)
    assert (answer.stale, answer.source) == (False, Source.GAMMA)


async def test_write_backs_wait_for_the_database_and_are_merged_meanwhile(
    start, venue, until, condition, stored
):
    venue.add_market(1)
    stored.away = True
    service = start(stored=stored, write_back_s=0.02)
    for _ in range(3):
        await service.price(1, age_ms_max=0)
    await asyncio.sleep(0.1)
    assert service.store.written == []
    assert service.snapshot()["unwritten"] == 1
    service.base.tell(service.address, StoreAvailability(available=True))
    await until(lambda: condition(1) in service.store.rows)
    assert len(service.store.written) == 1


# --- keeping up with what is in play ---


async def test_fifty_markets_of_the_feed_need_one_gamma_call_a_second(start, venue):
    """Each market is asked for at its own moments: refreshes ride along in one call all the same."""
    for number in range(50):
        venue.add_market(number)
    service = start(warm_interval_s=0.1, t2a_ms=200, gamma_requests_per_s=10.0)
    await service.prices(range(50))
    began, calls = asyncio.get_running_loop().time(), venue.calls["gamma"]
    ages = []

    async def poll(number):
        await asyncio.sleep(number * 0.003)
        for _ in range(40):
            answer = await service.price(number)
            ages.append(answer.age_ms if not answer.stale else 10**6)
            await asyncio.sleep(0.05)

    await asyncio.gather(*(poll(number) for number in range(50)))
    took_s = asyncio.get_running_loop().time() - began
    assert venue.calls["gamma"] - calls <= took_s * 10 + 1, "more than one call for each half of a tier's age"
    assert max(ages) <= 200 + 100


async def test_demand_is_visible(start, venue, condition):
    for number in (1, 2):
        venue.add_market(number)
    service = start()
    await service.price(1, tier=Tier.T3)
    await service.price(2, tier=Tier.T1)
    await service.price(2, tier=Tier.T2A)
    service.watcher("holder", 1)
    await asyncio.sleep(0.05)
    state = await service.ask(DemandQuery())
    held, asked = state.markets
    assert (held.condition_id, held.held, held.tier, held.requests) == (condition(1), True, Tier.T3, 1)
    assert (asked.condition_id, asked.held, asked.tier, asked.requests) == (condition(2), False, Tier.T1, 2)
    assert asked.question == "Will it rain on day 2?"
    assert asked.last_requested_at_ns >= held.last_requested_at_ns > 10**18
    assert (asked.source, asked.live) == (Source.GAMMA, 0)


async def test_a_malformed_id_is_answered_without_a_call(start, venue):
    service = start()
    for bad in ("", "0xABC", "0x" + "A" * 64):
        answer = await service.ask(PriceQuery(condition_id=bad, tier=Tier.T2A))
        assert (answer.condition_id, answer.prices, answer.stale) == (bad, (), True)
        assert "condition id" in answer.error
    assert venue.calls == {}


async def test_every_asker_is_answered_once_when_the_service_crashes(start, venue, until):
    venue.add_market(1)
    venue.hang("gamma")
    service = start(timeout_s=4.0)
    asking = asyncio.gather(service.price(1), service.prices([1, 2]), service.price(1, tier=Tier.T1))
    await until(lambda: venue.calls["gamma"] == 1)
    service.crash()
    shown, several, refused = await asking
    assert shown.error == "the price service stops"
    assert len(several) == 2
    assert refused.refused


# --- what a size costs ---


async def test_a_size_is_priced_by_the_levels_it_would_take(start, venue, tokens):
    venue.add_market(1)
    service = start()

    async def walk(side, shares):
        query = EffectivePriceQuery(token_id=tokens(1)[0], side=side, size=shares * 1_000_000, tier=Tier.T1)
        return await service.ask(query)

    small, large, more = [await walk(Side.BUY, shares) for shares in (10, 20, 100)]
    assert (small.average, small.best, small.worst, small.filled) == (650_000, 650_000, 650_000, 10_000_000)
    assert (large.filled, large.notional, large.worst) == (20_000_000, 12 * 650_000 + 8 * 700_000, 700_000)
    assert large.average == 670_000
    assert more.filled == 52_000_000, "the book holds no more"
    sold = await walk(Side.SELL, 30)
    assert (sold.filled, sold.best, sold.worst) == (30_000_000, 630_000, 600_000)
    assert (sold.stale, sold.source) == (False, Source.CLOB)
    nowhere = await service.ask(
        EffectivePriceQuery(token_id="404", side=Side.BUY, size=1_000_000, tier=Tier.T2A)
    )
    assert (nowhere.missing, nowhere.filled, nowhere.average) == (True, 0, None)


# --- followers ---


async def test_a_follower_is_told_at_once_when_prices_move_and_while_they_do_not(start, venue, until):
    venue.add_market(1)
    venue.add_market(2)
    service = start(warm_interval_s=0.05, t2a_ms=100)
    heard = service.follower("page", [1, 2])
    await until(lambda: len(heard) == 2)
    assert {each.answer.prices for each in heard} == {(640_000, 360_000)}
    venue.add_market(1, outcomePrices='["0.10", "0.90"]')
    await until(lambda: any(each.answer.prices == (100_000, 900_000) for each in heard), 5)


async def test_one_bad_price_among_good_ones_is_told_apart(start, venue):
    venue.add_market(1)
    venue.add_market(2, outcomePrices=json.dumps(["much", "little"]))
    good, bad = await start().prices([1, 2])
    assert not good.stale
    assert (bad.prices, bad.unknown) == ((), False)
    assert "price" in bad.error.lower()


async def test_prices_query_names_its_freshness():
    with pytest.raises(ValueError, match="neither a tier nor a maximum age"):
        PricesQuery(condition_ids=())


async def test_what_is_resolved_is_known_after_a_crash_even_while_the_database_is_away(start, venue):
    venue.add_market(1, closed=True, outcomePrices='["1", "0"]')
    service = start()
    first = await service.price(1)
    calls = dict(venue.calls)
    service.store.away = True
    service.crash()
    again = await service.price(1, tier=Tier.T1)
    assert (again.prices, again.market, again.stale) == (first.prices, first.market, False)
    assert venue.calls == calls
