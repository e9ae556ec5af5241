"""What passes between ingest and its children, beside the common vocabulary."""

from __future__ import annotations

from messages.base import Message
from messages.ids import Wallet
from messages.ingest import FeedState


class FeedStarted(Message, frozen=True, kw_only=True, gc=False):
    """From a child that is new or started over: it knows nothing yet."""

    feed: str


class FeedReport(Message, frozen=True, kw_only=True, gc=False):
    """From a child, each second. `trades` counts the platform's distinct trade frames it has read.

    `active` are the watched wallets that it saw trading since the last report.
    """

    state: FeedState
    trades: int = 0
    active: tuple[Wallet, ...] = ()


class LeadersActive(Message, frozen=True, kw_only=True, gc=False):
    """To the poller: these wallets traded just now, as another source saw."""

    wallets: tuple[Wallet, ...]


class TradeMissed(Message, frozen=True, kw_only=True, gc=False):
    """From a child: what may be a trade came and could not be taken; `wallet` is whose, if known."""

    feed: str
    wallet: Wallet | None
    at_ns: int
    reason: str


class LeaderDoubted(Message, frozen=True, kw_only=True, gc=False):
    """To the poller: look at this wallet, a trade of it may have been missed."""

    wallet: Wallet


class FrameTaken(Message, frozen=True, kw_only=True, gc=False):
    """To the recorder: a leader's frame as it came. The same `key` from another socket is the same trade."""

    key: int
    at_ns: int
    monotonic_ns: int
    frame: bytes
