"""What only some markets meet, each oddity drawn from a chance of its own.

So its setting changes what it is about, and nothing else that is drawn from the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ops.venue import endings
from ops.venue.config import VenueConfig
from ops.venue.feeds.generator.catalogue import Listing, as_version_two, moment
from ops.venue.feeds.generator.traded import Traded
from ops.venue.market import Market

_SHIFTS: Final = range(1, 10)
"""How far the ladder may stand above its old place after a change of tick, in new ticks."""


class Oddities:
    """Is asked once about every market, in the order of their listing."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._ticks = random.Random(f"{config.seed}/ticks")
        self._versions = random.Random(f"{config.seed}/versions")
        self._ways = random.Random(f"{config.seed}/endings")

    def version(self, listing: Listing) -> Listing:
        """Return the listing, or what it is in the second version of the protocol."""
        is_chosen = self._versions.random() < self._config.version_two_share
        second = as_version_two(listing, self._versions)
        return second if is_chosen else listing

    def refines_by(self, market: Traded) -> int:
        """Return how many new ticks the ladder rises by when its tick changes; 0 where it never does."""
        is_chosen = self._ticks.random() < self._config.tick_change_share
        shift = self._ticks.choice(_SHIFTS)
        return shift if is_chosen and market.may_refine else 0

    def ending(self, traded: Traded, at_s: float) -> Iterator[tuple[float, Market]]:
        """Yield what a market is from when on, once its time is over; the first is from that moment on."""
        config, market, winner = self._config, traded.market, traded.winner
        draw = self._ways.random()
        first_s, second_s = (self._ways.uniform(*config.oracle_seconds) for _ in range(2))
        closed_time = moment(at_s)
        if (draw := draw - config.legacy_share) < 0:
            yield at_s, endings.legacy(market, closed_time=closed_time)
        elif (draw := draw - config.void_share) < 0:
            yield at_s, endings.void(market, closed_time=closed_time)
        elif draw - config.disputed_share - config.late_share < 0:
            named = Decimal(winner == 0)
            market = endings.undecided(market, "proposed", proposal=named, closed_time=closed_time)
            yield at_s, market
            if draw - config.disputed_share < 0:
                at_s += first_s
                market = endings.undecided(market, "disputed")
                yield at_s, market
            at_s += second_s
            yield at_s, endings.won(market, winner, closed_time=moment(at_s))
        else:
            yield at_s, endings.won(market, winner, closed_time=closed_time)
