"""Nothing in the runtime grows without a bound, whatever a program does for however long."""

from __future__ import annotations

import asyncio

import msgspec
from thespian.actors import ActorAddress, ActorExitRequest

from supervisor import (
    LimitReached,
    Mailbox,
    Overflow,
    Restart,
    RootFailed,
    SupervisedActor,
    Supervision,
    handles,
)
from supervisor.core import supervised
from supervisor.core.spawning import DEPTH_MAX
from supervisor.simulation import Simulation
from supervisor.tables import TYPES_MAX

BOX = Mailbox(capacity=10, overflow=Overflow.REFUSE)


class Crash(msgspec.Struct, frozen=True):
    pass


class Sink(SupervisedActor):
    mailbox = BOX

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ValueError("as ordered")

    @handles(object)
    def on_any(self, message: object, sender: ActorAddress) -> None:
        """Takes anything."""


def test_an_actor_that_lives_long_forgets_the_short_lived_that_watched_it() -> None:
    class Watcher(Sink):
        def started(self) -> None:
            self.watch(self.args)

    with Simulation() as sim:
        target = sim.spawn(Sink, "target")
        for number in range(20):
            watcher = sim.spawn(Watcher, f"watcher-{number}", target, restart=Restart.TEMPORARY)
            sim.run()
            assert len(target.cell.watchers) == 1
            sim.tell(watcher, Crash())
            sim.run()
            assert len(target.cell.watchers) == 0


def test_an_actor_that_lives_long_forgets_whom_it_watched() -> None:
    class Watcher(Sink):
        @handles(Crash)
        def on_crash(self, message: Crash, sender: ActorAddress) -> None:
            self.watch(sender)

    with Simulation() as sim:
        watcher = sim.spawn(Watcher, "watcher")
        for number in range(20):
            target = sim.spawn(Sink, f"target-{number}", restart=Restart.TEMPORARY)
            sim.tell(watcher, Crash(), sender=target)
            sim.run()
            sim.tell(target, Crash())
            sim.run()
        assert len(watcher.cell.watching) == 0


def test_a_congested_mailbox_forgets_the_producers_that_gave_up() -> None:
    class Producer(Sink):
        def started(self) -> None:
            self.pipe(self.ready(self.args))

    with Simulation() as sim:
        target = sim.spawn(Sink, "target", mailbox=Mailbox(capacity=1, overflow=Overflow.REFUSE))
        sim.run()
        sim.base.inspector.suspend("target", by="test")
        sim.tell(target, "one")
        sim.tell(target, "too many")
        producer = sim.spawn(Producer, "producer", target)
        for _ in range(4):
            sim.advance(1)
            assert len(target.cell.waiters) == 1
            sim.tell(producer, Crash())
        sim.advance(1)


def test_urgent_messages_are_refused_when_very_many_wait() -> None:
    class Sender(SupervisedActor):
        mailbox = BOX

        @handles(str)
        def on_text(self, message: str, sender: ActorAddress) -> None:
            for number in range(supervised.URGENT_MAX + 5):
                self.send_urgent(self.args, number)

    with Simulation() as sim:
        target = sim.spawn(Sink, "target")
        sim.run()
        sim.base.inspector.suspend("target", by="test")
        sim.tell(sim.spawn(Sender, "sender", target), "now")
        sim.run()
        assert len(target.cell.queue) == supervised.URGENT_MAX
        assert sim.base.drops() == {("Sink", "int", "refused"): 5}


def test_types_made_at_run_time_are_handled_and_not_all_remembered() -> None:
    class Own(Sink):
        """One with a table that no other test uses."""

    with Simulation() as sim:
        sink = sim.spawn(Own, "sink")
        for number in range(TYPES_MAX + 50):
            sim.tell(sink, type(f"Made{number}", (), {"__slots__": ()})())
            sim.run()
        assert sim.base.drops() == {}
        assert len(Own.handler_table) == TYPES_MAX


def test_a_system_at_rest_has_no_task_of_its_own() -> None:
    class Parent(Sink):
        def started(self) -> None:
            self.spawn(Sink, "child")
            self.pipe(asyncio.Event().wait())

    with Simulation() as sim:
        parent = sim.spawn(Parent, "parent")
        for _ in range(4):
            sim.tell(parent, Crash())
            sim.advance(60)
        assert sim.base._tasks == {}
        assert len(asyncio.all_tasks(sim.loop)) == 1, "the pipe of the last incarnation"


def test_an_actor_that_starts_its_own_kind_without_end_fails_and_is_named() -> None:
    class Nested(Sink):
        supervision = Supervision(restarts_max=0)

        def started(self) -> None:
            self.spawn(Nested, "nested")

    with Simulation(supervision=Supervision(restarts_max=0)) as sim:
        sim.spawn(Nested, "top")
        sim.run()
        failed = sim.base.failed
        assert isinstance(failed, RootFailed)
        assert isinstance(failed.origin, LimitReached)
        assert "Nested 'nested' is 100 actors deep, as deep as may be" in str(failed.origin)
        assert sim.base.tree() == []


def test_a_tree_as_deep_as_may_be_is_shown_and_stopped() -> None:
    class Nested(Sink):
        def started(self) -> None:
            if self.args > 1:
                self.spawn(Nested, "nested", self.args - 1)

    with Simulation() as sim:
        top = sim.spawn(Nested, "top", DEPTH_MAX)
        sim.run()
        assert sim.base.tree()[-1].path == "/".join(["top", *["nested"] * (DEPTH_MAX - 1)])
        sim.tell(top, ActorExitRequest())
        sim.run()
        assert sim.base.tree() == []
