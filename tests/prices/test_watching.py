"""Watched markets: everyone who holds one is told what it pays, once, and nobody is told a guess."""

from __future__ import annotations

import asyncio

from actors.prices import settlement
from actors.prices.signals import ResolutionTick
from messages.markets import MarketResolved

POLLING = {"resolution_poll_s": 0.05}


def resolve(venue, number, winner=0):
    venue.add_market(number, closed=True, outcomePrices='["1", "0"]' if winner == 0 else '["0", "1"]')


async def test_all_watchers_are_told_once_when_a_market_resolves(start, venue, until, condition, tokens):
    for number in (1, 2):
        venue.add_market(number)
    service = start(**POLLING)
    first, second = service.watcher("first", 1), service.watcher("second", 1)
    other = service.watcher("other", 2)
    await until(lambda: venue.calls["gamma"] >= 3)
    assert first == []
    resolve(venue, 1, winner=1)
    await until(lambda: first and second)
    await asyncio.sleep(0.2)
    told = MarketResolved(condition_id=condition(1), token_ids=tokens(1), payouts=(0, 1_000_000))
    assert first == second == [told]
    assert other == []


async def test_watching_twice_is_told_once_and_watching_again_later_once_more(start, venue, until):
    venue.add_market(1)
    service = start(**POLLING)
    heard = service.watcher("holder", 1)
    holder = service.base.find("holder")
    service.watch(holder, 1)
    await asyncio.sleep(0.1)
    resolve(venue, 1)
    await until(lambda: heard)
    await asyncio.sleep(0.15)
    assert len(heard) == 1
    service.watch(holder, 1)
    await until(lambda: len(heard) == 2)


async def test_watcher_of_a_resolved_market_is_told_at_once(start, venue, until):
    resolve(venue, 1)
    service = start()
    await service.market(1)
    calls = dict(venue.calls)
    heard = service.watcher("holder", 1)
    await until(lambda: heard)
    assert venue.calls == calls


async def test_unknown_market_is_asked_for_as_soon_as_it_is_watched(start, venue, until):
    resolve(venue, 1)
    heard = start().watcher("holder", 1)
    await until(lambda: heard)


async def test_query_that_finds_a_market_resolved_tells_its_watchers_too(start, venue, until):
    venue.add_market(1)
    service = start()
    heard = service.watcher("holder", 1)
    await until(lambda: venue.calls["gamma"] == 1)
    resolve(venue, 1)
    await service.market(1, age_ms_max=0)
    await until(lambda: heard)


async def test_resolved_market_is_polled_no_more(start, venue, until):
    resolve(venue, 1)
    service = start(**POLLING)
    heard = service.watcher("holder", 1)
    await until(lambda: heard)
    calls = dict(venue.calls)
    await asyncio.sleep(0.25)
    assert venue.calls == calls


async def test_watched_markets_are_polled_in_batches(start, venue, until):
    for number in range(120):
        venue.add_market(number)
    service = start()
    for number in range(120):
        service.watcher(f"holder{number}", number)
    await until(lambda: service.snapshot().get("unwritten") == 120)
    venue.asked.clear()
    service.base.tell(service.address, ResolutionTick())
    await until(lambda: sum(len(ids) for _, ids in venue.asked) == 120)
    assert sorted(len(ids) for _, ids in venue.asked) == [20, 50, 50]


async def test_polls_take_the_longest_unheard_first(start, venue, until, monkeypatch):
    monkeypatch.setattr(settlement, "POLL_MARKETS_MAX", 1)
    for number in range(3):
        venue.add_market(number)
    service = start(**POLLING)
    for number in range(3):
        service.watcher(f"holder{number}", number)
    first = len(venue.asked)
    await until(lambda: len(venue.asked) >= first + 9)
    polled = [ids[0] for _, ids in venue.asked if len(ids) == 1]
    assert len(set(polled[-3:])) == 3


async def test_legacy_row_with_zero_prices_is_never_told_as_a_loss(start, venue, until):
    venue.add_market(1, closed=True, outcomePrices='["0", "0"]')
    service = start(**POLLING)
    heard = service.watcher("holder", 1)
    await until(lambda: venue.calls["gamma closed"] >= 3)
    assert heard == []


async def test_clob_names_the_winner_where_gamma_only_says_closed(start, venue, until, condition, clob_row):
    venue.add_market(1, closed=True, outcomePrices='["0", "0"]')
    venue.clob[condition(1)] = clob_row(1, closed=True)
    service = start(**POLLING)
    heard = service.watcher("holder", 1)
    await until(lambda: venue.calls["clob"] >= 2)
    assert heard == []
    row = clob_row(1, winner=1)
    row["tokens"].reverse()
    venue.clob[condition(1)] = row
    await until(lambda: heard)
    assert heard[0].payouts == (0, 1_000_000)
    answer = await service.market(1, age_ms_max=0)
    assert (answer.market.payouts, answer.market.event_slug) == ((0, 1_000_000), "rainy-days")


async def test_winner_of_other_tokens_is_not_believed(start, venue, condition, clob_row):
    venue.add_market(1, closed=True, outcomePrices='["0", "0"]')
    row = clob_row(2, winner=1)
    row["condition_id"] = condition(1)
    venue.clob[condition(1)] = row
    heard = start(**POLLING).watcher("holder", 1)
    await asyncio.sleep(0.3)
    assert heard == []


async def test_even_split_is_told_with_its_payout(start, venue, until):
    venue.add_market(1, closed=True, outcomePrices='["0.5", "0.5"]', umaResolutionStatus="resolved")
    heard = start().watcher("holder", 1)
    await until(lambda: heard)
    assert heard[0].payouts == (500_000, 500_000)


async def test_watchers_survive_a_failing_host(start, venue, until):
    venue.add_market(1)
    for route in ("gamma", "gamma closed", "clob"):
        venue.fail(route, 503)
    service = start(backoff_first_s=0.05, backoff_max_s=0.2, **POLLING)
    heard = service.watcher("holder", 1)
    await until(lambda: venue.calls["gamma"] + venue.calls["gamma closed"] >= 3)
    resolve(venue, 1)
    venue.heal()
    await until(lambda: heard)


async def test_watchers_survive_a_restart_of_the_service(start, venue, until):
    venue.add_market(1)
    service = start()
    heard = service.watcher("holder", 1)
    await until(lambda: venue.calls["gamma"] == 1)
    resolve(venue, 1)
    service.crash()
    await until(lambda: heard)
    await asyncio.sleep(0.1)
    assert len(heard) == 1
