"""What happens when actors fail."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.actors import ActorAddress

from supervisor import (
    Backoff,
    DropReason,
    Escalated,
    Mailbox,
    Overflow,
    Restart,
    RootFailed,
    Strategy,
    SupervisedActor,
    Supervision,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=1000, overflow=Overflow.REFUSE)
AT_ONCE = Backoff(first_s=0)


class Work(msgspec.Struct, frozen=True):
    number: int


class Crash(msgspec.Struct, frozen=True):
    pass


class End(msgspec.Struct, frozen=True):
    pass


class Worker(SupervisedActor):
    """Writes what happens to it into the log it was given."""

    mailbox = BOX

    def started(self) -> None:
        self.args.append(f"{self.path} started")

    def stopped(self) -> None:
        self.args.append(f"{self.path} stopped")

    @handles(Work)
    def on_work(self, message: Work, sender: ActorAddress) -> None:
        self.args.append(message.number)

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ValueError("as ordered")

    @handles(End)
    def on_end(self, message: End, sender: ActorAddress) -> None:
        self.stop()


def boss(supervision_: Supervision, *, restart_: Restart = Restart.PERMANENT) -> type[SupervisedActor]:
    """A parent of three workers."""

    class Boss(SupervisedActor):
        mailbox = BOX
        supervision: ClassVar[Supervision] = supervision_

        def started(self) -> None:
            for name in ("a", "b", "c"):
                self.spawn(Worker, name, self.args, restart=restart_)

    return Boss


def log_of(strategy: Strategy) -> list[Any]:
    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(boss(Supervision(strategy=strategy)), "root", log)
        sim.run()
        log.clear()
        sim.tell(sim.base.find("b"), Crash())
        sim.advance(1)
        return list(log)


def test_one_for_one_restarts_who_failed_and_nobody_else() -> None:
    assert log_of(Strategy.ONE_FOR_ONE) == ["b stopped", "b started"]


def test_one_for_all_restarts_all_in_order_and_ends_them_in_reverse() -> None:
    assert log_of(Strategy.ONE_FOR_ALL) == [
        *("c stopped", "b stopped", "a stopped"),
        *("a started", "b started", "c started"),
    ]


def test_rest_for_one_restarts_who_failed_and_who_started_after_it() -> None:
    assert log_of(Strategy.REST_FOR_ONE) == ["c stopped", "b stopped", "b started", "c started"]


def test_a_restart_keeps_address_and_mailbox_and_quarantines_the_message() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", log)
        for message in (Work(1), Crash(), Work(2)):
            sim.tell(worker, message)
        sim.advance(1)
        assert log == ["worker started", 1, "worker stopped", "worker started", 2]
        (letter,) = sim.base.dead_letters()
        assert (letter.path, letter.message_type, letter.reason) == ("worker", "Crash", DropReason.CRASHED)
        assert "as ordered" in letter.traceback
        assert "on_crash" in letter.traceback


def test_an_incarnation_is_a_fresh_instance() -> None:
    class Counter(Worker):
        def __init__(self) -> None:
            self.count = 0

        @handles(Work)
        def on_work(self, message: Work, sender: ActorAddress) -> None:
            self.count += 1

        def snapshot(self) -> dict[str, object]:
            return {"count": self.count}

    with Simulation() as sim:
        counter = sim.spawn(Counter, "counter", [])
        for message in (Work(1), Work(2), Crash(), Work(3)):
            sim.tell(counter, message)
        sim.advance(1)
        assert sim.base.snapshot("counter") == {"count": 1}


def test_the_stash_survives_a_restart_in_front_of_the_mailbox() -> None:
    class Loading(Worker):
        def started(self) -> None:
            super().started()
            self.loaded = self.path in self.args
            self.args.append(self.path)

        @handles(Work)
        def on_work(self, message: Work, sender: ActorAddress) -> None:
            if self.loaded:
                self.args.append(message.number)
            else:
                self.stash()

    log: list[Any] = []
    with Simulation() as sim:
        loading = sim.spawn(Loading, "x", log)
        for message in (Work(1), Work(2), Crash(), Work(3)):
            sim.tell(loading, message)
        sim.advance(1)
        assert log[-3:] == [1, 2, 3]


@given(st.lists(st.booleans(), max_size=30), st.none() | st.integers(0, 3))
def test_no_message_is_lost_or_handled_twice_across_restarts(crashes: list[bool], seed: int | None) -> None:
    log: list[Any] = []
    with Simulation(
        seed, supervision=Supervision(restarts_max=100, backoff=Backoff(first_s=0.01, max_s=1))
    ) as sim:
        worker = sim.spawn(Worker, "worker", log)
        for number, crash in enumerate(crashes):
            sim.tell(worker, Crash() if crash else Work(number))
        sim.advance(100)
        assert [each for each in log if isinstance(each, int)] == [
            number for number, crash in enumerate(crashes) if not crash
        ]
        assert log.count("worker started") == 1 + sum(crashes)


# --- who comes back ---


@pytest.mark.parametrize(
    ("restart", "order", "comes_back"),
    [
        (Restart.PERMANENT, Crash(), True),
        (Restart.PERMANENT, End(), True),
        (Restart.TRANSIENT, Crash(), True),
        (Restart.TRANSIENT, End(), False),
        (Restart.TEMPORARY, Crash(), False),
        (Restart.TEMPORARY, End(), False),
    ],
)
def test_the_kind_of_restart_decides_who_comes_back(
    restart: Restart, order: object, comes_back: bool
) -> None:
    with Simulation() as sim:
        sim.spawn(boss(Supervision(), restart_=restart), "root", [])
        sim.run()
        sim.tell(sim.base.find("b"), order)
        sim.advance(1)
        assert (sim.base.find("b") is not None) is comes_back


def test_one_for_all_ends_temporary_siblings_for_good() -> None:
    class Mixed(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL)

        def started(self) -> None:
            self.spawn(Worker, "keeper", self.args)
            self.spawn(Worker, "passer-by", self.args, restart=Restart.TEMPORARY)

    with Simulation() as sim:
        sim.spawn(Mixed, "root", [])
        sim.run()
        sim.tell(sim.base.find("keeper"), Crash())
        sim.advance(1)
        assert [info.path for info in sim.base.tree()] == ["root", "keeper"]


# --- limits, backoff, escalation ---


def test_the_restart_after_the_limit_escalates_and_the_parent_is_restarted_with_all_under_it() -> None:
    class Top(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            middle = boss(Supervision(restarts_max=2, period_s=60, backoff=AT_ONCE))
            self.spawn(middle, "middle", self.args)

    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(Top, "root", log)
        sim.run()
        for _ in range(2):
            sim.tell(sim.base.find("middle/b"), Crash())
            sim.run()
        log.clear()
        sim.tell(sim.base.find("middle/b"), Crash())
        sim.advance(1)
        assert log == [
            *("middle/c stopped", "middle/b stopped", "middle/a stopped"),
            *("middle/a started", "middle/b started", "middle/c started"),
        ]
        by_path = {info.path: info for info in sim.base.tree()}
        assert by_path["middle"].restarts == 1
        assert "middle/b failed beyond its restart limit" in by_path["middle"].last_error
        assert by_path["middle/b"].restarts == 0, "it is another actor of the same name"


def test_restarts_outside_the_period_are_forgotten() -> None:
    with Simulation() as sim:
        sim.spawn(boss(Supervision(restarts_max=1, period_s=10, backoff=AT_ONCE)), "root", [])
        sim.run()
        for _ in range(5):
            sim.tell(sim.base.find("b"), Crash())
            sim.advance(11)
        assert sim.base.failed is None


def test_a_limit_per_child_lets_a_crowd_fail_independently() -> None:
    policy = Supervision(restarts_max=1, period_s=60, per_child=True, backoff=AT_ONCE)
    with Simulation() as sim:
        sim.spawn(boss(policy), "root", [])
        sim.run()
        for name in ("a", "b", "c"):
            sim.tell(sim.base.find(name), Crash())
            sim.run()
        assert sim.base.failed is None
        sim.tell(sim.base.find("a"), Crash())
        sim.run()
        assert sim.base.failed is not None


def test_a_failure_that_reaches_the_root_ends_the_system_with_its_reason() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(boss(Supervision(restarts_max=0)), "root", log)
        sim.run()
        sim.tell(sim.base.find("b"), Crash())
        sim.advance(1)
        with pytest.raises(RootFailed, match="root failed for good") as caught:
            sim.await_(sim.base.wait())
        assert isinstance(caught.value.error, Escalated)
        assert isinstance(caught.value.error.error, ValueError)
        assert log[-3:] == ["c stopped", "b stopped", "a stopped"], "state is left clean"
        assert sim.base.tree() == []


def test_backoff_grows_up_to_its_maximum_and_is_forgotten_after_a_healthy_while() -> None:
    policy = Supervision(
        restarts_max=100, backoff=Backoff(first_s=1, factor=2, max_s=4, jitter=0, reset_after_s=60)
    )
    log: list[Any] = []
    with Simulation(supervision=policy) as sim:
        worker = sim.spawn(Worker, "worker", log)
        sim.run()

        def delay_s() -> float:
            starts = log.count("worker started")
            sim.tell(worker, Crash())
            began = sim.loop.time()
            while log.count("worker started") == starts:
                sim.advance(0.5)
            return sim.loop.time() - began

        assert [delay_s() for _ in range(5)] == [1, 2, 4, 4, 4]
        sim.advance(60)
        assert delay_s() == 1


@given(st.integers(1, 200), st.randoms(use_true_random=False))
def test_jitter_stays_within_its_share(failures: int, random: Any) -> None:
    backoff = Backoff(first_s=1, factor=2, max_s=30, jitter=0.2)
    expected = min(2.0 ** (failures - 1), 30)
    assert 0.8 * expected <= backoff.delay_s(failures, random) <= 1.2 * expected


def test_an_actor_that_cannot_start_is_retried_and_then_escalates() -> None:
    class Stillborn(Worker):
        def started(self) -> None:
            self.args.append("tried")
            raise OSError("no such port")

    log: list[Any] = []
    with Simulation(supervision=Supervision(restarts_max=3)) as sim:
        sim.spawn(Stillborn, "stillborn", log)
        sim.advance(60)
        assert log == ["tried"] * 4, "stopped() is for incarnations that started"
        assert sim.base.failed is not None


# --- what dies with an incarnation ---


def test_children_of_a_restarted_actor_are_stopped_before_it_and_started_anew() -> None:
    class Parent(Worker):
        def started(self) -> None:
            super().started()
            self.spawn(Worker, "child", self.args)

    log: list[Any] = []
    with Simulation() as sim:
        parent = sim.spawn(Parent, "parent", log)
        sim.run()
        child = sim.base.find("parent/child")
        log.clear()
        sim.tell(parent, Crash())
        sim.advance(1)
        assert log == [
            *("parent/child stopped", "parent stopped"),
            *("parent started", "parent/child started"),
        ]
        assert sim.base.find("parent/child") != child, "a new actor has a new address"


def test_timers_and_results_of_an_earlier_incarnation_never_arrive() -> None:
    class Haunted(Worker):
        def started(self) -> None:
            super().started()
            if self.args.count("haunted started") == 1:
                self.timer("ghost", 5, Work(-1))
                self.pipe(self._slow(), into=lambda _: Work(-2))

        async def _slow(self) -> None:
            await asyncio.sleep(5)

    log: list[Any] = []
    with Simulation() as sim:
        haunted = sim.spawn(Haunted, "haunted", log)
        sim.advance(1)
        sim.tell(haunted, Crash())
        sim.advance(60)
        assert [each for each in log if isinstance(each, int)] == []
        assert sim.base.drops() == {("Haunted", "Crash", "crashed"): 1}


def test_a_result_that_waits_in_the_mailbox_of_the_crash_does_not_reach_the_next_incarnation() -> None:
    class Haunted(Worker):
        def started(self) -> None:
            super().started()
            if self.args.count("haunted started") == 1:
                self.pipe(self._quick(), into=lambda _: Work(-1))

        async def _quick(self) -> None:
            await asyncio.sleep(1)

    log: list[Any] = []
    with Simulation() as sim:
        haunted = sim.spawn(Haunted, "haunted", log)
        sim.run()
        haunted.cell.park()
        sim.advance(0.5)
        sim.tell(haunted, Crash())
        sim.advance(1)
        assert sim.base.tree()[0].depth == 2
        haunted.cell.unpark()
        sim.advance(10)
        assert -1 not in log


def test_the_next_incarnation_waits_until_the_coroutines_of_the_last_have_cleaned_up() -> None:
    class Listener(Worker):
        def started(self) -> None:
            super().started()
            self.pipe(self._serve())

        async def _serve(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)
                self.args.append("port closed")

    log: list[Any] = []
    with Simulation() as sim:
        listener = sim.spawn(Listener, "listener", log)
        sim.advance(1)
        sim.tell(listener, Crash())
        sim.advance(5)
        assert log == ["listener started", "port closed", "listener stopped", "listener started"]


def test_thousands_of_restarts_leave_no_trace_behind() -> None:
    with Simulation(supervision=Supervision(restarts_max=10**6, backoff=AT_ONCE)) as sim:
        worker = sim.spawn(Worker, "worker", [])
        for _ in range(100):
            for _ in range(50):
                sim.tell(worker, Crash())
            sim.advance(0.1)
        assert sim.base.tree()[0].restarts == 5000
        assert len(sim.base.dead_letters()) == 100
        assert len(sim.loop._scheduled) == 0  # type: ignore[attr-defined]
