"""`remora demo`: what a user tries first, and what its summary promises."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from processes import REMORA, environment, remora, until
from users import as_ordinary_user

KEYS = {
    "trades_seen",
    "leader_trades",
    "duplicates",
    "intents",
    "skips",
    "orders",
    "fills",
    "positions",
    "cash",
    "realised",
    "unrealised",
    "fees",
    "latency_ms",
    "invariants",
}
INVARIANTS = {"I1", "I2", "I3", "I5", "I7", "I9", "I10"}
DEMO_S = 110.0
PORTFOLIOS = 2
SAMPLE = Path(__file__).parents[3] / "shared/samples/bulk/top5_leader_trades_2026-01.jsonl"


def summary_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The summary, held to what every summary must be."""
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    summary: dict[str, Any] = json.loads(line)
    assert summary.keys() >= KEYS
    assert summary["invariants"] == dict.fromkeys(INVARIANTS, True)
    assert summary["intents"] + sum(summary["skips"].values()) == summary["leader_trades"] * PORTFOLIOS
    assert sum(summary["orders"].values()) == summary["intents"]
    assert summary["trades_seen"] >= summary["leader_trades"] > 0
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
    assert "Traceback" not in done.stderr
    return summary


def test_demo_with_a_crash_and_everything_twice(tmp_path: Path) -> None:
    """From a directory whose names are like ours, which must not be taken for ours."""
    for name in ("config", "ops", "messages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not this one')")
    done = remora(
        "demo",
        "--crashes",
        "1",
        "--deliveries",
        "2",
        "--seconds",
        "8",
        "--json",
        timeout_s=DEMO_S,
        cwd=tmp_path,
    )
    summary = summary_of(done)
    assert summary["daemon_starts"] == 2
    assert summary["duplicates"] > summary["leader_trades"]
    assert "killing the daemon with -9" in done.stderr


def test_demo_for_people_keeps_what_it_is_told_to(home: Path) -> None:
    done = remora("demo", "--seconds", "3", "--keep", str(home / "kept"), timeout_s=DEMO_S)
    assert done.returncode == 0
    for said in ("trades seen", "leader trades", "intents", "realised", "invariant", "I10"):
        assert said in done.stdout
    assert {one.name for one in (home / "kept").iterdir()} >= {"demo.yaml", "daemon.log", "state"}
    trade_id = next(
        json.loads(line)["trace_id"]
        for line in (home / "kept/daemon.log").read_text().splitlines()
        if '"leader trade"' in line
    )
    why = remora("why", trade_id, "--config", str(home / "kept/demo.yaml"))
    assert why.returncode == 0
    assert f"trade {trade_id}" in why.stdout
    again = remora("demo", "--seconds", "4", "--keep", str(home / "kept"))
    assert again.returncode == 4
    assert "is not empty" in again.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_that_is_told_to_stop_leaves_nothing_running(number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [*REMORA, "demo", "--seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    myself = psutil.Process(demo.pid)
    until(lambda: any("run" in one.cmdline() for one in myself.children()), "the daemon was started")
    time.sleep(2)
    running = myself.children(recursive=True)
    assert len(running) >= 2
    demo.send_signal(number)
    out, said = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "stopped before the end" in said
    assert "Traceback" not in said
    assert out == ""
    _, left = psutil.wait_procs(running, timeout=10)
    assert left == []


def test_demo_says_so_when_its_venue_dies() -> None:
    demo = subprocess.Popen(
        [*REMORA, "demo", "--seconds", "60"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    myself = psutil.Process(demo.pid)
    children = until(
        lambda: len(found := myself.children()) >= 2 and found, "the venue and the daemon were started"
    )
    (venue,) = (one for one in children if "venue" in one.cmdline())
    venue.kill()
    _, said = demo.communicate(timeout=90)
    assert demo.returncode == 1
    assert "the local venue does not answer any more" in said
    assert "Traceback" not in said


def test_demo_of_a_tape_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "tape").write_text("not a tape\n")
    done = remora("demo", "--tape", str(tmp_path / "tape"), "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    missing = remora("demo", "--tape", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "`remora tape import` makes one" in missing.stderr


@pytest.mark.samples
def test_real_fills_of_three_leaders_are_each_decided_once(tmp_path: Path) -> None:
    if not SAMPLE.exists():
        pytest.skip(f"the recorded fills are not here: {SAMPLE}")
    tape = tmp_path / "leaders.tape"
    done = remora("tape", "import", "--from", "leader-fills", str(SAMPLE), "--out", str(tape))
    assert done.returncode == 0
    plain = summary_of(remora("demo", "--tape", str(tape), "--seconds", "5", "--json", timeout_s=DEMO_S))
    assert plain["leader_trades"] == 200


def test_demo_works_for_an_ordinary_user(home: Path) -> None:
    summary_of(as_ordinary_user("demo", "--seconds", "5", "--json", home=home, timeout_s=DEMO_S))
