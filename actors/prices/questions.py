"""The questions that Remora asks about markets, each one call, each answer stamped with its arrival."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import msgspec

from actors.prices import clob, feed, gamma, metrics
from actors.prices.errors import MalformedError
from actors.prices.resolution import Statement
from actors.prices.tiers import Priority
from actors.prices.upstream import Upstream
from config.settings import Endpoints
from messages.ids import ConditionId, TokenId
from messages.markets import Book, Market, Source
from supervisor import Clock

T = TypeVar("T")

MARKETS_PER_CALL: Final = 50
"""Condition ids are 66 characters: this many keep the request line under the 8 kB that servers take."""
TOKENS_PER_CALL: Final = 50
"""The same, at up to 78 digits."""
BOOKS_PER_CALL: Final = 200
BOOKS_PER_SLICE: Final = 4
"""Books decoded before the loop gets its turn again: well under a millisecond, a hundred levels a side."""


class Stamped(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """Values and when they arrived, by wall and by monotonic clock; what could not be read, and why."""

    values: dict[str, T]
    broken: dict[str, str]
    as_of_ns: int
    mono_ns: int


class Questions:
    """Asks, decodes, and checks that what came is what was asked for. Raises `PricesError`."""

    def __init__(self, upstream: Upstream, endpoints: Endpoints, clock: Clock) -> None:
        self._upstream = upstream
        self._gamma_url = endpoints.gamma_url.rstrip("/")
        self._clob_url = endpoints.clob_url.rstrip("/")
        self._data_url = endpoints.data_url.rstrip("/")
        self._clock = clock

    def budget_wait_s(self, host: str) -> float:
        """Return how long a host's budget would make a call wait that is made now."""
        return self._upstream.budget_wait_s(host)

    async def gamma_markets(
        self, ids: Sequence[ConditionId], *, closed: bool, priority: Priority
    ) -> Stamped[Market]:
        """Ask Gamma for markets; closed ones show only when asked for."""
        page = await self._gamma_page("condition_ids", ids, closed=closed, priority=priority)
        wanted = set(ids)
        return self._stamped(
            {key: market for key, market in page.markets.items() if key in wanted},
            {key: str(error) for key, error in page.broken.items()},
        )

    async def gamma_markets_of(
        self, tokens: Sequence[TokenId], *, closed: bool, priority: Priority
    ) -> Stamped[Market]:
        """Ask Gamma for the markets of tokens, by token; closed ones show only when asked for."""
        page = await self._gamma_page("clob_token_ids", tokens, closed=closed, priority=priority)
        wanted = set(tokens)
        return self._stamped(
            {each: market for market in page.markets.values() for each in market.token_ids if each in wanted},
            {key: str(error) for key, error in page.broken.items()},
        )

    async def _gamma_page(
        self, filter_: str, ids: Sequence[str], *, closed: bool, priority: Priority
    ) -> gamma.Page:
        params = [(filter_, each) for each in ids]
        params.append(("limit", str(len(ids))))
        if closed:
            params.append(("closed", "true"))
        body = await self._upstream.get(
            Source.GAMMA, "markets", f"{self._gamma_url}/markets", params, priority
        )
        try:
            page = gamma.decode_page(body)
        except MalformedError:
            metrics.MALFORMED.labels(Source.GAMMA).inc()
            raise
        metrics.MALFORMED.labels(Source.GAMMA).inc(len(page.broken))
        return page

    async def clob_market(
        self, condition_id: ConditionId, known: Market | None, *, priority: Priority
    ) -> Stamped[Market]:
        """Ask CLOB for a market."""
        url = f"{self._clob_url}/markets/{condition_id}"
        body = await self._upstream.get(Source.CLOB, "markets", url, (), priority)
        try:
            market = clob.decode_market(body, known)
            if market.condition_id != condition_id:
                raise MalformedError("clob market.condition_id", market.condition_id, condition_id)
        except MalformedError:
            metrics.MALFORMED.labels(Source.CLOB).inc()
            raise
        return self._stamped({condition_id: market}, {})

    async def resolution(
        self, condition_id: ConditionId, outcomes: int, *, priority: Priority
    ) -> Statement | None:
        """Ask the resolution feed what the oracle says of a market; None for nothing yet."""
        url = f"{self._data_url}/v2/resolutions"
        body = await self._upstream.get(
            Source.FEED, "resolutions", url, (("condition", condition_id),), priority
        )
        try:
            return feed.decode_statement(body, condition_id, outcomes)
        except MalformedError:
            metrics.MALFORMED.labels(Source.FEED).inc()
            raise

    async def book(self, token_id: TokenId, *, priority: Priority) -> Stamped[Book]:
        """Ask CLOB for one book."""
        url = f"{self._clob_url}/book"
        body = await self._upstream.get(Source.CLOB, "book", url, (("token_id", token_id),), priority)
        stamped: Stamped[Book] = self._stamped({}, {})
        self._add_book(stamped, body, {token_id})
        problem = next(iter(stamped.broken.values()), "")
        return msgspec.structs.replace(stamped, broken={token_id: problem} if problem else {})

    async def books(self, token_ids: Sequence[TokenId], *, priority: Priority) -> Stamped[Book]:
        """Ask CLOB for several books at once; those it has none for are in neither part of the answer."""
        question = msgspec.json.encode([{"token_id": each} for each in token_ids])
        body = await self._upstream.post(Source.CLOB, "books", f"{self._clob_url}/books", question, priority)
        stamped: Stamped[Book] = self._stamped({}, {})
        try:
            rows = clob.split_books(body)
        except MalformedError:
            metrics.MALFORMED.labels(Source.CLOB).inc()
            raise
        wanted = set(token_ids)
        for number, row in enumerate(rows, start=1):
            self._add_book(stamped, row, wanted)
            if number % BOOKS_PER_SLICE == 0:
                await asyncio.sleep(0)
        return stamped

    def _add_book(self, stamped: Stamped[Book], row: bytes | msgspec.Raw, wanted: set[TokenId]) -> None:
        try:
            book = clob.decode_book(row, stamped.as_of_ns)
            if book.token_id not in wanted:
                raise MalformedError("clob book.asset_id", book.token_id, "a token that was asked for")
        except MalformedError as error:
            metrics.MALFORMED.labels(Source.CLOB).inc()
            stamped.broken[clob.book_token(row)] = str(error)
        else:
            stamped.values[book.token_id] = book

    def _stamped(self, values: dict[str, T], broken: dict[str, str]) -> Stamped[T]:
        return Stamped(values, broken, self._clock.now_ns(), self._clock.monotonic_ns())
