"""Orders to an actor from outside: suspend, resume, restart, stop, and who gave them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thespian.actors import Actor, ActorAddress

from supervisor import (
    Backoff,
    Mailbox,
    NoSuchActor,
    NotControllable,
    Overflow,
    Restart,
    RootFailed,
    Strategy,
    SupervisedActor,
    Supervision,
    handles,
)
from supervisor.simulation import Simulation


class Clerk(SupervisedActor):
    """Records what it does in `args`, a list."""

    mailbox = Mailbox(capacity=4, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.args.append(f"{self.path} starts")

    def stopped(self) -> None:
        self.args.append(f"{self.path} stops")

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        if message < 0:
            raise ValueError("negative")
        self.args.append(message)


class Patient(Clerk):
    """Has a coroutine that takes a second to clean up."""

    def started(self) -> None:
        super().started()
        self.pipe(self.work())

    async def work(self) -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            await asyncio.sleep(1)


class Office(SupervisedActor):
    mailbox = Mailbox(capacity=10, overflow=Overflow.REFUSE)
    supervision = Supervision(
        strategy=Strategy.REST_FOR_ONE, restarts_max=1, backoff=Backoff(first_s=10, jitter=0)
    )

    def started(self) -> None:
        for name in ("first", "second", "third"):
            self.spawn(Clerk, name, self.args, restart=Restart.TRANSIENT)


class Plain(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        """Take anything."""


class Sleepy(Clerk):
    passivate_after_s = 1.0


class Halting(Clerk):
    mailbox = Mailbox(capacity=2, overflow=Overflow.HALT)


def test_a_suspended_actor_handles_nothing_and_loses_nothing() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk", seen := [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        for number in range(3):
            sim.tell(clerk, number)
            sim.advance(60)
        assert seen == ["clerk starts"]
        assert sim.base.tree()[0].state == "suspended"
        sim.base.inspector.resume("clerk", by="anna")
        sim.run()
        assert seen == ["clerk starts", 0, 1, 2]
        assert sim.base.tree()[0].state == "running"


def test_the_mailbox_of_a_suspended_actor_keeps_its_policy() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk", [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        for number in range(6):
            sim.tell(clerk, number)
        assert sim.base.drops() == {("Clerk", "int", "refused"): 2}


def test_a_suspended_actor_whose_mailbox_must_not_overflow_halts_all_the_same() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Halting, "clerk", [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        for number in range(3):
            sim.tell(clerk, number)
        sim.run()
        with pytest.raises(RootFailed):
            sim.await_(sim.base.wait())


def test_suspension_outlasts_a_restart() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk", seen := [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        sim.tell(clerk, 1)
        info = sim.await_(sim.base.inspector.restart("clerk", by="anna"))
        sim.advance(60)
        assert seen == ["clerk starts", "clerk stops", "clerk starts"]
        assert (info.state, info.restarts) == ("suspended", 1)
        sim.base.inspector.resume("clerk", by="anna")
        sim.run()
        assert seen[-1] == 1


def test_what_waits_at_a_suspended_actor_is_not_handled_by_its_stop() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk", seen := [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        sim.tell(clerk, 1)
        assert sim.await_(sim.base.inspector.stop("clerk", by="anna")) == "stopped"
        assert seen == ["clerk starts", "clerk stops"]
        assert sim.base.drops() == {("Clerk", "int", "dead"): 1}


def test_a_system_with_suspended_actors_stops_without_waiting_for_them() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk", [])
        sim.run()
        sim.base.inspector.suspend("clerk", by="anna")
        sim.tell(clerk, 1)
        began = sim.loop.time()
        sim.await_(sim.base.stop())
        assert sim.loop.time() == began


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["suspend", "resume", "restart", "send", "crash", "wait"]), max_size=30))
def test_whatever_the_orders_every_message_is_handled_once_in_order_or_known_to_have_crashed(
    orders: list[str],
) -> None:
    with Simulation(seed=1, supervision=Supervision(restarts_max=1000)) as sim:
        mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)
        clerk = sim.spawn(Clerk, "clerk", seen := [], mailbox=mailbox)
        sim.run()
        inspector = sim.base.inspector
        suspended = False
        for number, order in enumerate(orders):
            handled = len(seen)
            if order == "suspend":
                inspector.suspend("clerk", by="test")
                suspended = True
                sim.run()
                handled = len(seen)
            elif order == "resume" and suspended:
                inspector.resume("clerk", by="test")
                suspended = False
            elif order == "restart":
                sim.await_(inspector.restart("clerk", by="test"))
            elif order in ("send", "crash"):
                sim.tell(clerk, number if order == "send" else -1)
            else:
                sim.advance(100)
            if suspended:
                assert not [each for each in seen[handled:] if isinstance(each, int)]
        if suspended:
            inspector.resume("clerk", by="test")
        sim.advance(1000)
        assert [each for each in seen if isinstance(each, int)] == [
            number for number, order in enumerate(orders) if order == "send"
        ]
        assert len(sim.base.dead_letters()) == orders.count("crash")


def test_a_restart_by_order_loses_no_message_and_counts_against_no_limit() -> None:
    with Simulation(supervision=Supervision(restarts_max=1, backoff=Backoff(first_s=10))) as sim:
        clerk = sim.spawn(Clerk, "clerk", seen := [])
        sim.run()
        for number in range(5):
            sim.tell(clerk, number)
            sim.await_(sim.base.inspector.restart("clerk", by="anna"))
        sim.run()
        assert [each for each in seen if isinstance(each, int)] == list(range(5))
        assert sim.loop.time() == 0, "no delay before any of them"
        assert sim.base.drops() == {}
        sim.tell(clerk, -1)
        sim.advance(20)
        assert sim.base.tree()[0].state == "running", "the one restart that the limit allows was left"


def test_a_restart_by_order_takes_along_whom_the_parents_strategy_does() -> None:
    with Simulation() as sim:
        sim.spawn(Office, "office", seen := [])
        sim.run()
        seen.clear()
        sim.await_(sim.base.inspector.restart("office/second", by="anna"))
        assert seen == [
            "office/third stops",
            "office/second stops",
            "office/second starts",
            "office/third starts",
        ]


def test_a_restart_by_order_ends_the_wait_for_the_one_after_a_failure() -> None:
    with Simulation() as sim:
        sim.spawn(Office, "office", seen := [])
        sim.run()
        sim.tell(sim.base.find("office/third"), -1)
        sim.run()
        info = sim.await_(sim.base.inspector.restart("office/third", by="anna"))
        assert (info.state, info.restarts, sim.loop.time()) == ("running", 1, 0)
        sim.advance(60)
        assert seen.count("office/third starts") == 2, "the one that was due later does not come on top"


def test_a_restart_waits_for_the_old_incarnations_coroutines() -> None:
    with Simulation() as sim:
        sim.spawn(Patient, "patient", seen := [])
        sim.run()
        info = sim.await_(sim.base.inspector.restart("patient", by="anna"))
        assert (info.state, sim.loop.time()) == ("running", 1)
        assert seen == ["patient starts", "patient stops", "patient starts"]


def test_a_sleeping_actor_needs_no_restart_and_can_be_suspended_and_stopped() -> None:
    with Simulation() as sim:
        sleepy = sim.spawn(Sleepy, "sleepy", seen := [])
        sim.advance(10)
        assert sim.base.inspector.actor("sleepy").info.state == "passive"
        with pytest.raises(NotControllable, match="is passive: its next message begins a fresh incarnation"):
            sim.base.inspector.restart("sleepy", by="anna")
        sim.base.inspector.suspend("sleepy", by="anna")
        sim.tell(sleepy, 1)
        sim.advance(10)
        assert seen == ["sleepy starts", "sleepy stops"]
        sim.base.inspector.resume("sleepy", by="anna")
        sim.run()
        assert seen[2:] == ["sleepy starts", 1]
        assert sim.await_(sim.base.inspector.stop("sleepy", by="anna")) == "stopped"


def test_stop_is_for_good_even_for_a_permanent_child() -> None:
    with Simulation() as sim:
        sim.spawn(Office, "office", [])
        sim.run()
        assert sim.await_(sim.base.inspector.stop("office", by="anna")) == "stopped"
        sim.advance(100)
        assert sim.base.tree() == []


def test_orders_that_mean_nothing_are_refused_with_the_reason() -> None:
    with Simulation() as sim:
        sim.spawn(Patient, "patient", [])
        sim.base.newPrimaryActor(Plain, None, "plain", None)
        sim.run()
        inspector = sim.base.inspector
        plain = next(info.path for info in sim.base.tree() if info.kind == "Plain")
        with pytest.raises(NotControllable, match="not suspended"):
            inspector.resume("patient", by="anna")
        with pytest.raises(NotControllable, match="plain Thespian actor"):
            inspector.suspend(plain, by="anna")
        with pytest.raises(NoSuchActor, match="did you mean patient"):
            inspector.suspend("patent", by="anna")
        ending = inspector.stop("patient", by="anna")
        sim.run()
        with pytest.raises(NotControllable, match="patient is stopping"):
            inspector.restart("patient", by="anna")
        assert sim.await_(ending) == "stopped"
        assert sim.await_(inspector.stop(plain, by="anna")) == "stopped"


def test_a_child_of_one_that_is_restarting_cannot_be_restarted_itself() -> None:
    with Simulation() as sim:
        sim.spawn(Office, "office", [])
        sim.run()
        sim.base.find("office").cell.crashed(ValueError(), None)
        with pytest.raises(NotControllable, match="office is stopping or restarting"):
            sim.base.inspector.restart("office/first", by="anna")


def test_every_order_is_in_the_journal_with_who_gave_it_and_what_came_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "supervisor")
    with Simulation() as sim:
        sim.spawn(Clerk, "clerk", [])
        sim.run()
        inspector = sim.base.inspector
        inspector.suspend("clerk", by="anna")
        inspector.resume("clerk", by="bert")
        sim.advance(5)
        sim.await_(inspector.restart("clerk", by="anna"))
        with pytest.raises(NoSuchActor):
            inspector.suspend("clark", by="cleo")
        inspector.trace("clerk", contents=True, by="dora").close()
        sim.await_(inspector.stop("clerk", by="anna"))
        actions = inspector.actions()
        assert [(each.action, each.by, each.outcome) for each in actions] == [
            ("suspend", "anna", "done"),
            ("resume", "bert", "done"),
            ("restart", "anna", "done"),
            ("suspend", "cleo", "refused: no actor at 'clark'; did you mean clerk?"),
            ("trace with contents", "dora", "begun"),
            ("stop", "anna", "stopped"),
        ]
        assert actions[2].at_ns - actions[1].at_ns == 5e9
        assert "restart of 'clerk' by 'anna': done" in caplog.text


@pytest.mark.parametrize("by", ["", "  ", "x" * 1000])
def test_nobody_touches_an_actor_without_a_name(by: str) -> None:
    with Simulation() as sim:
        sim.spawn(Clerk, "clerk", [])
        sim.run()
        with pytest.raises(ValueError, match="expected who asks"):
            sim.base.inspector.suspend("clerk", by=by)
        assert sim.base.tree()[0].state == "running"


def test_a_fresh_incarnation_that_fails_at_once_is_told_in_the_journal() -> None:
    class Fussy(Clerk):
        def started(self) -> None:
            super().started()
            if len(self.args) > 1:
                raise ValueError("not again")

    with Simulation() as sim:
        sim.spawn(Fussy, "fussy", [])
        sim.run()
        info = sim.await_(sim.base.inspector.restart("fussy", by="anna"))
        assert info.state == "restarting"
        (action,) = sim.base.inspector.actions()
        assert action.outcome == "began and failed: ValueError: not again"
