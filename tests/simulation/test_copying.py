"""Twenty worlds on each run of the tests; `make simulate` runs as many as there is time for."""

from __future__ import annotations

import shlex
from dataclasses import replace

import copying
import pytest
import run

from supervisor.simulation import Crash, FaultPlan, run_twice


@pytest.mark.parametrize("seed", range(1, 21))
def test_every_invariant_holds_whatever_crashes(seed):
    try:
        result = copying.run(seed)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('copy', seed)}")
        raise
    assert result.intents > 0
    assert result.fills > 0


def test_a_seed_repeats_its_run_exactly():
    assert copying.run(4) == copying.run(4)


def test_another_seed_is_another_run():
    assert copying.run(4).digest != copying.run(5).digest


def test_what_messages_say_repeats_too_wherever_things_lie_in_memory():
    first, second = run_twice(lambda: copying.run(4, deep=True))
    assert first == second


PECULIAR = Crash("it's $mine")


@pytest.fixture
def simulate(monkeypatch, capsys):
    """Runs a suite that fails on one peculiar fault, which seed 1 draws among others."""

    def broken(seed, plan, deep):
        if PECULIAR in plan.faults:
            raise AssertionError("I7: short")

    def planned(seed):
        return FaultPlan((Crash("a"), replace(PECULIAR, nth=seed), Crash("b")))

    def simulate(*words):
        monkeypatch.setattr("sys.argv", ["run.py", "--suite", "copy", *words])
        return run.main(), capsys.readouterr().out

    monkeypatch.setitem(run.SUITES, "copy", run.Suite(broken, planned))
    return simulate


def test_a_failing_seed_prints_how_to_repeat_it_and_what_is_enough_to_fail(simulate):
    status, out = simulate("--seeds", "2", "--first", "1")
    assert status == 1
    assert "seed 1 failed; repeat it with: make simulate SUITE=copy SEEDS=1 FIRST=1\n" in out
    assert "of its 3 faults 1 are enough, by 5 runs: I7: short" in out
    assert "seed 2 held" in out


def test_the_printed_command_fails_again(simulate):
    _, out = simulate("--seeds", "1", "--first", "1")
    command = shlex.split(out.partition("repeat that with: ")[2].splitlines()[0])
    as_make_hands_it_on = command[-1].removeprefix("PLAN=").replace("$$", "$")
    status, again = simulate("--seeds", "1", "--first", "1", "--plan", as_make_hands_it_on)
    assert status == 1
    assert shlex.split(again.partition("repeat it with: ")[2].splitlines()[0]) == command


def test_a_plan_comes_from_the_command_line_or_from_a_file(tmp_path):
    (tmp_path / "plan").write_text("crash a\npause b for 2s\n")
    assert run.read_plan("crash a; pause b for 2s") == run.read_plan(f"@{tmp_path}/plan")
    assert run.read_plan("none") == FaultPlan()
    assert run.repetition("copy", 3, FaultPlan()).endswith(" PLAN=none")
