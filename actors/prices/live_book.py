"""An order book kept up to date by the market channel. Pure; no clock, no IO."""

from __future__ import annotations

from collections.abc import Iterable

from actors.prices.books import make_book
from actors.prices.errors import MalformedError
from actors.prices.market_events import LevelChange
from messages.ids import TokenId
from messages.markets import Book
from messages.trades import Side
from messages.units import MICROS, Price, Shares


class LiveBook:
    """One outcome's book kept from a snapshot and the changes after it.

    It is `trusted` from a snapshot on, until something does not add up: a change that crosses it, a best
    price that is not ours, or a new tick (the venue moves orders then). What is not trusted is never handed
    out, and only a fresh snapshot restores trust.
    """

    def __init__(self, token_id: TokenId) -> None:
        self.token_id = token_id
        self.tick: Price = 0
        """The tick size last heard of; 0 before any."""
        self.trusted = False
        self.distrusted_for = "no snapshot yet"
        self._bids: dict[Price, Shares] = {}
        self._asks: dict[Price, Shares] = {}
        self._hash = ""

    def snapshot(self, book: Book, tick: Price = 0) -> None:
        """Start again from a whole book."""
        self._bids = dict(book.bids)
        self._asks = dict(book.asks)
        self._hash = book.hash
        self.tick = tick or self.tick
        self.trusted = True
        self.distrusted_for = ""

    def change(self, side: Side, price: Price, size: Shares, hash: str = "") -> None:
        """Set the total at a level (0 removes it). Ignored while there is no snapshot to change."""
        if not self.trusted:
            return
        sizes = self._bids if side is Side.BUY else self._asks
        if size > 0:
            sizes[price] = size
        else:
            sizes.pop(price, None)
        self._hash = hash

    def apply(self, changes: Iterable[LevelChange]) -> bool:
        """Apply the changes of one event that are about this outcome, then check the best prices they state.

        The venue states the best prices that hold after all of them. Returns whether the book is trusted.
        """
        last: LevelChange | None = None
        for each in changes:
            if each.token_id == self.token_id:
                self.change(each.side, each.price, each.size, each.hash)
                last = each
        return self.check(last.best_bid, last.best_ask) if last is not None else self.trusted

    def change_tick(self, tick: Price) -> None:
        """Note a new tick size: the book is dropped until a fresh one arrives."""
        self.tick = tick
        self.distrust("tick size changed")

    def check(self, best_bid: Price | None, best_ask: Price | None) -> bool:
        """Compare with the best prices that the venue says hold now (None: not said), once changes are in.

        Returns whether the book is still trusted. An empty side is 0 for bids, and 0 or 1 for asks.
        """
        if not self.trusted:
            return False
        ours_bid, ours_ask = self.best_bid, self.best_ask
        if ours_bid is not None and ours_ask is not None and ours_bid >= ours_ask:
            self.distrust("crossed")
        elif best_bid is not None and best_bid != (ours_bid or 0):
            self.distrust("best bid differs")
        elif best_ask is not None and best_ask % MICROS != (ours_ask or 0):
            self.distrust("best ask differs")
        return self.trusted

    def distrust(self, reason: str) -> None:
        """Drop the book: it is not handed out again before a snapshot."""
        self.trusted = False
        self.distrusted_for = reason
        self._bids = {}
        self._asks = {}
        self._hash = ""

    @property
    def best_bid(self) -> Price | None:
        """The highest bid, or None."""
        return max(self._bids, default=None)

    @property
    def best_ask(self) -> Price | None:
        """The lowest ask, or None."""
        return min(self._asks, default=None)

    def freeze(self, as_of_ns: int) -> Book | None:
        """Return the book as it stands, or None when it is not to be trusted."""
        if not self.trusted:
            return None
        try:
            return make_book(self.token_id, self._bids, self._asks, hash=self._hash, as_of_ns=as_of_ns)
        except MalformedError:
            self.distrust("crossed")
            return None
