"""Leaders' trades: what a source reported, and what Remora accepted as one trade."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from messages.base import Message, MoneyMessage
from messages.ids import ConditionId, TokenId, TradeId, TxHash, Wallet
from messages.units import Price, Shares, Usdc


class Side(StrEnum):
    """What the leader, or we, did."""

    BUY = "BUY"
    SELL = "SELL"


class SourceKind(StrEnum):
    """Where a report came from. Reports of one kind have the same granularity: they merge row by row."""

    STREAM = "stream"
    API = "api"
    CHAIN = "chain"


class FillReported(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """One row of one source about a fill of a watched wallet, in canonical units.

    The same fill arrives as several of these: again on the same feed, on another feed, from another kind.
    `feed` names one socket or one poller. `occurrence` is 1 for the first row with this content that the
    feed delivered for the transaction, 2 for the second, …: it tells twins from re-deliveries, and a feed
    may start again from 1 at any time. `usdc` is shares times price without fees. `outcome_index` is None
    where the source cannot be trusted on it. `block_number` and `log_index` are known to the chain alone.
    `sweep_ns` is when the sweep began that found the row, for a source that is asked again and again, and 0
    for one that tells of a fill once: what one sweep found takes the place of what earlier ones did.
    """

    wallet: Wallet
    tx: TxHash
    condition_id: ConditionId
    token_id: TokenId
    side: Side
    size: Shares
    price: Price
    usdc: Usdc
    traded_at_ns: int
    kind: SourceKind
    feed: str
    seen_at_ns: int
    seen_mono_ns: int
    occurrence: int = 1
    sweep_ns: int = 0
    outcome: str = ""
    outcome_index: int | None = None
    title: str = ""
    slug: str = ""
    event_slug: str = ""
    block_number: int | None = None
    log_index: int | None = None
    raw: bytes = b""


class LeaderTrade(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """A leader's trade as Remora knows it: accepted once, whatever reported it.

    `position_before` and `position_after` are the leader's shares of this outcome as Remora has followed
    them (L1). `seen_mono_ns` is the monotonic clock at the socket and 0 for a trade read back from the
    store. `seq` is the store's order of acceptance and 0 until it is stored.
    """

    trade_id: TradeId
    key: str
    ordinal: int
    wallet: Wallet
    tx: TxHash
    condition_id: ConditionId
    token_id: TokenId
    side: Side
    size: Shares
    price: Price
    usdc: Usdc
    traded_at_ns: int
    seen_at_ns: int
    seen_mono_ns: int
    kind: SourceKind
    feed: str
    backfill: bool
    position_before: Shares
    position_after: Shares
    outcome: str = ""
    title: str = ""
    slug: str = ""
    event_slug: str = ""
    block_number: int | None = None
    log_index: int | None = None
    is_remainder: bool = False
    """Whether it is no row of its source but what that source had reported more than the others."""
    stands: Shares | None = None
    """How much of `size` still counts after corrections, None where there were none."""
    raw: bytes = b""
    seq: int = 0

    @property
    def trace_id(self) -> str:
        """The id that follows this trade through every log line."""
        return self.trade_id


class FillsRetracted(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """From the chain: this transaction is in no block any more, so none of its fills of this wallet happened.

    A reorganisation removes a transaction whole. If it is mined again after all, its fills are reported anew,
    and count again under the identity that they had.
    """

    wallet: Wallet
    tx: TxHash
    feed: str
    seen_at_ns: int


class FillTotal(msgspec.Struct, frozen=True, gc=False):
    """How many shares of an outcome a transaction moved for a wallet."""

    token_id: TokenId
    side: Side
    shares: Shares


class FillsConfirmed(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """From the chain: what this transaction did for this wallet, now that its block is deep enough to stay.

    Sent only where the feed saw every log of the wallet from before the block until now. It says nothing of
    outcomes that are not in `totals`.
    """

    wallet: Wallet
    tx: TxHash
    feed: str
    totals: tuple[FillTotal, ...]
    seen_at_ns: int


class GapSuspected(Message, frozen=True, kw_only=True, gc=False):
    """The stream may have missed something since `since_ns` (wall): the poller looks, leaders wait."""

    since_ns: int
    reason: str


class Swept(Message, frozen=True, kw_only=True, gc=False):
    """The poller handed over everything that the API had of this wallet at `began_at_ns` (wall).

    Sent behind the fills on the same way. `load` is that of the leader it began for (see `LeaderReady`).
    `is_whole` is False where a row could not be read: then something may be missing from what was found.
    """

    wallet: Wallet
    began_at_ns: int
    is_whole: bool = True
    load: int = 0


class CursorReached(Message, frozen=True, kw_only=True, gc=False):
    """Everything of this wallet up to `cursor_s` (epoch seconds) has been handed to its leader actor.

    Sent behind the fills on the same way, so that the cursor is never durable before they are. `load` is that
    of the leader they were handed to (see `LeaderReady`): for any other they say nothing.
    """

    wallet: Wallet
    cursor_s: int
    load: int = 0
