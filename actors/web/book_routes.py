"""Order books over HTTP, and what a size would cost by their depth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from actors.web import asking, parameters
from actors.web.asking import Ask, Freshness, answer_to, freshness_of, market_of, outcome_of
from actors.web.book_documents import (
    BooksDocument,
    EffectivePriceDocument,
    books_document,
    effective_document,
)
from actors.web.parameters import Asked
from actors.web.problems import (
    NO_ANSWER,
    NO_BOOK,
    NOT_FRESH,
    NOT_KNOWN,
    UNKNOWN_MARKET,
    UNKNOWN_OUTCOME,
    Refusal,
)
from actors.web.routes import Route, json_response
from messages.ids import TokenId
from messages.markets import BookAnswer, BookQuery
from messages.prices import EffectivePriceAnswer, EffectivePriceQuery
from messages.trades import Side
from messages.units import to_micros

SHARES_MAX: Final = 1_000_000_000
_PROBLEMS: Final = (UNKNOWN_MARKET, UNKNOWN_OUTCOME, NO_BOOK, NOT_FRESH, NOT_KNOWN, NO_ANSWER)


class BookPages:
    """Answers by asking the price service: for the market's outcomes first, then for their books."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                path="/api/markets/{id}/book",
                handler=self._books,
                name="book",
                tag="books",
                summary="The order books of a market",
                note="A quiet book is not stale: its age counts from the last proof that it holds.",
                parameters=(asking.MARKET, asking.OUTCOME, *asking.FRESHNESS),
                answer=BooksDocument,
                answer_note="The book of each outcome, or of the one asked for.",
                problems=_PROBLEMS,
            ),
            Route(
                path="/api/markets/{id}/effective-price",
                handler=self._effective,
                name="effectivePrice",
                tag="books",
                summary="What a size would cost, or bring, by the book",
                parameters=(
                    asking.MARKET,
                    parameters.choice(
                        "side",
                        "BUY for what it costs, SELL for what it brings.",
                        [*Side],
                        required=True,
                        read=Side,
                    ),
                    parameters.number(
                        "size",
                        "Shares, rounded to 0.000001.",
                        "0.000001",
                        str(SHARES_MAX),
                        required=True,
                        read=lambda shares: to_micros(shares, "size"),
                    ),
                    parameters.integer("outcome", asking.OUTCOME.description, 0, 255, default=0),
                    *asking.FRESHNESS,
                ),
                answer=EffectivePriceDocument,
                answer_note="The walk through the levels, before fees.",
                problems=_PROBLEMS,
            ),
        )

    async def _books(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        fresh = freshness_of(asked)
        market = await market_of(self._ask, asked["id"])
        one = asked["outcome"]
        outcomes = range(len(market.token_ids)) if one is None else (outcome_of(market, one),)
        tokens = [market.token_ids[outcome] for outcome in outcomes]
        answers = await asyncio.gather(*(self._book(token, fresh) for token in tokens))
        _check(answers)
        return json_response(books_document(market, list(zip(outcomes, answers, strict=True))))

    async def _book(self, token_id: TokenId, fresh: Freshness) -> BookAnswer:
        tier, age_ms_max = fresh
        query = BookQuery(token_id=token_id, tier=tier, age_ms_max=age_ms_max)
        answer: BookAnswer = await answer_to(self._ask, query)
        return answer

    async def _effective(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        tier, age_ms_max = freshness_of(asked)
        market = await market_of(self._ask, asked["id"])
        outcome = outcome_of(market, asked["outcome"])
        query = EffectivePriceQuery(
            token_id=market.token_ids[outcome],
            side=asked["side"],
            size=asked["size"],
            tier=tier,
            age_ms_max=age_ms_max,
        )
        answer: EffectivePriceAnswer = await answer_to(self._ask, query)
        _check((answer,))
        return json_response(effective_document(market, outcome, answer))


def _check(answers: Sequence[BookAnswer | EffectivePriceAnswer]) -> None:
    """Raise `Refusal` if one was refused, or if of none of them anything is known."""
    refused = tuple(answer.token_id for answer in answers if answer.refused)
    if refused:
        why = next(answer.error for answer in answers if answer.refused)
        raise Refusal(NOT_FRESH, why, refused=refused)
    if all(answer.missing for answer in answers):
        raise Refusal(NO_BOOK, "the venue has no book of it: it does not trade, or not any more")
    if not any(_is_known(answer) for answer in answers):
        raise Refusal(NOT_KNOWN, f"no book of it is known: {answers[0].error}")


def _is_known(answer: BookAnswer | EffectivePriceAnswer) -> bool:
    """Whether there is a book behind it, be it an empty one."""
    return answer.book is not None if isinstance(answer, BookAnswer) else answer.as_of_ns > 0
