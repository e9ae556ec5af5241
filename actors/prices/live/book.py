"""An order book kept up to date by the market channel. Pure; no clock, no IO."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Final

from actors.prices.books import LEVELS_MAX
from actors.prices.live.events import LevelChange
from messages.ids import TokenId
from messages.markets import Book, Level
from messages.trades import Side
from messages.units import MICROS, Price, Shares

CHANGES_MAX: Final = 512
LATELY_MS: Final = 10_000
"""Longer than an answer of CLOB can be on its way."""
NO_SNAPSHOT: Final = "no snapshot yet"
CROSSED: Final = "crossed"


class Ladder:
    """One side's sizes by price, kept sorted: the best is asked for far oftener than one is new."""

    __slots__ = ("_changes_max", "changed_ms", "prices", "sizes")

    def __init__(self, levels: Iterable[Level] = ()) -> None:
        self.sizes: dict[Price, Shares] = dict(levels)
        self.prices: list[Price] = sorted(self.sizes)
        self.changed_ms: dict[Price, int] = {}
        """When levels changed since the snapshot, by the venue's time; what is long ago is forgotten."""
        self._changes_max = CHANGES_MAX

    def put(self, price: Price, size: Shares, at_ms: int) -> None:
        """Set the total at a price; 0 removes it. What is older than the last change there is left out."""
        sizes = self.sizes
        changed_ms = self.changed_ms
        if changed_ms.get(price, 0) > at_ms:
            return
        changed_ms[price] = at_ms
        if len(changed_ms) > self._changes_max:
            self._forget(at_ms)
        if size > 0:
            if price not in sizes:
                insort(self.prices, price)
            sizes[price] = size
        elif sizes.pop(price, None) is not None:
            del self.prices[bisect_left(self.prices, price)]

    def _forget(self, at_ms: int) -> None:
        """Forget changes of long ago, and look again only once there are twice as many as are left."""
        self.changed_ms = {each: ms for each, ms in self.changed_ms.items() if ms > at_ms - LATELY_MS}
        self._changes_max = max(CHANGES_MAX, 2 * len(self.changed_ms))

    def descending(self) -> tuple[Level, ...]:
        """Return the levels, the highest price first."""
        sizes = self.sizes
        return tuple([(price, sizes[price]) for price in reversed(self.prices)])

    def ascending(self) -> tuple[Level, ...]:
        """Return the levels, the lowest price first."""
        sizes = self.sizes
        return tuple([(price, sizes[price]) for price in self.prices])


