"""Fault plans as values: written, read, drawn and shrunk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.actors import ActorAddress

from supervisor import BadFaultPlan, Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import (
    ClockStep,
    Crash,
    Delay,
    Drop,
    Duplicate,
    Fault,
    FaultPlan,
    Pause,
    Profile,
    Reorder,
    Simulation,
    shrink,
)
from supervisor.simulation.network import Cut, Reset, Slow

counts = st.integers(1, 10**6)
seconds = st.floats(0, 1e9)
texts = st.text(min_size=1, max_size=12)
counted = {"nth": counts, "count": counts, "from_s": seconds}
between = {"sender": texts, "target": texts, "message": texts, **counted}
faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(Crash, path=texts, message=texts, handled=st.booleans(), **counted),
    st.builds(Delay, by_s=seconds, **between),
    st.builds(Reorder, behind=counts, **between),
    st.builds(Drop, **between),
    st.builds(Duplicate, **between),
    st.builds(Pause, path=texts, at_s=seconds, for_s=seconds),
    st.builds(ClockStep, at_s=seconds, by_s=st.floats(-1e9, 1e9)),
    st.builds(Cut, texts, texts, seconds, seconds, st.booleans()),
    st.builds(Slow, texts, texts, bytes_per_s=st.floats(1, 1e9)),
    st.builds(Reset, texts, texts, after_bytes=counts),
)


@given(st.lists(faults, max_size=5))
def test_a_plan_reads_as_it_was_written(several: list[Fault]) -> None:
    plan = FaultPlan(tuple(several))
    assert FaultPlan.parse(str(plan)) == plan


def test_a_plan_is_written_for_people() -> None:
    plan = FaultPlan(
        (
            Crash("leaders/*", "FillReported", nth=3, from_s=12.5, handled=True),
            Delay("portfolios/one", "store", by_s=0.25),
            ClockStep(-3600, at_s=7200),
            Pause("a name; with signs", 30, 5),
            Cut("*", "venue", at_s=3, one_way=True),
        )
    )
    assert str(plan) == (
        "crash leaders/* on FillReported nth 3 from 12.5s handled; delay portfolios/one -> store by 0.25s; "
        'step by -3600s at 7200s; pause "a name; with signs" at 30s for 5s; '
        "cut * -> venue at 3s one-way"
    )


def test_lines_end_faults_as_semicolons_do() -> None:
    assert FaultPlan.parse("\ncrash a\n\ncrash b nth 2;;") == FaultPlan((Crash("a"), Crash("b", nth=2)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("explode a", "began with 'explode', expected one of crash, delay"),
        ("crash", "ends too early; a full one is 'crash PATH"),
        ("crash a nth", "ends too early"),
        ("crash a nth x", "invalid literal"),
        ("crash a nth 0", "nth of 'crash' was 0, expected 1 or more"),
        ("crash a twice", "saw 'twice', expected on or nth or count or from or handled"),
        ("crash a nth 1 nth 2", "saw 'nth'"),
        ("delay a b", "followed by 'b', expected '->'"),
        ("delay a -> b by -1s", "by_s of 'delay' was -1.0"),
        ("delay a -> b by nans", "by_s of 'delay' was nan"),
        ("step by infs", "finite"),
        ("cut a -> b at -1s", "at_s of 'cut' was -1.0"),
        ('crash "a', "has no end"),
    ],
)
def test_what_makes_no_sense_is_told_with_what_would(text: str, says: str) -> None:
    with pytest.raises(BadFaultPlan) as raised:
        FaultPlan.parse(text)
    assert says in str(raised.value)


# -- drawn ---------------------------------------------------------------------------------------------

PROFILE = Profile(span_s=100, actors=("a", "b"), routes=(("a", "b"), ("b", "**")), lossy=("Tick",))


@given(st.integers(0, 10**6))
def test_what_is_drawn_stays_within_its_profile(seed: int) -> None:
    for fault in FaultPlan.drawn(seed, PROFILE):
        match fault:
            case Crash() | Pause():
                assert fault.path in PROFILE.actors
            case Drop() | Duplicate():
                assert fault.message == "Tick"
            case Delay():
                assert 0 < fault.by_s <= PROFILE.delay_s_max
            case ClockStep():
                assert 0 < abs(fault.by_s) <= PROFILE.step_s_max
        at_s = fault.at_s if isinstance(fault, Pause | ClockStep) else fault.from_s
        assert 0 <= at_s <= PROFILE.span_s


def test_every_kind_is_drawn_by_some_seed_and_none_by_another() -> None:
    plans = [FaultPlan.drawn(seed, PROFILE) for seed in range(100)]
    assert {type(fault) for plan in plans for fault in plan} == {
        Crash,
        Delay,
        Reorder,
        Drop,
        Duplicate,
        Pause,
        ClockStep,
    }
    assert any(not plan for plan in plans)


def test_nothing_is_lost_or_doubled_unless_the_profile_names_it() -> None:
    profile = Profile(span_s=100)
    drawn = {type(fault) for seed in range(100) for fault in FaultPlan.drawn(seed, profile)}
    assert drawn == {Crash, Delay, Reorder, Pause, ClockStep}


def test_the_same_seed_draws_the_same_plan_in_every_process() -> None:
    program = (
        "from supervisor.simulation import FaultPlan, Profile; "
        "print(FaultPlan.drawn(21, Profile(span_s=9, crashes_max=50)))"
    )
    root = str(Path(__file__).parents[2])

    def drawn(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": root}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    here = str(FaultPlan.drawn(21, Profile(span_s=9, crashes_max=50)))
    assert here
    assert drawn("1") == drawn("2") == here


# -- shrunk --------------------------------------------------------------------------------------------


class Vault(SupervisedActor):
    """Is opened, and keeps that in memory only: the planted defect."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.is_open = False

    @handles(str)
    def on_word(self, message: str, sender: ActorAddress) -> None:
        self.args.append(message)
        if message == "open":
            self.is_open = True
        if message == "fetch" and "open" in self.args and not self.is_open:
            self.args.append("broken")


