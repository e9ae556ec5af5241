"""Market data as a contract: who asks names a maximum age, every answer carries its own."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from messages.base import Message
from messages.ids import ConditionId, TokenId
from messages.units import Price, Rate, Shares

Level: TypeAlias = tuple[Price, Shares]


class Resolution(StrEnum):
    """Where a market stands on the way to its payout (P5)."""

    OPEN = "open"
    CLOSED = "closed"
    """Closed and not (yet) showing what it pays: under way, disputed, or a legacy row without prices."""
    RESOLVED = "resolved"


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


class Book(Message, frozen=True, kw_only=True, gc=False):
    """One outcome's order book, best level first on both sides, whatever order the venue sent."""

    token_id: TokenId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    hash: str
    as_of_ns: int


class MarketQuery(Message, frozen=True, kw_only=True, gc=False):
    """Ask the price service for a market no older than `age_ms_max`; answered with `MarketAnswer`."""

    condition_id: ConditionId
    age_ms_max: int


class MarketAnswer(Message, frozen=True, kw_only=True, gc=False):
    """A market with its age, or why there is none. `stale` is True when older than was asked for."""

    condition_id: ConditionId
    market: Market | None
    as_of_ns: int
    age_ms: int
    stale: bool
    source: str
    error: str = ""


class TokenQuery(Message, frozen=True, kw_only=True, gc=False):
    """Ask the price service which market an outcome token is of; answered with `TokenAnswer`."""

    token_id: TokenId


class TokenAnswer(Message, frozen=True, kw_only=True, gc=False):
    """The market that a host says the token is of, of whatever age, or why there is none."""

    token_id: TokenId
    market: Market | None
    error: str = ""


class BookQuery(Message, frozen=True, kw_only=True, gc=False):
    """Ask the price service for a book no older than `age_ms_max`; answered with `BookAnswer`."""

    token_id: TokenId
    age_ms_max: int


class BookAnswer(Message, frozen=True, kw_only=True, gc=False):
    """A book with its age, or why there is none. `stale` is True when older than was asked for."""

    token_id: TokenId
    book: Book | None
    age_ms: int
    stale: bool
    source: str
    error: str = ""


class MarketResolved(Message, frozen=True, kw_only=True, gc=False):
    """A market will pay `payouts` (outcome order): positions in it are to be settled."""

    condition_id: ConditionId
    token_ids: tuple[TokenId, ...]
    payouts: tuple[Price, ...]


class WatchResolution(Message, frozen=True, kw_only=True, gc=False):
    """A portfolio holds this market: tell the sender (`MarketResolved`) once it is known what it pays."""

    condition_id: ConditionId
