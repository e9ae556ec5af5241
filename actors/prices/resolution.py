"""When a market is resolved and what it pays (P5). Pure; must never turn "unknown" into a loss."""

from __future__ import annotations

from typing import Final

from messages.markets import Resolution
from messages.units import MICROS, Price

WINNER_MIN: Final = 990_000
"""A closed market's price from which the outcome has won."""
LOSER_MAX: Final = 10_000
"""A closed market's price up to which the outcome has lost."""
HALF: Final = MICROS // 2

Verdict = tuple[Resolution, tuple[Price, ...]]
"""Where a market stands, and what each outcome pays (empty unless resolved)."""

OPEN: Final[Verdict] = (Resolution.OPEN, ())
CLOSED: Final[Verdict] = (Resolution.CLOSED, ())


def paid_to(winner: int, outcomes: int) -> Verdict:
    """Return the verdict in which one outcome takes all."""
    return Resolution.RESOLVED, tuple(MICROS if index == winner else 0 for index in range(outcomes))


def by_prices(prices: tuple[Price, ...], *, closed: bool, settled: bool) -> Verdict:
    """Return the verdict that prices show.

    `settled` says that the oracle has spoken: only then do equal prices mean a 50-50 payout. A closed
    market with prices 0/0 is a legacy row that says nothing.
    """
    if not closed:
        return OPEN
    winners = [index for index, price in enumerate(prices) if price >= WINNER_MIN]
    losers = sum(1 for price in prices if price <= LOSER_MAX)
    if len(winners) == 1 and losers == len(prices) - 1 and losers > 0:
        return paid_to(winners[0], len(prices))
    if settled and prices == (HALF, HALF):
        return Resolution.RESOLVED, prices
    return CLOSED


def by_winners(winners: tuple[bool, ...], prices: tuple[Price, ...], *, closed: bool, even: bool) -> Verdict:
    """Return the verdict that CLOB's winner flags show; `even` is its own mark of a 50-50 outcome."""
    if not closed:
        return OPEN
    if sum(winners) == 1 and len(winners) > 1:
        return paid_to(winners.index(True), len(winners))
    if even and not any(winners) and prices == (HALF, HALF):
        return Resolution.RESOLVED, prices
    return CLOSED
