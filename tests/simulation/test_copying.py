"""Twenty worlds on each run of the tests; `make simulate` runs as many as there is time for."""

from __future__ import annotations

import copying
import pytest
import run


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


def test_a_failing_seed_prints_how_to_repeat_it(monkeypatch, capsys):
    def broken(seed):
        raise AssertionError("I7: short")

    monkeypatch.setitem(run.SUITES, "copy", broken)
    monkeypatch.setattr("sys.argv", ["run.py", "--suite", "copy", "--seeds", "1", "--first", "9"])
    assert run.main() == 1
    assert "make simulate SUITE=copy SEEDS=1 FIRST=9" in capsys.readouterr().out
