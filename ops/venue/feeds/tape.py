"""Plays a tape: records of the envelope format become events in their recorded rhythm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

import msgspec

from messages import envelope
from messages.envelope import Envelope
from ops.venue.book import Book
from ops.venue.errors import TapeUnplayable
from ops.venue.feeds.events import BookStated, Event, FrameRecorded, LegsTraded, MarketStated
from ops.venue.leg import Leg, Role, Side
from ops.venue.market import from_gamma

T = TypeVar("T")


class _Frame(msgspec.Struct):
    payload: msgspec.Raw
    topic: str = ""
    type: str = ""


class _Payload(msgspec.Struct, rename="camel"):
    """The fields of a trade frame that the venue itself needs."""

    asset: str
    condition_id: str
    proxy_wallet: str
    transaction_hash: str
    side: Side
    price: Decimal
    size: Decimal
    fee: Decimal | None = None
    outcome: str = ""
    outcome_index: int = 0
    title: str = ""
    slug: str = ""
    event_slug: str = ""
    icon: str = ""
    name: str = ""
    pseudonym: str = ""


class _Level(msgspec.Struct):
    price: str
    size: str


class _BookAnswer(msgspec.Struct):
    asset_id: str
    market: str
    bids: list[_Level]
    asks: list[_Level]
    last_trade_price: str = ""


class TapeFeed:
    """The events of one tape, whose relative timing is that of the records' `at`."""

    def __init__(self, path: Path) -> None:
        try:
            records = list(envelope.read(path))
        except envelope.TapeError as error:
            raise TapeUnplayable(str(error)) from error
        except OSError as error:
            raise TapeUnplayable(f"the tape {path} cannot be read: {error.strerror}") from error
        if not records:
            raise TapeUnplayable(f"the tape {path} holds no record")
        records.sort(key=lambda record: record.at)
        timed = [(record.at, _event(record, path)) for record in records]
        first = next(
            (i for i, (_, event) in enumerate(timed) if isinstance(event, LegsTraded | FrameRecorded)), None
        )
        split = len(timed) if first is None else first
        self._opening = [event for _, event in timed[:split]]
        self._timed = timed[split:]
        self._origin_ns = self._timed[0][0] if self._timed else timed[0][0]

    @property
    def origin_ns(self) -> int:
        """When the first trade frame was recorded: play begins with it."""
        return self._origin_ns

    @property
    def length_ns(self) -> int:
        """The time from the first trade frame to the last record."""
        return self._timed[-1][0] - self._origin_ns if self._timed else 0

    def opening(self) -> Sequence[Event]:
        """Return the markets and books recorded before the first trade."""
        return self._opening

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield the records from the first trade on."""
        for at, event in self._timed:
            yield at - self._origin_ns, event

    def leaders(self) -> Sequence[str]:
        """Return every wallet on the tape, busiest first."""
        wallets = Counter(
            leg.wallet for _, event in self._timed if isinstance(event, LegsTraded) for leg in event.legs
        )
        return [wallet for wallet, _ in sorted(wallets.items(), key=lambda item: (-item[1], item[0]))]


def _event(record: Envelope, path: Path) -> Event:
    where = f"{path}: record seq {record.seq} ({record.source})"
    if record.source == "rtds.activity":
        return _trade(record)
    if record.source == "gamma.market":
        return MarketStated(from_gamma(_decode(record.payload, dict, where), where))
    if record.source == "clob.book":
        return BookStated(_book(_decode(record.payload, _BookAnswer, where), where))
    raise TapeUnplayable(
        f"{where}: the venue plays the sources rtds.activity, gamma.market and clob.book and knows no other"
    )


def _trade(record: Envelope) -> Event:
    """Return the leg a recorded frame tells of; anything else on that wire is passed on untouched."""
    try:
        frame = msgspec.json.decode(record.payload, type=_Frame)
        payload = msgspec.json.decode(frame.payload, type=_Payload)
        raw = msgspec.json.decode(frame.payload, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return FrameRecorded(bytes(record.payload).decode())
    if frame.topic != "activity" or frame.type != "trades":
        return FrameRecorded(bytes(record.payload).decode())
    raw.pop("timestamp", None)
    role: Role = "maker" if payload.fee is None else "taker"
    leg = Leg(
        wallet=payload.proxy_wallet.lower(),
        transaction=payload.transaction_hash,
        token=payload.asset,
        condition=payload.condition_id,
        side=payload.side,
        role=role,
        price=payload.price,
        size=payload.size,
        fee=payload.fee if payload.fee is not None else Decimal(0),
        outcome=payload.outcome,
        outcome_index=payload.outcome_index,
        title=payload.title,
        slug=payload.slug,
        event_slug=payload.event_slug,
        icon=payload.icon,
        name=payload.name,
        pseudonym=payload.pseudonym,
        body=msgspec.json.encode(raw)[:-1],
    )
    return LegsTraded((leg,))


def _book(answer: _BookAnswer, where: str) -> Book:
    try:
        bids = {Decimal(level.price): Decimal(level.size) for level in answer.bids}
        asks = {Decimal(level.price): Decimal(level.size) for level in answer.asks}
    except InvalidOperation as error:
        raise TapeUnplayable(f"{where}: prices and sizes of a book are decimal strings") from error
    book = Book(answer.asset_id, answer.market, bids, asks, answer.last_trade_price)
    if book.best_bid is not None and book.best_ask is not None and book.best_bid >= book.best_ask:
        raise TapeUnplayable(f"{where}: the book is crossed, bid {book.best_bid} against ask {book.best_ask}")
    return book


def _decode(payload: msgspec.Raw, kind: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.MsgspecError as error:
        raise TapeUnplayable(f"{where}: {error}") from error
