"""What the board of live books makes of sockets that stall, events out of order, and answers that cross."""

from __future__ import annotations

import msgspec
import pytest

from actors.prices.books import make_book
from actors.prices.live.board import DIFFERS, SUSPECT_NS, Board
from actors.prices.live.events import (
    BestPrices,
    BookSnapshot,
    LastTrade,
    LevelChange,
    LevelsChanged,
    TickChanged,
)
from messages.trades import Side

MARKET = "0x" + "ab" * 32
SECOND = 1_000_000_000
FIRST_EVENT_NS = 30 * SECOND
VERIFY_NS = 60 * SECOND
UP_NS = 1_000 * SECOND
BIDS, ASKS = {400_000: 10}, {600_000: 10}


def at(seconds):
    return UP_NS + round(seconds * SECOND)


def book(token="1", bids=BIDS, asks=ASKS, at_ms=1_000, **more):
    return make_book(token, bids, asks, hash="", as_of_ns=0, changed_at_ms=at_ms, **more)


def snapshot(token="1", at_ms=1_000, tick=0, **more):
    return BookSnapshot(condition_id=MARKET, book=book(token, at_ms=at_ms, **more), tick=tick, at_ms=at_ms)


def changed(price, size, at_ms, token="1", side=Side.BUY, best_bid=None, best_ask=None):
    change = LevelChange(
        token_id=token, side=side, price=price, size=size, hash="", best_bid=best_bid, best_ask=best_ask
    )
    return LevelsChanged(condition_id=MARKET, changes=(change,), at_ms=at_ms)


def best(bid, ask, at_ms, token="1"):
    return BestPrices(condition_id=MARKET, token_id=token, best_bid=bid, best_ask=ask, at_ms=at_ms)


def new_tick(at_ms, token="1"):
    return TickChanged(condition_id=MARKET, token_id=token, old_tick=10_000, new_tick=1_000, at_ms=at_ms)


def bids(board, token="1"):
    frozen = board.seat(token).book.freeze(0)
    return dict(frozen.bids) if frozen is not None else None


@pytest.fixture
def board():
    """Tokens 1 and 2 on a socket that is up, 3 on another."""
    board = Board(FIRST_EVENT_NS, VERIFY_NS)
    for token, shard in (("1", "a"), ("2", "a"), ("3", "b")):
        board.add(token, shard, UP_NS)
    board.up("a", UP_NS)
    board.up("b", UP_NS)
    return board


# --- what proves a book ---


def test_staleness_measured_as_time_since_the_last_book_change_would_halt_quiet_markets(board):
    board.take("a", [snapshot("1"), snapshot("2")], at(0))
    for second in range(1, 100):
        board.take("a", [changed(400_000, second, 1_000 + second, token="2")], at(second))
    assert board.proved_ns("1") == board.proved_ns("2") == at(99)


def test_socket_that_answers_pings_and_sends_no_data_lets_every_age_grow(board):
    board.take("a", [snapshot("1")], at(0))
    board.take("b", [snapshot("3")], at(0))
    board.take("b", [changed(400_000, 5, 2_000, token="3")], at(50))
    assert board.proved_ns("1") == at(0)
    assert board.silent_for_ns("a", at(50)) == 50 * SECOND
    assert board.silent_for_ns("b", at(50)) == 0


def test_sibling_events_prove_nothing_before_the_first_snapshot(board):
    board.take("a", [snapshot("2"), changed(400_000, 5, 1_000, token="1")], at(1))
    assert board.proved_ns("1") is None
    assert board.proved_ns("2") == at(1)


def test_socket_of_long_ago_or_gone_or_unknown_has_no_silence_to_tell(board):
    board.down("a")
    assert board.silent_for_ns("a", at(99)) == board.silent_for_ns("c", at(99)) == 0


# --- who is listened to ---


@pytest.mark.parametrize(
    "late", [changed(400_000, 5, 2_000), snapshot(at_ms=2_000), new_tick(2_000), best(0, 0, 2_000)]
)
def test_events_of_another_socket_than_the_tokens_own_change_nothing(board, late):
    board.take("a", [snapshot()], at(0))
    assert board.take("b", [late], at(1)) == set()
    assert bids(board) == BIDS
    assert board.proved_ns("1") == at(0)


def test_events_of_a_socket_that_is_down_or_unknown_are_not_listened_to(board):
    board.down("a")
    for shard in ("a", "c"):
        assert board.take(shard, [snapshot()], at(1)) == set()
    assert board.proved_ns("1") is None
    assert board.trusted == 0


def test_new_socket_begins_anew_and_nothing_of_the_old_one_is_vouched_for(board):
    board.take("a", [snapshot()], at(0))
    board.down("a")
    board.up("a", at(10))
    board.take("a", [snapshot("2")], at(11))
    assert board.proved_ns("1") is None
    board.take("a", [snapshot(bids={300_000: 7}, at_ms=900)], at(12))
    assert bids(board) == {300_000: 7}


