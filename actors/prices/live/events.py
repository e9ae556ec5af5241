"""What the market channel tells, in canonical units."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from messages.ids import ConditionId, TokenId
from messages.markets import Book
from messages.trades import Side
from messages.units import Price, Shares


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole book: sent on subscribing and after trades."""

    condition_id: ConditionId
    book: Book
    tick: Price
    """0 where the frame does not say."""
    at_ms: int


class LevelChange(msgspec.Struct, frozen=True, gc=False):
    """The new total at one level of one outcome, and the best prices that hold after it."""

    token_id: TokenId
    side: Side
    price: Price
    size: Shares
    hash: str
    best_bid: Price | None
    best_ask: Price | None


class LevelsChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Changes of one instant, often of both outcomes of a market."""

    condition_id: ConditionId
    changes: tuple[LevelChange, ...]
    at_ms: int


class LastTrade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A trade on an outcome; whose is not said. `side` is the taker's."""

    condition_id: ConditionId
    token_id: TokenId
    side: Side
    price: Price
    size: Shares
    at_ms: int


class TickChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The tick size of an outcome changed: its book is void until the next snapshot."""

    condition_id: ConditionId
    token_id: TokenId
    old_tick: Price
    new_tick: Price
    at_ms: int


class BestPrices(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The best prices of an outcome."""

    condition_id: ConditionId
    token_id: TokenId
    best_bid: Price | None
    best_ask: Price | None
    at_ms: int


class MarketCreated(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market was listed; sent for every market of the venue."""

    condition_id: ConditionId
    token_ids: tuple[TokenId, ...]
    outcomes: tuple[str, ...]
    question: str
    slug: str
    event_slug: str
    at_ms: int


class WinnerAnnounced(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market was resolved: the third witness of who won."""

    condition_id: ConditionId
    token_ids: tuple[TokenId, ...]
    winner: TokenId
    at_ms: int


Event: TypeAlias = (
    BookSnapshot | LevelsChanged | LastTrade | TickChanged | BestPrices | MarketCreated | WinnerAnnounced
)
