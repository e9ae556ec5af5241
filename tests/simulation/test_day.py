"""One day on each run of the tests; `make simulate SUITE=day` runs more."""

from __future__ import annotations

import day
import run


def test_a_day_under_faults_keeps_every_invariant():
    try:
        result = day.run(2)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('day', 2)}")
        raise
    assert result.faults["crash"] > 100
    assert result.trades > 1000
    assert result.intents > 1000
