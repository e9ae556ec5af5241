"""Twelve worlds with a fickle chain on each run of the tests; `make simulate SUITE=chain` runs more."""

from __future__ import annotations

import following
import pytest
import run

from supervisor.simulation import FaultPlan


@pytest.mark.parametrize("seed", range(1, 13))
def test_what_leaders_are_told_is_what_stands_in_the_end(seed):
    try:
        result = following.run(seed)
    except Exception as error:
        error.add_note(f"repeat it with: {run.repetition('chain', seed)}")
        raise
    assert result.told > result.transactions // 4
    assert result.retracted > 0


def test_on_a_network_that_works_nothing_is_missed():
    result = following.run(5, FaultPlan())
    assert result.told == result.transactions > 20


def test_a_seed_repeats_its_run_to_the_byte():
    assert following.run(3) == following.run(3)
