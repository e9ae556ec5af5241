"""A hundred histories on each run of the tests; `make simulate SUITE=detection` runs more."""

from __future__ import annotations

import detection
import pytest
import run

from supervisor.simulation import FaultPlan, run_twice


@pytest.mark.parametrize("first", range(1, 101, 10))
def test_what_is_accepted_is_the_script_whatever_the_sources_do(first):
    for seed in range(first, first + 10):
        try:
            result = detection.run(seed)
        except Exception as error:
            error.add_note(f"repeat it with: {run.repetition('detection', seed)}")
            raise
        assert result.accepted > 0


def test_ten_thousand_trades_of_five_hundred_leaders_are_each_accepted_once():
    result = detection.run(1, size=detection.FULL)
    assert result.trades >= 10_000


def test_a_hundred_seeds_come_to_every_mode_and_every_check():
    """Or a check that is made under conditions might never be."""
    results = [detection.run(seed, FaultPlan()) for seed in range(1, 31)]
    assert {result.mode for result in results} == set(detection.offers.MODES)
    assert {result.rows_checked for result in results} == {False, True}
    assert sum(result.corrections for result in results) > 0


def test_a_seed_repeats_its_run_wherever_things_lie_in_memory():
    first, second = run_twice(lambda: detection.run(2, deep=True))
    assert first == second
