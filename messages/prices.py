"""What markets are worth, as one contract (P8): for actors, the HTTP API and the page alike.

Every answer carries when its prices were true (`as_of_ns`, wall), how old that is by the monotonic clock
(`age_ms`), whether that is older than asked for (`stale`), and its source. At T1 what is too old is refused:
no number is given then.
"""

from __future__ import annotations

import msgspec

from messages.base import Message
from messages.ids import ConditionId, TokenId
from messages.markets import FreshQuery, Market, Tier
from messages.trades import Side
from messages.units import Price, Shares, Usdc

IDS_MAX = 500
"""Markets in one `PricesQuery`."""
FOLLOWED_MAX = 2_000
"""Markets that one sender follows; more are left out."""


class PriceQuery(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Ask the price service what a market's outcomes are worth; answered with `PriceAnswer`."""

    condition_id: ConditionId


class PricesQuery(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Ask for several markets at once, at most `IDS_MAX`; answered with one `PricesAnswer`."""

    condition_ids: tuple[ConditionId, ...]


class PriceAnswer(Message, frozen=True, kw_only=True, gc=False):
    """What a market's outcomes are worth, with the age of that, or why it is not known.

    `prices` are in outcome order, empty where nothing is known of them (also of legacy rows closed with
    zeros: unknown, never a loss). A resolved market's are what it pays, never stale. `market` is the rest
    that is known of it, with an age of its own. `unknown` says that no host has such a market; `refused`
    that at T1 nothing fresh enough could be had, then `prices` is empty and `error` says why.
    """

    condition_id: ConditionId
    market: Market | None
    prices: tuple[Price, ...]
    as_of_ns: int
    age_ms: int
    stale: bool
    source: str
    tier: Tier
    age_ms_max: int = 0
    """The age that was accepted: once it is older than this, what was not stale is."""
    market_as_of_ns: int = 0
    market_age_ms: int = 0
    error: str = ""
    refused: bool = False
    unknown: bool = False


class PricesAnswer(Message, frozen=True, kw_only=True, gc=False):
    """An answer for each market asked for, in the order asked, each once."""

    answers: tuple[PriceAnswer, ...]


class EffectivePriceQuery(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Ask what `size` shares of an outcome would cost (BUY) or bring (SELL) by its book; answered with
    `EffectivePriceAnswer`."""

    token_id: TokenId
    side: Side
    size: Shares


class EffectivePriceAnswer(Message, frozen=True, kw_only=True, gc=False):
    """The walk through a book's levels for a size (E6, P12), with the book's age and source.

    `filled` is how much of the size the book holds, `notional` its cost before fees (rounded up for a buy,
    down for a sale), `average` that by share, `best` and `worst` the first and last price taken; all three
    None where nothing is filled or known. `error`, `stale`, `refused` and `missing` are those of the book.
    """

    token_id: TokenId
    side: Side
    size: Shares
    filled: Shares
    notional: Usdc
    average: Price | None
    best: Price | None
    worst: Price | None
    as_of_ns: int
    age_ms: int
    stale: bool
    source: str
    error: str = ""
    refused: bool = False
    missing: bool = False


class FollowPrices(Message, frozen=True, kw_only=True, gc=False):
    """Send the sender `PriceMoved` for these markets and no others, for the next `FOLLOW_S` seconds.

    Each market at once, then whenever its prices move (no more often than a few times a second), and every
    few seconds anyway, so that a follower sees the age grow when nothing comes. Sent again it renews itself.
    """

    condition_ids: tuple[ConditionId, ...]


FOLLOW_S = 15.0
"""How long a follower is told without saying so again."""


class PriceMoved(Message, frozen=True, kw_only=True, gc=False):
    """To a follower: what a market is worth now."""

    answer: PriceAnswer


class DemandQuery(Message, frozen=True, kw_only=True, gc=False):
    """Ask which markets are kept warm and for whom; answered with `DemandState`."""


class MarketDemand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market of the hot set: why it is there, and how fresh it is kept."""

    condition_id: ConditionId
    question: str
    tier: Tier | None
    """The most demanding tier that asked lately, None where nobody did."""
    held: bool
    """Whether a position in it waits for its resolution."""
    followed: bool
    last_requested_at_ns: int
    """0 for never since the start."""
    requests: int
    live: int
    """How many of its outcomes have a live book that can be trusted."""
    source: str
    age_ms: int
    """Of its prices; -1 where none are known."""


class DemandState(Message, frozen=True, kw_only=True, gc=False):
    """The hot set, the most demanding and most recent first."""

    markets: tuple[MarketDemand, ...]
