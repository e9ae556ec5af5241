"""Every live book by token, with the proof that it still holds. Pure: the caller brings the time.

How old a live book is, is how long ago it was last proved, not how long ago it changed: a quiet market is not
a stale one. What proves a book:

- an event of its own, or CLOB answering with the same book;
- any data frame on its socket, once the book has had a snapshot there. What was seen to stall is whole
  sockets, or outcomes that never deliver a first event (polymarket-wire.md, section 2); a socket that answers
  pings and sends no data proves nothing.

What comes late proves only how things were when it was sent. As a net under all that, every live book is
compared with CLOB's every so often; one that differs for good is dropped, and its socket is suspected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from actors.prices.live.book import LiveBook
from actors.prices.live.events import (
    BestPrices,
    BookSnapshot,
    Event,
    LastTrade,
    LevelsChanged,
    TickChanged,
)
from messages.ids import TokenId
from messages.markets import Book
from messages.trades import Side
from messages.units import Price

Level: TypeAlias = tuple[Side, Price]

NEVER_NS: Final = -(10**30)
SUSPECT_NS: Final = 2_000_000_000
"""How long the stream may take to bring what CLOB already answers with."""
LATE_MS: Final = 2_000
"""Later than this a stream is late, and not only our clock a little off."""
NS_PER_MS: Final = 1_000_000
SAME_HASH: Final = "CLOB has other levels under the same hash"
DIFFERS: Final = "CLOB answers with another book"
_TIMED: Final = (LevelsChanged, BestPrices, LastTrade)
"""Events whose time is that of their happening."""


class Doubt(msgspec.Struct, frozen=True, gc=False):
    """A level at which CLOB answered something else, since when, and when the stream had changed it last."""

    since_ns: int
    changed_ms: int


class Seat(msgspec.Struct, gc=False):
    """One token's live book, and where it comes from."""

    book: LiveBook
    shard: str
    subscribed_ns: int
    """When it was last subscribed to, or its socket came up; NEVER_NS while that is down."""
    proved_ns: int = NEVER_NS
    """When an event of its own, or CLOB, last showed that the book holds."""
    verified_ns: int = NEVER_NS
    """When it was last compared with CLOB."""
    unsure_since_ns: int | None = None
    """Since when it has been in doubt, None while it is not."""
    doubts: dict[Level, Doubt] = msgspec.field(default_factory=dict)
    silent: int = 0
    """How often in a row it was subscribed to without a first event."""
    voided_at_ns: int = NEVER_NS
    """When the book was dropped for something a later book may cure, such as a new tick."""
    missed_ns: int = NEVER_NS
    """When a change last came that could not be applied, for want of a book to be trusted."""
    missed_ms: int = 0
    """The venue's time of the newest such change."""


