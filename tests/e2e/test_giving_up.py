"""What no restart can mend ends the process, with a code and a text that say so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from processes import Daemon, Venue
from servers import Elsewhere

from ops.exits import Exit

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


def test_a_database_that_another_daemon_writes_to_ends_the_second_one(
    start_venue: Starter, daemon_on: Maker, home: Path, cleanup: ExitStack
) -> None:
    elsewhere = Elsewhere(home / "elsewhere")
    cleanup.callback(elsewhere.stop)
    venue = start_venue()
    first = daemon_on(venue, "first", database={"url": elsewhere.url})
    first.start()

    second = daemon_on(venue, "second", database={"url": elsewhere.url})
    second.start(wait=False)

    assert second.wait_exit() == Exit.FAILED
    (end,) = second.events("giving up")
    assert end["level"] == "error"
    assert "store failed beyond its restart limit (5 in 60 s)" in end["reason"]
    assert "another daemon" in end["cause"]
    assert not (second.state / "web.json").exists()
    assert first.is_alive()
    assert first.stop() == 0
