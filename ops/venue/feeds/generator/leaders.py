"""The wallets worth following: they buy, they hold, and later they sell what they hold."""

from __future__ import annotations

import random
from typing import Final

from ops.venue.feeds.generator.sizes import draw_size
from ops.venue.feeds.generator.wallets import Trader
from ops.venue.leg import Leg, Side

_SELL_SHARE: Final = 0.4
"""How often a leader who holds something sells."""

_SIZE_BELOW: Final = 0.95
"""Leaders do not make the very largest trades."""


class Intention:
    """What a leader wants to do next."""

    __slots__ = ("condition", "side", "size", "token")

    def __init__(self, side: Side, size: int, condition: str = "", token: str = "") -> None:
        self.side = side
        self.size = size
        self.condition = condition
        self.token = token


class Leader:
    """A wallet and what it holds, in millionths of a share; it never sells more than that."""

    def __init__(self, trader: Trader, chance: random.Random) -> None:
        self.trader = trader
        self._chance = chance
        self._holdings: dict[tuple[str, str], int] = {}

    def next(self) -> Intention:
        """Return a sale of something held, or a buy of anything."""
        if self._holdings and self._chance.random() < _SELL_SHARE:
            (condition, token), held = self._chance.choice(list(self._holdings.items()))
            part = self._chance.choice((1.0, 1.0, 0.5, 0.3))
            size = held if part == 1.0 else max(1, int(held * part) // 10_000 * 10_000)
            return Intention("SELL", min(size, held), condition, token)
        return Intention("BUY", draw_size(self._chance, below=_SIZE_BELOW))

    def note(self, legs: list[Leg]) -> None:
        """Take the leader's own legs of a transaction into its holdings."""
        for leg in legs:
            if leg.wallet != self.trader.wallet:
                continue
            key = (leg.condition, leg.token)
            size = int(leg.size.scaleb(6))
            held = self._holdings.get(key, 0) + (size if leg.side == "BUY" else -size)
            assert held >= 0, "a leader sold more than it held"
            if held:
                self._holdings[key] = held
            else:
                self._holdings.pop(key, None)

    def forget(self, condition: str) -> None:
        """Drop what is held in a market that has resolved."""
        for key in [key for key in self._holdings if key[0] == condition]:
            del self._holdings[key]
