"""The ledger against an independent model: what truly happened, told by three kinds of source.

Each loses, repeats, delays and reorders; the leader restarts at any moment. Where one kind finally reports
all, what counts is what happened.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from examples import NOON_NS, NS, SHARE, changed, report, trade, tx_of
from hypothesis import given
from hypothesis import strategies as st

from actors.leader.ledger import DUST, NewTrade, TradeLedger
from actors.leader.position import Positions
from messages.store import LeaderPosition
from messages.trades import FillTotal, Side, SourceKind

API, CHAIN, STREAM = SourceKind.API, SourceKind.CHAIN, SourceKind.STREAM
SETTLE_NS = 6 * NS

Order = tuple[int, str, Side]
"""Transaction, token, side."""


def traded_at_ns(tx):
    """The higher its number, the earlier a transaction; each is settled by noon."""
    return NOON_NS - tx * NS


@dataclass
class Script:
    """What truly happened: the legs of each order, each order in a transaction of its own or with others."""

    legs: dict[Order, list[tuple[int, int]]]

    def rows(self, kind):
        """Every row of a kind: the API's are orders at their average price, the others' are legs."""
        return [row for order in self.legs for row in self.rows_of(order, kind)]

    def rows_of(self, order, kind):
        tx, token, side = order
        legs = self.legs[order]
        if kind is API:
            size, usdc = sum(leg[0] for leg in legs), sum(leg[0] * leg[1] // SHARE for leg in legs)
            legs = [(size, usdc * SHARE // size)]
        about = {"kind": kind, "tx": tx_of(tx), "token_id": token, "side": side}
        return [
            report(**about, size=size, price=price, traded_at_ns=traded_at_ns(tx)) for size, price in legs
        ]

    def shares(self):
        return {order: sum(leg[0] for leg in legs) for order, legs in self.legs.items()}


@dataclass
class Book:
    """A leader's ledger with what it stored, and its restarts."""

    trades: dict = field(default_factory=dict)
    positions_stored: dict = field(default_factory=dict)

    def __post_init__(self):
        self.begin()

    def begin(self):
        self.ledger, self.positions = TradeLedger(SETTLE_NS), Positions()
        moves = [(each, self.ledger.restore(each)) for each in self.trades.values()]
        self.positions.restore([LeaderPosition(*one) for one in self.positions_stored.items()], moves)

    def take(self, row):
        self.accept(self.ledger.observe(row))

    def end_doubts(self):
        self.accept(self.ledger.decided())

    def accept(self, found):
        for new in found:
            if isinstance(new, NewTrade):
                row = new.report
                before, after = self.positions.add(row.token_id, new.move)
                accepted = trade(
                    tx=row.tx,
                    token_id=row.token_id,
                    side=row.side,
                    kind=row.kind,
                    size=new.size,
                    price=new.price,
                    usdc=new.usdc,
                    ordinal=new.ordinal,
                    key=new.key,
                    traded_at_ns=row.traded_at_ns,
                    position_before=before,
                    position_after=after,
                    is_remainder=new.is_remainder,
                )
                assert accepted.trade_id not in self.trades, "one trade twice"
                self.trades[accepted.trade_id] = accepted
                self.positions_stored[row.token_id] = self.positions.shares(row.token_id)
            else:
                self.correct([new])

    def correct(self, corrected):
        for one in corrected:
            for each in one.corrections:
                known = self.trades[each.trade_id]
                assert each.was == (known.size if known.stands is None else known.stands)
                self.trades[each.trade_id] = changed(known, stands=each.now)
            self.positions_stored[one.token_id] = self.positions.fold_again(one.token_id)

    def shares(self):
        """What counts of each order."""
        shares = Counter()
        for each in self.trades.values():
            shares[int(each.tx, 16), each.token_id, each.side] += (
                each.size if each.stands is None else each.stands
            )
        return shares


@dataclass
class Feed:
    """One socket or node: counts what it delivers, and may begin to count anew at any time."""

    kind: SourceKind
    name: str
    counted: Counter = field(default_factory=Counter)

    def tell(self, row):
        key = (row.tx, row.token_id, row.side, row.size, row.price)
        self.counted[key] += 1
        return changed(row, feed=self.name, occurrence=self.counted[key])


def sweep(script, began_ns, data, *, is_whole):
    """The rows of one sweep, in any order; one that is not whole ends before it has told of all."""
    rows = [changed(row, sweep_ns=began_ns, feed="poller") for row in script.rows(API)]
    rows = data.draw(st.permutations(rows))
    return rows if is_whole else rows[: data.draw(st.integers(0, len(rows)))]


LEG = st.tuples(st.integers(1, 5).map(lambda size: size * SHARE), st.sampled_from([400_000, 500_000]))
SCRIPTS = st.dictionaries(
    st.tuples(st.integers(1, 3), st.sampled_from(["111", "222"]), st.sampled_from(list(Side))),
    st.lists(LEG, min_size=1, max_size=4),
    min_size=1,
    max_size=4,
).map(Script)


def differs(script, book):
    """The orders of which something else counts than happened."""
    truth, counts = script.shares(), book.shares()
    assert counts.keys() <= truth.keys(), "an order that nobody made"
    return {order: counts[order] for order in truth if abs(truth[order] - counts[order]) > DUST}


