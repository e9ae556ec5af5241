"""The database is not there, or goes away: the daemon says so, stops trading, loses nothing, goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from books import Books, assert_same, assert_sound, played, read_books
from processes import Daemon, Venue
from servers import Elsewhere
from small_tape import FILLS

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]

PLAY_S = 14.0


def store_of(daemon: Daemon) -> dict[str, Any]:
    return daemon.status().get("store", {})


def says_it_is_away(daemon: Daemon) -> Any:
    """What the status says while the database is away."""
    return daemon.until(
        lambda: store_of(daemon).get("available") is False and store_of(daemon)["reason"] != "starting",
        "the status says that the database is away",
    )


def finish(daemon: Daemon, venue: Venue) -> Books:
    venue.wait_finished()
    daemon.wait_settled(FILLS)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    daemon.assert_no_traceback()
    return books


def test_database_that_is_away_at_the_start_and_again_later_loses_nothing(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books, home: Path, cleanup: ExitStack
) -> None:
    elsewhere = Elsewhere(home / "elsewhere")
    cleanup.callback(elsewhere.stop)
    elsewhere.stop()
    venue = start_venue("--tape", str(tape), "--fit-seconds", str(PLAY_S))
    daemon = daemon_on(venue, database={"url": elsewhere.url, "retry_max_s": 0.5})
    daemon.start(wait=False)
    says_it_is_away(daemon)
    assert "start it, or check database.url" in store_of(daemon)["reason"]
    venue.play()
    venue.wait_played(4)
    assert daemon.events("order placed") == []
    elsewhere.start()
    daemon.until(lambda: store_of(daemon).get("available"), "the database is back")
    venue.wait_played(12)

    daemon.until(lambda: daemon.counts().get("fills", 0) >= 3, "copies filled")
    elsewhere.stop()
    says_it_is_away(daemon)
    placed = len(daemon.events("order placed"))
    venue.wait_played(venue.status()["trades_played"] + 5)
    assert len(daemon.events("order placed")) == placed
    elsewhere.start()

    assert_same(finish(daemon, venue), undisturbed)
    said = daemon.events("the database does not take writes")
    assert len(said) >= 2
    assert all(line["level"] == "error" and line["reason"] for line in said)
    assert len(daemon.events("the database takes writes")) >= 2


def test_killed_postmaster_is_started_again_and_nothing_is_lost(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", str(PLAY_S))
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    for moment in (8, 24, 52):
        venue.wait_played(moment)
        server = daemon.postmaster()
        assert server is not None
        server.kill()
        daemon.until(
            lambda old=server.pid: (now := daemon.postmaster()) is not None and now.pid != old,
            "a server runs again",
        )
    assert_same(finish(daemon, venue), undisturbed)
    assert daemon.events("the database does not take writes")
    assert len(daemon.events("started")) == 1


def test_unreachable_database_does_not_keep_the_daemon_from_stopping(
    start_venue: Starter, daemon_on: Maker
) -> None:
    venue = start_venue()
    daemon = daemon_on(venue, database={"url": "postgresql://nobody@127.0.0.1:1/remora"})
    daemon.start(wait=False)
    says_it_is_away(daemon)
    assert daemon.stop() == 0
    daemon.assert_no_traceback()
