"""When a market is resolved and what it pays (P5), and which witness counts. Pure.

Must never turn "unknown" into a loss, nor one host's mistake into a payout that others contradict.

Witnesses, the most trusted first (polymarket-wire.md, sections 2, 5, 6, 7 and 11):

1. the resolution feed, which passes on what the oracle paid out, 50-50 included. Its payouts count at once.
2. CLOB's winner flags of a closed market.
3. Gamma's prices of a closed market, one at 0.99 or more and the others at 0.01 or less; 0.50 each only when
   its oracle status says resolved. They do not count while the feed calls the outcome proposed or disputed.
4. `market_resolved` on the market channel: the fastest, and an announcement only. Alone it ends trading here,
   and has the others asked at once.

CLOB and Gamma count alone as well, unless they or the announcement name another outcome: then the market is
disputed here until they agree or the feed has spoken. The chain's own event is the last word of all, and the
feed is how it is heard of: the chain is not scanned for markets (D5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from messages.markets import Resolution, Source
from messages.units import MICROS, Price

WINNER_MIN: Final = 990_000
"""A closed market's price from which the outcome has won."""
LOSER_MAX: Final = 10_000
"""A closed market's price up to which the outcome has lost."""
HALF: Final = MICROS // 2
DISPUTES: Final = frozenset(("disputed", "challenged"))
"""The oracle's words for an outcome that somebody stakes money against."""
UNSETTLED: Final = DISPUTES | {"posed", "proposed"}

Verdict = tuple[Resolution, tuple[Price, ...]]
"""Where a market stands, and what each outcome pays (empty unless resolved)."""

OPEN: Final[Verdict] = (Resolution.OPEN, ())
CLOSED: Final[Verdict] = (Resolution.CLOSED, ())
DISPUTED: Final[Verdict] = (Resolution.DISPUTED, ())


class Statement(msgspec.Struct, frozen=True, gc=False):
    """What one witness said last: whether trading is over, what each outcome pays, the oracle's status."""

    closed: bool
    payouts: tuple[Price, ...] = ()
    oracle: str = ""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """The verdict on all that was said, whose word it rests on, and whether any contradict each other."""

    verdict: Verdict
    witness: Source | None = None
    contradicted: bool = False


def judge(said: Mapping[Source, Statement]) -> Judged:
    """Return where a market stands by what its witnesses said, by the rule above."""
    payouts = {witness: each.payouts for witness, each in said.items() if each.payouts}
    contradicted = len(set(payouts.values())) > 1
    if Source.FEED in payouts:
        return Judged((Resolution.RESOLVED, payouts[Source.FEED]), Source.FEED, contradicted)
    if contradicted:
        return Judged(DISPUTED, None, True)
    feed = said.get(Source.FEED)
    if Source.CLOB in payouts:
        return Judged((Resolution.RESOLVED, payouts[Source.CLOB]), Source.CLOB)
    if Source.GAMMA in payouts and (feed is None or feed.oracle not in UNSETTLED):
        return Judged((Resolution.RESOLVED, payouts[Source.GAMMA]), Source.GAMMA)
    if not any(each.closed for each in said.values()):
        return Judged(OPEN)
    disputed = any(each.oracle in DISPUTES for each in said.values())
    return Judged(DISPUTED if disputed else CLOSED)


def paid_to(winner: int, outcomes: int) -> tuple[Price, ...]:
    """Return the payouts where one outcome takes all."""
    return tuple(MICROS if index == winner else 0 for index in range(outcomes))


def by_prices(prices: tuple[Price, ...], *, closed: bool, oracle: str) -> tuple[Price, ...]:
    """Return the payouts that a host's prices state, none for most.

    Only when the oracle has spoken do equal prices mean a 50-50 payout. A closed market with prices 0/0 is
    a legacy row that says nothing.
    """
    if not closed:
        return ()
    winners = [index for index, price in enumerate(prices) if price >= WINNER_MIN]
    losers = sum(1 for price in prices if price <= LOSER_MAX)
    if len(winners) == 1 and losers == len(prices) - 1 and losers > 0:
        return paid_to(winners[0], len(prices))
    return prices if oracle == "resolved" and prices == (HALF, HALF) else ()


def by_winners(
    winners: tuple[bool, ...], prices: tuple[Price, ...], *, closed: bool, even: bool
) -> tuple[Price, ...]:
    """Return the payouts that CLOB's winner flags state; `even` is its own mark of a 50-50 outcome."""
    if not closed:
        return ()
    if sum(winners) == 1 and len(winners) > 1:
        return paid_to(winners.index(True), len(winners))
    return prices if even and not any(winners) and prices == (HALF, HALF) else ()


def one_host(closed: bool, payouts: tuple[Price, ...], oracle: str) -> Verdict:
    """Return where a market stands as far as one host tells."""
    if payouts:
        return Resolution.RESOLVED, payouts
    if not closed:
        return OPEN
    return DISPUTED if oracle in DISPUTES else CLOSED
