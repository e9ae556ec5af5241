"""The mode changed by command while the daemon copies, and seen with where it came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from books import assert_sound, played, read_books
from processes import Daemon, Venue, remora
from small_tape import FILLS

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


def mode(daemon: Daemon, *args: str) -> str:
    """Run `remora mode …` on the daemon's configuration and return what it says."""
    done = remora("mode", *args, "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(daemon: Daemon) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(mode(daemon, "--json"))
    return answer


def test_sources_follow_the_mode_while_the_daemon_copies_and_nothing_is_lost_or_doubled(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", "4")
    settings = venue.settings()
    nodes = {"polygon_urls": ["ws://127.0.0.1:9"]}
    daemon = daemon_on(
        venue,
        endpoints=settings["endpoints"] | nodes,
        ingest=settings["ingest"] | {"trigger": "api"},
    )
    assert shown(daemon) | {"place": ""} == {
        "trigger": "api",
        "origin": "file",
        "place": "",
        "is_running": False,
    }
    daemon.start()
    assert "chain" not in daemon.feeds()
    venue.play()
    assert "in effect now" in mode(daemon, "polygon")
    daemon.until(lambda: set(daemon.feeds()) == {"chain", "poller"}, "the sockets are off, the chain is on")
    assert shown(daemon) == {"trigger": "polygon", "origin": "operator", "place": "", "is_running": True}
    mode(daemon, "both")
    daemon.until(lambda: len(daemon.feeds()) == 5, "every source is on")
    mode(daemon, "--reset")
    daemon.until(daemon.is_listening, "only the sockets and the poller are on")
    assert shown(daemon)["origin"] == "file"

    venue.wait_finished()
    daemon.wait_settled(FILLS)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    daemon.assert_no_traceback()


def test_a_choice_outlives_a_kill_and_polygon_without_a_node_is_refused(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    venue = start_venue("--tape", str(tape))
    daemon = daemon_on(venue)
    daemon.start()
    done = remora("mode", "polygon", "--config", str(daemon.config))
    assert done.returncode == 2
    assert "endpoints.polygon_urls is empty" in done.stderr
    mode(daemon, "api")
    daemon.kill()
    assert shown(daemon)["trigger"] == "api"
    daemon.start()
    assert shown(daemon) | {"is_running": None} == {
        "trigger": "api",
        "origin": "operator",
        "place": "",
        "is_running": None,
    }
