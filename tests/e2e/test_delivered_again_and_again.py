"""Every frame three times on each of three sockets: nothing is taken in, decided or ordered twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from books import Books, assert_same, assert_sound, played, read_books
from processes import Daemon, Venue
from small_tape import FILLS, fill, write_tape

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]

THRICE = '{"faults": [{"kind": "duplicate", "times": 3}]}'


def test_nine_copies_of_each_frame_are_one_trade(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", "4", "--faults", THRICE)
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    venue.wait_finished()
    daemon.wait_settled(FILLS)
    daemon.until(lambda: daemon.counts()["duplicates"] >= 2 * FILLS, "the copies are counted")
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert_same(books, undisturbed)


def test_second_fill_of_a_transaction_is_not_taken_for_a_copy_of_the_first(
    start_venue: Starter, daemon_on: Maker, tmp_path: Path
) -> None:
    """One order that took two makers' equal offers: two fills, alike in everything, in one transaction."""
    wallet = "0x" + "a" * 40
    made = [
        fill(0, wallet, 0, "BUY", "100", tx=1),
        fill(0, wallet, 0, "BUY", "100", tx=1),
        fill(0, wallet, 0, "BUY", "250", tx=1),
        fill(0, wallet, 1, "BUY", "100", tx=1),
        fill(2, wallet, 2, "BUY", "100", tx=2),
    ]
    venue = start_venue("--tape", str(write_tape(tmp_path / "twins.tape", made)), "--faults", THRICE)
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    venue.wait_finished()
    daemon.wait_settled(len(made))
    # The Data API tells of the first three fills in one row; it must not make a sixth trade of that.
    daemon.until(lambda: daemon.feeds()["poller"]["frames"] >= 3, "the poller looked, too")
    daemon.wait_settled(len(made))
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    assert books.trades.total() == len(made)
