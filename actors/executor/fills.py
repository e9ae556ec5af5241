"""What an immediate-or-cancel order gets from a book: pure, exact, against the depth that was there."""

from __future__ import annotations

from dataclasses import dataclass, field

from messages.ids import TokenId
from messages.markets import Book, Level
from messages.orders import Fill, FillKind, OrderState, PlaceOrder
from messages.trades import Side
from messages.units import Price, Shares, notional, notional_up, taker_fee

KILLED = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."
)
BOOKS_MAX = 2_000
"""Books of which the paper venue remembers what it took."""


@dataclass(slots=True)
class Depth:
    """What paper orders already took from each book, so that no share is sold to us twice.

    Counted until the book itself changes (its hash does): from then on it shows what is left.
    """

    taken: dict[TokenId, tuple[str, dict[tuple[Side, Price], Shares]]] = field(default_factory=dict)

    def levels(self, book: Book, side: Side) -> tuple[Level, ...]:
        """Return the levels an order of this side can still take, best first."""
        levels = book.asks if side is Side.BUY else book.bids
        state, taken = self.taken.get(book.token_id, ("", {}))
        if state != book.hash:
            return levels
        return tuple(
            (price, size - taken.get((side, price), 0))
            for price, size in levels
            if size > taken.get((side, price), 0)
        )

    def take(self, book: Book, side: Side, parts: tuple[Level, ...]) -> None:
        """Remember what an order took."""
        state, taken = self.taken.pop(book.token_id, ("", {}))
        if state != book.hash:
            taken = {}
        for price, size in parts:
            taken[side, price] = taken.get((side, price), 0) + size
        self.taken[book.token_id] = book.hash, taken
        if len(self.taken) > BOOKS_MAX:
            self.taken.pop(next(iter(self.taken)))


def match(order: PlaceOrder, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the (price, shares) parts that the order takes from `levels` (best first) within its limit."""
    parts: list[Level] = []
    left = order.size
    for price, available in levels:
        beyond = price > order.price_limit if order.side is Side.BUY else price < order.price_limit
        if left == 0 or beyond:
            break
        size = min(left, available)
        if size <= 0:
            continue
        parts.append((price, size))
        left -= size
    return tuple(parts)


def fills_of(order: PlaceOrder, parts: tuple[Level, ...], at_ns: int) -> tuple[Fill, ...]:
    """Return a fill per level: a buy pays rounded up, a sale gets rounded down, the taker's fee on each."""
    rounded = notional_up if order.side is Side.BUY else notional
    return tuple(
        Fill(
            fill_id=f"{order.order_id}:{number}",
            portfolio_id=order.portfolio_id,
            order_id=order.order_id,
            condition_id=order.condition_id,
            token_id=order.token_id,
            event_slug=order.event_slug,
            kind=FillKind.TRADE,
            side=order.side,
            size=size,
            price=price,
            usdc=rounded(size, price),
            fee=taker_fee(size, price, order.fee_rate),
            filled_at_ns=at_ns,
        )
        for number, (price, size) in enumerate(parts)
    )


def outcome_of(order: PlaceOrder, fills: tuple[Fill, ...]) -> tuple[OrderState, str]:
    """Return how an immediate-or-cancel order ends, in the venue's words where it has any."""
    filled = sum(fill.size for fill in fills)
    if filled == order.size:
        return OrderState.FILLED, ""
    if filled:
        return OrderState.CANCELLED, "partly filled, the rest was killed"
    return OrderState.CANCELLED, KILLED
