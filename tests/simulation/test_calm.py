"""Eight calm worlds on each run of the tests; `make simulate SUITE=calm` runs more."""

from __future__ import annotations

import calm
import pytest
import run

from supervisor.simulation import Crash, FaultPlan


@pytest.mark.parametrize("seed", range(1, 9))
def test_any_schedule_of_crashes_ends_as_without_them(seed):
    try:
        result = calm.run(seed)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('calm', seed)}")
        raise
    assert result.intents > 0


def test_another_end_is_noticed():
    without_price = FaultPlan((Crash("house/markets"), Crash("house/prices", nth=10, from_s=290)))
    with pytest.raises(AssertionError, match="I6"):
        calm.run(4, without_price)