def planted(plan: FaultPlan) -> None:
    """Break if the vault crashes between `open` and `fetch`, which by itself comes long before."""
    with Simulation(5, faults=plan) as sim:
        vault = sim.spawn(Vault, "vault", seen := [])
        first, second = sim.probe("first"), sim.probe("second")
        for number in range(20):
            sim.tell(vault, "fetch" if number == 5 else "hum", sender=first)
            sim.tell(vault, "open" if number == 9 else "hum", sender=second)
            sim.advance(1)
        assert "broken" not in seen, "the vault forgot that it was open"


NEEDED = (Crash("vault", nth=3, from_s=9.75), Delay("first", "vault", nth=4, count=5, by_s=9.125))
NOISE: tuple[Fault, ...] = (
    Crash("probe-*", nth=4),
    Pause("first", 3, 2),
    ClockStep(-60.5, 4.25),
    Reorder("second", "vault", nth=3, behind=4),
    Delay("second", "vault", nth=2, by_s=0.375, from_s=2.5),
    Crash("nobody", nth=7, handled=True),
    Duplicate("second", "vault", nth=2, count=3),
    Drop("second", "vault", nth=15),
)


def test_a_failing_plan_shrinks_to_what_it_takes() -> None:
    plan = FaultPlan((*NOISE[:4], NEEDED[0], *NOISE[4:6], NEEDED[1], *NOISE[6:]))
    shrunk = shrink(planted, plan)
    assert shrunk is not None
    assert [type(fault) for fault in shrunk.plan] == [Crash, Delay]
    assert len(str(shrunk.plan)) < len(str(FaultPlan(NEEDED)))
    with pytest.raises(AssertionError, match="forgot that it was open"):
        planted(shrunk.plan)


def test_shrinking_is_the_same_each_time_and_bounded() -> None:
    plan = FaultPlan((*NOISE, *NEEDED))
    once, again = shrink(planted, plan, runs_max=10), shrink(planted, plan, runs_max=10)
    assert once is not None
    assert again is not None
    assert (once.plan, once.runs) == (again.plan, again.runs)
    assert once.runs <= 10
    with pytest.raises(AssertionError, match="forgot that it was open"):
        planted(once.plan)


def test_a_plan_that_does_no_harm_is_not_shrunk() -> None:
    assert shrink(planted, FaultPlan(NOISE)) is None


def test_a_run_that_fails_without_faults_shrinks_to_none() -> None:
    def always(plan: FaultPlan) -> None:
        raise ValueError("whatever")

    shrunk = shrink(always, FaultPlan(NOISE))
    assert shrunk is not None
    assert (shrunk.plan, shrunk.runs) == (FaultPlan(), 2)


def test_another_failure_is_not_mistaken_for_the_one_being_shrunk() -> None:
    def run(plan: FaultPlan) -> None:
        if len(plan) < len(NOISE):
            raise ValueError("another")
        raise ValueError("the one")

    shrunk = shrink(run, FaultPlan(NOISE))
    assert shrunk is not None
    assert str(shrunk.error) == "the one"
    assert len(shrunk.plan) == len(NOISE)
