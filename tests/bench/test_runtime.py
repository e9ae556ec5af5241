"""The bench of the runtime, at a size that measures nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.bench.entrants import OURS, entrants
from ops.bench.race import race
from ops.bench.runtime import main

RATES = {"ping_pong_round_trips_per_s", "fan_out_messages_per_s", "pipeline_messages_per_s"}
RATIOS = {"ping_pong_ratio", "fan_out_ratio", "pipeline_ratio"}
HOPS = {"hops_p50_us", "hops_p99_us"}
OF_AN_ACTOR = {"spawns_per_s", "new_actor_bytes", "used_actor_bytes"}
OURS_ALONE = {"restarts_per_s", "idle_actor_bytes", "flood_wake_p50_ms", "flood_wake_p99_ms"}


def test_the_last_line_is_one_object_of_ours_against_the_bare_loop() -> None:
    output = CliRunner().invoke(main, ["--json", "--crowd=20", "--rounds=1", "--scale=0.002"]).output

    result = json.loads(output.splitlines()[-1])
    for figure in RATES | RATIOS | HOPS | OF_AN_ACTOR | OURS_ALONE:
        assert isinstance(result[f"remora_{figure}"], float), figure
    for rate, ratio in zip(sorted(RATES), sorted(RATIOS), strict=True):
        assert result[f"remora_{ratio}"] == pytest.approx(result[f"remora_{rate}"] / result[f"bare_{rate}"])


def test_every_entrant_runs_the_same_workloads(tmp_path: Path) -> None:
    found, _ = entrants(tmp_path)

    figures = race(found, scale=0.002, crowd=20, rounds=1)

    assert {"bare", "remora", "asyncio", "simple"} <= figures.keys()
    for name, own in figures.items():
        assert own.keys() >= RATES | HOPS, name
        assert name == "bare" or own.keys() >= OF_AN_ACTOR, name


def test_whoever_is_not_installed_is_left_out_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found, absent = entrants(tmp_path)

    assert OURS in found
    assert absent["erlang"] == "no erl and erlc on the path"