class LiveBook:
    """One outcome's book kept from a snapshot and the changes after it.

    It is `trusted` from a snapshot on, until something does not add up: a change that crosses it, a best
    price that is not ours, or a new tick (the venue moves orders then). What is not trusted is never handed
    out, and only a fresh snapshot restores trust.
    """

    __slots__ = (
        "_asks",
        "_at_ms",
        "_bids",
        "_hash",
        "_levels",
        "_snapshot_ms",
        "_trade_ms",
        "distrusted_for",
        "last_trade",
        "tick",
        "token_id",
        "trusted",
    )

    def __init__(self, token_id: TokenId) -> None:
        self.token_id = token_id
        self.tick: Price = 0
        """The tick size last heard of; 0 before any."""
        self.last_trade: Price | None = None
        """The price of the last trade heard of."""
        self._trade_ms = 0
        self.trusted = False
        self.distrusted_for = NO_SNAPSHOT
        self._bids = Ladder()
        self._asks = Ladder()
        self._hash = ""
        self._at_ms = 0
        self._snapshot_ms = 0
        self._levels: tuple[tuple[Level, ...], tuple[Level, ...]] | None = None

    @property
    def hash(self) -> str:
        """The venue's name for the state it is in, empty where that is not known."""
        return self._hash

    @property
    def at_ms(self) -> int:
        """The venue's time of the newest event in it, 0 before any."""
        return self._at_ms

    @property
    def snapshot_ms(self) -> int:
        """The venue's time of the snapshot it began with: what is older is in it already."""
        return self._snapshot_ms

    def snapshot(self, book: Book, tick: Price = 0, at_ms: int = 0) -> bool:
        """Start again from a whole book. One that is older than what is here already is not taken."""
        if self.trusted and at_ms < self._at_ms:
            return True
        self._bids = Ladder(book.bids)
        self._asks = Ladder(book.asks)
        self._hash = book.hash
        self._at_ms = self._snapshot_ms = at_ms
        self.tick = tick or self.tick
        self.trusted = True
        self.distrusted_for = ""
        self._levels = None
        return self.check(None, None)

    def change(self, side: Side, price: Price, size: Shares, hash: str = "") -> None:
        """Set the total at a level (0 removes it). Ignored while there is no snapshot to change."""
        if not self.trusted:
            return
        self.ladder(side).put(price, size, self._at_ms)
        self._hash = hash
        self._levels = None

    def apply(self, changes: Sequence[LevelChange], at_ms: int = 0) -> bool:
        """Apply the changes of one event that are about this outcome, then check the best prices they state.

        The venue states the best prices that hold after all of them. What is older than the snapshot is in
        it already and is left out. Returns whether the book is trusted.
        """
        if at_ms < self._snapshot_ms or not self.trusted:
            return self.trusted
        last: LevelChange | None = None
        token_id = self.token_id
        bids, asks = self._bids, self._asks
        for each in changes:
            if each.token_id == token_id:
                (bids if each.side is Side.BUY else asks).put(each.price, each.size, at_ms)
                last = each
        if last is None:
            return True
        self._levels = None
        if at_ms < self._at_ms:
            return self.check(None, None)
        self._hash = last.hash
        self._at_ms = at_ms
        return self.check(last.best_bid, last.best_ask)

    def trade(self, price: Price, at_ms: int) -> None:
        """Note the price of a trade, unless a later one is known."""
        if at_ms >= self._trade_ms:
            self.last_trade, self._trade_ms = price, at_ms

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
        bids, asks = self._bids.prices, self._asks.prices
        ours_bid = bids[-1] if bids else 0
        ours_ask = asks[0] if asks else 0
        if ours_ask and ours_bid >= ours_ask:
            self.distrust(CROSSED)
        elif best_bid is not None and best_bid != ours_bid:
            self.distrust("best bid differs")
        elif best_ask is not None and best_ask % MICROS != ours_ask:
            self.distrust("best ask differs")
        elif len(bids) > LEVELS_MAX or len(asks) > LEVELS_MAX:
            self.distrust("more levels than a side can have")
        return self.trusted

    def distrust(self, reason: str) -> None:
        """Drop the book: it is not handed out again before a snapshot."""
        self.trusted = False
        self.distrusted_for = reason
        self._bids = Ladder()
        self._asks = Ladder()
        self._hash = ""
        self._levels = None

    @property
    def best_bid(self) -> Price | None:
        """The highest bid, or None."""
        return self._bids.prices[-1] if self._bids.prices else None

    @property
    def best_ask(self) -> Price | None:
        """The lowest ask, or None."""
        return self._asks.prices[0] if self._asks.prices else None

    def ladder(self, side: Side) -> Ladder:
        """Return the side that orders of that kind rest on."""
        return self._bids if side is Side.BUY else self._asks

    def differences(self, book: Book) -> list[tuple[Side, Price]]:
        """Return the levels at which this is another book."""
        found: list[tuple[Side, Price]] = []
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            ours, theirs = self.ladder(side).sizes, dict(levels)
            if ours != theirs:
                prices = ours.keys() | theirs.keys()
                found += [(side, price) for price in prices if ours.get(price) != theirs.get(price)]
        return found

    def freeze(self, as_of_ns: int) -> Book | None:
        """Return the book as it stands, or None when it is not to be trusted."""
        if not self.trusted or not self.check(None, None):
            return None
        if self._levels is None:
            self._levels = self._bids.descending(), self._asks.ascending()
        bids, asks = self._levels
        return Book(
            token_id=self.token_id,
            bids=bids,
            asks=asks,
            hash=self._hash,
            as_of_ns=as_of_ns,
            last_trade=self.last_trade,
            tick=self.tick,
            changed_at_ms=self._at_ms,
        )
