"""A listed market while it is being traded: its ladder, and what the venue is told of its books."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from ops.venue.book import Book, LevelChange, complement
from ops.venue.decimals import ONE
from ops.venue.feeds.events import BookStated, Event, LevelsChanged, MarketStated, TickChanged
from ops.venue.feeds.generator.catalogue import Listing
from ops.venue.feeds.generator.ladder import Ladder
from ops.venue.feeds.generator.trading import Fill
from ops.venue.leg import Side
from ops.venue.market import Market, from_gamma

_EXTREME: Final = 0.96
"""Beyond this price, or as near to nothing, a coarse tick becomes a fine one."""

_COARSE_TICKS: Final = 100
_FINER: Final = 10
"""How many new ticks make an old one."""


class Traded:
    """A market and its ladder; short-lived ones know when they end and who will win.

    After a change of tick the ladder still counts in the old ones, and stands `refines_by` new ones higher:
    prices lie on the finer grid, and nothing else of what is drawn changes.
    """

    def __init__(self, listing: Listing, ladder: Ladder) -> None:
        self.listing = listing
        self.ladder = ladder
        self.starts_s = 0.0
        self.ends_s: float | None = None
        self.winner = 0
        self.refines_by = 0
        """Set where the tick shall change once the price is extreme: 1 to 9, in new ticks."""
        self._per = 1
        self._shift = 0
        self._is_restated_next = False

    @property
    def market(self) -> Market:
        """The market as listed, with the tick it has by now."""
        return from_gamma(self.listing.document, "generator", live=True)

    @property
    def is_extreme(self) -> bool:
        middle = (self.ladder.best_bid + self.ladder.best_ask) / 2 / self.ladder.ticks
        return not 1 - _EXTREME <= middle <= _EXTREME

    @property
    def may_refine(self) -> bool:
        """Whether its tick could become finer, on a price that is not extreme yet."""
        return self.listing.ticks == _COARSE_TICKS and not self.is_extreme

    def up_chance(self, now_s: float) -> float:
        """Return how likely the first outcome's price rises: even, until the end of the market draws near."""
        if self.ends_s is None:
            return 0.5
        part = min(1.0, (now_s - self.starts_s) / (self.ends_s - self.starts_s))
        return 0.5 + (0.45 if self.winner == 0 else -0.45) * part

    def fills(self, outcome: int, side: Side, size: int) -> list[Fill]:
        """Let an order in either outcome take from the ladder of the first one."""
        if outcome == 0:
            return [Fill(self._at(tick), filled) for tick, filled in self.ladder.take(side, size)]
        mirrored: Side = "SELL" if side == "BUY" else "BUY"
        ticks = self.listing.ticks
        return [Fill(ticks - self._at(tick), filled) for tick, filled in self.ladder.take(mirrored, size)]

    def stated(self) -> list[Event]:
        """Return the market and both of its books, whole."""
        return [MarketStated(self.market), *self._books()]

    def moved(self) -> Iterator[Event]:
        """Yield what changed since the last call, and a change of tick where it is due."""
        if self._is_restated_next:
            self._is_restated_next = False
            self._per, self._shift = _FINER, self.refines_by
            self.listing = msgspec.structs.replace(self.listing, ticks=self.listing.ticks * _FINER)
            self.refines_by = 0
            yield from self._books()
            return
        changes = [
            LevelChange(self.listing.tokens[0], side, self._price(tick), Decimal(size).scaleb(-6))
            for side, tick, size in self.ladder.changes()
        ]
        if changes:
            both = [*changes, *complement(changes, self.listing.tokens[1])]
            yield LevelsChanged(self.listing.condition, both)
        if self.refines_by > 0 and self.is_extreme:
            yield self._refined()

    def _refined(self) -> Event:
        """Announce the finer tick; the books move onto it with their next change."""
        self._is_restated_next = True
        tick = Decimal(1) / (self.listing.ticks * _FINER)
        document = self.market.with_tick(tick).document
        self.listing = msgspec.structs.replace(self.listing, document=document)
        return TickChanged(self.listing.condition, tick)

    def _books(self) -> list[Event]:
        self.ladder.changes()  # the whole book is stated, so nothing of it is news
        bids = {self._price(tick): Decimal(size).scaleb(-6) for tick, size in self.ladder.bids.items()}
        asks = {self._price(tick): Decimal(size).scaleb(-6) for tick, size in self.ladder.asks.items()}
        first, second = self.listing.tokens
        condition = self.listing.condition
        mirrored_bids = {ONE - price: size for price, size in asks.items()}
        mirrored_asks = {ONE - price: size for price, size in bids.items()}
        return [
            BookStated(Book(first, condition, bids, asks)),
            BookStated(Book(second, condition, mirrored_bids, mirrored_asks)),
        ]

    def _at(self, tick: int) -> int:
        return tick * self._per + self._shift

    def _price(self, tick: int) -> Decimal:
        return self._at(tick) / Decimal(self.listing.ticks)
