"""The budget of restarts that the whole tree shares."""

from __future__ import annotations

import logging
from typing import ClassVar

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    Backoff,
    Mailbox,
    Overflow,
    Restart,
    RestartBudget,
    Strategy,
    SupervisedActor,
    Supervision,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=10, overflow=Overflow.REFUSE)
AT_ONCE = Backoff(first_s=0)
BUDGET = RestartBudget(restarts_per_s=10, burst=5)


class Crash(msgspec.Struct, frozen=True):
    pass


class Ping(msgspec.Struct, frozen=True):
    pass


class Member(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.args.append(self.path)

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ConnectionError("the database is away")

    @handles(Ping)
    def on_ping(self, message: Ping, sender: ActorAddress) -> None:
        self.send(sender, "pong")


def crowd(size: int, strategy_: Strategy = Strategy.ONE_FOR_ONE) -> type[SupervisedActor]:
    """A parent of many, which would let each of them restart for ever."""

    class Crowd(SupervisedActor):
        mailbox = BOX
        supervision: ClassVar[Supervision] = Supervision(
            strategy=strategy_, restarts_max=10**6, backoff=AT_ONCE
        )

        def started(self) -> None:
            for number in range(size):
                self.spawn(Member, f"m{number:02}", self.args)

    return Crowd


def crash_all(sim: Simulation, size: int) -> None:
    for number in range(size):
        sim.tell(sim.base.find(f"m{number:02}"), Crash())
    sim.run()


def test_a_storm_beyond_the_budget_is_delayed_in_its_order_and_nobody_is_given_up() -> None:
    started: list[str] = []
    with Simulation(restart_budget=BUDGET) as sim:
        sim.spawn(crowd(20), "root", started)
        sim.run()
        started.clear()
        crash_all(sim, 20)
        assert len(started) == 5, "the burst"
        state = sim.base.restart_budget
        assert (state.waiting, state.delayed, state.storms) == (15, 15, 1)
        sim.advance(0.55)
        assert len(started) == 10, "ten a second from then on"
        sim.advance(1)
        assert started == [f"m{number:02}" for number in range(20)]
        assert sim.base.restart_budget.waiting == 0
        assert sim.base.failed is None


def test_restarts_within_the_budget_wait_for_nothing() -> None:
    started: list[str] = []
    with Simulation(restart_budget=BUDGET) as sim:
        sim.spawn(crowd(5), "root", started)
        sim.run()
        for _ in range(4):
            started.clear()
            crash_all(sim, 5)
            assert len(started) == 5
            sim.advance(0.5)
        assert sim.base.restart_budget.delayed == 0


def test_messages_wait_for_an_actor_that_waits_for_its_turn() -> None:
    with Simulation(restart_budget=RestartBudget(restarts_per_s=1, burst=1)) as sim:
        probe = sim.probe()
        sim.spawn(crowd(2), "root", [])
        sim.run()
        crash_all(sim, 2)
        sim.tell(sim.base.find("m01"), Ping(), sender=probe)
        sim.advance(0.9)
        assert probe.messages == []
        sim.advance(0.2)
        assert probe.take(str) == "pong"


def test_a_group_counts_as_its_members_and_one_larger_than_the_burst_is_still_let_in() -> None:
    started: list[str] = []
    with Simulation(restart_budget=BUDGET) as sim:
        sim.spawn(crowd(8, Strategy.ONE_FOR_ALL), "root", started)
        sim.run()
        started.clear()
        crash_all(sim, 1)
        assert len(started) == 8
        assert sim.base.restart_budget.available == pytest.approx(-3)
        crash_all(sim, 1)
        assert len(started) == 8, "it leaves a debt that the next waits for"
        sim.advance(0.79)
        assert len(started) == 8
        sim.advance(0.02)
        assert len(started) == 16


def test_restarts_that_nobody_wants_any_more_leave_the_queue() -> None:
    class Owner(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.spawn(crowd(9), "crowd", self.args, restart=Restart.TEMPORARY)

        @handles(Ping)
        def on_ping(self, message: Ping, sender: ActorAddress) -> None:
            self.stop_child(self.child("crowd"))

    with Simulation(restart_budget=RestartBudget(restarts_per_s=1, burst=1)) as sim:
        owner = sim.spawn(Owner, "root", [])
        sim.run()
        for number in range(9):
            sim.tell(sim.base.find(f"crowd/m{number:02}"), Crash())
        sim.run()
        assert sim.base.restart_budget.waiting == 8
        sim.tell(owner, Ping())
        sim.run()
        assert sim.base.restart_budget.waiting == 0


def test_a_stop_in_the_midst_of_a_storm_waits_for_no_budget() -> None:
    with Simulation(restart_budget=RestartBudget(restarts_per_s=0.001, burst=1)) as sim:
        sim.spawn(crowd(20), "root", [])
        sim.run()
        crash_all(sim, 20)
        before = sim.loop.time()
        sim.await_(sim.base.stop())
        assert sim.loop.time() == before
        assert sim.base.tree() == []


def test_a_storm_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "supervisor"), Simulation(restart_budget=BUDGET) as sim:
        sim.spawn(crowd(20), "root", [])
        sim.run()
        for _ in range(3):
            crash_all(sim, 20)
            sim.advance(1.9)  # nobody waits any more, yet the burst is not saved up again
            assert sim.base.restart_budget.waiting == 0
        sim.advance(10)
        delayed = sim.base.restart_budget.delayed
    told = [record.message for record in caplog.records if "restart" in record.message]
    assert told == [
        "more restarts than the budget of 10 a second after 5 at once: the rest wait their turn",
        f"the storm of restarts is over: {delayed} had to wait so far",
    ]


def test_without_a_budget_nothing_is_delayed() -> None:
    started: list[str] = []
    with Simulation(restart_budget=None) as sim:
        sim.spawn(crowd(90), "root", started)
        sim.run()
        for _ in range(100):
            crash_all(sim, 90)
        assert len(started) == 90 * 101
        assert sim.base.restart_budget.budget is None


def test_a_crash_loop_at_full_speed_is_held_to_the_default_budget() -> None:
    with Simulation(supervision=Supervision(restarts_max=10**6, backoff=AT_ONCE)) as sim:

        class Stillborn(Member):
            def started(self) -> None:
                super().started()
                raise ConnectionError("the database is away")

        tries: list[str] = []
        sim.spawn(Stillborn, "stillborn", tries)
        sim.advance(1)
        assert 2_990 <= len(tries) <= 3_010, "its burst and a second's worth"


@pytest.mark.parametrize("wrong", [{"restarts_per_s": 0}, {"restarts_per_s": float("inf")}, {"burst": 0}])
def test_a_budget_that_could_never_work_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        RestartBudget(**wrong)  # type: ignore[arg-type]
