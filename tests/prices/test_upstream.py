"""Calls over a real socket: every way a host can fail has its own type and its own consequence."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from aiohttp import web

from actors.prices import upstream as upstream_module
from actors.prices.errors import (
    BackingOffError,
    MalformedError,
    NotFoundError,
    OverBudgetError,
    OversizedError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from actors.prices.questions import Questions
from actors.prices.tiers import Priority
from actors.prices.upstream import Upstream
from config.settings import Endpoints, Prices
from supervisor.clock import SystemClock


@pytest.fixture
async def make(venue):
    """A factory of upstreams and sources against the venue, closed at the end."""
    opened = []

    def factory(**changes):
        settings = Prices(
            **{
                "timeout_s": 1.0,
                "backoff_first_s": 20.0,
                "gamma_requests_per_s": 100.0,
                "clob_requests_per_s": 100.0,
                **changes,
            }
        )
        upstream = Upstream(settings, SystemClock(), Random(1))
        opened.append(upstream)
        endpoints = Endpoints(gamma_url=f"{venue.url}/gamma/", clob_url=f"{venue.url}/clob")
        return upstream, Questions(upstream, endpoints, SystemClock())

    yield factory
    for each in opened:
        each.close()
    await asyncio.sleep(0)


async def test_nothing_is_opened_before_the_first_call(make):
    upstream, _ = make()
    assert upstream.snapshot() == {}
    upstream.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, ThrottledError),
        (500, UnavailableError),
        (503, UnavailableError),
        (425, UnavailableError),
        (403, RejectedError),
    ],
)
async def test_passing_failure_is_typed_and_not_repeated_before_its_pause(make, venue, tokens, status, error):
    venue.add_market(1)
    venue.fail("book", status)
    _, source = make()
    with pytest.raises(error, match=f"clob: {status} no"):
        await source.book(tokens(1)[0], priority=Priority.T1)
    for _ in range(20):
        with pytest.raises(BackingOffError, match="after 1 failures"):
            await source.book(tokens(1)[0], priority=Priority.T1)
    assert venue.calls["book"] == 1


async def test_healed_host_is_asked_again_after_the_pause(make, venue, tokens):
    venue.add_market(1)
    venue.fail("book", 503)
    _, source = make(backoff_first_s=0.05)
    with pytest.raises(UnavailableError):
        await source.book(tokens(1)[0], priority=Priority.T1)
    venue.heal()
    await asyncio.sleep(0.1)
    assert tokens(1)[0] in (await source.book(tokens(1)[0], priority=Priority.T1)).values


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFoundError), (400, RejectedError), (302, RejectedError)]
)
async def test_wrong_question_is_no_reason_to_back_off(make, venue, tokens, status, error):
    venue.fail("book", status)
    _, source = make()
    for _ in range(3):
        with pytest.raises(error):
            await source.book(tokens(1)[0], priority=Priority.T1)
    assert venue.calls["book"] == 3


async def test_hanging_host_is_given_up_after_the_timeout_and_left_alone(make, venue, tokens, condition):
    venue.hang("book")
    _, source = make()
    with pytest.raises(UnavailableError, match=r"no answer within 1 s"):
        await source.book(tokens(1)[0], priority=Priority.T1)
    with pytest.raises(BackingOffError):
        await source.clob_market(condition(1), None, priority=Priority.T1)
    assert venue.calls["clob"] == 0


async def test_server_error_of_one_route_leaves_its_sibling_usable(make, venue, tokens):
    venue.add_market(1)
    venue.fail("books", 500)
    _, source = make()
    with pytest.raises(UnavailableError):
        await source.books(tokens(1), priority=Priority.T1)
    assert (await source.book(tokens(1)[0], priority=Priority.T1)).values


async def test_failure_of_clob_does_not_stop_gamma(make, venue, tokens, condition):
    venue.add_market(1)
    venue.fail("book", 429)
    _, source = make()
    with pytest.raises(ThrottledError):
        await source.book(tokens(1)[0], priority=Priority.T1)
    assert (
        condition(1)
        in (await source.gamma_markets([condition(1)], closed=False, priority=Priority.T1)).values
    )


async def test_retry_after_is_honoured(make, venue, tokens):
    venue.fail("book", 429, {"Retry-After": "120"})
    upstream, source = make()
    with pytest.raises(ThrottledError):
        await source.book(tokens(1)[0], priority=Priority.T1)
    assert 119 < upstream.snapshot()["clob"]["pause_s"] <= 120


async def test_throttled_host_is_asked_more_slowly_afterwards(make, venue, tokens):
    venue.fail("book", 429)
    upstream, source = make()
    with pytest.raises(ThrottledError):
        await source.book(tokens(1)[0], priority=Priority.T1)
    assert upstream.snapshot()["clob"]["pace"] < 1


async def test_slow_host_is_asked_more_slowly(make, venue, tokens):
    venue.add_market(1)
    venue.hang("book", 0.9)
    upstream, source = make()
    await source.book(tokens(1)[0], priority=Priority.T1)
    assert upstream.snapshot()["clob"]["pace"] == 0.5


async def test_refused_connection_is_unavailable(make, condition):
    settings = Prices(timeout_s=0.5)
    upstream = Upstream(settings, SystemClock(), Random(1))
    source = Questions(upstream, Endpoints(gamma_url="http://127.0.0.1:9"), SystemClock())
    with pytest.raises(UnavailableError, match="connection failed"):
        await source.gamma_markets([condition(1)], closed=False, priority=Priority.T1)
    upstream.close()


async def test_answer_larger_than_any_real_one_is_dropped(make, venue, tokens, monkeypatch):
    monkeypatch.setattr(upstream_module, "BODY_BYTES_MAX", 1000)
    venue.faults["book"] = lambda: web.Response(text="x" * 100_000)
    _, source = make()
    with pytest.raises(OversizedError):
        await source.book(tokens(1)[0], priority=Priority.T1)


async def test_budget_delays_and_then_refuses(make, venue, tokens):
    venue.add_market(1)
    _, source = make(clob_requests_per_s=10.0, timeout_s=0.5)
    results = await asyncio.gather(
        *(source.book(tokens(1)[0], priority=Priority.T1) for _ in range(30)), return_exceptions=True
    )
    refused = [each for each in results if isinstance(each, OverBudgetError)]
    assert 13 <= len(refused) <= 15
    assert venue.calls["book"] == 30 - len(refused)


async def test_what_is_not_urgent_leaves_half_of_the_budget(make, venue, tokens):
    venue.add_market(1)
    _, source = make(clob_requests_per_s=10.0)
    results = [await attempt(source.book(tokens(1)[0], priority=Priority.WARM)) for _ in range(10)]
    assert 5 <= sum(each is None for each in results) <= 6
    assert await attempt(source.book(tokens(1)[0], priority=Priority.T1)) is None


async def attempt(call):
    try:
        await call
    except OverBudgetError as error:
        return error
    return None


@pytest.mark.parametrize("text", ["<html>just a moment</html>", "", "null", "{}", "[" * 10_000])
async def test_page_where_json_belongs_is_malformed(make, venue, tokens, condition, text):
    _, source = make()
    for route in ("gamma", "clob", "books"):
        venue.faults[route] = lambda: web.Response(text=text)
    with pytest.raises(MalformedError):
        await source.gamma_markets([condition(1)], closed=False, priority=Priority.T1)
    with pytest.raises(MalformedError):
        await source.clob_market(condition(1), None, priority=Priority.T1)
    with pytest.raises(MalformedError):
        await source.books(tokens(1), priority=Priority.T1)


async def test_answer_about_something_else_is_not_taken(make, venue, tokens, condition, book_row, clob_row):
    venue.books[tokens(1)[0]] = book_row(tokens(2)[0])
    venue.clob[condition(1)] = clob_row(2)
    _, source = make()
    single = await source.book(tokens(1)[0], priority=Priority.T1)
    assert (single.values, list(single.broken)) == ({}, [tokens(1)[0]])
    assert (await source.books([tokens(1)[0]], priority=Priority.T1)).values == {}
    with pytest.raises(MalformedError, match="condition_id"):
        await source.clob_market(condition(1), None, priority=Priority.T1)


async def test_cancelled_trial_after_a_pause_does_not_keep_the_gate_shut(make, venue, tokens):
    venue.add_market(1)
    venue.fail("book", 429)
    _, source = make(backoff_first_s=0.05)
    with pytest.raises(ThrottledError):
        await source.book(tokens(1)[0], priority=Priority.T1)
    await asyncio.sleep(0.1)
    venue.hang("book", 0.5)
    trial = asyncio.ensure_future(source.book(tokens(1)[0], priority=Priority.T1))
    await asyncio.sleep(0.02)
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    venue.heal()
    assert (await source.book(tokens(1)[0], priority=Priority.T1)).values
