"""What the sources offer of a script, and when: with everything that goes wrong on their way, by seed.

Every feed loses, delays, repeats and disorders transactions, and counts from 1 again on a new connection. In
the end each transaction is offered whole by the one source that was drawn to be sure of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeAlias

import views
from script import Script, Transaction
from views import Manner, Row, Rows
from world import NS, START_S

from messages.base import Message
from messages.trades import (
    CursorReached,
    FillsConfirmed,
    FillsRetracted,
    FillTotal,
    GapSuspected,
    Side,
    SourceKind,
    Swept,
)

POLL_S: Final = 10
OVERLAP_S: Final = 15
STREAMS: Final = 2
ORDERS_REPLAYED_MAX: Final = 8

MODES: Final[dict[str, tuple[SourceKind, ...]]] = {
    "api": (SourceKind.STREAM, SourceKind.API),
    "polygon": (SourceKind.CHAIN, SourceKind.API),
    "both": (SourceKind.STREAM, SourceKind.CHAIN, SourceKind.API),
}
"""The trigger modes, and the sources that each has (D2)."""

Told: TypeAlias = list[tuple[Transaction, Rows]]
"""Rows of the leaders, by transaction."""


@dataclass(frozen=True, slots=True)
class Temper:
    """How badly a feed does: chances, what delays are drawn from, and how often it connects anew."""

    loses_all: float = 0.0
    loses_row: float = 0.0
    repeats: float = 0.0
    doubles: float = 0.0
    """A row comes in two envelopes, or the chain takes a transaction back and mines it again."""
    delays_s: tuple[float, ...] = (0.3,)
    connections: int = 0


TEMPERS: Final = (
    Temper(),
    Temper(loses_all=0.05, repeats=0.2, delays_s=(0.1, 0.5, 2.0), connections=1),
    Temper(loses_all=0.05, loses_row=0.05, doubles=0.05, delays_s=(0.1, 0.5, 2.0), connections=1),
    Temper(0.3, 0.3, 0.5, 0.2, (0.1, 1.0, 8.0, 20.0), 4),
    Temper(loses_all=1.0),
)
MINED_AGAIN_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A message for one leader, or for all of them."""

    at_s: float
    wallet: str | None
    message: Message


@dataclass(slots=True)
class Offers:
    """All offers up to the end of the script, and those that come when nothing goes wrong any more."""

    mode: str
    torn: bool = False
    """Whether some feed loses or doubles single rows of a transaction."""
    manners: dict[str, Manner] = field(default_factory=dict)
    early: list[Offer] = field(default_factory=list)
    final: list[Offer] = field(default_factory=list)


def draw(script: Script, seed: int | str, *, span_s: int, final_s: float) -> Offers:
    """Draw what is offered of a script; what is offered in the end, is from `final_s` on."""
    random = Random(f"offers:{seed}")
    offers = Offers(mode=random.choice(tuple(MODES)))
    kinds = MODES[offers.mode]
    for trade in script.transactions:
        offers.manners[trade.hash] = Manner(
            stream_splits_taker=random.random() < 0.5, api_sums_makers=random.random() < 0.5
        )
    told = {kind: _told(script, _view(kind, offers.manners)) for kind in kinds}
    only = random.choice((None, *kinds))  # every source must do alone
    sure = {trade.hash: only or random.choice(kinds) for trade in script.transactions}
    settled = {tx for tx, kind in sure.items() if kind is not SourceKind.STREAM}
    made: list[Offer] = []
    for kind in kinds:
        if kind is SourceKind.API:
            made.extend(_polled(script, told[kind], random.choice(TEMPERS), random, span_s))
            continue
        for feed in ("chain",) if kind is SourceKind.CHAIN else (f"stream-{n}" for n in range(STREAMS)):
            temper = random.choice(TEMPERS)
            offers.torn |= temper.loses_row > 0 or temper.doubles > 0
            made.extend(_pushed(feed, kind, told[kind], temper, random, span_s, settled))
    for _ in range(random.randrange(3)):
        at_s = random.uniform(0, span_s)
        made.append(Offer(at_s, None, GapSuspected(since_ns=_ns(at_s - 5), reason="drawn")))
    offers.early = sorted(made, key=lambda offer: offer.at_s)
    for kind in kinds:
        whole = [(trade, rows) for trade, rows in told[kind] if sure[trade.hash] is kind]
        offers.final.extend(_whole(kind, whole, final_s))
    return offers


def _view(kind: SourceKind, manners: dict[str, Manner]) -> Callable[[Transaction], Rows]:
    match kind:
        case SourceKind.CHAIN:
            return views.chain
        case SourceKind.STREAM:
            return lambda trade: views.stream(trade, manners[trade.hash])
        case SourceKind.API:
            return lambda trade: views.api(trade, manners[trade.hash])


def _told(script: Script, view: Callable[[Transaction], Rows]) -> Told:
    leaders = frozenset(script.leaders)
    return [
        (trade, tuple(row for row in view(trade) if row.wallet in leaders)) for trade in script.transactions
    ]


def _ns(at_s: float) -> int:
    return START_S * NS + int(at_s * NS)


class _Counts:
    """How often a feed has seen each content, on one connection or in one sweep."""

    def __init__(self, kind: SourceKind, feed: str) -> None:
        self._kind = kind
        self._feed = feed
        self._seen: Counter[tuple[object, ...]] = Counter()

    def restart(self) -> None:
        self._seen.clear()

    def restart_of(self, rows: Rows) -> None:
        for row in rows:
            self._seen.pop(_content(row), None)

    def offer(self, row: Row, at_s: float, sweep_ns: int = 0) -> Offer:
        self._seen[_content(row)] += 1
        report = views.report(row, self._kind, self._feed, self._seen[_content(row)], _ns(at_s), sweep_ns)
        return Offer(at_s, row.wallet, report)


