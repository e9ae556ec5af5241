"""The book of one market while it is being traded, in whole ticks of the first outcome's price."""

from __future__ import annotations

import random
from typing import Final

from ops.venue.feeds.generator.sizes import draw_depth
from ops.venue.leg import Side

LEVELS: Final = 15
"""How many price levels a side shows."""

_SWEEP_MAX: Final = 4
"""How many levels one order takes at most."""

Change = tuple[Side, int, int]
"""Side, tick, and the new total size there."""


class Ladder:
    """Bids below asks, at least one of each, whatever happens."""

    def __init__(self, chance: random.Random, ticks: int, middle: int, typical_shares: float) -> None:
        self.ticks = ticks
        self._chance = chance
        self._typical_shares = typical_shares
        middle = min(max(middle, 2), ticks - 2)
        self.bids = {tick: self._depth() for tick in range(max(1, middle - LEVELS), middle)}
        self.asks = {tick: self._depth() for tick in range(middle, min(ticks, middle + LEVELS))}
        self._changed: dict[tuple[Side, int], int] = {}

    @property
    def best_bid(self) -> int:
        return max(self.bids)

    @property
    def best_ask(self) -> int:
        return min(self.asks)

    def take(self, side: Side, size: int) -> list[tuple[int, int]]:
        """Let an order take liquidity: BUY takes asks. Return the fills as (tick, size), best price first."""
        levels = self.asks if side == "BUY" else self.bids
        fills: list[tuple[int, int]] = []
        for tick in sorted(levels, reverse=side == "SELL")[:_SWEEP_MAX]:
            filled = min(size, levels[tick])
            fills.append((tick, filled))
            size -= filled
            self._set("SELL" if side == "BUY" else "BUY", tick, levels[tick] - filled)
            if size == 0:
                break
        if not levels or self._chance.random() < 0.5:
            self._refill("SELL" if side == "BUY" else "BUY", fills[0][0])
        return fills

    def requote(self, up: float) -> None:
        """Let the makers move: `up` is the chance that the price goes up, if it moves at all."""
        draw = self._chance.random()
        if draw < 0.45:
            self._refill(*self._any_level())
        elif draw < 0.45 + 0.55 * up:
            self._up()
        else:
            self._down()

    def changes(self) -> list[Change]:
        """Return what changed since the last call."""
        changed = [(side, tick, size) for (side, tick), size in self._changed.items()]
        self._changed.clear()
        return changed

    def _up(self) -> None:
        ask = self.best_ask
        if ask - self.best_bid > 1:
            self._refill("BUY", self.best_bid + 1)
        elif ask + 1 < self.ticks:
            self._set("SELL", ask, 0)
            self._refill("BUY", ask)
            self._lengthen()

    def _down(self) -> None:
        bid = self.best_bid
        if self.best_ask - bid > 1:
            self._refill("SELL", self.best_ask - 1)
        elif bid - 1 > 0:
            self._set("BUY", bid, 0)
            self._refill("SELL", bid)
            self._lengthen()

    def _lengthen(self) -> None:
        """Keep both sides as long as a book is shown, whichever way the price went."""
        top = max(self.asks) if self.asks else self.best_bid
        if len(self.asks) < LEVELS and top + 1 < self.ticks:
            self._refill("SELL", top + 1)
        elif len(self.asks) > LEVELS:
            self._set("SELL", top, 0)
        bottom = min(self.bids) if self.bids else self.best_ask
        if len(self.bids) < LEVELS and bottom - 1 > 0:
            self._refill("BUY", bottom - 1)
        elif len(self.bids) > LEVELS:
            self._set("BUY", bottom, 0)

    def _any_level(self) -> tuple[Side, int]:
        if self._chance.random() < 0.5:
            return "BUY", self._chance.choice(sorted(self.bids))
        return "SELL", self._chance.choice(sorted(self.asks))

    def _refill(self, side: Side, tick: int) -> None:
        self._set(side, tick, self._depth())

    def _set(self, side: Side, tick: int, size: int) -> None:
        levels = self.bids if side == "BUY" else self.asks
        if size == 0:
            levels.pop(tick, None)
        else:
            levels[tick] = size
        self._changed[side, tick] = size

    def _depth(self) -> int:
        return draw_depth(self._chance, self._typical_shares)
