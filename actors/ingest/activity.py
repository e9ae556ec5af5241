"""Decoder of Data API v2 activity pages (polymarket-wire.md, section 5).

A page is taken apart first and its rows are decoded one by one, so that one bad row costs no other.
`usdc` is size times price: the API's own `usdc_size` has the taker fee in it. Nothing here may turn a
number into a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec

from actors.ingest import fields
from actors.ingest.errors import INVALID, UNREADABLE, Malformed
from actors.ingest.movements import KINDS, UNKNOWN, Moved, moved
from messages import ids, units
from messages.ids import Wallet
from messages.trades import FillReported, SourceKind

TRADE: Final = "TRADE"


class _Pagination(msgspec.Struct, gc=False):
    next_cursor: str | None = None


class _Envelope(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] | None
    pagination: _Pagination | None = None


class _Kind(msgspec.Struct, gc=False):
    type: str
    timestamp: Decimal


class _When(msgspec.Struct, gc=False):
    timestamp: Decimal


class _Trade(msgspec.Struct, gc=False):
    """The documented row. What only describes the trade may be missing or of any type."""

    proxy_wallet: str
    transaction_hash: str
    condition_id: str
    token_id: str
    side: str
    size: Decimal
    price: Decimal
    timestamp: Decimal
    outcome: Any = ""
    outcome_index: Any = None
    title: Any = ""
    slug: Any = ""
    event_slug: Any = ""


_envelope = msgspec.json.Decoder(_Envelope)
_kind = msgspec.json.Decoder(_Kind)
_when = msgspec.json.Decoder(_When)
_trade = msgspec.json.Decoder(_Trade)


@dataclass(frozen=True, slots=True)
class Page:
    """The undecoded rows of a page and the way to the next one, if there is one."""

    rows: tuple[bytes, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class OtherActivity:
    """A row that neither is a trade nor moves shares: a reward, a deposit, …."""

    type: str
    timestamp_s: int


def page(body: bytes) -> Page:
    """Return the page that a body holds. Raises `Malformed`."""
    try:
        envelope = _envelope.decode(body)
    except UNREADABLE as error:
        raise Malformed.of(error, "page") from error
    rows = tuple(bytes(row) for row in envelope.data or ())
    cursor = envelope.pagination.next_cursor if envelope.pagination is not None else None
    return Page(rows, cursor or None)


def row(
    raw: bytes, *, wallet: Wallet, feed: str, seen_at_ns: int, seen_mono_ns: int
) -> FillReported | Moved | OtherActivity:
    """Return what a row of `wallet`'s activity reports. Raises `Malformed`, `Unclear` or `ComboMarket`."""
    try:
        kind = _kind.decode(raw)
        if kind.type in KINDS or kind.type in UNKNOWN:
            return moved(raw, kind.type, wallet)
        if kind.type != TRADE:
            return OtherActivity(kind.type, fields.epoch_ns(kind.timestamp, "timestamp") // fields.NS_PER_S)
        return _fill(raw, _trade.decode(raw), wallet, feed, seen_at_ns, seen_mono_ns)
    except INVALID as error:
        raise Malformed.of(error, "row") from error


def timestamp_s(raw: bytes) -> int | None:
    """Return the time of a row that is otherwise broken, or None where even that cannot be read."""
    try:
        return fields.epoch_ns(_when.decode(raw).timestamp, "timestamp") // fields.NS_PER_S
    except (Malformed, *UNREADABLE):
        return None


def _fill(
    raw: bytes, trade: _Trade, wallet: Wallet, feed: str, seen_at_ns: int, seen_mono_ns: int
) -> FillReported:
    owner = ids.wallet(trade.proxy_wallet)
    if owner != wallet:
        raise Malformed("proxy_wallet", owner, f"{wallet}, whose activity was asked for")
    size = units.positive(trade.size, "size")
    price = units.probability(trade.price, "price")
    return FillReported(
        wallet=owner,
        tx=ids.transaction(trade.transaction_hash),
        condition_id=fields.condition(trade.condition_id),
        token_id=ids.token(trade.token_id),
        side=fields.side(trade.side, "side"),
        size=size,
        price=price,
        usdc=units.notional(size, price),
        traded_at_ns=fields.epoch_ns(trade.timestamp, "timestamp"),
        kind=SourceKind.API,
        feed=feed,
        seen_at_ns=seen_at_ns,
        seen_mono_ns=seen_mono_ns,
        outcome=fields.text(trade.outcome),
        outcome_index=fields.outcome_index(trade.outcome_index),
        title=fields.text(trade.title),
        slug=fields.text(trade.slug),
        event_slug=fields.text(trade.event_slug),
        raw=raw,
    )
