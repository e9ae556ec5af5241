"""What only some markets meet, each oddity drawn from a chance of its own.

So its setting changes what it is about, and nothing else that is drawn from the same seed.
"""

from __future__ import annotations

import random
from typing import Final

from ops.venue.config import VenueConfig
from ops.venue.feeds.generator.traded import Traded

_SHIFTS: Final = range(1, 10)
"""How far the ladder may stand above its old place after a change of tick, in new ticks."""


class Oddities:
    """Is asked once about every market, in the order of their listing."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._ticks = random.Random(f"{config.seed}/ticks")

    def refines_by(self, market: Traded) -> int:
        """Return how many new ticks the ladder rises by when its tick changes; 0 where it never does."""
        is_chosen = self._ticks.random() < self._config.tick_change_share
        shift = self._ticks.choice(_SHIFTS)
        return shift if is_chosen and market.may_refine else 0