def unrest(data, script, book, *, kinds=(STREAM, CHAIN, API)):
    """Let feeds tell part of the truth in any order, again and again, across restarts."""
    feeds = [Feed(kind, f"{kind}-{number}") for kind in (STREAM, CHAIN) for number in (1, 2) if kind in kinds]
    began_ns = NOON_NS + 1
    for _ in range(data.draw(st.integers(0, 12), label="steps")):
        what = data.draw(st.sampled_from(["rows", "rows", "rows", "sweep", "restart", "count anew"]))
        if what == "restart":
            book.begin()
        elif what == "sweep" and API in kinds:
            began_ns += 1
            for row in sweep(script, began_ns, data, is_whole=False):
                book.take(row)
        elif feeds:
            feed = data.draw(st.sampled_from(feeds))
            if what == "count anew":
                feed.counted.clear()
                continue
            left = Counter(script.rows(feed.kind))
            told = data.draw(st.lists(st.sampled_from(sorted(left, key=repr)), max_size=4))
            for row in told:
                key = (row.tx, row.token_id, row.side, row.size, row.price)
                if feed.counted[key] < left[row]:
                    row = feed.tell(row)
                    repeats = data.draw(st.integers(1, 2))
                    for _ in range(repeats if data.draw(st.booleans(), label="arrives") else 0):
                        book.take(row)
        if data.draw(st.booleans(), label="doubts end"):
            book.end_doubts()
        truth, counts = script.shares(), book.shares()
        assert all(counts[order] <= truth[order] + DUST for order in counts), "more than happened"
    return began_ns


def position(script, token):
    """The shares of an outcome after everything in its order, never short; buys first within a moment."""
    shares = 0
    for order, size in sorted(script.shares().items(), key=lambda each: (-each[0][0], each[0][2])):
        if order[1] == token:
            shares = shares + size if order[2] is Side.BUY else max(0, shares - size)
    return shares


def holds(script, book):
    book.end_doubts()
    assert not differs(script, book)
    for token in {order[1] for order in script.legs}:
        dust = DUST * len(book.trades)
        assert abs(book.positions.shares(token) - position(script, token)) <= dust
        assert book.positions_stored[token] == book.positions.shares(token)


@given(SCRIPTS, st.data())
def test_whatever_happens_before_a_whole_sweep_makes_it_right(script, data):
    book = Book()
    began_ns = unrest(data, script, book)
    for row in sweep(script, began_ns + SETTLE_NS, data, is_whole=True):
        book.take(row)
    book.end_doubts()
    book.correct(book.ledger.swept(began_ns + SETTLE_NS))
    holds(script, book)


@given(SCRIPTS, st.sampled_from([STREAM, CHAIN]), st.data())
def test_whatever_happens_before_one_feed_tells_everything_makes_it_right(script, kind, data):
    book = Book()
    unrest(data, script, book)
    whole = Feed(kind, "whole")
    for row in data.draw(st.permutations([whole.tell(row) for row in script.rows(kind)])):
        book.take(row)
    holds(script, book)


@given(SCRIPTS, st.data())
def test_everything_told_again_after_that_changes_nothing(script, data):
    book = Book()
    for row in sweep(script, NOON_NS + SETTLE_NS, data, is_whole=True):
        book.take(row)
    book.end_doubts()
    book.correct(book.ledger.swept(NOON_NS + SETTLE_NS))
    trades = dict(book.trades)
    if data.draw(st.booleans(), label="restart"):
        book.begin()
    unrest(data, script, book)
    assert book.trades == trades


@given(SCRIPTS, st.sampled_from([API, CHAIN]), st.data())
def test_stream_rows_that_were_one_fill_are_taken_back_by_a_better_source(script, kind, data):
    book = Book()
    for row in script.rows(STREAM):
        storm = data.draw(st.integers(1, 3), label="envelopes")
        for occurrence in range(1, storm + 1):
            book.take(changed(row, occurrence=occurrence))
    if data.draw(st.booleans(), label="restart"):
        book.begin()
    if kind is API:
        for row in sweep(script, NOON_NS + SETTLE_NS, data, is_whole=True):
            book.take(row)
        book.end_doubts()
        book.correct(book.ledger.swept(NOON_NS + SETTLE_NS))
    else:
        totals = [(order, FillTotal(order[1], order[2], size)) for order, size in script.shares().items()]
        for tx in {order[0] for order in script.legs}:
            own = [total for order, total in totals if order[0] == tx]
            book.correct(book.ledger.confirmed(tx_of(tx), own))
    late = Feed(STREAM, "late")
    for row in script.rows(STREAM) * 3:
        book.take(late.tell(row))
    counts = book.shares()
    assert all(counts[order] <= size + DUST for order, size in script.shares().items())


@given(SCRIPTS, st.data())
def test_what_a_reorganisation_undid_counts_again_as_the_same_trades_when_it_is_mined_again(script, data):
    book, chain = Book(), Feed(CHAIN, "chain")
    unrest(data, script, book, kinds=(STREAM, API))
    for row in script.rows(CHAIN):
        book.take(chain.tell(row))
    book.end_doubts()
    trades = set(book.trades)
    for tx in {order[0] for order in script.legs}:
        book.correct(book.ledger.retracted(tx_of(tx), NOON_NS + 30 * NS))
    assert not any(book.shares().values())
    assert not any(book.positions_stored.values())
    for row in script.rows(STREAM) + sweep(script, NOON_NS + 31 * NS, data, is_whole=True):
        book.take(row)
    book.end_doubts()
    book.correct(book.ledger.swept(NOON_NS + 31 * NS))
    assert not any(book.shares().values()), "neither a late row nor what the API had not dropped yet counts"
    chain = Feed(CHAIN, "chain")
    for row in script.rows(CHAIN):
        book.take(chain.tell(row))
    assert set(book.trades) == trades
    holds(script, book)
