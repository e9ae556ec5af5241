"""What a size costs or brings by a book's levels (E6, P12). Pure."""

from __future__ import annotations

import msgspec

from messages.markets import Book
from messages.trades import Side
from messages.units import Price, Shares, Usdc, notional, notional_up


class Walk(msgspec.Struct, frozen=True, gc=False):
    """How far a size gets through one side of a book."""

    filled: Shares
    notional: Usdc
    average: Price | None
    best: Price | None
    worst: Price | None


NOTHING = Walk(0, 0, None, None, None)


def walk(book: Book, side: Side, size: Shares) -> Walk:
    """Return what taking `size` from the other side would do: a buy takes asks, a sale bids, best first.

    Each level's part is rounded against the taker: up for a buy, down for a sale. So is the average, once: it
    lies between the best and the worst price however little is taken.
    """
    buying = side is Side.BUY
    price_of = notional_up if buying else notional
    filled = cost = exact = 0
    worst: Price | None = None
    levels = book.asks if buying else book.bids
    for price, available in levels:
        part = min(available, size - filled)
        if part <= 0:
            break
        filled += part
        cost += price_of(part, price)
        exact += part * price
        worst = price
    if not filled:
        return NOTHING
    average = -(-exact // filled) if buying else exact // filled
    return Walk(filled, cost, average, levels[0][0], worst)
