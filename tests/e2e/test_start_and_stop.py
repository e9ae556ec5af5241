"""Started, it copies; told to stop, it stops in order; started again, it goes on where it was."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from books import TERMINAL, Books, assert_same, assert_sound, played, read_books
from processes import Daemon, Venue, postmaster_of
from small_tape import FILLS

from actors.store.postmaster import accepts

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]

STOP_S = 10.0


def processes_of(daemon: Daemon) -> list[psutil.Process]:
    """Everything that runs for it: itself, its children, its database with its own children."""
    assert daemon.process is not None
    server = daemon.postmaster()
    assert server is not None
    assert accepts(daemon.state / "postgres" / "data")
    return [psutil.Process(daemon.process.pid), server, *server.children(recursive=True)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_with_everything_it_started(
    start_venue: Starter, daemon_on: Maker, tape: Path, number: signal.Signals
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", "8")
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    daemon.until(lambda: daemon.counts().get("fills", 0) >= 3, "copies filled")
    running = processes_of(daemon)
    began = time.monotonic()
    assert daemon.stop(number) == 0
    assert time.monotonic() - began < STOP_S
    _, left = psutil.wait_procs(running, timeout=STOP_S)
    assert left == []
    assert postmaster_of(daemon.state) is None
    assert not (daemon.state / "web.json").exists()
    events = [line["event"] for line in daemon.log_lines()]
    assert "leader trade" not in events[events.index("stopping") :]
    assert events[-1] == "stopped"
    daemon.assert_no_traceback()


def test_stopped_and_started_again_it_fetches_what_it_missed_and_trades_nothing_twice(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", "12")
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    venue.wait_played(10)
    daemon.until(lambda: daemon.counts().get("fills", 0) >= 8, "copies filled")
    assert daemon.stop() == 0
    before = read_books(daemon)
    assert_sound(before)
    venue.wait_played(20)
    daemon.start()
    venue.wait_finished()
    daemon.wait_settled(FILLS)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    assert before.trades <= books.trades
    assert {order for order in before.orders if order[1] in TERMINAL} <= set(books.orders)
    assert before.decisions <= books.decisions
    assert_same(books, undisturbed)
    daemon.assert_no_traceback()


def test_stopped_while_it_starts_it_ends_as_told(start_venue: Starter, daemon_on: Maker) -> None:
    """Before the database is there, and before anything answers."""
    venue = start_venue()
    daemon = daemon_on(venue)
    for wait_s in (0.6, 1.0, 1.4):
        daemon.start(wait=False)
        time.sleep(wait_s)
        number = daemon.stop()
        # Before the interpreter has come to our code, a signal ends it as it ends any program.
        assert number in (0, -signal.SIGTERM)
        daemon.until(lambda: postmaster_of(daemon.state) is None, "its database is gone", STOP_S)
    daemon.assert_no_traceback()
