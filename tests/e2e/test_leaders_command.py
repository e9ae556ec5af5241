"""Leaders added, paused, resized and removed by command while the daemon copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from books import assert_sound, read_books
from processes import Daemon, Venue, remora
from small_tape import FILLS, WALLETS

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


def leaders(daemon: Daemon, *args: str) -> str:
    """Run `remora leaders …` on the daemon's configuration and return what it says."""
    done = remora("leaders", *args, "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(daemon: Daemon) -> dict[str, dict[str, Any]]:
    return {row["wallet"]: row for row in json.loads(leaders(daemon, "list", "--json"))}


def followed(daemon: Daemon) -> int:
    answer: int = daemon.status().get("ingest", {}).get("leaders", 0)
    return answer


def test_a_leader_added_while_the_daemon_runs_is_copied_and_one_removed_is_not(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    one, two, three = WALLETS
    venue = start_venue("--tape", str(tape), "--fit-seconds", "3")
    daemon = daemon_on(venue, leaders=[one, two])
    daemon.start()
    assert "in effect now" in leaders(daemon, "add", three, "--name", "Third")
    leaders(daemon, "remove", one)
    leaders(daemon, "pause", two, "--portfolio", "timid")
    leaders(daemon, "ratio", three, "0.2", "--portfolio", "bold")
    daemon.until(lambda: followed(daemon) == 2, "ingest knows the two that are left")
    rows = listed(daemon)
    assert rows.keys() == {two, three}
    assert rows[two]["follows"] == {"bold": "x0.1", "timid": "paused"}
    assert rows[three]["follows"] == {"bold": "x0.2", "timid": "x0.05"}
    assert (rows[three]["name"], rows[three]["origin"]) == ("Third", "operator")
    lag = json.loads(leaders(daemon, "lag", "--json"))
    assert {one["wallet"] for one in lag["wallets"]} == {two, three}

    venue.play()
    venue.wait_finished()
    seen = len(venue.legs([two, three]))
    assert 0 < seen < FILLS
    daemon.wait_settled(seen)
    assert daemon.stop() == 0
    books = read_books(daemon)
    assert_sound(books)
    assert {row[0] for row in books.trades} == {two, three}
    paused = [row for row in books.decisions if row[3] == "SKIP_PAUSED"]
    assert len(paused) == len(venue.legs([two]))
    assert {row[0] for row in paused} == {"timid"}
    daemon.assert_no_traceback()


def test_changes_outlive_a_kill_and_can_be_made_while_no_daemon_runs(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    one, two, three = WALLETS
    venue = start_venue("--tape", str(tape), "--fit-seconds", "3")
    daemon = daemon_on(venue, leaders=[one])
    daemon.start()
    leaders(daemon, "add", two)
    daemon.until(lambda: followed(daemon) == 2, "ingest knows the second")
    daemon.kill()
    assert "when the daemon starts" in leaders(daemon, "add", three)
    daemon.start()
    daemon.until(lambda: followed(daemon) == 3, "ingest knows all three")
    assert daemon.stop() == 0
    leaders(daemon, "reset", two)
    assert listed(daemon).keys() == {one, three}


def test_what_makes_no_sense_is_refused_and_changes_nothing(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    venue = start_venue("--tape", str(tape))
    daemon = daemon_on(venue, leaders=[WALLETS[0]])
    before = remora("leaders", "list", "--config", str(daemon.config))
    assert before.returncode == 7
    assert "no daemon has run there yet" in before.stderr
    daemon.start()
    for args, said in (
        (("add", "0x12"), "expected 0x and 40 hex digits"),
        (("remove", WALLETS[1]), "is not followed"),
        (("ratio", WALLETS[0], "-1"), "No such option"),
        (("ratio", WALLETS[0], "0"), "expected more than 0"),
        (("ratio", WALLETS[0], "much"), "expected a decimal number"),
        (("pause", WALLETS[0], "--portfolio", "bald"), "expected one of bold, timid"),
        (("add", WALLETS[0]), "is followed already"),
    ):
        done = remora("leaders", *args, "--config", str(daemon.config))
        assert done.returncode == 2, done.stdout
        assert said in done.stderr
    assert listed(daemon).keys() == {WALLETS[0]}
