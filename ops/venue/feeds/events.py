"""What a feed tells the venue, and what a feed is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from ops.venue.book import Book, LevelChange
from ops.venue.leg import Leg
from ops.venue.market import Market


class MarketStated(msgspec.Struct, frozen=True):
    """A market is new, or is now like this (closed, resolved)."""

    market: Market


class BookStated(msgspec.Struct, frozen=True):
    """A token's whole book is now like this."""

    book: Book


class LevelsChanged(msgspec.Struct, frozen=True):
    """Some levels of one market's books have new sizes."""

    condition: str
    changes: Sequence[LevelChange]


class TickChanged(msgspec.Struct, frozen=True):
    """A market's prices lie on another grid from now on."""

    condition: str
    tick: Decimal


class LegsTraded(msgspec.Struct, frozen=True):
    """One transaction happened; its legs in the order of their frames."""

    legs: Sequence[Leg]


class FrameRecorded(msgspec.Struct, frozen=True):
    """A recorded frame of the trade stream that is no trade; it is sent as it is."""

    text: str


Event = MarketStated | BookStated | LevelsChanged | TickChanged | LegsTraded | FrameRecorded


class Feed(Protocol):
    """Where the venue's world comes from. Same feed, same configuration: same sequence."""

    @property
    def origin_ns(self) -> int:
        """The wall time that the feed's own dates count its beginning as."""

    def opening(self) -> Sequence[Event]:
        """Return what is known before play begins."""

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield events with their time from the beginning of play in nanoseconds, never decreasing."""

    def leaders(self) -> Sequence[str]:
        """Return wallets worth following, busiest first."""
