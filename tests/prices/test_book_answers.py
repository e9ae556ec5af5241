"""Books over a real socket: single, batched, kept warm, and absent."""

from __future__ import annotations

import asyncio

import pytest

from actors.prices.signals import WarmTick
from messages.markets import BookQuery


async def test_single_book(start, venue, tokens):
    venue.add_market(1)
    answer = await start().book(tokens(1)[0])
    assert answer.book.bids[0] == (630_000, 25_500_000)
    assert answer.book.as_of_ns > 10**18
    assert (answer.token_id, answer.stale, answer.source, answer.error) == (tokens(1)[0], False, "clob", "")
    assert venue.calls == {"book": 1}


async def test_a_thousand_askers_of_a_cold_book_make_one_call(start, venue, tokens):
    venue.add_market(1)
    service = start()
    answers = await asyncio.gather(*(service.book(tokens(1)[0]) for _ in range(1000)))
    assert all(answer.book is not None and not answer.stale for answer in answers)
    assert sum(venue.calls.values()) == 1


async def test_books_asked_for_together_are_one_post(start, venue, tokens):
    wanted = [token for number in range(30) for token in tokens(number)]
    for number in range(30):
        venue.add_market(number)
    service = start()
    answers = await asyncio.gather(*(service.book(token) for token in wanted))
    assert [answer.book.token_id for answer in answers] == wanted
    assert venue.calls == {"books": 1}


async def test_batches_hold_at_most_two_hundred(start, venue, tokens):
    wanted = [token for number in range(150) for token in tokens(number)]
    for number in range(150):
        venue.add_market(number)
    service = start()
    await asyncio.gather(*(service.book(token) for token in wanted))
    assert sorted(len(ids) for _, ids in venue.asked) == [100, 200]


@pytest.mark.parametrize("status", [400, 404, 405, 500])
async def test_broken_batch_route_falls_back_to_single_books(start, venue, tokens, status):
    venue.add_market(1)
    venue.fail("books", status)
    service = start()
    answers = await asyncio.gather(*(service.book(token) for token in tokens(1)))
    assert all(answer.book is not None and not answer.stale for answer in answers)
    assert venue.calls == {"books": 1, "book": 2}


async def test_one_bad_book_in_a_batch_takes_no_other_with_it(start, venue, tokens, book_row):
    for number in (1, 2):
        venue.add_market(number)
    crossed = book_row(tokens(1)[0], bids=[{"price": "0.8", "size": "1"}])
    venue.books[tokens(1)[0]] = crossed
    del venue.books[tokens(2)[0]]
    service = start()
    bad, good, absent = await asyncio.gather(
        *(service.book(token) for token in (tokens(1)[0], tokens(1)[1], tokens(2)[0]))
    )
    assert good.book is not None
    assert bad.book is None
    assert "bids below asks" in bad.error
    assert absent.error == "the venue has no book for this token"


@pytest.mark.parametrize("status", [429, 500])
async def test_failing_host_serves_the_last_known_book_as_stale(start, venue, tokens, status):
    venue.add_market(1)
    service = start()
    fresh = await service.book(tokens(1)[0])
    venue.fail("book", status)
    await asyncio.sleep(0.02)
    for _ in range(10):
        answer = await service.book(tokens(1)[0], age_ms_max=1)
        assert (answer.book, answer.stale) == (fresh.book, True)
        assert answer.age_ms >= 20
        assert "clob" in answer.error
    assert venue.calls["book"] == 2


async def test_books_in_play_are_warm_when_they_are_needed(start, venue, tokens, until):
    wanted = [token for number in range(20) for token in tokens(number)]
    for number in range(20):
        venue.add_market(number)
    service = start(warm_interval_s=0.05)
    await asyncio.gather(*(service.book(token) for token in wanted))
    await until(lambda: venue.calls["books"] >= 5)
    assert all(sorted(ids) == sorted(wanted) for _, ids in venue.asked)
    answers = await asyncio.gather(*(service.book(token, age_ms_max=1000) for token in wanted))
    assert not any(answer.stale for answer in answers)
    assert "book" not in venue.calls


async def test_book_that_is_gone_is_not_kept_warm(start, venue, tokens, until):
    venue.add_market(1)
    service = start(warm_interval_s=0.03)
    await service.book(tokens(1)[0])
    venue.books.clear()
    await until(lambda: service.snapshot()["books"]["in_play"] == 0)
    calls = sum(venue.calls.values())
    await asyncio.sleep(0.15)
    assert sum(venue.calls.values()) == calls
    answer = await service.book(tokens(1)[0], age_ms_max=1)
    assert answer.stale
    assert answer.book is not None


async def test_warming_leaves_half_of_the_budget_to_those_who_ask(start, venue, tokens):
    for number in range(4):
        venue.add_market(number)
    service = start(warm_interval_s=0.01, clob_requests_per_s=10.0)
    await service.book(tokens(0)[0])
    await asyncio.sleep(0.5)
    assert venue.calls["book"] <= 11
    answers = await asyncio.gather(*(service.book(tokens(number)[0]) for number in range(1, 4)))
    assert not any(answer.stale for answer in answers)


async def test_asker_who_joins_a_refresh_that_is_kept_back_is_served_anyway(start, venue, tokens):
    venue.add_market(1)
    service = start(clob_requests_per_s=1.0, timeout_s=2.0, warm_interval_s=0.02)
    await service.book(tokens(1)[0])
    await asyncio.sleep(0.05)
    service.base.tell(service.address, WarmTick())
    answer = await service.book(tokens(1)[0], age_ms_max=0)
    assert (answer.error, answer.stale) == ("", False)
    assert venue.calls["book"] >= 2


async def test_malformed_token_is_answered_without_a_call(start, venue):
    service = start()
    for bad in ("", "0x12", "-1", "1&side=BUY", "9" * 79):
        answer = await service.base.ask(
            service.address, BookQuery(token_id=bad, age_ms_max=1000), timeout_s=2
        )
        assert (answer.token_id, answer.book, answer.stale) == (bad, None, True)
        assert "token id" in answer.error
    assert venue.calls == {}


async def test_a_spent_budget_makes_few_big_calls_not_a_queue_of_small_ones(start, venue, tokens):
    wanted = [token for number in range(40) for token in tokens(number)]
    for number in range(40):
        venue.add_market(number)
    service = start(clob_requests_per_s=4.0, timeout_s=3.0)

    async def ask_one_after_another():
        asking = []
        for token in wanted:
            asking.append(asyncio.ensure_future(service.book(token)))
            await asyncio.sleep(0.004)
        return await asyncio.gather(*asking)

    answers = await ask_one_after_another()
    assert all(answer.book is not None and not answer.stale for answer in answers)
    assert sum(venue.calls.values()) <= 10
