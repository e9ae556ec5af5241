"""The price service and the market-channel decoder against the local venue, written apart from both."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import aiohttp
import pytest

from actors.prices.live.book import LiveBook
from actors.prices.live.events import BookSnapshot, LevelsChanged
from actors.prices.live.frames import decode_frame
from messages.markets import MarketQuery, Resolution
from ops.venue import Venue, VenueConfig
from ops.venue.faults.spec import FaultSpec


@pytest.fixture
async def local(start, until):
    """A playing venue, and a price service that is told only its addresses."""
    opened = []

    async def begin(faults=None, **settings):
        config = VenueConfig(
            markets=40,
            frames_per_second=200,
            autostart=True,
            wait_for_subscriber=False,
            short_lived_seconds=(1.0, 2.0),
            faults=faults or FaultSpec(),
        )
        venue = Venue(config)
        await venue.start()
        opened.append(venue)
        await until(lambda: len(venue.world.markets) > 0)
        there = SimpleNamespace(url=f"http://127.0.0.1:{venue.port}")
        return venue, start(venue=there, **settings)

    yield begin
    for venue in opened:
        await venue.stop()


async def ask_market(service, condition, age_ms_max=30_000):
    query = MarketQuery(condition_id=condition, age_ms_max=age_ms_max)
    return await service.base.ask(service.address, query, timeout_s=5)


async def test_every_market_and_book_of_the_venue_is_read(local):
    venue, service = await local()
    markets = list(venue.world.markets.values())
    answers = await asyncio.gather(*(ask_market(service, market.condition) for market in markets))
    for market, answer in zip(markets, answers, strict=True):
        assert answer.market.token_ids == tuple(market.tokens)
        assert answer.market.outcomes == tuple(market.outcomes)
        assert answer.market.neg_risk is market.neg_risk
    tokens = [token for market in markets if not market.closed for token in market.tokens]
    books = await asyncio.gather(*(service.book(token) for token in tokens))
    assert sum(answer.book is not None for answer in books) >= len(tokens) - 20
    assert all("bids below asks" not in answer.error for answer in books)


async def test_holders_hear_the_true_winner_of_every_market_that_resolves(local, until):
    venue, service = await local(resolution_poll_s=0.1)
    heard = {
        market.condition: service.watcher_of(f"holder{number}", market.condition)
        for number, market in enumerate(list(venue.world.markets.values()))
    }
    await until(lambda: sum(1 for told in heard.values() if told) >= 4, 15)
    for condition, told in heard.items():
        market = venue.world.markets[condition]
        assert len(told) <= 1
        for message in told:
            assert message.payouts == tuple(1_000_000 * (index == market.winner) for index in range(2))


async def test_faults_end_in_fresh_or_stale_answers_and_never_in_silence(local):
    faults = FaultSpec.parse(
        b"""{"seed": 3, "faults": [
            {"kind": "throttle", "route": "gamma", "rate": 0.2},
            {"kind": "error", "route": "clob", "rate": 0.2},
            {"kind": "malformed", "rate": 0.1},
            {"kind": "truncate", "rate": 0.1},
            {"kind": "hang", "rate": 0.05}]}"""
    )
    venue, service = await local(faults, backoff_first_s=0.02, backoff_max_s=0.1, timeout_s=0.2)
    conditions = [market.condition for market in venue.world.markets.values()]
    fresh = 0
    for _ in range(10):
        answers = await asyncio.gather(*(ask_market(service, condition, 0) for condition in conditions))
        fresh += sum(not answer.stale for answer in answers)
        assert all(answer.error for answer in answers if answer.stale)
        assert all(answer.market is not None for answer in answers if not answer.stale)
        await asyncio.sleep(0.05)
    assert fresh > 0
    assert service.base.dead_letters() == []


async def test_books_kept_by_the_market_channel_agree_with_the_venue(local):
    venue, _ = await local()
    markets = [market for market in venue.world.markets.values() if not market.closed]
    live = {token: LiveBook(token) for market in markets for token in market.tokens}
    changes = 0
    async with aiohttp.ClientSession() as session, session.ws_connect(venue.urls["market_ws"]) as socket:
        await socket.send_json({"type": "market", "assets_ids": list(live), "custom_feature_enabled": True})
        while changes < 300:
            frame = decode_frame((await socket.receive(timeout=5)).data.encode())
            assert (frame.unknown, frame.broken) == (0, ())
            for event in frame.events:
                if isinstance(event, BookSnapshot):
                    live[event.book.token_id].snapshot(event.book, event.tick)
                elif isinstance(event, LevelsChanged):
                    changes += 1
                    for token in {each.token_id for each in event.changes} & set(live):
                        assert live[token].apply(event.changes), live[token].distrusted_for


async def test_resolved_is_open_no_more(local, until):
    venue, service = await local()
    await until(lambda: resolved(venue), 15)
    answer = await ask_market(service, resolved(venue)[0].condition)
    assert answer.market.resolution is Resolution.RESOLVED
    assert answer.market.accepting_orders is False


def resolved(venue):
    return [market for market in venue.world.markets.values() if market.closed and market.winner is not None]
