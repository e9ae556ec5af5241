"""Which market a token is of: asked of Gamma once, and never again."""

from __future__ import annotations

import asyncio

import pytest

from messages.markets import TokenQuery


@pytest.fixture
async def ask(start):
    """Start the service; return how to ask it for a token."""
    service = start()

    async def ask(token):
        return await service.base.ask(service.address, TokenQuery(token_id=token), timeout_s=5)

    ask.service = service
    return ask


async def test_a_token_is_answered_with_its_market(ask, venue, tokens, condition):
    venue.add_market(1)

    answer = await ask(tokens(1)[1])

    assert (answer.token_id, answer.error) == (tokens(1)[1], "")
    assert (answer.market.condition_id, answer.market.token_ids) == (condition(1), tokens(1))


async def test_a_token_is_asked_for_once_and_its_sibling_not_at_all(ask, venue, tokens):
    venue.add_market(1)
    await ask(tokens(1)[0])

    for token in tokens(1):
        assert (await ask(token)).market.slug == "rain-on-day-1"

    assert venue.calls == {"gamma": 1}


async def test_a_thousand_tokens_asked_for_together_share_calls(ask, venue, tokens):
    for number in range(60):
        venue.add_market(number)

    answers = await asyncio.gather(*[ask(tokens(number)[0]) for number in range(60) for _ in range(20)])

    assert len({answer.market.condition_id for answer in answers}) == 60
    assert venue.calls == {"gamma": 2}


async def test_a_token_of_a_closed_market_is_found_among_the_closed_ones(ask, venue, tokens):
    venue.add_market(1, closed=True, outcomePrices='["0", "1"]')

    assert (await ask(tokens(1)[0])).market.payouts == (0, 1_000_000)

    assert venue.calls == {"gamma": 1, "gamma closed": 1}


async def test_a_token_that_nobody_knows_is_answered_so_and_asked_for_again(ask, venue, tokens):
    unknown = await ask("7")
    venue.add_market(1)

    assert (unknown.market, unknown.error) == (None, "Gamma knows no market with this token")
    assert (await ask("7")).market is None
    assert venue.calls == {"gamma": 2, "gamma closed": 2}


async def test_what_is_no_token_is_not_asked_for(ask, venue):
    answer = await ask("0x7")

    assert answer.error.startswith("token id was")
    assert venue.calls == {}


async def test_a_failure_is_told_and_not_kept(ask, venue, tokens):
    venue.add_market(1)
    venue.fail("gamma", 500)
    failed = await ask(tokens(1)[0])
    venue.heal()

    assert failed.market is None
    assert "500" in failed.error


async def test_what_was_learned_for_a_token_is_there_for_its_market(ask, venue, tokens):
    """The trade that was just detected asks for its market next."""
    venue.add_market(1)
    await ask(tokens(1)[0])

    answer = await ask.service.market(1)

    assert (answer.market.slug, answer.stale) == ("rain-on-day-1", False)
    assert venue.calls == {"gamma": 1}
    assert ask.service.snapshot()["unwritten"] == 1