def _content(row: Row) -> tuple[object, ...]:
    return (*row.group, row.size, row.price)


def _pushed(
    feed: str,
    kind: SourceKind,
    told: Told,
    temper: Temper,
    random: Random,
    span_s: int,
    settled: Container[str],
) -> Iterator[Offer]:
    """Offer what a live feed does not lose, each transaction at once, on one connection after another.

    It doubles only what a better source `settled` in the end.
    """
    arrivals: list[tuple[float, str, Rows]] = []
    for trade, rows in told:
        if random.random() < temper.loses_all:
            continue
        kept = tuple(row for row in rows if random.random() >= temper.loses_row)
        arrivals.append((trade.at_s - START_S + random.choice(temper.delays_s), trade.hash, kept))
    arrivals.sort(key=lambda arrival: arrival[0])
    connects = sorted(random.uniform(0, span_s) for _ in range(temper.connections))
    counts, before = _Counts(kind, feed), 0
    for place, (at_s, tx, rows) in enumerate(arrivals):
        while connects and connects[0] <= at_s:
            connected_s = connects.pop(0)
            counts.restart()
            before = max(0, place - random.randrange(ORDERS_REPLAYED_MAX))
            for _, _, again in arrivals[before:place]:
                yield from _repeated([counts.offer(row, connected_s) for row in again], temper, random)
        yield from _repeated([counts.offer(row, at_s) for row in rows], temper, random)
        if tx not in settled or random.random() >= temper.doubles:
            continue
        if kind is SourceKind.STREAM and rows:
            yield counts.offer(random.choice(rows), at_s + 0.1)
        elif kind is SourceKind.CHAIN:
            yield from _mined_again(feed, counts, tx, rows, at_s)


def _mined_again(feed: str, counts: _Counts, tx: str, rows: Rows, at_s: float) -> Iterator[Offer]:
    """A reorganisation takes a transaction out of its block, and it is mined once more."""
    gone_s, back_s = at_s + MINED_AGAIN_S / 2, at_s + MINED_AGAIN_S
    for wallet in dict.fromkeys(row.wallet for row in rows):
        gone = FillsRetracted(wallet=wallet, tx=tx, feed=feed, seen_at_ns=_ns(gone_s))
        yield Offer(gone_s, wallet, gone)
    counts.restart_of(rows)
    for row in rows:
        yield counts.offer(row, back_s)


def _repeated(offers: list[Offer], temper: Temper, random: Random) -> Iterator[Offer]:
    """Offer the very same report again now and then."""
    for offer in offers:
        yield offer
        if random.random() < temper.repeats:
            yield offer


def _polled(script: Script, told: Told, temper: Temper, random: Random, span_s: int) -> Iterator[Offer]:
    """Offer every poll's rows since the overlap, as far as the API shows them by then."""
    shown: defaultdict[str, list[tuple[float, Row]]] = defaultdict(list)
    for trade, rows in told:
        lag_s = random.choice((2.0, 3.0, 5.0, 23.0))
        for row in rows if random.random() >= temper.loses_all else ():  # a transaction is indexed whole
            shown[row.wallet].append((trade.at_s - START_S + lag_s, row))
    phases = {wallet: random.uniform(0, POLL_S) for wallet in script.leaders}
    for turn in range(span_s // POLL_S + 4):
        for wallet in script.leaders:
            at_s = phases[wallet] + turn * POLL_S
            if random.random() < temper.loses_all:
                continue  # it did not answer
            since_s = START_S + at_s - POLL_S - OVERLAP_S
            rows = [row for from_s, row in shown[wallet] if from_s <= at_s and row.at_s >= since_s]
            yield from _sweep(wallet, rows, at_s)


def _sweep(wallet: str, rows: Sequence[Row], at_s: float) -> Iterator[Offer]:
    counts = _Counts(SourceKind.API, "poller")
    for row in rows:
        yield counts.offer(row, at_s, _ns(at_s))
    if rows:
        yield Offer(at_s, wallet, CursorReached(wallet=wallet, cursor_s=rows[-1].at_s))
    yield Offer(at_s, wallet, Swept(wallet=wallet, began_at_ns=_ns(at_s)))


def _whole(kind: SourceKind, told: Told, at_s: float) -> Iterator[Offer]:
    """Offer everything once more, in order, by a feed that has just started."""
    if kind is SourceKind.API:
        of: defaultdict[str, list[Row]] = defaultdict(list)
        for _, rows in told:
            for row in rows:
                of[row.wallet].append(row)
        for wallet, mine in of.items():
            yield from _sweep(wallet, mine, at_s)
        return
    counts = _Counts(kind, "chain" if kind is SourceKind.CHAIN else "stream-0")
    for trade, rows in told:
        for row in rows:
            yield counts.offer(row, at_s)
        if kind is SourceKind.CHAIN:
            yield from _confirmed(trade.hash, rows, at_s)


def _confirmed(tx: str, rows: Rows, at_s: float) -> Iterator[Offer]:
    """The block is deep enough to stay, and the feed has seen every log of the wallet."""
    sizes: defaultdict[str, Counter[tuple[str, Side]]] = defaultdict(Counter)
    for row in rows:
        sizes[row.wallet][row.token, row.side] += row.size
    for wallet, of in sizes.items():
        totals = tuple(FillTotal(token, side, shares) for (token, side), shares in of.items())
        told = FillsConfirmed(wallet=wallet, tx=tx, feed="chain", totals=totals, seen_at_ns=_ns(at_s))
        yield Offer(at_s, wallet, told)