def test_token_without_a_seat_is_passed_over(board):
    board.remove("1")
    assert board.take("a", [snapshot(), changed(400_000, 5, 2_000), new_tick(3_000)], at(1)) == set()
    assert board.proved_ns("1") is None
    assert board.verify(book(), at(0), at(1)) == ""


def test_touched_are_the_tokens_whose_books_changed(board):
    assert board.take("a", [snapshot("1")], at(0)) == {"1"}
    trade = LastTrade(condition_id=MARKET, token_id="2", side=Side.BUY, price=5, size=5, at_ms=1_000)
    assert board.take("a", [trade], at(1)) == {"2"}
    assert board.take("a", [], at(2)) == set()


# --- outcomes that never deliver a first event ---


def test_outcome_that_never_delivers_a_first_event_is_overdue_while_siblings_flow(board):
    for second in range(31):
        board.take("a", [snapshot("2")], at(second))
        board.take("b", [snapshot("3")], at(second))
        assert board.overdue(at(second)) == (["1"] if second >= 30 else [])
    assert board.unproved(at(30)) == []


def test_any_event_of_its_own_is_a_first_event(board):
    board.take("a", [changed(400_000, 5, 1_000)], at(29))
    assert "1" not in board.overdue(at(30))
    assert board.unproved(at(30)) == ["1"]


def test_subscribed_anew_it_is_given_the_same_time_again_and_counted(board):
    board.resubscribed("1", at(30))
    assert "1" not in board.overdue(at(59.9))
    assert "1" in board.overdue(at(60))
    assert board.seat("1").silent == 1
    board.take("a", [snapshot()], at(61))
    assert board.seat("1").silent == 0


def test_nothing_is_overdue_or_asked_for_while_its_socket_is_down(board):
    board.take("a", [snapshot()], at(0))
    board.down("a")
    assert board.overdue(at(10_000)) == ["3"]
    assert board.unproved(at(10_000)) == []
    board.up("a", at(10_000))
    assert set(board.overdue(at(10_029))) == {"3"}
    assert set(board.overdue(at(10_030))) == {"1", "2", "3"}


# --- what is to be compared with CLOB ---


def test_book_that_flows_is_still_compared_with_clob_every_so_often(board):
    board.take("a", [snapshot()], at(0))
    assert board.unproved(at(59)) == []
    assert board.unproved(at(60)) == ["1"]
    board.verify(book(), at(60), at(60.1))
    assert board.unproved(at(120)) == []
    assert board.unproved(at(120.1)) == ["1"]


def test_same_book_at_clob_proves_it_as_of_when_it_was_asked_for(board):
    board.take("a", [snapshot()], at(0))
    board.verify(book(), at(20), at(21))
    assert board.proved_ns("1") == at(20)


def test_book_that_differs_for_good_is_dropped_and_its_socket_suspected(board):
    board.take("a", [snapshot()], at(0))
    other = book(bids={410_000: 10}, at_ms=2_000)
    assert board.verify(other, at(1), at(1.1)) == ""
    assert board.unproved(at(1.1)) == ["1"]
    assert board.proved_ns("1") <= at(1.1)
    assert board.verify(other, at(3), at(1.1) + SUSPECT_NS) == DIFFERS
    assert board.proved_ns("1") is None
    assert board.contradicted() == {"a": ["1"]}
    assert board.contradicted() == {}


def test_other_levels_under_the_same_hash_are_a_lost_change_and_no_delay(board):
    ours = msgspec.structs.replace(book(), hash="h7")
    board.take("a", [BookSnapshot(condition_id=MARKET, book=ours, tick=0, at_ms=1_000)], at(0))
    theirs = msgspec.structs.replace(book(bids={**BIDS, 390_000: 7}), hash="h7")
    assert board.verify(theirs, at(2), at(2)) == "CLOB has other levels under the same hash"
    assert board.proved_ns("1") is None
    assert board.contradicted() == {"a": ["1"]}


def test_stream_ahead_of_clob_is_not_in_doubt(board):
    board.take("a", [snapshot(), changed(400_000, 5, 3_000)], at(0))
    assert board.verify(book(at_ms=2_000), at(1), at(1.1)) == ""
    assert board.seat("1").unsure_since_ns is None


def test_doubt_that_the_stream_resolves_is_no_ground_for_dropping_later(board):
    board.take("a", [snapshot()], at(0))
    board.verify(book(bids={400_000: 5}, at_ms=2_000), at(1), at(1.1))
    board.take("a", [changed(400_000, 5, 2_000)], at(1.2))
    assert board.verify(book(bids={400_000: 6}, at_ms=3_000), at(5), at(5.1)) == ""
    assert board.proved_ns("1") is not None


# --- out of order ---


def test_change_older_than_the_snapshot_is_in_it_already(board):
    board.take("a", [snapshot(at_ms=5_000), changed(400_000, 99, 4_999, best_bid=990_000)], at(0))
    assert bids(board) == BIDS
    assert board.seat("1").unsure_since_ns is None


