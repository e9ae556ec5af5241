"""When a feed counts as late."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.lateness import FRAMES, Lateness

LIMIT_MS = 15_000


def fed(*lags_ms: int) -> Lateness:
    lateness = Lateness(LIMIT_MS)
    for lag_ms in lags_ms:
        lateness.note(lag_ms)
    return lateness


def test_frames_that_keep_coming_late_make_a_feed_late_and_timely_ones_cure_it() -> None:
    lateness = fed(*[LIMIT_MS + 1] * (FRAMES - 1))
    assert not lateness.is_late
    assert lateness.note(LIMIT_MS + 1)
    assert lateness.is_late
    changes = [lateness.note(LIMIT_MS) for _ in range(FRAMES)]
    assert changes == [False] * (FRAMES - 1) + [True]
    assert not lateness.is_late


def test_a_few_late_frames_among_timely_ones_change_nothing() -> None:
    assert not fed(*[LIMIT_MS * 2, 100] * 1_000).is_late


def test_a_few_timely_frames_do_not_hide_that_a_feed_is_late() -> None:
    """Some rows are timely even where most are late."""
    lateness = fed(*[LIMIT_MS * 100] * FRAMES)
    for _ in range(500):
        for lag_ms in (LIMIT_MS * 100, LIMIT_MS * 100, 10):
            assert not lateness.note(lag_ms)
    assert lateness.is_late


def test_a_new_connection_begins_in_good_faith() -> None:
    lateness = fed(*[LIMIT_MS * 2] * FRAMES)
    lateness.forget()
    assert not lateness.is_late
    assert not lateness.note(0)


@given(st.lists(st.integers(0, 2 * LIMIT_MS), max_size=400))
def test_a_change_is_told_once_and_never_twice_the_same(lags_ms: list[int]) -> None:
    lateness, states = Lateness(LIMIT_MS), [False]
    for lag_ms in lags_ms:
        if lateness.note(lag_ms):
            states.append(lateness.is_late)
        assert lateness.is_late is states[-1]
    assert all(before is not after for before, after in itertools.pairwise(states))
