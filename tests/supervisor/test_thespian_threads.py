"""Plain actors whose handlers run in threads keep their order, their semantics and the loop's freedom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from thespian.actors import (
    Actor,
    ActorExitRequest,
    ActorSystem,
    ChildActorExited,
    PoisonMessage,
    WakeupMessage,
)

from supervisor import (
    AsyncioSystemBase,
    Dispatcher,
    Mailbox,
    Overflow,
    PlainActors,
    SupervisedActor,
    handles,
)
from supervisor.simulation import Simulation
from supervisor.thespian import handler_threads, plain

SOON = timedelta(seconds=10)

THREADS = PlainActors(dispatcher=Dispatcher.THREAD)


@contextmanager
def system(options: PlainActors = THREADS) -> Iterator[Any]:
    found = ActorSystem(AsyncioSystemBase(plain=options), transientUnique=True)
    try:
        yield found
    finally:
        found.shutdown()


class Doer(Actor):  # type: ignore[misc]
    """Calls what it is sent, with itself and the sender."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if callable(msg):
            msg(self, sender)


class Echo(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if not isinstance(msg, ActorExitRequest):
            self.send(sender, (msg, threading.get_ident()))


class OnLoop(Echo):
    dispatcher = Dispatcher.LOOP


class InThread(Echo):
    dispatcher = Dispatcher.THREAD


class Gate:
    """A handler that blocks until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, actor: Any, sender: Any) -> None:
        self.entered.set()
        self.opened.wait()

    def __deepcopy__(self, memo: Any) -> Gate:
        return self


@pytest.mark.parametrize(
    ("cls", "default", "on_loop"),
    [
        (Echo, Dispatcher.LOOP, True),
        (Echo, Dispatcher.THREAD, False),
        (OnLoop, Dispatcher.THREAD, True),
        (InThread, Dispatcher.LOOP, False),
    ],
)
def test_a_class_says_where_it_runs_and_else_the_base_does(
    cls: type[Actor], default: Dispatcher, on_loop: bool
) -> None:
    with system(PlainActors(dispatcher=default)) as found:
        loop_thread = found._systemBase.home.call(threading.get_ident)
        _, thread = found.ask(found.createActor(cls), "hello", SOON)
        assert (thread == loop_thread) is on_loop


def test_a_blocked_handler_holds_up_nobody_else() -> None:
    with system() as found:
        gate = Gate()
        blocked, other = found.createActor(Doer), found.createActor(Echo)
        found.tell(blocked, gate)
        gate.entered.wait()
        assert found.ask(other, "hello", SOON)[0] == "hello"
        gate.opened.set()


def test_messages_are_handled_one_at_a_time_and_in_order() -> None:
    inside: list[int] = []
    order: list[int] = []

    def work(number: int) -> Callable[[Any, Any], None]:
        def handle(actor: Any, sender: Any) -> None:
            inside.append(number)
            assert inside == [number]
            order.append(number)
            inside.remove(number)
            if number == 199:
                actor.send(sender, "done")

        return handle

    with system() as found:
        doer = found.createActor(Doer)
        for number in range(200):
            found.tell(doer, work(number))
        assert found.listen(SOON) == "done"
    assert order == list(range(200))


def test_what_a_handler_sends_goes_out_before_it_returns() -> None:
    gate = Gate()

    def send_and_block(actor: Any, sender: Any) -> None:
        actor.send(sender, "first")
        gate(actor, sender)

    with system() as found:
        found.tell(found.createActor(Doer), send_and_block)
        assert found.listen(SOON) == "first"
        assert not gate.opened.is_set()
        gate.opened.set()


def test_an_actor_is_created_and_woken_from_a_thread() -> None:
    class Creator(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if msg == "create":
                self.outside = sender
                self.child = self.createActor(Echo)
                self.wakeupAfter(timedelta(milliseconds=1), "payload")
            elif isinstance(msg, WakeupMessage):
                self.send(self.child, msg.payload)
            elif isinstance(msg, tuple):
                self.send(self.outside, msg[0])

    with system() as found:
        assert found.ask(found.createActor(Creator), "create", SOON) == "payload"


def test_a_handler_that_fails_twice_in_a_thread_returns_the_message_as_poison() -> None:
    tries: list[int] = []

    def fail(actor: Any, sender: Any) -> None:
        tries.append(threading.get_ident())
        raise ValueError("wrong")

    with system() as found:
        doer = found.createActor(Doer)
        answer = found.ask(doer, fail, SOON)
        assert isinstance(answer, PoisonMessage)
        assert "ValueError: wrong" in answer.details
        assert len(tries) == 2
        assert found.ask(doer, lambda actor, sender: actor.send(sender, "alive"), SOON) == "alive"


def test_an_actor_that_asks_for_the_end_of_its_process_ends_alone() -> None:
    def leave(actor: Any, sender: Any) -> None:
        raise SystemExit(1)

    with system() as found:
        doer, other = found.createActor(Doer), found.createActor(Echo)
        found.tell(doer, leave)
        while found._systemBase.find(doer.path) is not None:
            pass
        assert found.ask(other, "hello", SOON)[0] == "hello"


def test_children_exit_before_their_parent_and_work_sent_before_is_done() -> None:
    log: list[str] = []

    class Child(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            log.append("child exits" if isinstance(msg, ActorExitRequest) else f"child does {msg}")

    class Parent(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if msg == "begin":
                child = self.createActor(Child)
                for work in (1, 2):
                    self.send(child, work)
                self.send(self.myAddress, ActorExitRequest())
            elif isinstance(msg, ActorExitRequest):
                log.append("parent is asked")
            elif isinstance(msg, ChildActorExited):
                log.append("parent is told")

    with system() as found:
        parent = found.createActor(Parent)
        found.tell(parent, "begin")
        while found._systemBase.tree():
            pass
    assert log.index("parent is asked") < log.index("child exits")
    assert [line for line in log if line.startswith("child")] == [
        "child does 1",
        "child does 2",
        "child exits",
    ]
    assert log[-1] == "parent is told"


def test_there_are_never_more_threads_than_the_limit() -> None:
    inside = threading.Semaphore(2)
    crowded: list[bool] = []

    def work(actor: Any, sender: Any) -> None:
        crowded.append(not inside.acquire(blocking=False))
        actor.send(sender, threading.get_ident())
        inside.release()

    with system(PlainActors(dispatcher=Dispatcher.THREAD, threads_max=2)) as found:
        doers = [found.createActor(Doer) for _ in range(50)]
        for doer in doers:
            found.tell(doer, work)
        threads = {found.listen(SOON) for _ in doers}
        assert found._systemBase.handler_threads.threads <= 2
    assert len(threads) <= 2
    assert crowded == [False] * 50


def test_a_shutdown_does_not_wait_for_a_handler_that_never_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain, "SHUTDOWN_S", 0.01)
    gate = Gate()
    with system() as found:
        base = found._systemBase
        doer = found.createActor(Doer)
        found.tell(doer, gate)
        found.tell(doer, "waits behind it")
        gate.entered.wait()
    assert base.drops() == {("Doer", "str", "dead"): 1, ("Doer", "ActorExitRequest", "dead"): 1}
    gate.opened.set()


async def test_a_supervised_parent_stops_though_its_plain_child_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain, "SHUTDOWN_S", 0.01)
    gate = Gate()

    class Parent(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        def started(self) -> None:
            self.send(self.createActor(Doer), gate)

        @handles(str)
        def on_text(self, message: str, sender: Any) -> None: ...

    base = AsyncioSystemBase(plain=THREADS)
    base.spawn(Parent, "root")
    await asyncio.to_thread(gate.entered.wait)
    await base.stop(timeout_s=60)
    assert base.tree() == []
    gate.opened.set()


def test_what_a_thread_still_does_for_an_actor_that_was_killed_is_harmless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plain, "SHUTDOWN_S", 0.01)
    gate, ended = Gate(), threading.Event()
    outcome: list[Any] = []

    def outlive(actor: Any, sender: Any) -> None:
        gate(actor, sender)
        try:
            actor.send(sender, "too late")
            outcome.append(actor.createActor(Echo))
        except Exception as error:
            outcome.append(error)
        ended.set()

    with system() as found:
        base = found._systemBase
        doer = found.createActor(Doer)
        found.tell(doer, outlive)
        gate.entered.wait()
        base.home.call(lambda: doer.cell.begin_stop(drain=True))
        while base.find(doer.path) is not None:
            pass
        gate.opened.set()
        ended.wait()
        assert base.tree() == []
        assert found.listen(SOON) == "too late"
    assert outcome[0].path.endswith("exiting")


def test_in_a_simulation_there_are_no_threads() -> None:
    with Simulation(seed=1) as sim:
        probe = sim.probe()
        address = sim.base.newPrimaryActor(InThread, None, None, None)
        sim.tell(address, "hello", sender=probe)
        sim.run()
        assert probe.take(tuple) == ("hello", threading.get_ident())


def test_a_limit_of_no_threads_is_refused() -> None:
    with pytest.raises(ValueError, match="threads_max was 0"):
        PlainActors(threads_max=0)


def test_idle_threads_end_and_come_back_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_threads, "IDLE_S", 0.001)
    with system() as found:
        pool = found._systemBase.handler_threads
        echo = found.createActor(Echo)
        for _ in range(3):
            assert found.ask(echo, "hello", SOON)[0] == "hello"
            while pool.threads:
                pass


def test_a_shutdown_ends_the_threads() -> None:
    with system() as found:
        pool = found._systemBase.handler_threads
        for echo in [found.createActor(Echo) for _ in range(20)]:
            found.ask(echo, "hello", SOON)
        assert 0 < pool.threads <= 20
    while pool.threads:
        pass


class Relay(Actor):  # type: ignore[misc]
    """Sends what it is sent along the route in it; the last one sends it back to who sent it first."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if not isinstance(msg, tuple):
            return
        route, first = msg
        if not route:
            self.send(first, "arrived")
        else:
            self.send(route[0], (route[1:], first or sender))


@pytest.mark.parametrize("dispatcher", list(Dispatcher))
def test_actors_of_two_systems_send_to_each_other_on_idle_and_busy_loops(dispatcher: Dispatcher) -> None:
    options = PlainActors(dispatcher=dispatcher)
    with system(options) as one, system(options) as other:
        here, there = one.createActor(Relay), other.createActor(Relay)
        for _ in range(50):
            assert other.ask(there, ([here, there, here], None), SOON) == "arrived"
            assert one.ask(here, ([there, here, there, here], None), SOON) == "arrived"
