"""Real trades with many rows in a transaction, exact repeats among them, keep their number (D8).

The recording has no sides and no tokens: a token is made of the market's slug, and all are buys. Each row is
one fill; what matters here is how many of them are equal.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from examples import NOON_NS, NS, changed, report

from actors.leader.ledger import NewTrade, TradeLedger
from messages.trades import SourceKind
from messages.units import to_micros

SAMPLE = (
    Path(__file__).parents[2].parent / "shared" / "samples" / "bulk" / "live_trades_2025-12-20_9824.jsonl"
)
ROWS = 4_912


def row_of(line: str):
    row = json.loads(line, parse_float=Decimal)
    token = str(int.from_bytes(hashlib.sha256(row["market"].encode()).digest()))
    return report(
        wallet=row["wallet"].lower(),
        tx=row["tx_hash"],
        token_id=token,
        size=to_micros(row["size"], "size"),
        price=to_micros(row["price"], "price"),
    )


def content(row):
    return row.wallet, row.tx, row.token_id, row.size


@pytest.fixture(scope="module")
def rows():
    if not SAMPLE.exists():
        pytest.skip(f"the recorded trades are not there: looked in {SAMPLE}")
    with SAMPLE.open() as file:
        return [row_of(line) for line, _ in zip(file, range(ROWS), strict=False)]


class House:
    """A ledger for each wallet."""

    def __init__(self):
        self.ledgers = {}
        self.trades = []

    def take(self, row):
        ledger = self.ledgers.setdefault(row.wallet, TradeLedger(6 * NS))
        found = [*ledger.observe(row)]
        assert all(isinstance(new, NewTrade) for new in found), "nothing was taken back"
        self.trades += found

    def end_doubts(self):
        for ledger in self.ledgers.values():
            self.trades += ledger.decided()

    def multiset(self):
        return Counter((*content(new.report)[:3], new.size) for new in self.trades)


def numbered(rows, **changes):
    """The rows as one feed tells them."""
    seen = Counter()
    for row in rows:
        key = (*content(row), row.price)
        seen[key] += 1
        yield changed(row, occurrence=seen[key], **changes)


def test_the_recording_holds_what_it_is_there_for(rows):
    repeats = Counter((*content(row), row.price) for row in rows)
    assert len(rows) == ROWS
    assert max(repeats.values()) > 1
    assert max(Counter((row.wallet, row.tx) for row in rows).values()) > 5


@pytest.mark.parametrize("feeds", [1, 2])
def test_rows_delivered_once_or_by_two_sockets_keep_their_number(rows, feeds):
    house = House()
    for socket in range(feeds):
        for row in numbered(rows, feed=f"stream-{socket}"):
            house.take(row)
    assert house.multiset() == Counter(content(row) for row in rows)
    assert len({new.key for new in house.trades}) == ROWS


def test_rows_mixed_from_stream_and_chain_keep_their_number(rows):
    """Each source loses what the other has; what is equal is told by both."""
    house = House()
    stream = [row for place, row in enumerate(numbered(rows, feed="stream-1")) if place % 3]
    chain = list(numbered(rows, kind=SourceKind.CHAIN, feed="chain"))
    for one, other in zip(stream, chain, strict=False):
        house.take(one)
        house.take(other)
    for row in chain[len(stream) :]:
        house.take(row)
    house.end_doubts()
    shares = Counter()
    for new in house.trades:
        shares[new.report.wallet, new.report.tx, new.report.token_id] += new.size
    truth = Counter()
    for row in rows:
        truth[row.wallet, row.tx, row.token_id] += row.size
    assert shares == truth


def test_what_the_stream_repeats_under_new_envelopes_a_whole_sweep_puts_right(rows):
    house = House()
    for row in rows:
        for occurrence in (1, 2):
            house.ledgers.setdefault(row.wallet, TradeLedger(6 * NS)).observe(
                changed(row, occurrence=occurrence)
            )
    for row in numbered(rows, kind=SourceKind.API, feed="poller", sweep_ns=NOON_NS + 6 * NS):
        house.ledgers[row.wallet].observe(row)
    taken_back = sum(
        each.was - each.now
        for ledger in house.ledgers.values()
        for one in ledger.swept(NOON_NS + 6 * NS)
        for each in one.corrections
    )
    told, truth = Counter(), Counter()
    for row in rows:
        truth[row.wallet, row.tx, row.token_id] += row.size
    for row in {(*content(row), row.price): row for row in rows}.values():
        told[row.wallet, row.tx, row.token_id] += 2 * row.size
    assert taken_back == sum(max(0, told[group] - size) for group, size in truth.items()) > 0