class Board:
    """The live books. What is not proved is not handed out."""

    def __init__(self, first_event_ns: int, verify_ns: int) -> None:
        self._first_event_ns = first_event_ns
        self._verify_ns = verify_ns
        self._seats: dict[TokenId, Seat] = {}
        self._flow_ns: dict[str, int] = {}
        """By socket that is up: when data last came."""
        self._late: dict[str, int] = {}
        """By socket: how late it runs."""
        self._up_ns: dict[str, int] = {}
        self._contradicted: dict[str, list[TokenId]] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def __contains__(self, token_id: TokenId) -> bool:
        return token_id in self._seats

    def seat(self, token_id: TokenId) -> Seat | None:
        """Return a token's seat."""
        return self._seats.get(token_id)

    @property
    def trusted(self) -> int:
        """How many books could be handed out."""
        return sum(seat.book.trusted for seat in self._seats.values())

    def add(self, token_id: TokenId, shard: str, now_ns: int) -> None:
        """Expect a token's events from a socket."""
        held = self._seats.get(token_id)
        up = now_ns if shard in self._flow_ns else NEVER_NS
        silent = held.silent if held is not None else 0
        self._seats[token_id] = Seat(LiveBook(token_id), shard, up, silent=silent)

    def remove(self, token_id: TokenId) -> None:
        """Expect nothing of a token any more."""
        self._seats.pop(token_id, None)

    def up(self, shard: str, now_ns: int) -> None:
        """A socket was opened and subscribed: what it is to deliver begins with snapshots."""
        self._flow_ns[shard] = NEVER_NS
        self._late.pop(shard, None)
        self._up_ns[shard] = now_ns
        for seat in self._of(shard):
            self._begin(seat, now_ns, "the socket is new")

    def down(self, shard: str) -> None:
        """A socket is gone, and with it whatever would have changed its books."""
        self._flow_ns.pop(shard, None)
        for seat in self._of(shard):
            self._begin(seat, NEVER_NS, "the socket is gone")

    def resubscribed(self, token_id: TokenId, now_ns: int) -> None:
        """Note that a token was subscribed to anew on its socket."""
        seat = self._seats[token_id]
        seat.silent += 1
        seat.subscribed_ns = now_ns

    def take(self, shard: str, events: Sequence[Event], now_ns: int, wall_ms: int = 0) -> set[TokenId]:
        """Apply the events of one frame; return the tokens whose books, or trust in them, changed.

        What a socket says of tokens that are another's by now is not listened to. By `wall_ms`, when the
        frame came, it is told whether the stream runs late: then it proves what was, not what is.
        """
        if shard not in self._flow_ns:
            return set()
        now_ns -= self._late_ns(shard, events, now_ns, wall_ms)
        if now_ns > self._flow_ns[shard]:
            self._flow_ns[shard] = now_ns
        touched: set[TokenId] = set()
        for event in events:
            if isinstance(event, LevelsChanged):
                for token_id in {change.token_id for change in event.changes}:
                    seat = self._seats.get(token_id)
                    if seat is not None and seat.shard == shard:
                        _change(seat, event, now_ns)
                        self._heard(seat, now_ns, touched)
            elif isinstance(event, BookSnapshot):
                seat = self._seats.get(event.book.token_id)
                if seat is not None and seat.shard == shard:
                    seat.book.snapshot(event.book, event.tick, event.at_ms)
                    if seat.book.at_ms == event.at_ms:
                        _believe(seat)
                    if event.book.last_trade is not None:
                        seat.book.trade(event.book.last_trade, event.at_ms)
                    self._heard(seat, now_ns, touched)
            elif isinstance(event, TickChanged):
                seat = self._seats.get(event.token_id)
                if seat is not None and seat.shard == shard:
                    seat.book.change_tick(event.new_tick)
                    seat.voided_at_ns = now_ns
                    touched.add(event.token_id)
            elif isinstance(event, LastTrade):
                seat = self._seats.get(event.token_id)
                if seat is not None and seat.shard == shard:
                    seat.book.trade(event.price, event.at_ms)
                    touched.add(event.token_id)
            elif isinstance(event, BestPrices):
                seat = self._seats.get(event.token_id)
                if seat is not None and seat.shard == shard and event.at_ms >= seat.book.at_ms:
                    if seat.book.trusted and not seat.book.check(event.best_bid, event.best_ask):
                        seat.voided_at_ns = now_ns
                    self._heard(seat, now_ns, touched)
        return touched

    def gap(self, shard: str, now_ns: int) -> None:
        """Something of a socket could not be read: CLOB must show first that its books hold."""
        for seat in self._of(shard):
            if not seat.book.trusted:
                seat.voided_at_ns = now_ns
            elif seat.unsure_since_ns is None:
                seat.unsure_since_ns = now_ns

    def live(self, token_id: TokenId) -> tuple[int, int] | None:
        """Return what tells whether a live book is fresher than another: its proof, then its last change."""
        proved_ns = self.proved_ns(token_id)
        return (proved_ns, self._seats[token_id].book.at_ms) if proved_ns is not None else None

    def proved_ns(self, token_id: TokenId) -> int | None:
        """Return when a token's book was last proved to hold, None if it cannot be trusted.

        What is in doubt grows older from then on, until the doubt is gone.
        """
        seat = self._seats.get(token_id)
        if seat is None or not seat.book.trusted:
            return None
        if seat.unsure_since_ns is not None:
            return min(seat.unsure_since_ns, seat.proved_ns)
        return max(seat.proved_ns, self._flow_ns.get(seat.shard, NEVER_NS))

    def verify(self, book: Book, asked_ns: int, now_ns: int) -> str:
        """Compare with what CLOB answered to a question asked at `asked_ns`; return why it was dropped.

        The venue names each state of a book by a hash: where that is the same, so must be the levels. Else
        levels that the stream changed after the answer's own time differ rightly. At others the stream may be
        a moment behind; where it stays so, a change was lost. A book that is not trusted is taken from the
        answer, unless that was asked for before it was dropped, or may lack a change that came since. Nor
        does an answer end a doubt that came up after it was asked for.
        """
        seat = self._seats.get(book.token_id)
        if seat is None:
            return ""
        if not seat.book.trusted:
            is_whole = asked_ns > seat.missed_ns or book.changed_at_ms >= seat.missed_ms
            is_later = asked_ns > seat.voided_at_ns and is_whole
            if seat.shard in self._flow_ns and is_later and seat.proved_ns != NEVER_NS:
                seat.book.snapshot(book, book.tick, book.changed_at_ms)
                seat.proved_ns = seat.verified_ns = now_ns
                _believe(seat)
            return ""
        if book.changed_at_ms < seat.book.snapshot_ms:
            return ""  # it tells of a time before what is known here
        seat.verified_ns = now_ns
        differences = seat.book.differences(book)
        if differences and book.hash and book.hash == seat.book.hash:
            return self._drop(seat, now_ns, SAME_HASH)
        doubts: dict[Level, Doubt] = {}
        for side, price in differences:
            changed_ms = seat.book.ladder(side).changed_ms.get(price, 0)
            if changed_ms <= book.changed_at_ms:
                held = seat.doubts.get((side, price))
                since_ns = held.since_ns if held is not None and held.changed_ms == changed_ms else now_ns
                doubts[side, price] = Doubt(since_ns, changed_ms)
        if not doubts:
            seat.proved_ns = max(seat.proved_ns, asked_ns)
            if seat.unsure_since_ns is None or asked_ns > seat.unsure_since_ns:
                _believe(seat)
            return ""
        seat.doubts = doubts
        oldest_ns = min(each.since_ns for each in doubts.values())
        if seat.unsure_since_ns is None:
            seat.unsure_since_ns = oldest_ns
        if now_ns - oldest_ns < SUSPECT_NS:
            return ""
        return self._drop(seat, now_ns, DIFFERS)

    def overdue(self, now_ns: int) -> list[TokenId]:
        """Return the tokens that should have had a first event by now."""
        due_ns = now_ns - self._first_event_ns
        return [
            token_id
            for token_id, seat in self._seats.items()
            if seat.proved_ns == NEVER_NS and NEVER_NS < seat.subscribed_ns <= due_ns
        ]

    def contradicted(self) -> dict[str, list[TokenId]]:
        """Return by socket the tokens that CLOB contradicted for good since this was asked."""
        found, self._contradicted = self._contradicted, {}
        return found

    def unproved(self, now_ns: int) -> list[TokenId]:
        """Return the tokens to be asked for at CLOB: dropped ones, and those not compared for long."""
        due_ns = now_ns - self._verify_ns
        return [
            token_id
            for token_id, seat in self._seats.items()
            if seat.subscribed_ns != NEVER_NS
            and seat.proved_ns != NEVER_NS
            and (
                not seat.book.trusted
                or max(seat.verified_ns, seat.subscribed_ns) <= due_ns
                or seat.unsure_since_ns is not None
            )
        ]

    def silent_for_ns(self, shard: str, now_ns: int) -> int:
        """Return for how long no data came on a socket that is up."""
        return now_ns - self._flow_ns.get(shard, now_ns)

    def _drop(self, seat: Seat, now_ns: int, reason: str) -> str:
        self._contradicted.setdefault(seat.shard, []).append(seat.book.token_id)
        _believe(seat)
        seat.voided_at_ns = now_ns
        seat.book.distrust(reason)
        return reason

    def _begin(self, seat: Seat, subscribed_ns: int, reason: str) -> None:
        seat.subscribed_ns = subscribed_ns
        seat.proved_ns = seat.verified_ns = NEVER_NS
        _believe(seat)
        seat.book.distrust(reason)

    def _heard(self, seat: Seat, now_ns: int, touched: set[TokenId]) -> None:
        if now_ns > seat.proved_ns:
            seat.proved_ns = now_ns
        seat.silent = 0
        touched.add(seat.book.token_id)

    def _late_ns(self, shard: str, events: Sequence[Event], now_ns: int, wall_ms: int) -> int:
        """Return how late a socket runs. A whole book does not tell: its time is that of its last change.

        Until something else has come, a socket is as late as it was with its first answer.
        """
        times = [each.at_ms for each in events if isinstance(each, _TIMED)] if wall_ms else ()
        if times:
            self._late[shard] = _if_late((wall_ms - max(times)) * NS_PER_MS)
        elif shard not in self._late:
            self._late[shard] = _if_late(now_ns - self._up_ns[shard])
        return self._late[shard]

    def _of(self, shard: str) -> Iterable[Seat]:
        return (seat for seat in self._seats.values() if seat.shard == shard)


def _if_late(late_ns: int) -> int:
    return late_ns if late_ns > LATE_MS * NS_PER_MS else 0


def _change(seat: Seat, event: LevelsChanged, now_ns: int) -> None:
    """Apply changes. Ones that come late may undo later ones: whether they did, CLOB must show."""
    book = seat.book
    is_late = book.snapshot_ms <= event.at_ms < book.at_ms
    if not book.apply(event.changes, event.at_ms):
        seat.missed_ns, seat.missed_ms = now_ns, max(seat.missed_ms, event.at_ms)
    elif is_late and seat.unsure_since_ns is None:
        seat.unsure_since_ns = now_ns


def _believe(seat: Seat) -> None:
    seat.unsure_since_ns = None
    seat.doubts = {}
