"""Idle actors give up their incarnation, and their next message begins another at the same address."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.actors import ActorAddress, WakeupMessage

from supervisor import (
    AsyncioSystemBase,
    BadActorClass,
    Mailbox,
    Overflow,
    Restart,
    Strategy,
    SupervisedActor,
    Supervision,
    Terminated,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=64, overflow=Overflow.REFUSE)
IDLE_S = 60.0
LATEST_S = IDLE_S * 1.25


class Act(msgspec.Struct, frozen=True):
    what: Any


class Sleeper(SupervisedActor):
    """Writes down what happens to it in a list that outlives its incarnations."""

    mailbox = BOX
    passivate_after_s: ClassVar[float | None] = IDLE_S

    def started(self) -> None:
        self.args.append("started")

    def stopped(self) -> None:
        self.args.append("stopped")

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        self.args.append(message)
        if message < 0:
            raise ValueError("a number below 0")

    @handles(Act)
    def on_act(self, message: Act, sender: ActorAddress) -> None:
        message.what(self)

    @handles(str, WakeupMessage, Terminated)
    def on_other(self, message: object, sender: ActorAddress) -> None:
        self.args.append(message if isinstance(message, str) else type(message).__name__)


class Drowsy(Sleeper):
    passivate_after_s = None


def _state(sim: Simulation, path: str = "sleeper") -> str:
    return next(info.state for info in sim.base.tree() if info.path == path)


def _timers(sim: Simulation) -> list[asyncio.TimerHandle]:
    return [each for each in sim.loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]


def _asleep(sim: Simulation, log: list[object]) -> ActorAddress:
    sleeper = sim.spawn(Sleeper, "sleeper", log)
    sim.advance(LATEST_S)
    assert _state(sim) == "passive"
    log.clear()
    return sleeper


def test_an_idle_actor_sleeps_and_its_next_message_wakes_it() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", log)
        sim.advance(LATEST_S)
        assert log == ["started", "stopped"]
        for number in (1, 2, 3):
            sim.tell(sleeper, number)
        sim.run()
        assert log == ["started", "stopped", "started", 1, 2, 3]
        assert sim.base.drops() == {}


def test_an_actor_is_not_put_to_sleep_before_its_time() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", log)
        for number in range(10):
            sim.advance(IDLE_S - 1)
            sim.tell(sleeper, number)
        sim.advance(IDLE_S - 1)
        assert log == ["started", *range(10)]


def test_sleep_counts_neither_as_restart_nor_as_failure_nor_as_end() -> None:
    log: list[object] = []
    with Simulation() as sim:
        watching = sim.probe()
        sleeper = sim.spawn(Sleeper, "sleeper", log)
        watching.watch(sleeper)
        for number in range(20):
            sim.advance(LATEST_S)
            sim.tell(sleeper, number)
        sim.run()
        info = sim.base.tree()[-1]
        assert (info.restarts, info.last_error, info.handled) == (0, "", 20)
        assert watching.messages == []
        assert sim.base.find("sleeper") == sleeper


def test_a_sleeping_actor_is_stopped_without_being_woken() -> None:
    log: list[object] = []
    with Simulation() as sim:
        _asleep(sim, log)
    assert log == []


def test_what_waits_for_a_sleeping_actor_is_handled_before_it_stops() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sim.tell(_asleep(sim, log), 1)
    assert log == ["started", 1, "stopped"]


def test_a_crash_while_waking_is_a_crash_like_any_other() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = _asleep(sim, log)
        sim.crash(sleeper)
        sim.run()
        assert _state(sim) == "passive"
        sim.tell(sleeper, 1)
        sim.tell(sleeper, 2)
        sim.advance(1)
        assert log == ["started", "stopped", "started", 2]
        assert sim.base.tree()[0].restarts == 1


class _Failing(Sleeper):
    def started(self) -> None:
        super().started()
        if self.args.count("started") == 2:
            raise OSError("the store is away")


def test_a_wake_that_fails_is_tried_again_and_the_message_not_lost() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = sim.spawn(_Failing, "sleeper", log)
        sim.advance(LATEST_S)
        sim.tell(sleeper, 1)
        sim.advance(1)
        assert log == ["started", "stopped", "started", "started", 1]


def _sets_timer(actor: Sleeper) -> None:
    actor.timer("late", 10 * IDLE_S, "timer")


def _sets_wakeup(actor: Sleeper) -> None:
    actor.wakeupAfter(10 * IDLE_S)


def _runs_coroutine(actor: Sleeper) -> None:
    async def slow() -> str:
        await asyncio.sleep(10 * IDLE_S)
        return "result"

    actor.pipe(slow())


def _stashes(actor: Sleeper) -> None:
    actor.stash()


def _has_child(actor: Sleeper) -> None:
    actor.spawn(Drowsy, "child", [])


BUSY = [_sets_timer, _sets_wakeup, _runs_coroutine, _stashes, _has_child]


@pytest.mark.parametrize("busy", BUSY)
def test_an_actor_that_something_waits_for_stays_awake(busy: Any) -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", log)
        sim.tell(sleeper, Act(busy))
        sim.advance(9 * IDLE_S)
        assert _state(sim) == "running"
        assert log == ["started"]


def _stops_child(actor: Sleeper) -> None:
    actor.stop_child(actor.child("child"))


@pytest.mark.parametrize(
    ("busy", "end"),
    [(_sets_timer, None), (_sets_wakeup, None), (_runs_coroutine, None), (_has_child, _stops_child)],
)
def test_once_nothing_waits_any_more_it_sleeps(busy: Any, end: Any) -> None:
    with Simulation() as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", [])
        sim.tell(sleeper, Act(busy))
        sim.advance(9 * IDLE_S)
        if end is not None:
            sim.tell(sleeper, Act(end))
        sim.advance(IDLE_S)
        assert _state(sim) == "running"
        sim.advance(LATEST_S)
        assert _state(sim) == "passive"


def test_a_child_that_ends_by_itself_lets_its_parent_sleep() -> None:
    class Brief(Drowsy):
        def started(self) -> None:
            self.timer("end", 5 * IDLE_S, "end")

        @handles(str)
        def on_end(self, message: str, sender: ActorAddress) -> None:
            self.stop()

    def has_brief_child(actor: Sleeper) -> None:
        actor.spawn(Brief, "child", [], restart=Restart.TEMPORARY)

    with Simulation() as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", [])
        sim.tell(sleeper, Act(has_brief_child))
        sim.advance(5 * IDLE_S + LATEST_S)
        assert _state(sim) == "passive"


def test_passivate_asks_for_sleep_at_once() -> None:
    log: list[object] = []
    with Simulation() as sim:
        drowsy = sim.spawn(Drowsy, "sleeper", log)
        sim.tell(drowsy, Act(lambda actor: actor.passivate()))
        sim.run()
        assert log == ["started", "stopped"]
        sim.tell(drowsy, 1)
        sim.run()
        assert log == ["started", "stopped", "started", 1]


@pytest.mark.parametrize("busy", [*BUSY, lambda actor: actor.send(actor.myAddress, 1)])
def test_passivate_is_let_be_while_something_waits(busy: Any) -> None:
    def act(actor: Sleeper) -> None:
        busy(actor)
        actor.passivate()

    log: list[object] = []
    with Simulation() as sim:
        drowsy = sim.spawn(Drowsy, "sleeper", log)
        sim.tell(drowsy, Act(act))
        sim.run()
        assert _state(sim) == "running"
        assert "stopped" not in log


def test_a_message_sent_to_itself_on_the_way_to_sleep_wakes_it() -> None:
    class Restless(Sleeper):
        def stopped(self) -> None:
            super().stopped()
            if self.args.count("stopped") == 1:
                self.send(self.myAddress, 1)

    log: list[object] = []
    with Simulation() as sim:
        sim.spawn(Restless, "sleeper", log)
        sim.advance(LATEST_S)
        assert log == ["started", "stopped", "started", 1]


def test_a_restart_of_the_whole_group_wakes_a_sleeping_member_once() -> None:
    class Group(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL)

        def started(self) -> None:
            self.spawn(Sleeper, "sleeper", self.args)
            self.spawn(Drowsy, "drowsy", [])

    log: list[object] = []
    with Simulation() as sim:
        sim.spawn(Group, "root", log)
        sim.advance(LATEST_S)
        sim.tell(sim.base.find("drowsy"), -1)
        sim.advance(1)
        sim.tell(sim.base.find("sleeper"), 1)
        sim.run()
        assert log == ["started", "stopped", "started", 1]


def test_an_actor_that_slept_draws_other_chances() -> None:
    drawn: list[object] = []
    with Simulation(seed=1) as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", [])
        for _ in range(2):
            sim.tell(sleeper, Act(lambda actor: drawn.append(actor.random.random())))
            sim.advance(LATEST_S)
    assert len(set(drawn)) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, IDLE_S / 2, IDLE_S, 2 * IDLE_S]), st.integers(0, 9)), max_size=30
    ),
    st.integers(0, 5),
)
def test_every_message_is_handled_once_in_order_by_one_incarnation_at_a_time(
    plan: list[tuple[float, int]], seed: int
) -> None:
    log: list[object] = []
    with Simulation(seed) as sim:
        sleeper = sim.spawn(Sleeper, "sleeper", log)
        for pause_s, number in plan:
            sim.tell(sleeper, number)
            sim.advance(pause_s)
    assert [each for each in log if isinstance(each, int)] == [number for _, number in plan]
    marks = [each for each in log if isinstance(each, str)]
    assert marks == ["started", "stopped"] * (len(marks) // 2)
    last_stop = max(index for index, each in enumerate(log) if each == "stopped")
    assert last_stop == len(log) - 1


def test_a_crowd_of_sleepers_has_one_timer_while_awake_and_none_asleep() -> None:
    with Simulation() as sim:
        for number in range(1_000):
            sim.spawn(Sleeper, f"sleeper-{number}", [])
        sim.run()
        assert len(_timers(sim)) == 1
        sim.advance(LATEST_S)
        assert {info.state for info in sim.base.tree()} == {"passive"}
        assert len(_timers(sim)) == 0


async def test_it_sleeps_and_wakes_on_a_real_loop() -> None:
    class Quick(Sleeper):
        passivate_after_s = 0.02

        def stopped(self) -> None:
            super().stopped()
            asleep.set()

    asleep = asyncio.Event()
    log: list[object] = []
    base = AsyncioSystemBase()
    quick = base.spawn(Quick, "quick", log)
    async with asyncio.timeout(10):
        await asleep.wait()
    base.tell(quick, 1)
    await base.stop()
    assert log == ["started", "stopped", "started", 1, "stopped"]


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_an_idle_time_that_is_none_is_refused_where_the_class_is_defined(wrong: float) -> None:
    with pytest.raises(BadActorClass, match=r"passivate_after_s was .*, expected a number of seconds"):
        type("Wrong", (Sleeper,), {"passivate_after_s": wrong})


def test_a_timer_that_stopped_sets_does_not_reach_the_next_incarnation() -> None:
    class Careless(Sleeper):
        def stopped(self) -> None:
            self.timer("late", 0.5, "timer of the last")

    log: list[object] = []
    with Simulation() as sim:
        careless = sim.spawn(Careless, "careless", log)
        sim.tell(careless, -1)
        sim.advance(2)
        assert log == ["started", -1, "started"]


@pytest.mark.parametrize("ending", [lambda actor: actor.passivate(), lambda actor: actor.stop()])
def test_a_child_spawned_by_stopped_is_never_born(ending: Any) -> None:
    class Parting(Drowsy):
        def stopped(self) -> None:
            self.spawn(Drowsy, "orphan", log)

    log: list[object] = []
    with Simulation() as sim:
        parting = sim.spawn(Parting, "parting", [])
        sim.tell(parting, Act(ending))
        sim.run()
        assert log == []


def test_a_suspended_sleeper_wakes_only_when_resumed() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sleeper = _asleep(sim, log)
        sim.base.inspector.suspend("sleeper", by="test")
        sim.tell(sleeper, 1)
        sim.run()
        assert (log, _state(sim)) == ([], "suspended")
        sim.base.inspector.resume("sleeper", by="test")
        sim.run()
        assert log == ["started", 1]


def test_a_suspended_actor_is_not_put_to_sleep() -> None:
    log: list[object] = []
    with Simulation() as sim:
        sim.spawn(Sleeper, "sleeper", log)
        sim.run()
        sim.base.inspector.suspend("sleeper", by="test")
        sim.advance(10 * IDLE_S)
        assert (log, _state(sim)) == (["started"], "suspended")
        sim.base.inspector.resume("sleeper", by="test")
        sim.advance(LATEST_S)
        assert _state(sim) == "passive"
