"""What outcomes are worth, by the freshest that is known of them. Pure.

The venue's own page shows the middle of the book where the spread is at most 0.10, and the last price paid
where it is wider; Gamma's `outcomePrices` follow the same rule with a delay. So do we, on fresher books.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from actors.prices.memory import Known
from messages.markets import Book, Market, Resolution, Source
from messages.units import MICROS, Price

SPREAD_MAX: Final = 100_000
"""The widest spread whose middle says something."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One outcome's price by its book, and when that was known to hold."""

    price: Price
    as_of_ns: int
    mono_ns: int
    source: str
    changed_ms: int = 0
    """The venue's time of the book's last change."""


class View(msgspec.Struct, frozen=True, gc=False):
    """What all outcomes of a market are worth; as old as the oldest part of it."""

    prices: tuple[Price, ...]
    as_of_ns: int
    mono_ns: int
    source: str


def book_price(best_bid: Price | None, best_ask: Price | None, last_trade: Price | None) -> Price | None:
    """Return what an outcome is worth by its book, None if that does not say."""
    if best_bid is not None and best_ask is not None and best_ask - best_bid <= SPREAD_MAX:
        return (best_bid + best_ask) // 2
    return last_trade


def quote(known: Known[Book]) -> Quote | None:
    """Return what a book says an outcome is worth."""
    book = known.value
    bid = book.bids[0][0] if book.bids else None
    ask = book.asks[0][0] if book.asks else None
    price = book_price(bid, ask, book.last_trade)
    if price is None:
        return None
    return Quote(price, known.as_of_ns, known.mono_ns, known.source, book.changed_at_ms)


def host_view(known: Known[Market]) -> View:
    """Return what a host's row says: the payouts once they are known, no prices where they say nothing."""
    market = known.value
    prices = market.payouts or (market.prices if market.has_prices else ())
    return View(prices, known.as_of_ns, known.mono_ns, known.source)


def book_view(quotes: Sequence[Quote | None]) -> View | None:
    """Return what the books of all outcomes say, None if too few of them say anything.

    In a market of two outcomes the venue shows one set of orders in both books, so that the one is worth what
    is left of the other: the fresher book tells both, and never are two moments mixed.
    """
    if len(quotes) == 2:
        first, second = quotes
        if first is None and second is None:
            return None
        if second is None or (first is not None and _freshness(first) >= _freshness(second)):
            return _complemented(first, first_is_known=True)
        return _complemented(second, first_is_known=False)
    found = [each for each in quotes if each is not None]
    if len(found) < len(quotes) or not found:
        return None
    oldest = min(found, key=lambda each: each.mono_ns)
    live = all(each.source == Source.STREAM for each in found)
    source = Source.STREAM if live else oldest.source
    return View(tuple(each.price for each in found), oldest.as_of_ns, oldest.mono_ns, source)


def _freshness(known: Quote) -> tuple[int, int]:
    """Return what tells which of two is fresher: of books proved by the same frame, the one changed later."""
    return known.mono_ns, known.changed_ms


def _complemented(known: Quote | None, *, first_is_known: bool) -> View:
    assert known is not None
    other = MICROS - known.price
    prices = (known.price, other) if first_is_known else (other, known.price)
    return View(prices, known.as_of_ns, known.mono_ns, known.source)


def freshest(known: Known[Market], quotes: Sequence[Quote | None]) -> View:
    """Return the younger of what the row and the books say; once trading is over the row alone counts.

    Books give way only to a row that says something: one without prices hides none.
    """
    host = host_view(known)
    if known.value.resolution is not Resolution.OPEN:
        return host
    books = book_view(quotes)
    if books is None:
        return host
    if host.prices and books.mono_ns < host.mono_ns and not known.hearsay:
        return host
    return books
