"""Markets and books as a contract: who asks names a tier or a maximum age, every answer carries its own.

What a market is worth is asked with `messages.prices`; these are what the hosts say of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from messages.base import Message
from messages.ids import ConditionId, TokenId
from messages.units import Price, Rate, Shares

Level: TypeAlias = tuple[Price, Shares]


class Tier(StrEnum):
    """What an answer is for (P2). Each has its maximum age in the configuration."""

    T1 = "T1"
    """Execution: answered fresh or refused, before all others."""
    T2A = "T2a"
    """The feed."""
    T2B = "T2b"
    """Portfolios."""
    T3 = "T3"
    """Dashboards."""
    T4 = "T4"
    """Work in the background."""


class Resolution(StrEnum):
    """Where a market stands on the way to its payout (P5)."""

    OPEN = "open"
    CLOSED = "closed"
    """Closed and not (yet) showing what it pays: under way, or a legacy row without prices."""
    DISPUTED = "disputed"
    """Closed while its outcome is disputed, or while witnesses name different outcomes."""
    RESOLVED = "resolved"
    """What it pays is known; for ever."""


class Source(StrEnum):
    """Where an answer's data came from."""

    STREAM = "market_ws"
    CLOB = "clob"
    GAMMA = "gamma"
    FEED = "resolutions"
    STORE = "store"


class Market(Message, frozen=True, kw_only=True, gc=False):
    """What is known of a market. `outcomes`, `token_ids`, `prices` and `payouts` are in outcome order.

    `payouts` (1e-6 USDC a share) is set exactly when `resolution` is RESOLVED.
    """

    condition_id: ConditionId
    question: str
    slug: str
    event_slug: str
    outcomes: tuple[str, ...]
    token_ids: tuple[TokenId, ...]
    prices: tuple[Price, ...]
    tick: Price
    size_min: Shares
    fee_rate: Rate
    neg_risk: bool
    accepting_orders: bool
    resolution: Resolution
    payouts: tuple[Price, ...] = ()
    end_at_ns: int = 0
    oracle: str = ""
    """The oracle's last word where a host passes it on, such as `proposed`, `disputed`, `resolved`."""

    @property
    def is_void(self) -> bool:
        """Whether it pays without a winner: 50-50, as voided events do."""
        return self.resolution is Resolution.RESOLVED and max(self.payouts) == min(self.payouts)

    @property
    def has_prices(self) -> bool:
        """Whether its prices say anything: those of legacy rows that were closed are all zero."""
        return any(self.prices)


class Book(Message, frozen=True, kw_only=True, gc=False):
    """One outcome's order book, best level first on both sides, whatever order the venue sent.

    `as_of_ns` is when it was last known to hold, `last_trade` the last price paid where that is known.
    """

    token_id: TokenId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    hash: str
    as_of_ns: int
    last_trade: Price | None = None
    tick: Price = 0
    """0 where it is not known with the book."""
    changed_at_ms: int = 0
    """The venue's time of its last change, epoch milliseconds; 0 where it does not say."""


class FreshQuery(Message, frozen=True, kw_only=True, gc=False):
    """A question that says how fresh its answer must be: by tier, by a maximum age, or both.

    The tier alone stands for its configured age; with an age too, the tier says what the answer is for. An
    age alone is of the tier that it fits, and never refused. Raises `ValueError` where neither is given.
    """

    tier: Tier | None = None
    age_ms_max: int | None = None

    def __post_init__(self) -> None:
        if self.tier is None and self.age_ms_max is None:
            raise ValueError(f"{type(self).__name__} names neither a tier nor a maximum age")


class MarketQuery(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Ask the price service for a market; answered with `MarketAnswer`."""

    condition_id: ConditionId


class MarketAnswer(Message, frozen=True, kw_only=True, gc=False):
    """A market with its age, or why there is none. `stale` is True when older than was asked for.

    What is too old at T1 is left out: then `refused` is True and `error` says why.
    """

    condition_id: ConditionId
    market: Market | None
    as_of_ns: int
    age_ms: int
    stale: bool
    source: str
    error: str = ""
    refused: bool = False


class TokenQuery(Message, frozen=True, kw_only=True, gc=False):
    """Ask the price service which market an outcome token is of; answered with `TokenAnswer`."""

    token_id: TokenId


class TokenAnswer(Message, frozen=True, kw_only=True, gc=False):
    """The market that a host says the token is of, of whatever age, or why there is none."""

    token_id: TokenId
    market: Market | None
    error: str = ""


class BookQuery(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Ask the price service for a book; answered with `BookAnswer`."""

    token_id: TokenId


class BookAnswer(Message, frozen=True, kw_only=True, gc=False):
    """A book with its age, or why there is none. `stale` is True when older than was asked for.

    A book is as old as the last proof that it holds, not as its last change: a quiet market is not stale.
    What is too old at T1 is left out: then `refused` is True and `error` says why. `missing` is True when
    the venue said that it has no such book.
    """

    token_id: TokenId
    book: Book | None
    age_ms: int
    stale: bool
    source: str
    error: str = ""
    refused: bool = False
    missing: bool = False


class MarketResolved(Message, frozen=True, kw_only=True, gc=False):
    """A market will pay `payouts` (outcome order): positions in it are to be settled."""

    condition_id: ConditionId
    token_ids: tuple[TokenId, ...]
    payouts: tuple[Price, ...]


class WatchResolution(Message, frozen=True, kw_only=True, gc=False):
    """A portfolio holds this market: tell the sender (`MarketResolved`) once it is known what it pays."""

    condition_id: ConditionId
