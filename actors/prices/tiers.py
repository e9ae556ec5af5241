"""How fresh an answer must be, who is served first, and who is refused rather than told something old (P2).

Pure. The tiers' ages are configuration; their order of service is not: who is about to trade comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final

import msgspec

from config.settings import Prices as PricesSettings
from messages.markets import FreshQuery, Tier


class Priority(IntEnum):
    """Who leaves first when a budget is short."""

    T1 = 0
    T2A = 1
    T2B = 2
    T3 = 3
    T4 = 4
    WARM = 5
    """Nobody waits: it goes on what the others leave."""


LABELS: Final = {
    Priority.T1: "T1",
    Priority.T2A: "T2a",
    Priority.T2B: "T2b",
    Priority.T3: "T3",
    Priority.T4: "T4",
    Priority.WARM: "warm",
}
"""How metrics call whom a call was made for."""
PRIORITIES: Final = {
    Tier.T1: Priority.T1,
    Tier.T2A: Priority.T2A,
    Tier.T2B: Priority.T2B,
    Tier.T3: Priority.T3,
    Tier.T4: Priority.T4,
}
KEPT_MAX: Final = 4_096
"""Combinations of tier and age that are remembered."""


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """What somebody accepts."""

    tier: Tier
    age_ms_max: int
    is_strict: bool
    """Whether it is rather refused than told what is older."""
    priority: Priority


class Tiers:
    """The configured tiers."""

    def __init__(self, settings: PricesSettings) -> None:
        self.ages: Final[dict[Tier, int]] = {
            Tier.T1: settings.t1_ms,
            Tier.T2A: settings.t2a_ms,
            Tier.T2B: settings.t2b_ms,
            Tier.T3: settings.t3_ms,
            Tier.T4: settings.t4_ms,
        }
        self._by_age = sorted((age, tier) for tier, age in self.ages.items() if tier is not Tier.T1)
        self._known: dict[tuple[Tier | None, int | None], Wanted] = {}

    def wanted(self, query: FreshQuery) -> Wanted:
        """Return what a query accepts."""
        key = (query.tier, query.age_ms_max)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KEPT_MAX:
                self._known.clear()
            found = self._known[key] = self._made(*key)
        return found

    def _made(self, tier: Tier | None, age_ms_max: int | None) -> Wanted:
        label = tier if tier is not None else self._fitting(age_ms_max or 0)
        age_ms = self.ages[label] if age_ms_max is None else max(0, age_ms_max)
        return Wanted(label, age_ms, tier is Tier.T1, PRIORITIES[label])

    def _fitting(self, age_ms_max: int) -> Tier:
        """Return the youngest tier at least so old, or the oldest; never T1, which must be named."""
        for age_ms, tier in self._by_age:
            if age_ms_max <= age_ms:
                return tier
        return self._by_age[-1][1]


class Answering(msgspec.Struct, frozen=True, gc=False):
    """What came of a question: whether the answer is too old for who asked, and what went wrong."""

    stale: bool
    error: str = ""
    missing: bool = False
    """Whether all who were asked said that there is no such thing."""
    landed: bool = False
    """Whether it was fetched for this question."""


Deliver = Callable[[Answering], None]
"""Called exactly once; what is known by then is asked of the desk."""
