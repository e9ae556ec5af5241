"""The budget before each host, and the pauses after failures."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices.bucket import TokenBucket
from actors.prices.gate import Gate, retry_after_s


def gate():
    return Gate(first_s=1.0, max_s=30.0, random=Random(1))


@given(st.lists(st.floats(0, 2), max_size=200), st.floats(1, 50), st.integers(1, 20))
def test_never_more_than_burst_and_rate_allow(gaps, rate, burst):
    bucket = TokenBucket(rate, burst)
    now, leaves = 0.0, []
    for gap in gaps:
        now += gap
        if bucket.take(now):
            leaves.append(now)
        else:
            assert bucket.wait_s(now) > 0
    for index, first in enumerate(leaves):
        for count, last in enumerate(leaves[index:], start=1):
            assert count <= burst + rate * (last - first) + 1e-6


@given(st.floats(0.5, 50), st.integers(1, 20), st.integers(1, 30))
def test_after_the_wait_told_the_tokens_are_there(rate, burst, tokens):
    bucket = TokenBucket(rate, burst)
    for _ in range(burst):
        assert bucket.take(0.0)
    assert not bucket.take(0.0)
    tokens = min(tokens, burst)
    now = bucket.wait_s(0.0, tokens)
    assert all(bucket.take(now) for _ in range(tokens))


def test_half_of_the_budget_is_kept_for_what_is_urgent():
    bucket = TokenBucket(4, 4)
    bucket.take(0)
    assert bucket.spare(0)
    bucket.take(0)
    assert not bucket.spare(0)


def test_pace_slows_down_by_halves_and_recovers_by_steps():
    bucket = TokenBucket(10, 1)
    for _ in range(9):
        bucket.slow_down()
    assert bucket.pace == 0.125
    bucket.take(0)
    assert bucket.wait_s(0) == pytest.approx(0.8)
    for _ in range(9):
        bucket.speed_up()
    assert bucket.pace == 1


def test_pauses_double_with_jitter_and_end_at_the_maximum():
    subject, now, pauses = gate(), 0.0, []
    for _ in range(8):
        subject.failed(subject.enter(now), now)
        pauses.append(subject.wait_s(now))
        assert subject.enter(now) is None
        now += pauses[-1]
    for pause, base in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0.8 * base <= pause <= 1.2 * base
    assert len(set(pauses)) == 8
    subject.succeeded(subject.enter(now))
    assert (subject.failures, subject.wait_s(now)) == (0, 0)


def test_calls_that_fail_together_count_once():
    subject = gate()
    tickets = [subject.enter(0) for _ in range(50)]
    for ticket in tickets:
        subject.failed(ticket, 0)
    assert subject.failures == 1


def test_after_a_pause_one_goes_first():
    subject = gate()
    subject.failed(subject.enter(0), 0)
    trial = subject.enter(10)
    assert trial is not None
    assert subject.enter(10) is None
    subject.abandoned(trial)
    assert subject.enter(10) is not None


def test_success_of_an_old_call_does_not_open_the_gate():
    subject = gate()
    old = subject.enter(0)
    subject.failed(subject.enter(0), 0)
    subject.succeeded(old)
    assert subject.enter(0) is None


def test_retry_after_lengthens_a_pause_and_never_shortens_it():
    subject = gate()
    subject.failed(subject.enter(0), 0, retry_after_s=20)
    assert subject.wait_s(0) == 20
    subject = gate()
    subject.failed(subject.enter(0), 0, retry_after_s=0)
    assert subject.wait_s(0) >= 0.8
    subject.failed(0, 0.5, retry_after_s=1e9)
    assert subject.wait_s(0.5) == 600


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        (" 7 ", 7),
        ("-7", 0),
        ("7.5", 0),
        ("9" * 400, 999_999_999),
        ("soon", 0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("Fri, 99 Xyz 9999 99:99:99 GMT", 0),
    ],
)
def test_retry_after_header(header, seconds):
    assert retry_after_s(header, lambda: 40.0) == seconds
