"""Where one incarnation ends and the next begins, in the odd cases."""

from __future__ import annotations

import asyncio
import gc
from traceback import walk_stack
from typing import Any, ClassVar

import msgspec
import pytest
from thespian.actors import Actor, ActorAddress, ActorExitRequest, ChildActorExited

from supervisor import (
    Backoff,
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

BOX = Mailbox(capacity=100, overflow=Overflow.REFUSE)
AT_ONCE = Backoff(first_s=0)


class Crash(msgspec.Struct, frozen=True):
    pass


class Ping(msgspec.Struct, frozen=True):
    pass


class Worker(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.args.append(f"{self.path} started")

    def stopped(self) -> None:
        self.args.append(f"{self.path} stopped")

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ValueError("as ordered")


def test_a_stop_asked_for_by_the_incarnation_that_crashed_does_not_end_the_next() -> None:
    class Hasty(Worker):
        @handles(Crash)
        def on_crash(self, message: Crash, sender: ActorAddress) -> None:
            self.stop()
            raise ValueError("before it came to that")

    with Simulation() as sim:
        hasty = sim.spawn(Hasty, "hasty", [])
        sim.tell(hasty, Crash())
        sim.advance(10)
        (info,) = sim.base.tree()
        assert (info.state, info.restarts) == ("running", 1)


def test_an_incarnation_is_not_told_of_the_children_of_the_one_before() -> None:
    class Parent(Worker):
        def started(self) -> None:
            self.spawn(Worker, "child", [])

        @handles(ChildActorExited)
        def on_exited(self, message: ChildActorExited, sender: ActorAddress) -> None:
            self.args.append("told")

    told: list[str] = []
    with Simulation() as sim:
        parent = sim.spawn(Parent, "parent", told)
        sim.tell(parent, Crash())
        sim.advance(10)
        assert "told" not in told


def test_whatever_stopped_raises_the_next_incarnation_begins() -> None:
    class Clumsy(Worker):
        def stopped(self) -> None:
            raise asyncio.CancelledError

    with Simulation() as sim:
        clumsy = sim.spawn(Clumsy, "clumsy", [])
        sim.tell(clumsy, Crash())
        sim.advance(10)
        assert sim.base.tree()[0].state == "running"


def group(strategy_: Strategy, **restarts: Restart) -> type[SupervisedActor]:
    class Group(SupervisedActor):
        mailbox = BOX
        supervision: ClassVar[Supervision] = Supervision(strategy=strategy_, backoff=AT_ONCE)

        def started(self) -> None:
            for name, restart in restarts.items():
                self.spawn(Worker, name, self.args, restart=restart)

    return Group


def test_a_group_ends_in_reverse_order_those_included_that_do_not_come_back() -> None:
    log: list[str] = []
    kinds = {"a": Restart.PERMANENT, "b": Restart.TEMPORARY, "c": Restart.PERMANENT}
    with Simulation() as sim:
        sim.spawn(group(Strategy.ONE_FOR_ALL, **kinds), "root", log)
        sim.run()
        log.clear()
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(1)
        assert log == ["c stopped", "b stopped", "a stopped", "a started", "c started"]


def test_a_group_begins_when_all_of_it_have_ended_however_long_one_cleans_up() -> None:
    class Slow(Worker):
        def started(self) -> None:
            super().started()
            self.pipe(self._serve())

        async def _serve(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)

    class Boss(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Worker, "a", self.args)
            self.spawn(Slow, "slow", self.args, restart=Restart.TEMPORARY)

    log: list[str] = []
    with Simulation() as sim:
        sim.spawn(Boss, "root", log)
        sim.run()
        log.clear()
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(5)
        assert log == ["slow stopped", "a stopped", "a started"]


def test_a_plain_actor_in_a_group_ends_with_it() -> None:
    class Plain(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            """Takes anything."""

    class Boss(Worker):
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Worker, "a", self.args)
            self.createActor(Plain)

    with Simulation() as sim:
        sim.spawn(Boss, "root", [])
        sim.run()
        assert [info.kind for info in sim.base.tree()] == ["Boss", "Worker", "Plain"]
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(1)
        assert [(info.kind, info.state) for info in sim.base.tree()][1:] == [("Worker", "running")]


def test_the_rest_of_a_group_does_not_begin_when_the_first_has_failed_for_good() -> None:
    class Fragile(Worker):
        def started(self) -> None:
            super().started()
            if self.args.count("a started") > 1:
                raise ConnectionError("away")

    class Boss(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL, restarts_max=1, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Fragile, "a", self.args)
            self.spawn(Worker, "b", self.args)

    log: list[str] = []
    with Simulation() as sim:
        sim.spawn(Boss, "root", log)
        sim.run()
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(1)
        assert log == ["a started", "b started", "b stopped", "a stopped", "a started"]


def test_a_successor_in_a_group_still_waits_for_the_end_of_whom_it_succeeds() -> None:
    class Boss(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(strategy=Strategy.ONE_FOR_ALL, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Lingering, "port", self.args)
            self.spawn(Worker, "other", self.args)

        @handles(Ping)
        def on_ping(self, message: Ping, sender: ActorAddress) -> None:
            self.stop_child(self.child("port"))
            self.spawn(Worker, "port", self.args)

    class Lingering(Worker):
        def started(self) -> None:
            super().started()
            self.pipe(self._serve())

        async def _serve(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(2)

    log: list[str] = []
    with Simulation() as sim:
        boss = sim.spawn(Boss, "root", log)
        sim.run()
        log.clear()
        sim.tell(boss, Ping())
        sim.advance(1)
        sim.tell(sim.base.find("other"), Crash())
        sim.advance(5)
        assert log == ["other stopped", "other started", "port stopped", "port started"]


def test_of_several_actors_spawned_under_one_name_each_waits_until_all_before_it_have_ended() -> None:
    class Boss(SupervisedActor):
        mailbox = BOX

        @handles(Ping)
        def on_ping(self, message: Ping, sender: ActorAddress) -> None:
            if (earlier := self.child("port")) is not None:
                self.stop_child(earlier)
            self.spawn(Lingering, "port", self.args)

    class Lingering(Worker):
        def started(self) -> None:
            super().started()
            self.pipe(self._serve())

        async def _serve(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(2)

    log: list[str] = []
    with Simulation() as sim:
        boss = sim.spawn(Boss, "root", log)
        sim.tell(boss, Ping())
        sim.run()
        for _ in range(4):
            sim.tell(boss, Ping())
        sim.advance(1)
        assert log == ["port started"]
        assert sim.base.find("port") is not None
        sim.advance(5)
        assert log == ["port started", "port stopped", "port started"]


def test_a_group_that_begins_after_a_long_delay_counts_its_health_from_then() -> None:
    class Boss(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(
            strategy=Strategy.ONE_FOR_ALL,
            backoff=Backoff(first_s=20, factor=2, max_s=1000, jitter=0, reset_after_s=15),
        )

        def started(self) -> None:
            self.spawn(Worker, "a", self.args)
            self.spawn(Worker, "b", self.args)

    log: list[str] = []
    with Simulation() as sim:
        sim.spawn(Boss, "root", log)
        sim.run()
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(21)
        assert log.count("a started") == 2
        sim.tell(sim.base.find("a"), Crash())
        sim.advance(21)
        assert log.count("a started") == 2, "it was healthy for a second, so the delay doubles"
        sim.advance(20)
        assert log.count("a started") == 3


def test_a_restarted_supervisor_counts_the_restarts_of_its_children_from_none() -> None:
    class Middle(Worker):
        supervision = Supervision(restarts_max=1, period_s=60, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Worker, "a", self.args)

    class Top(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(restarts_max=1, period_s=60, backoff=AT_ONCE)

        def started(self) -> None:
            self.spawn(Middle, "middle", self.args)

    with Simulation() as sim:
        sim.spawn(Top, "root", [])
        for path in ("middle/a", "middle", "middle/a"):
            sim.run()
            sim.tell(sim.base.find(path), Crash())
        sim.run()
        assert [info.restarts for info in sim.base.tree()] == [0, 1, 1]


def test_a_producer_goes_on_when_a_crash_took_the_last_message() -> None:
    class Producer(Worker):
        def started(self) -> None:
            self.pipe(self._wait())

        async def _wait(self) -> None:
            await self.ready(self.args[0])
            self.args.append("went on")

    with Simulation() as sim:
        small = Mailbox(capacity=1, overflow=Overflow.REFUSE)
        target = sim.spawn(Worker, "target", [], mailbox=small)
        args: list[Any] = [target]
        sim.run()
        sim.tell(target, Crash())
        sim.tell(target, Crash())
        sim.spawn(Producer, "producer", args)
        sim.advance(10)
        assert args[-1] == "went on"


def test_an_error_kept_for_inspection_holds_nothing_of_what_led_to_it() -> None:
    class Big:
        pass

    class Careless(Worker):
        @handles(Crash)
        def on_crash(self, message: Crash, sender: ActorAddress) -> None:
            try:
                self._deep(Big())
            except KeyError as error:
                raise ValueError("from another") from error

        def _deep(self, big: Big) -> None:
            raise KeyError("deep")

    with Simulation() as sim:
        careless = sim.spawn(Careless, "careless", [])
        sim.tell(careless, Crash())
        sim.advance(1)
        gc.collect()
        assert not [each for each in gc.get_objects() if isinstance(each, Big)]
        assert "deep" in sim.base.dead_letters()[0].traceback


def test_an_error_kept_for_inspection_does_not_keep_what_the_loop_held_when_it_came() -> None:
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", [])
        sim.tell(worker, Crash())
        sim.advance(1)
        error = sim.base.dead_letters()[0].error
        assert error is not None
        assert error.__traceback__ is not None
        called = {
            frame.f_code.co_name: frame.f_locals for frame, _ in walk_stack(error.__traceback__.tb_frame)
        }
        assert called["on_crash"] == called["run_slice"] == called["_run_once"] == {}


def test_giving_up_takes_bounded_time_however_many_ignore_their_end() -> None:
    class Stubborn(Worker):
        def started(self) -> None:
            self.pipe(self._ignore())

        async def _ignore(self) -> None:
            while True:
                try:
                    await asyncio.sleep(1000)
                except asyncio.CancelledError:
                    self.args.append("no")

    class Root(SupervisedActor):
        mailbox = BOX
        supervision = Supervision(restarts_max=0)

        def started(self) -> None:
            for number in range(50):
                self.spawn(Stubborn, f"s{number}", self.args)
            self.spawn(Worker, "worker", self.args)

    with Simulation() as sim:
        sim.spawn(Root, "root", [])
        sim.run()
        sim.tell(sim.base.find("worker"), Crash())
        sim.run()
        with pytest.raises(RootFailed):
            sim.await_(sim.base.wait())
        assert sim.loop.time() <= 30


def test_an_exit_request_to_one_that_waits_for_its_restart_is_heard_when_it_is_back() -> None:
    log: list[str] = []
    with Simulation() as sim:
        worker = sim.spawn(Worker, "worker", log, restart=Restart.PERMANENT)
        sim.tell(worker, Crash())
        sim.run()
        sim.tell(worker, ActorExitRequest())
        sim.run()
        assert [info.state for info in sim.base.tree()] == ["restarting"]
        sim.advance(1)
        assert sim.base.tree() == []
        assert log == ["worker started", "worker stopped"] * 2
