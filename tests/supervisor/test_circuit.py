"""The circuit breaker by itself: states and counters against time values."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from supervisor import Backoff, BreakerPolicy, BreakerState
from supervisor.abilities.circuit import Change, Circuit

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
EXACT = Backoff(first_s=10, max_s=40, factor=2, jitter=0, reset_after_s=100)


def _circuit(**policy: Any) -> Circuit:
    return Circuit(BreakerPolicy(**({"opens_after": 3, "delay": EXACT} | policy)), Random(1))


def _opened(**policy: Any) -> Circuit:
    circuit = _circuit(**policy)
    circuit.trip(0, "by hand")
    return circuit


def _half_open(**policy: Any) -> Circuit:
    circuit = _opened(**policy)
    circuit.due(10)
    assert circuit.state is HALF_OPEN
    return circuit


def test_failures_in_a_row_open_it() -> None:
    circuit = _circuit()
    assert [circuit.failed(0), circuit.failed(0)] == [None, None]
    assert circuit.failed(0) == Change(CLOSED, OPEN, "3 failures in a row")
    assert not circuit.allows(9)


def test_a_success_between_failures_starts_the_row_anew() -> None:
    circuit = _circuit()
    for outcome in (circuit.failed, circuit.failed, circuit.succeeded, circuit.failed, circuit.failed):
        assert outcome(0) is None
    assert circuit.allows(0)


def test_a_share_of_failures_opens_it_once_enough_calls_are_known() -> None:
    circuit = _circuit(opens_after=None, opens_at_share=0.5, window_calls=4)
    assert [circuit.failed(0) for _ in range(3)] == [None] * 3
    assert circuit.succeeded(0) is None  # a success opens nothing
    assert circuit.failed(0) == Change(CLOSED, OPEN, "3 of the last 4 calls failed")


def test_failures_that_left_the_window_count_no_more() -> None:
    circuit = _circuit(opens_after=None, opens_at_share=0.5, window_calls=4)
    for outcome in (circuit.failed, *[circuit.succeeded] * 4, circuit.failed):
        assert outcome(0) is None
    assert circuit.failed(0) == Change(CLOSED, OPEN, "2 of the last 4 calls failed")


def test_it_is_half_open_after_its_delay_and_a_good_trial_closes_it() -> None:
    circuit = _opened()
    assert circuit.due(9.9) is None
    assert circuit.due(10) == Change(OPEN, HALF_OPEN, "its time to be open was over")
    assert circuit.allows(10)
    assert circuit.succeeded(11) == Change(HALF_OPEN, CLOSED, "1 trial succeeded")
    assert circuit.allows(11)


def test_half_open_only_as_many_calls_go_through_as_trials_are_wanted() -> None:
    circuit = _half_open(trials=2)
    assert [circuit.allows(10) for _ in range(3)] == [True, True, False]
    assert circuit.succeeded(11) is None
    assert not circuit.allows(11)
    assert circuit.succeeded(12) == Change(HALF_OPEN, CLOSED, "2 trials succeeded")


def test_a_failed_trial_opens_it_again_for_longer_up_to_the_maximum() -> None:
    circuit = _opened()
    lengths, now = [], 0.0
    for _ in range(4):
        assert circuit.due_s is not None
        lengths.append(circuit.due_s - now)
        now = circuit.due_s
        circuit.due(now)
        assert circuit.allows(now)
        assert circuit.failed(now) == Change(HALF_OPEN, OPEN, "a trial failed")
    assert lengths == [10, 20, 40, 40]


def test_after_a_healthy_while_it_opens_for_the_first_delay_again() -> None:
    for closed_for_s, length_s in ((99.0, 20.0), (100.0, 10.0)):
        circuit = _half_open()
        circuit.allows(10)
        circuit.succeeded(10)
        circuit.trip(10 + closed_for_s, "by hand")
        assert circuit.due_s == 10 + closed_for_s + length_s


def test_a_trial_without_an_outcome_has_failed_after_its_time() -> None:
    circuit = _half_open(trial_s=5)
    assert circuit.allows(12)
    assert circuit.due(16.9) is None
    assert circuit.due(17) == Change(HALF_OPEN, OPEN, "a trial had no outcome within 5 s")


def test_a_trial_that_said_nothing_may_be_made_again() -> None:
    circuit = _half_open()
    assert circuit.allows(10)
    circuit.gave_no_outcome()
    assert circuit.due_s is None
    assert circuit.allows(100)


def test_outcomes_of_calls_from_before_a_change_count_for_nothing() -> None:
    circuit = _circuit()
    early = circuit.generation
    circuit.trip(0, "by hand")
    assert circuit.failed(1) is None
    circuit.due(10)
    assert circuit.failed(10) is None  # no trial is out
    assert circuit.allows(10)
    assert circuit.failed(10, early) is None
    assert circuit.succeeded(10, early) is None
    assert circuit.state is HALF_OPEN
    assert circuit.succeeded(10, circuit.generation) is not None


def test_by_hand_it_opens_and_closes_at_once() -> None:
    circuit = _circuit()
    assert circuit.trip(0, "maintenance") == Change(CLOSED, OPEN, "maintenance")
    assert circuit.trip(1, "again") is None
    assert circuit.reset(2, "over") == Change(OPEN, CLOSED, "over")
    assert circuit.reset(3, "again") is None
    assert circuit.due_s is None


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"opens_after": None}, "would never open"),
        ({"opens_after": 0}, "opens_after was 0"),
        ({"opens_at_share": 0.0}, r"opens_at_share was 0\.0"),
        ({"opens_at_share": 1.5}, r"opens_at_share was 1\.5"),
        ({"window_calls": 0}, "window_calls was 0"),
        ({"trials": 0}, "trials was 0"),
        ({"trial_s": 0.0}, r"trial_s was 0\.0"),
        ({"trial_s": float("nan")}, "trial_s was nan"),
        ({"delay": Backoff(first_s=0)}, r"delay\.first_s was 0"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        BreakerPolicy(**wrong)


class CircuitModel(RuleBasedStateMachine):
    """Any order of calls, outcomes and time keeps what must always hold."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = _circuit(opens_at_share=0.6, window_calls=5, trials=2, trial_s=5)
        self.now = 0.0
        self.out = 0
        self.failures: list[bool] = []
        self.opened_at: float | None = None

    def note(self, change: Change | None) -> None:
        if change is None:
            return
        assert change.before is not change.after
        assert change.after is self.circuit.state
        assert (change.before, change.after) != (OPEN, CLOSED)
        self.out = 0
        self.failures.clear()
        self.opened_at = self.now if change.after is OPEN else self.opened_at

    @rule(seconds=st.integers(0, 30))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.note(self.circuit.due(self.now))

    @rule()
    def a_call_is_made(self) -> None:
        if self.circuit.allows(self.now):
            assert self.circuit.state is not OPEN
            self.out += 1

    @precondition(lambda self: self.out > 0)
    @rule(failed=st.booleans())
    def a_call_ends(self, failed: bool) -> None:
        self.out -= 1
        if self.circuit.state is CLOSED:
            self.failures.append(failed)
            recent = self.failures[-5:]
            opens = self.failures[-3:] == [True] * 3 or (len(recent) == 5 and sum(recent) >= 3 and failed)
            change = self.circuit.failed(self.now) if failed else self.circuit.succeeded(self.now)
            assert (change is not None) == opens
        else:
            change = self.circuit.failed(self.now) if failed else self.circuit.succeeded(self.now)
            assert change is not None or not failed
        self.note(change)

    @rule()
    def it_is_tripped(self) -> None:
        self.note(self.circuit.trip(self.now, "by hand"))

    @invariant()
    def half_open_few_go_through(self) -> None:
        if self.circuit.state is HALF_OPEN:
            assert self.out <= 2

    @invariant()
    def open_ends_in_time(self) -> None:
        if self.circuit.state is OPEN:
            assert self.opened_at is not None
            assert self.circuit.due_s is not None
            assert 10 <= self.circuit.due_s - self.opened_at <= 40
            assert not self.circuit.allows(self.now)


TestCircuitModel = CircuitModel.TestCase
