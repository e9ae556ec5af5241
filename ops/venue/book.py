"""The order book of one outcome token, exact to the digit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from ops.venue.decimals import ONE, ZERO, plain
from ops.venue.leg import Side


class LevelChange(msgspec.Struct, frozen=True):
    """The new total size at one price of one side; zero removes the level."""

    token: str
    side: Side
    price: Decimal
    size: Decimal


class Book:
    """Price levels of both sides. `BUY` levels are bids, `SELL` levels are asks."""

    __slots__ = ("asks", "bids", "condition", "last_trade_price", "last_trade_side", "timestamp_ms", "token")

    def __init__(
        self,
        token: str,
        condition: str,
        bids: Mapping[Decimal, Decimal],
        asks: Mapping[Decimal, Decimal],
        last_trade_price: str = "",
    ) -> None:
        self.token = token
        self.condition = condition
        self.bids = dict(bids)
        self.asks = dict(asks)
        self.last_trade_price = last_trade_price
        self.last_trade_side: Side | None = None
        self.timestamp_ms = 0

    @property
    def best_bid(self) -> Decimal | None:
        """The highest price somebody pays."""
        return max(self.bids, default=None)

    @property
    def best_ask(self) -> Decimal | None:
        """The lowest price somebody asks."""
        return min(self.asks, default=None)

    @property
    def midpoint(self) -> Decimal | None:
        """The middle of the best prices; the one there is where a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None:
            return ask if bid is None else bid
        return (bid + ask) / 2

    @property
    def hash(self) -> str:
        """A digest of the levels, for the `hash` field: equal books have equal hashes."""
        text = ";".join(
            f"{plain(p)}:{plain(s)}" for p, s in (*self.worst_first("BUY"), *self.worst_first("SELL"))
        )
        return hashlib.sha1(f"{self.token}|{text}".encode(), usedforsecurity=False).hexdigest()

    def worst_first(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        """Return a side's levels with the best price last, the order in which the venue sends them."""
        if side == "BUY":
            return sorted(self.bids.items())
        return sorted(self.asks.items(), reverse=True)

    def apply(self, change: LevelChange) -> None:
        """Put one level's new size in place."""
        levels = self.bids if change.side == "BUY" else self.asks
        if change.size == ZERO:
            levels.pop(change.price, None)
        else:
            levels[change.price] = change.size

    def changes_to(self, other: Book) -> list[LevelChange]:
        """Return what turns this book's levels into the other's."""
        return [
            *_difference(self.token, "BUY", self.bids, other.bids),
            *_difference(self.token, "SELL", self.asks, other.asks),
        ]

    def wire_levels(self) -> dict[str, list[dict[str, str]]]:
        """Return `bids` and `asks` as the CLOB spells them."""
        return {
            "bids": [{"price": plain(p), "size": plain(s)} for p, s in self.worst_first("BUY")],
            "asks": [{"price": plain(p), "size": plain(s)} for p, s in self.worst_first("SELL")],
        }


def complement(changes: Iterable[LevelChange], token: str) -> list[LevelChange]:
    """Return the same changes as the other outcome's book shows them: a bid at p is an ask at 1 - p."""
    return [
        LevelChange(token, "SELL" if change.side == "BUY" else "BUY", ONE - change.price, change.size)
        for change in changes
    ]


def _difference(
    token: str, side: Side, old: Mapping[Decimal, Decimal], new: Mapping[Decimal, Decimal]
) -> list[LevelChange]:
    gone = [LevelChange(token, side, price, ZERO) for price in old if price not in new]
    changed = [LevelChange(token, side, price, size) for price, size in new.items() if old.get(price) != size]
    return gone + changed
