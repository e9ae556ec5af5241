"""How actors stop: in which order, after which work, within which time."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress, ActorExitRequest

from supervisor import (
    ExitReason,
    Mailbox,
    NameTaken,
    NotRunning,
    Overflow,
    Restart,
    SupervisedActor,
    Terminated,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=100, overflow=Overflow.REFUSE)


class Work(msgspec.Struct, frozen=True):
    number: int


class End(msgspec.Struct, frozen=True):
    pass


class Worker(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.args.append(f"{self.path} started")

    def stopped(self) -> None:
        self.args.append(f"{self.path} stopped")

    @handles(Work)
    def on_work(self, message: Work, sender: ActorAddress) -> None:
        self.args.append(message.number)

    @handles(End)
    def on_end(self, message: End, sender: ActorAddress) -> None:
        self.stop()


class House(Worker):
    """Two floors, to see the order in which they come down."""

    def started(self) -> None:
        super().started()
        self.spawn(Worker, "ground", self.args)
        self.spawn(Floor, "upper", self.args)

    @handles(str)
    def on_order(self, message: str, sender: ActorAddress) -> None:
        address = self.child("ground")
        if message == "stop":
            self.stop_child(address)
        elif message == "replace":
            self.stop_child(address)
            assert self.child("ground") is None
            self.send(self.spawn(Worker, "ground", self.args), Work(99))
        else:
            self.spawn(Worker, "ground", self.args)


class Floor(Worker):
    def started(self) -> None:
        super().started()
        self.spawn(Worker, "lamp", self.args)
        self.spawn(Worker, "chair", self.args)


def test_the_system_stops_children_before_parents_and_the_last_started_first() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(House, "root", log)
        sim.run()
        log.clear()
        sim.await_(sim.base.stop(10))
        assert log == [f"{path} stopped" for path in ("upper/chair", "upper/lamp", "upper", "ground", "root")]
        sim.await_(sim.base.wait())


def test_an_actor_handles_what_it_was_sent_before_it_is_stopped() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", log)
        for number in range(3):
            sim.tell(worker, Work(number))
        sim.await_(sim.base.stop(10))
        assert log == ["worker started", 0, 1, 2, "worker stopped"]


def test_an_exit_request_does_not_overtake_work() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", log, restart=Restart.PERMANENT)
        for message in (Work(1), Work(2), ActorExitRequest()):
            sim.tell(worker, message)
        sim.run()
        assert log == ["worker started", 1, 2, "worker stopped"]
        assert sim.base.tree() == [], "an exit request ends a permanent actor too"


def test_an_actor_that_stops_itself_leaves_its_unhandled_messages_in_the_dead_letters() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", log)
        for message in (Work(1), End(), Work(2)):
            sim.tell(worker, message)
        sim.run()
        assert log == ["worker started", 1, "worker stopped"]
        assert sim.base.drops() == {("Worker", "Work", "dead"): 1}


def test_what_is_sent_to_an_ended_actor_is_counted_by_its_kind() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", [])
        sim.tell(worker, End())
        sim.run()
        sim.tell(worker, Work(1))
        assert sim.base.drops() == {("Worker", "Work", "dead"): 1}


def test_the_system_ends_when_its_last_top_level_actor_does() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "root", [])
        sim.tell(worker, End())
        sim.run()
        sim.await_(sim.base.wait())


# --- names ---


def test_a_name_of_a_living_child_cannot_be_taken() -> None:
    with Simulation() as sim:
        root = sim.spawn(House, "root", [])
        sim.tell(root, "spawn again")
        sim.run()
        assert "ground is alive" in sim.base.tree()[0].last_error
        assert sim.base.tree()[0].last_error.startswith(NameTaken.__name__)


def test_a_name_can_be_taken_again_while_the_old_child_stops_and_the_new_one_waits_for_that() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        root = sim.spawn(House, "root", log)
        sim.run()
        ground = sim.base.find("ground")
        log.clear()
        sim.tell(root, "replace")
        sim.tell(ground, Work(1))
        sim.run()
        assert log == [1, "ground stopped", "ground started", 99]
        sim.tell(root, "stop")
        sim.run()
        assert sim.base.find("ground") is None
        sim.tell(root, "spawn again")
        sim.run()
        assert sim.base.find("ground") is not None


def test_names_that_would_break_paths_are_refused() -> None:
    with Simulation() as sim:
        for name in ("", "a/b"):
            with pytest.raises(ValueError, match="name was"):
                sim.spawn(Worker, name, [])


# --- time ---


class Stubborn(Worker):
    """Its coroutine takes its time to end, or never does."""

    def started(self) -> None:
        self.pipe(self._live())

    async def _live(self) -> None:
        log, ends_after_s = self.args
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if ends_after_s is not None:
                    await asyncio.sleep(ends_after_s)
                    log.append("saved")
                    return

    def stopped(self) -> None:
        self.args[0].append("stopped")


def test_a_stopping_actor_waits_for_its_coroutines_to_clean_up() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(Stubborn, "stubborn", (log, 3), shutdown_s=5)
        sim.run()
        sim.await_(sim.base.stop(10))
        assert log == ["saved", "stopped"]
        assert sim.loop.time() == 3


def test_a_coroutine_that_ignores_its_cancellation_is_abandoned_after_the_shutdown_time() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        probe = sim.probe()
        stubborn = sim.spawn(Stubborn, "stubborn", (log, None), shutdown_s=5)
        probe.watch(stubborn)
        sim.run()
        sim.tell(stubborn, ActorExitRequest())
        sim.advance(4)
        assert log == []
        sim.advance(1)
        assert log == ["stopped"]
        assert probe.take(Terminated).reason is ExitReason.KILLED


def test_stop_kills_what_has_not_ended_in_its_time() -> None:
    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(House, "root", log)
        sim.spawn(Stubborn, "stubborn", (log, None), shutdown_s=1000)
        sim.run()
        log.clear()
        sim.await_(sim.base.stop(2))
        assert sim.loop.time() == 2
        assert log[0] == "stopped"
        assert log[-1] == "root stopped"
        assert sim.base.tree() == []


def test_a_coroutine_of_an_ended_incarnation_can_do_nothing_through_it() -> None:
    class Leaky(Worker):
        def started(self) -> None:
            loop = asyncio.get_event_loop_policy()
            del loop
            self.args[0].append(self)

        def stopped(self) -> None: ...

    kept: list[Leaky] = []
    with Simulation() as sim:
        leaky = sim.spawn(Leaky, "leaky", (kept,))
        sim.run()
        sim.tell(leaky, End())
        sim.run()
        with pytest.raises(NotRunning, match="leaky: this incarnation has ended"):
            kept[0].send(leaky, Work(1))


def test_a_child_spawned_while_stopping_is_nobody() -> None:
    class Late(Worker):
        def stopped(self) -> None:
            address = self.spawn(Worker, "late", [])
            self.args.append(self.try_send(address, Work(1)))

    log: list[Any] = []
    with Simulation() as sim:
        sim.spawn(Late, "root", log)
        sim.run()
        sim.await_(sim.base.stop())
        assert log == ["root started", False]


def test_an_error_in_stopped_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(Worker):
        def stopped(self) -> None:
            raise RuntimeError("secret")

    with Simulation() as sim:
        sim.spawn(Clumsy, "clumsy", [])
        sim.run()
        sim.await_(sim.base.stop())
        assert sim.base.tree() == []
    assert "clumsy (Clumsy): stopped() raised RuntimeError" in caplog.text
    assert "secret" not in caplog.text


# --- watching ---


class Watcher(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.ends: list[tuple[str, str]] = []
        self.watch(self.args)

    @handles(Terminated)
    def on_terminated(self, message: Terminated, sender: ActorAddress) -> None:
        assert message.address == self.args
        self.ends.append((message.path, message.reason))

    @handles(End)
    def on_end(self, message: End, sender: ActorAddress) -> None:
        self.unwatch(self.args)

    def snapshot(self) -> dict[str, object]:
        return {"ends": self.ends}


def test_a_watcher_hears_of_the_end_but_not_of_restarts() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", [])
        sim.spawn(Watcher, "watcher", worker)
        sim.run()
        sim.crash(worker)
        sim.tell(worker, Work(1))
        sim.advance(1)
        assert sim.base.snapshot("watcher") == {"ends": []}
        sim.tell(worker, End())
        sim.run()
        assert sim.base.snapshot("watcher") == {"ends": [("worker", "stopped")]}


def test_watching_who_has_ended_already_tells_at_once() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", [], restart=Restart.TEMPORARY)
        sim.crash(worker)
        sim.tell(worker, Work(1))
        sim.run()
        sim.spawn(Watcher, "watcher", worker)
        sim.run()
        assert sim.base.snapshot("watcher") == {"ends": [("worker", "failed")]}


def test_unwatch_takes_it_back() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", [])
        watcher = sim.spawn(Watcher, "watcher", worker)
        sim.tell(watcher, End())
        sim.run()
        sim.tell(worker, End())
        sim.run()
        assert sim.base.snapshot("watcher") == {"ends": []}
