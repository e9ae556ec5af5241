"""The state of the local Polymarket: markets, books and trades, and who hears of changes.

Every change enters by `apply`, from the player or from a test that scripts what happens; routes only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from ops.venue.book import Book, LevelChange
from ops.venue.clock import Clock
from ops.venue.decimals import plain
from ops.venue.feeds.events import (
    BookStated,
    Event,
    Feed,
    FrameRecorded,
    LegsTraded,
    LevelsChanged,
    MarketStated,
    TickChanged,
)
from ops.venue.ledger import Ledger
from ops.venue.leg import Leg
from ops.venue.market import Document, Market, shift_dates


class Listener(Protocol):
    """A channel that passes changes on to its sockets; must never block."""

    def on_legs(self, legs: Sequence[Leg], played_at: int) -> None:
        """One transaction happened."""

    def on_frame(self, text: str) -> None:
        """A recorded frame that is no trade is due."""

    def on_levels(self, condition: str, changes: Sequence[LevelChange], touched: Sequence[str]) -> None:
        """Levels of one market changed; `touched` are the tokens whose best prices moved."""

    def on_market(self, market: Market, *, is_new: bool, has_resolved: bool) -> None:
        """A market was listed, or its state changed."""

    def on_tick(self, market: Market, old_tick: Decimal) -> None:
        """A market that is open lies on another grid of prices; its books say so a little later."""


class World:
    """Markets by id, condition, slug and token; books by token; the ledger of trades."""

    def __init__(self, feed: Feed, rows_max: int, clock: Clock) -> None:
        self.clock = clock
        self.ledger = Ledger(rows_max)
        self.books: dict[str, Book] = {}
        self.markets: dict[str, Market] = {}
        self.by_token: dict[str, Market] = {}
        self.listeners: list[Listener] = []
        self.stated_ns: dict[str, int] = {}
        """When each market was last stated during play, by condition."""
        self.clock_shift = timedelta()
        """How far the feed's own dates lie behind the play clock."""
        for event in feed.opening():
            self.apply(event, 0)

    def apply(self, event: Event, now_ns: int) -> None:
        """Let one event happen, and tell the listeners."""
        if isinstance(event, LegsTraded):
            self._trade(event.legs, now_ns)
        elif isinstance(event, LevelsChanged):
            self._change(event.condition, event.changes, now_ns)
        elif isinstance(event, BookStated):
            self._restate(event.book, now_ns)
        elif isinstance(event, MarketStated):
            self._state(event.market, now_ns)
        elif isinstance(event, TickChanged):
            known = self.markets.get(event.condition)
            if known is not None:
                self._state(known.with_tick(event.tick), now_ns)
        elif isinstance(event, FrameRecorded):
            for listener in self.listeners:
                listener.on_frame(event.text)

    def document(self, market: Market) -> Document:
        """Return the Gamma object of a market as it is now."""
        document = shift_dates(market.document, self.clock_shift)
        if market.live and not market.closed:
            document |= self._live_prices(market)
        return document

    def outcome_price(self, market: Market, index: int) -> Decimal:
        """Return what one share of an outcome is worth: the payout once resolved, else the book's middle."""
        book = self.books.get(market.tokens[index])
        middle = book.midpoint if book is not None else None
        if middle is not None and not market.closed:
            return middle
        return Decimal(market.prices[index]) if market.prices else Decimal(0)

    def _trade(self, legs: Sequence[Leg], now_ns: int) -> None:
        self.ledger.add(legs, now_ns)
        for leg in legs:
            book = self.books.get(leg.token)
            if book is not None and leg.role == "taker":
                book.last_trade_price = plain(round(leg.price, 4))
                book.last_trade_side = leg.side
                other = self.books.get(self._opposite(leg.token))
                if other is not None:
                    other.last_trade_price = plain(round(1 - leg.price, 4))
        for listener in self.listeners:
            listener.on_legs(legs, now_ns)

    def _change(self, condition: str, changes: Sequence[LevelChange], now_ns: int) -> None:
        before: dict[str, tuple[Decimal | None, Decimal | None]] = {}
        for change in changes:
            book = self.books.get(change.token)
            if book is None:
                book = self.books[change.token] = Book(change.token, condition, {}, {})
            before.setdefault(change.token, (book.best_bid, book.best_ask))
            book.apply(change)
            book.timestamp_ms = now_ns // 1_000_000
        touched = [
            token
            for token, best in before.items()
            if best != (self.books[token].best_bid, self.books[token].best_ask)
        ]
        for listener in self.listeners:
            listener.on_levels(condition, changes, touched)

    def _restate(self, book: Book, now_ns: int) -> None:
        known = self.books.get(book.token)
        if known is None:
            book = Book(book.token, book.condition, book.bids, book.asks, book.last_trade_price)
            book.timestamp_ms = now_ns // 1_000_000
            self.books[book.token] = book
            return
        known.last_trade_price = book.last_trade_price or known.last_trade_price
        changes = known.changes_to(book)
        if changes:
            self._change(book.condition, changes, now_ns)

    def _state(self, market: Market, now_ns: int) -> None:
        known = self.markets.get(market.condition)
        self.markets[market.condition] = market
        if now_ns > 0:
            self.stated_ns[market.condition] = now_ns
        for token in market.tokens:
            self.by_token[token] = market
        if market.closed:
            for token in market.tokens:
                self.books.pop(token, None)
        has_resolved = market.winner is not None and (known is None or known.winner is None)
        for listener in self.listeners:
            listener.on_market(market, is_new=known is None, has_resolved=has_resolved)
            if known is not None and known.tick_size != market.tick_size and not market.closed:
                listener.on_tick(market, known.tick_size)

    def _opposite(self, token: str) -> str:
        market = self.by_token.get(token)
        return (market.opposite(token) if market is not None else None) or ""

    def _live_prices(self, market: Market) -> Document:
        prices = [plain(self.outcome_price(market, index)) for index in range(len(market.tokens))]
        fields: Document = {"outcomePrices": str(prices).replace("'", '"')}
        book = self.books.get(market.tokens[0])
        if book is None:
            return fields
        if book.last_trade_price:
            fields["lastTradePrice"] = float(book.last_trade_price)
        if book.best_bid is not None:
            fields["bestBid"] = float(book.best_bid)
        if book.best_ask is not None:
            fields["bestAsk"] = float(book.best_ask)
        if book.best_bid is not None and book.best_ask is not None:
            fields["spread"] = float(book.best_ask - book.best_bid)
        return fields
