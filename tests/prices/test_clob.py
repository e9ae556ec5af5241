"""CLOB's rows: the fall-back for markets, the second witness of winners, and books."""

from __future__ import annotations

import json

import pytest

from actors.prices import clob, gamma
from actors.prices.errors import MalformedError
from messages.markets import Resolution


def market(row, known=None):
    return clob.decode_market(json.dumps(row).encode(), known)


def book(row):
    return clob.decode_book(json.dumps(row).encode(), 5)


def test_market_takes_event_and_fee_from_what_was_known(clob_row, gamma_row):
    known = gamma.decode_market(json.dumps(gamma_row()).encode())
    assert market(clob_row(), known).event_slug == "rainy-days"
    assert market(clob_row(), known).fee_rate == 50_000
    assert market(clob_row()).fee_rate == 0
    assert market(clob_row(taker_base_fee=1000)).fee_rate == 0


def test_winner_flag_resolves(clob_row):
    assert market(clob_row(winner=1)).payouts == (0, 1_000_000)
    assert market(clob_row(closed=True)).resolution is Resolution.CLOSED
    assert market(clob_row()).resolution is Resolution.OPEN


def test_payouts_follow_the_order_already_known(clob_row, gamma_row):
    known = gamma.decode_market(json.dumps(gamma_row()).encode())
    row = clob_row(winner=1)
    row["tokens"].reverse()
    seen = market(row, known)
    assert (seen.token_ids, seen.outcomes, seen.payouts) == (known.token_ids, ("Yes", "No"), (0, 1_000_000))


def test_market_not_yet_filled_in_is_refused(clob_row):
    row = clob_row()
    for each in row["tokens"]:
        each["token_id"] = ""
    with pytest.raises(MalformedError, match="token id"):
        market(row)


@pytest.mark.parametrize(
    "changes", [{"tokens": []}, {"closed": None}, {"minimum_tick_size": "x"}, {"condition_id": "0x1"}]
)
def test_malformed_market_is_refused(clob_row, changes):
    with pytest.raises(MalformedError):
        market(clob_row(**changes))


def test_book_is_sorted_best_first_whatever_the_venue_sent(book_row):
    seen = book(book_row("5"))
    assert seen.bids == ((630_000, 25_500_000), (600_000, 10_000_000))
    assert seen.asks == ((650_000, 12_000_000), (700_000, 40_000_000))
    assert (seen.token_id, seen.hash, seen.as_of_ns) == ("5", "5f0c", 5)


def test_empty_sides_make_a_book(book_row):
    assert book(book_row("5", bids=[], asks=[])).bids == ()


@pytest.mark.parametrize(
    "bids",
    [
        [{"price": "0.65", "size": "1"}],
        [{"price": "0.9", "size": "1"}],
        [{"price": "0", "size": "1"}],
        [{"price": "1", "size": "1"}],
        [{"price": "1.2", "size": "1"}],
        [{"price": "-0.5", "size": "1"}],
        [{"price": "0.5", "size": "-1"}],
        [{"price": "0.5", "size": "1000000000001"}],
        [{"price": "0.5", "size": "1e400"}],
        [{"price": "0.5", "size": "Infinity"}],
        [{"price": "0.5", "size": "NaN"}],
        [{"price": "0.5", "size": "²"}],
        [{"price": "0.5", "size": "."}],
        [{"price": "", "size": "1"}],
        [{"price": "0.5", "size": "1"}, {"price": "0.50", "size": "2"}],
        [{"price": 0.5, "size": 1}],
        [{"price": "0.5"}],
        [None],
        None,
    ],
)
def test_impossible_book_is_refused_whole(book_row, bids):
    with pytest.raises(MalformedError, match=r" was .*, expected "):
        book(book_row("5", bids=bids))


def test_zero_sizes_are_no_levels(book_row):
    assert (
        book(book_row("5", bids=[{"price": "0.6", "size": "0"}, {"price": "0.9", "size": "0.0"}])).bids == ()
    )


def test_too_many_levels_are_refused(book_row):
    bids = [{"price": f"0.{number:06d}", "size": "1"} for number in range(1, 10_002)]
    with pytest.raises(MalformedError, match="levels"):
        book(book_row("5", bids=bids))


def test_batch_answer_is_split_without_reading_it(book_row):
    rows = clob.split_books(json.dumps([book_row("5"), {"odd": 1}]).encode())
    assert clob.book_token(rows[0]) == "5"
    assert clob.book_token(rows[1]) == "?"
    with pytest.raises(MalformedError):
        clob.split_books(b'{"error":"Invalid payload"}')
    with pytest.raises(MalformedError, match="books"):
        clob.split_books(json.dumps([{}] * 1001).encode())
