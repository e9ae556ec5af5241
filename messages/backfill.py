"""History that an operator asked for: read from the Data API, recorded as backfill, never copied.

The poller reads it page by page, the leaders' historian tells what is new, the store keeps it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from messages.base import Message, MoneyMessage
from messages.ids import Wallet
from messages.movements import LeaderMovement, MovementReported
from messages.store import LeaderPosition
from messages.trades import FillReported, LeaderTrade


class BackfillRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wallet's history from and to a time (epoch seconds), read up to `reached_s`."""

    request_id: int
    wallet: Wallet
    from_s: int
    to_s: int
    reached_s: int


class BackfillsWanted(Message, frozen=True, kw_only=True, gc=False):
    """To ingest: everything that is to be read and is not done, and who takes it."""

    requests: tuple[BackfillRequest, ...]
    historian: Any


class HistoryPage(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To the historian: a page of a request, oldest first; answered with `HistoryTaken` once it is durable.

    `rows` counts what was on the page. A `refusal` says that there will be no more of it, and why.
    """

    request_id: int
    wallet: Wallet
    fills: tuple[FillReported, ...]
    movements: tuple[MovementReported, ...]
    rows: int
    reached_s: int
    is_last: bool
    refusal: str = ""


class HistoryTaken(Message, frozen=True, kw_only=True, gc=False):
    """The page is durable: the next one may come."""

    request_id: int


class LoadTrades(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `TradesLoaded`: a wallet's trades from and to a time, both included."""

    wallet: Wallet
    from_ns: int
    to_ns: int


class TradesLoaded(Message, frozen=True, kw_only=True, gc=False):
    """The trades in the order of their acceptance, and since when the wallet is followed, None for never."""

    wallet: Wallet
    trades: tuple[LeaderTrade, ...]
    followed_at_ns: int | None


class StoreHistory(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record a page's trades and movements and how far the request got, in one transaction.

    Positions are worked out anew with the last page. Answered with `HistoryStored`.
    """

    request_id: int
    trades: tuple[LeaderTrade, ...]
    movements: tuple[LeaderMovement, ...]
    rows: int
    reached_s: int
    is_last: bool
    refusal: str = ""


class HistoryStored(Message, frozen=True, kw_only=True, gc=False):
    """The page is durable; `trades` were not there before."""

    request_id: int
    trades: int


class HistoryAdded(Message, frozen=True, kw_only=True, gc=False):
    """To the leaders: a wallet's past is another than it was, and so is the position that follows from it."""

    wallet: Wallet


class FoldPositions(Message, frozen=True, kw_only=True, gc=False):
    """Work a wallet's positions out anew from all that is stored of it; answered with `PositionsFolded`."""

    wallet: Wallet


class PositionsFolded(Message, frozen=True, kw_only=True, gc=False):
    """A leader's positions as they follow from its trades and movements in the order of time."""

    wallet: Wallet
    positions: tuple[LeaderPosition, ...]
