"""A leader's past read by command: recorded once, marked, and never copied."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from books import assert_sound, read_books
from processes import Daemon, Venue, remora
from small_tape import WALLETS

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


def backfill(daemon: Daemon, *args: str) -> str:
    """Run `remora backfill …` on the daemon's configuration and return what it says."""
    done = remora("backfill", *args, "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_leaders_past_is_recorded_once_over_a_kill_and_never_copied(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    one, two, three = WALLETS
    began_s = int(time.time()) - 60
    venue = start_venue("--tape", str(tape), "--fit-seconds", "3")
    daemon = daemon_on(venue, leaders=[one, two])
    daemon.start()
    venue.play()
    venue.wait_finished()
    followed = len(venue.legs([one, two]))
    past = len(venue.legs([three]))
    assert past > 0
    daemon.wait_settled(followed)

    refused = remora("backfill", "--leader", three, "--from", "0", "--config", str(daemon.config))
    assert refused.returncode == 2
    assert "is not followed" in refused.stderr
    assert remora("leaders", "add", three, "--config", str(daemon.config)).returncode == 0
    daemon.kill()
    said = backfill(daemon, "--leader", three, "--from", str(began_s))
    assert "the next one carries it out" in said
    daemon.start()
    daemon.until(lambda: states(daemon) == ["DONE"], "the daemon has read it")
    again = json.loads(backfill(daemon, "--leader", three, "--from", str(began_s), "--json"))
    assert (again["state"], again["trades"]) == ("DONE", 0), "all of it was known"
    assert [row["trades"] for row in requests(daemon)] == [0, past]

    daemon.wait_settled(followed + past)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert len([row for row in books.decisions if row[3] == "SKIP_BACKFILL"]) == past * daemon.portfolios
    daemon.assert_no_traceback()


def requests(daemon: Daemon) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = json.loads(backfill(daemon, "--json"))
    return answer


def states(daemon: Daemon) -> list[str]:
    return [row["state"] for row in requests(daemon)]