def test_snapshot_older_than_the_book_is_not_taken_and_ends_no_doubt(board):
    board.take("a", [snapshot(), changed(400_000, 5, 3_000)], at(0))
    board.gap("a", at(1))
    board.take("a", [snapshot(at_ms=2_000)], at(2))
    assert bids(board) == {400_000: 5}
    assert board.proved_ns("1") <= at(1)
    board.take("a", [snapshot(at_ms=3_000)], at(3))
    assert bids(board) == BIDS
    assert board.proved_ns("1") == at(3)


def test_best_prices_older_than_the_book_say_nothing_of_it(board):
    board.take("a", [snapshot(at_ms=5_000), best(990_000, 0, 4_999)], at(0))
    assert board.proved_ns("1") == at(0)
    board.take("a", [best(990_000, 0, 5_000)], at(1))
    assert board.proved_ns("1") is None


def test_change_that_comes_late_and_may_undo_a_newer_one_puts_the_book_in_doubt(board):
    board.take("a", [snapshot(), changed(400_000, 5, 3_000)], at(0))
    board.take("a", [changed(400_000, 9, 2_000)], at(1))
    board.take("a", [snapshot("2")], at(50))
    assert board.proved_ns("1") <= at(1)
    assert board.unproved(at(2)) == ["1"]


# --- answers that cross with events ---


def test_book_from_before_a_new_tick_is_not_taken_from_an_answer(board):
    board.take("a", [snapshot(tick=10_000)], at(0))
    board.take("a", [new_tick(2_000)], at(5))
    board.verify(book(), at(5), at(6))
    assert board.proved_ns("1") is None
    board.verify(book(at_ms=2_000, tick=1_000), at(5.001), at(7))
    assert board.proved_ns("1") == at(7)
    assert board.seat("1").book.tick == 1_000


def test_snapshot_after_a_new_tick_restores_the_book_with_that_tick(board):
    board.take("a", [snapshot(tick=10_000), new_tick(2_000), snapshot(at_ms=2_000)], at(0))
    assert board.proved_ns("1") == at(0)
    assert board.seat("1").book.tick == 1_000


def test_answer_does_not_restore_a_book_before_the_socket_brought_anything(board):
    board.verify(book(), at(1), at(2))
    assert board.proved_ns("1") is None
    board.down("a")
    board.verify(book(), at(3), at(4))
    assert board.proved_ns("1") is None


@pytest.mark.parametrize(
    "contradiction", [changed(390_000, 5, 2_000, best_bid=410_000), best(410_000, 600_000, 2_000)]
)
def test_answer_asked_before_best_prices_contradicted_the_book_does_not_bring_it_back(board, contradiction):
    board.take("a", [snapshot()], at(0))
    board.take("a", [contradiction], at(2))
    board.verify(book(), at(1), at(3))
    assert board.proved_ns("1") is None
    board.verify(book(bids={410_000: 5}, at_ms=2_000), at(2.5), at(4))
    assert bids(board) == {410_000: 5}


def test_change_that_comes_while_the_answer_is_under_way_is_not_lost(board):
    board.take("a", [snapshot(), new_tick(2_000)], at(0))
    board.take("a", [changed(400_000, 5, 3_000)], at(1.5))
    board.verify(book(at_ms=2_500), at(1), at(2))
    assert board.proved_ns("1") is None
    board.verify(book(bids={400_000: 5}, at_ms=3_000), at(1), at(2))
    assert bids(board) == {400_000: 5}


def test_answer_asked_after_the_last_change_is_taken_whatever_clock_it_goes_by(board):
    board.take("a", [snapshot(), new_tick(2_000)], at(0))
    board.take("a", [changed(400_000, 5, 3_000)], at(1))
    board.verify(book(bids={400_000: 5}, at_ms=0), at(1.5), at(2))
    assert bids(board) == {400_000: 5}


def test_answer_asked_before_something_was_unreadable_does_not_end_the_doubt(board):
    board.take("a", [snapshot()], at(0))
    board.gap("a", at(2))
    board.verify(book(), at(1), at(3))
    board.take("a", [snapshot("2")], at(50))
    assert board.proved_ns("1") <= at(2)
    board.verify(book(), at(51), at(52))
    assert board.proved_ns("1") == at(51)


def test_answer_asked_before_something_was_unreadable_restores_no_book(board):
    board.take("a", [snapshot(), new_tick(2_000)], at(0))
    board.gap("a", at(2))
    board.verify(book(at_ms=2_000), at(1), at(3))
    assert board.proved_ns("1") is None
    board.verify(book(at_ms=2_000), at(3), at(4))
    assert board.proved_ns("1") == at(4)


def test_unreadable_event_puts_only_the_books_of_its_own_socket_in_doubt(board):
    board.take("a", [snapshot()], at(0))
    board.take("b", [snapshot("3")], at(0))
    board.gap("b", at(1))
    board.take("a", [], at(9))
    board.take("b", [], at(9))
    assert board.proved_ns("1") == at(9)
    assert board.proved_ns("3") == at(0)
