"""An order book from the levels that the venue sends. Pure; no clock, no IO.

The venue sends levels worst first, or as it likes: they are sorted here, best first. A book that is
crossed, or that holds a price or size no book can have, is refused whole: trading on half a book is worse
than on none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from actors.prices.decoding import micros
from actors.prices.errors import MalformedError
from messages.ids import TokenId
from messages.markets import Book
from messages.units import MICROS, Price, Shares, UnitError

LEVELS_MAX: Final = 10_000
"""One side has fewer: the finest tick is 0.0001."""
SIZE_MAX: Final = 10**12 * MICROS
"""A larger level is no offer but garbage."""
SIZES_KEPT: Final = 16_384
"""Sizes come again: in the other outcome's mirrored book, and in every whole book after the first."""


class RawLevel(msgspec.Struct, gc=False):
    """A level as the venue writes it: both numbers as text."""

    price: str
    size: str


def ladder(levels: Sequence[RawLevel], field: str) -> dict[Price, Shares]:
    """Return one side's sizes by price, zero sizes left out.

    Raises `MalformedError` or `UnitError` for a price outside (0, 1), a size that is negative or huge, twins,
    and more levels than a side can have.
    """
    try:
        sizes = {level_price(level.price): level_size(level.size) for level in levels}
    except (MalformedError, UnitError):
        sizes = _ladder_by_level(levels, field)
    if len(sizes) < len(levels):
        sizes = _ladder_by_level(levels, field)
    if len(sizes) > LEVELS_MAX:
        raise MalformedError(field, f"{len(sizes)} levels", f"at most {LEVELS_MAX}")
    return {price: size for price, size in sizes.items() if size > 0} if 0 in sizes.values() else sizes


def _ladder_by_level(levels: Sequence[RawLevel], field: str) -> dict[Price, Shares]:
    """Return one side's sizes by price, or raise the error of the first level that is wrong."""
    sizes: dict[Price, Shares] = {}
    for level in levels:
        price = _checked_price(level.price, f"{field}.price")
        if price in sizes:
            raise MalformedError(f"{field}.price", level.price, "each price once")
        sizes[price] = _checked_size(level.size, f"{field}.size")
    return sizes


@lru_cache(maxsize=3 * LEVELS_MAX)
def level_price(text: str) -> Price:
    """Return the price of a level: strictly between 0 and 1. There are few, in the same few spellings."""
    return _checked_price(text, "price")


@lru_cache(maxsize=SIZES_KEPT)
def level_size(text: str) -> Shares:
    """Return the size of a level: zero or more, and no more than could ever exist."""
    return _checked_size(text, "size")


def _checked_price(text: str, field: str) -> Price:
    price = micros(text, field)
    if not 0 < price < MICROS:
        raise MalformedError(field, text, "a price between 0 and 1, both excluded")
    return price


def _checked_size(text: str, field: str) -> Shares:
    size = micros(text, field)
    if size > SIZE_MAX:
        raise MalformedError(field, text, f"at most {SIZE_MAX // MICROS} shares")
    return size


def make_book(
    token_id: TokenId,
    bids: Mapping[Price, Shares],
    asks: Mapping[Price, Shares],
    *,
    hash: str,
    as_of_ns: int,
    last_trade: Price | None = None,
    tick: Price = 0,
    changed_at_ms: int = 0,
) -> Book:
    """Return the book of two ladders, best first. Raises `MalformedError` when bids meet asks."""
    best_bids = tuple(sorted(bids.items(), reverse=True))
    best_asks = tuple(sorted(asks.items()))
    if best_bids and best_asks and best_bids[0][0] >= best_asks[0][0]:
        raise MalformedError("book", f"bid {best_bids[0][0]} over ask {best_asks[0][0]}", "bids below asks")
    return Book(
        token_id=token_id,
        bids=best_bids,
        asks=best_asks,
        hash=hash,
        as_of_ns=as_of_ns,
        last_trade=last_trade,
        tick=tick,
        changed_at_ms=changed_at_ms,
    )
