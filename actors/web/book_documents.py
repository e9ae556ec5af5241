"""Order books, and what a size would cost by them, as they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from actors.web.writing import AgeMs, ConditionText, DecimalText, TimeText, decimal, time
from messages.markets import BookAnswer, Level, Market
from messages.prices import EffectivePriceAnswer
from messages.trades import Side

TokenText = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,78}$", description="An outcome's token.")]


class LevelDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Shares that rest at a price."""

    price: DecimalText
    size: DecimalText


class BookDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """One outcome's order book, best level first on both sides; without an age if none is known."""

    outcome: Annotated[int, msgspec.Meta(ge=0, description="Its place among the outcomes.")]
    name: str
    token_id: TokenText
    bids: list[LevelDocument]
    asks: list[LevelDocument]
    as_of: TimeText | None
    age_ms: AgeMs | None
    stale: bool
    source: str
    hash: str
    error: Annotated[str, msgspec.Meta(description="Why it is not fresher; empty if nothing failed.")]
    missing: Annotated[bool, msgspec.Meta(description="Whether the venue said that it has no such book.")]


class BooksDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The books of a market's outcomes, or of the one that was asked for."""

    condition_id: ConditionText
    question: str
    tick: Annotated[DecimalText, msgspec.Meta(description="The smallest step of a price.")]
    size_min: Annotated[DecimalText, msgspec.Meta(description="The smallest order, in shares.")]
    books: list[BookDocument]


class EffectivePriceDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a size would cost or bring by the book's depth, before fees."""

    condition_id: ConditionText
    outcome: Annotated[int, msgspec.Meta(ge=0, description="Its place among the outcomes.")]
    token_id: TokenText
    side: Side
    size: DecimalText
    filled: Annotated[DecimalText, msgspec.Meta(description="How much of the size the book holds.")]
    notional: Annotated[
        DecimalText,
        msgspec.Meta(description="USDC for what is filled; rounded up for a buy, down for a sale."),
    ]
    average: Annotated[DecimalText | None, msgspec.Meta(description="USDC a share; null if none is filled.")]
    best: Annotated[DecimalText | None, msgspec.Meta(description="The first price taken.")]
    worst: Annotated[DecimalText | None, msgspec.Meta(description="The last price taken.")]
    as_of: TimeText | None
    age_ms: AgeMs | None
    stale: bool
    source: str
    error: Annotated[str, msgspec.Meta(description="Why it is not fresher; empty if nothing failed.")]


def books_document(market: Market, answers: Sequence[tuple[int, BookAnswer]]) -> BooksDocument:
    """Return what is sent of the books of a market's outcomes, each with its place."""
    return BooksDocument(
        condition_id=market.condition_id,
        question=market.question,
        tick=decimal(market.tick),
        size_min=decimal(market.size_min),
        books=[_book(market, outcome, answer) for outcome, answer in answers],
    )


def _book(market: Market, outcome: int, answer: BookAnswer) -> BookDocument:
    book = answer.book
    return BookDocument(
        outcome=outcome,
        name=market.outcomes[outcome],
        token_id=answer.token_id,
        bids=[] if book is None else _levels(book.bids),
        asks=[] if book is None else _levels(book.asks),
        as_of=None if book is None else time(book.as_of_ns),
        age_ms=None if book is None else max(0, answer.age_ms),
        stale=answer.stale,
        source=answer.source,
        hash="" if book is None else book.hash,
        error=answer.error,
        missing=answer.missing,
    )


def _levels(levels: Sequence[Level]) -> list[LevelDocument]:
    return [LevelDocument(price=decimal(price), size=decimal(size)) for price, size in levels]


def effective_document(market: Market, outcome: int, answer: EffectivePriceAnswer) -> EffectivePriceDocument:
    """Return what is sent of a walk through a book."""
    return EffectivePriceDocument(
        condition_id=market.condition_id,
        outcome=outcome,
        token_id=answer.token_id,
        side=answer.side,
        size=decimal(answer.size),
        filled=decimal(answer.filled),
        notional=decimal(answer.notional),
        average=_maybe(answer.average),
        best=_maybe(answer.best),
        worst=_maybe(answer.worst),
        as_of=time(answer.as_of_ns),
        age_ms=max(0, answer.age_ms),
        stale=answer.stale,
        source=answer.source,
        error=answer.error,
    )


def _maybe(amount: int | None) -> str | None:
    return None if amount is None else decimal(amount)
