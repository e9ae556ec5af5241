"""What the price service tells itself: timers and landed calls."""

from __future__ import annotations

from enum import StrEnum

from actors.prices.questions import Stamped
from actors.prices.resolution import Statement
from messages.base import Message
from messages.ids import ConditionId, TokenId
from messages.markets import Book, Market
from messages.store import MarketRow


class Stage(StrEnum):
    """Who is asked for a market, in this order."""

    GAMMA_OPEN = "gamma"
    GAMMA_CLOSED = "gamma, closed ones"
    """A second call, because Gamma leaves closed markets out unless asked for them."""
    CLOB = "clob"


class GatherMarkets(Message, frozen=True, kw_only=True, gc=False):
    """Ask for the markets gathered."""


class GatherBooks(Message, frozen=True, kw_only=True, gc=False):
    """Ask for the books gathered."""


class GatherTokens(Message, frozen=True, kw_only=True, gc=False):
    """Ask for the tokens gathered."""


class WarmTick(Message, frozen=True, kw_only=True, gc=False):
    """Look through what is in play, and refresh it."""


class MovedTick(Message, frozen=True, kw_only=True, gc=False):
    """Tell followers what moved."""


class WriteTick(Message, frozen=True, kw_only=True, gc=False):
    """Write news of markets back."""


class ResolutionTick(Message, frozen=True, kw_only=True, gc=False):
    """Ask whether watched markets are resolved."""


class StoredLanded(Message, frozen=True, kw_only=True, gc=False):
    """The database said what it has of markets, or nothing in time."""

    asked: tuple[ConditionId, ...]
    rows: tuple[MarketRow, ...] = ()


class MarketsLanded(Message, frozen=True, kw_only=True, gc=False):
    """A call for markets came to its end: with an answer, or with an error."""

    asked: tuple[ConditionId, ...]
    stage: Stage
    answer: Stamped[Market] | None = None
    error: str = ""
    missing: bool = False
    """The host said that it has no such market."""


class TokensLanded(Message, frozen=True, kw_only=True, gc=False):
    """A call for the markets of tokens came to its end: with an answer by token, or with an error."""

    asked: tuple[TokenId, ...]
    stage: Stage
    answer: Stamped[Market] | None = None
    error: str = ""


class WitnessLanded(Message, frozen=True, kw_only=True, gc=False):
    """CLOB's word on a market that Gamma calls closed; None where it gave none."""

    condition_id: ConditionId
    answer: Stamped[Market] | None = None


class FeedLanded(Message, frozen=True, kw_only=True, gc=False):
    """The resolution feed's word on a market; None where it gave none."""

    condition_id: ConditionId
    statement: Statement | None = None


class BooksLanded(Message, frozen=True, kw_only=True, gc=False):
    """A call for books came to its end: with an answer, or with an error."""

    asked: tuple[TokenId, ...]
    batch: bool
    answer: Stamped[Book] | None = None
    error: str = ""
    missing: bool = False
    """The venue said that it has no such book."""
