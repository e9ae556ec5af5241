"""Decoder of trade-stream frames (polymarket-wire.md, section 4).

Two steps, because the stream carries every trade of the platform and few of them are a leader's: `head`
reads just enough to know whose trade it is; `fill` reads the whole frame, strictly. Nothing here may turn
a number into a float.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias

import msgspec

from actors.ingest import fields
from actors.ingest.errors import INVALID, UNREADABLE, Malformed, SubscriptionRefused
from messages import ids, units
from messages.trades import FillReported, SourceKind

TOPIC: Final = "activity"
TYPE: Final = "trades"
SUBSCRIBE: Final = '{"action":"subscribe","subscriptions":[{"topic":"activity","type":"trades"}]}'
PING: Final = "PING"

Frame: TypeAlias = str | bytes


class Ignored(Enum):
    """Frames that are no trades."""

    BLANK = "blank"
    PONG = "pong"
    OTHER = "other"
    """Another topic or type."""


class _Whose(msgspec.Struct, gc=False):
    proxyWallet: str
    timestamp: Any = None


class Head(msgspec.Struct, gc=False):
    """Whose trade a frame is about, and when it says it happened."""

    topic: str
    type: str
    payload: _Whose
    timestamp: Any = None

    def event_ms(self) -> int | None:
        """Return when the trade or its frame came into being, the earlier of the two, for measuring lag."""
        return fields.event_ms(self.timestamp, self.payload.timestamp)


class _Subject(msgspec.Struct, gc=False):
    topic: Any = None
    type: Any = None
    statusCode: Any = None
    body: msgspec.Raw = msgspec.Raw()


class _Trade(msgspec.Struct, gc=False):
    """The documented payload. What only describes the trade may be missing or of any type."""

    proxyWallet: str
    transactionHash: str
    conditionId: str
    asset: str
    side: str
    size: Decimal
    price: Decimal
    timestamp: Decimal
    outcome: Any = ""
    outcomeIndex: Any = None
    title: Any = ""
    slug: Any = ""
    eventSlug: Any = ""


class _Whole(msgspec.Struct, gc=False):
    payload: _Trade


_head = msgspec.json.Decoder(Head)
_subject = msgspec.json.Decoder(_Subject)
_whole = msgspec.json.Decoder(_Whole)


def head(frame: Frame) -> Head | Ignored:
    """Return whose trade the frame is about, or why it is none.

    Raises `Malformed` for what is no JSON object or a trade without a wallet, and `SubscriptionRefused`.
    """
    try:
        found = _head.decode(frame)
    except UNREADABLE as error:
        return _unusual(frame, error)
    return found if found.topic == TOPIC and found.type == TYPE else Ignored.OTHER


def _unusual(frame: Frame, error: Exception) -> Ignored:
    """Tell a frame that is not meant for us from a trade that is broken."""
    bare = frame.strip()
    if not bare:
        return Ignored.BLANK
    if bare in ("PONG", b"PONG", "pong", b"pong"):
        return Ignored.PONG
    try:
        subject = _subject.decode(frame)
    except UNREADABLE as worse:
        raise Malformed.of(worse, "frame") from worse
    if isinstance(subject.statusCode, int) and subject.statusCode >= 400:
        said = bytes(subject.body)[:200].decode("utf-8", "replace")
        raise SubscriptionRefused(f"the subscription was refused with {subject.statusCode}: {said}")
    if subject.topic == TOPIC and subject.type == TYPE:
        raise Malformed.of(error, "frame") from error
    return Ignored.OTHER


def fill(frame: Frame, *, feed: str, seen_at_ns: int, seen_mono_ns: int) -> FillReported:
    """Return the report of a trade frame, with `occurrence` 1. Raises `Malformed` or `ComboMarket`."""
    raw = frame.encode() if isinstance(frame, str) else frame
    try:
        trade = _whole.decode(raw).payload
        size = units.positive(trade.size, "payload.size")
        price = units.probability(trade.price, "payload.price")
        return FillReported(
            wallet=ids.wallet(trade.proxyWallet),
            tx=ids.transaction(trade.transactionHash),
            condition_id=fields.condition(trade.conditionId),
            token_id=ids.token(trade.asset),
            side=fields.side(trade.side, "payload.side"),
            size=size,
            price=price,
            usdc=units.notional(size, price),
            traded_at_ns=fields.epoch_ns(trade.timestamp, "payload.timestamp"),
            kind=SourceKind.STREAM,
            feed=feed,
            seen_at_ns=seen_at_ns,
            seen_mono_ns=seen_mono_ns,
            outcome=fields.text(trade.outcome),
            outcome_index=fields.outcome_index(trade.outcomeIndex),
            title=fields.text(trade.title),
            slug=fields.text(trade.slug),
            event_slug=fields.text(trade.eventSlug),
            raw=raw,
        )
    except INVALID as error:
        raise Malformed.of(error, "frame") from error
