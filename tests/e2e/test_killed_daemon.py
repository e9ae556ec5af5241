"""Kill -9 while trades stream in and orders are under way: nothing lost, nothing twice, the same end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from books import Books, assert_same, assert_sound, played, read_books
from processes import Daemon, Venue
from small_tape import FILLS

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


PLAY_S = 12.0
"""Slow enough for a trade that a dead daemon missed to be found before the sales begin."""


def playing(start_venue: Starter, tape: Path, seconds: float) -> Venue:
    return start_venue("--tape", str(tape), "--fit-seconds", str(seconds))


def finish(daemon: Daemon, venue: Venue) -> Books:
    """Let everything come to its end, stop in order, and hold the books against the venue's own account."""
    venue.wait_finished()
    daemon.wait_settled(FILLS)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    return books


def test_killed_four_times_in_the_stream_ends_like_the_undisturbed_run(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    venue = playing(start_venue, tape, PLAY_S)
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    for moment in (6, 18, 30, 52):
        venue.wait_played(moment)
        daemon.kill()
        daemon.start(wait=False)
    assert_same(finish(daemon, venue), undisturbed)


def test_killed_four_times_while_polling_alone_ends_like_the_undisturbed_run(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    """The sockets are open, pings are answered, and no trade ever comes on them."""
    venue = playing(start_venue, tape, PLAY_S)
    venue.faults({"kind": "silence", "channel": "rtds"})
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    for moment in (6, 18, 30, 52):
        venue.wait_played(moment)
        daemon.kill()
        daemon.start(wait=False)
    assert_same(finish(daemon, venue), undisturbed)
    assert {line["source"] for line in daemon.events("leader trade")} == {"api"}


def test_killed_while_orders_are_under_way_leaves_none_unknown_and_none_twice(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    """Orders arrive a second after they were sent, so that at every kill some are neither filled nor not."""
    venue = playing(start_venue, tape, PLAY_S)
    daemon = daemon_on(venue, execution={"paper_latency_ms": 1000, "resume_age_s_max": 3600})
    daemon.start()
    venue.play()
    for moment in (8, 24, 51):
        venue.wait_played(moment)
        placed = daemon.until(lambda: daemon.counts().get("orders", {}).get("PLACED", 0), "an order placed")
        daemon.kill()
        assert placed
        daemon.start()
    assert any(daemon.events("order resumed"))
    assert_same(finish(daemon, venue), undisturbed)


def test_killed_while_it_starts_it_starts_again(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    """The first starts make the database cluster and its tables: a kill must leave neither half made."""
    venue = playing(start_venue, tape, 3)
    daemon = daemon_on(venue)
    for wait_s in (0.3, 0.6, 0.9, 1.3, 0.5, 0.8):
        daemon.start(wait=False)
        time.sleep(wait_s)
        daemon.kill()
    daemon.start()
    venue.play()
    assert_same(finish(daemon, venue), undisturbed)
