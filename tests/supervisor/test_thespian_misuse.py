"""Bad use of plain actors and of the facade is told clearly, at once, and harms nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from thespian.actors import (
    Actor,
    ActorSystem,
    ActorSystemFailure,
    ChildActorExited,
    InvalidActorAddress,
    InvalidActorSpecification,
    PoisonMessage,
)

from supervisor import (
    AsyncioSystemBase,
    BadActorClass,
    BlockingCall,
    Dispatcher,
    NotRunning,
    PlainActors,
    SupervisedActor,
    SystemStopped,
)

SOON = timedelta(seconds=10)


class Echo(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, str):
            self.send(sender, msg)


class Eager(Echo):
    """Does too early what an actor can do later."""

    def __init__(self) -> None:
        self.createActor(Echo)


class Parent(Actor):  # type: ignore[misc]
    """Creates what it is sent, and sends on what it then hears."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, ChildActorExited):
            self.send(self.outside, ("exited", msg.childAddress))
        elif isinstance(msg, tuple):
            self.outside = sender
            self.send(sender, self.createActor(msg[0]))


@pytest.fixture
def system() -> Iterator[Any]:
    found = ActorSystem(AsyncioSystemBase(), transientUnique=True)
    yield found
    found.shutdown()


@pytest.mark.parametrize("nonsense", [None, 5, int, object(), "unqualified", Echo(), "os.path.join"])
def test_what_is_no_class_of_actors_cannot_be_created(system: Any, nonsense: Any) -> None:
    with pytest.raises(InvalidActorSpecification):
        system.createActor(nonsense)


def test_an_actor_that_creates_nonsense_is_told_of_its_exit(system: Any) -> None:
    parent = system.createActor(Parent)
    address = system.ask(parent, (int,), SOON)
    assert system.listen(SOON) == ("exited", address)


def test_a_class_whose_module_is_not_found_is_an_import_error(system: Any) -> None:
    with pytest.raises(ImportError, match="nowhere"):
        system.createActor("nowhere.to.be.Found")


def test_an_actor_operation_in_init_says_that_it_is_too_early(system: Any) -> None:
    with pytest.raises(NotRunning, match=r"Eager\.__init__ does an actor operation"):
        system.createActor(Eager)
    parent = system.createActor(Parent)
    address = system.ask(parent, (Eager,), SOON)
    assert system.listen(SOON) == ("exited", address)


@pytest.mark.parametrize("nowhere", [None, "Echo", 5])
def test_nothing_is_sent_to_what_is_no_address(system: Any, nowhere: Any) -> None:
    for send in (system.tell, system.ask):
        with pytest.raises(ValueError, match="not a valid ActorAddress"):
            send(nowhere, "hello")
    with pytest.raises(InvalidActorAddress):
        system._systemBase.tell(nowhere, "hello")


def test_an_actor_that_asks_and_waits_on_the_loop_is_stopped_from_it(system: Any) -> None:
    class Asker(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if isinstance(msg, str):
                system.ask(self.createActor(Echo), msg)

    answer = system.ask(system.createActor(Asker), "hello", SOON)
    assert isinstance(answer, PoisonMessage)
    assert BlockingCall.__name__ in answer.details


def test_an_actor_in_a_thread_may_ask_and_wait(system: Any) -> None:
    class Asker(Actor):  # type: ignore[misc]
        dispatcher = Dispatcher.THREAD

        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if isinstance(msg, str):
                with system.private() as private:
                    self.send(sender, private.ask(self.createActor(Echo), msg, SOON))

    assert system.ask(system.createActor(Asker), "hello", SOON) == "hello"


def test_a_second_shutdown_does_nothing() -> None:
    base = AsyncioSystemBase()
    system = ActorSystem(base, transientUnique=True)
    system.shutdown()
    system.shutdown()
    base.shutdown()
    assert base.closed


def test_shutdowns_from_several_threads_all_return() -> None:
    base = AsyncioSystemBase()
    base.newPrimaryActor(Echo, None, None, None)
    threads = [threading.Thread(target=base.shutdown) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [thread.is_alive() for thread in threads] == [False] * 8
    assert base.tree() == []


def test_what_was_shut_down_begins_nothing_and_says_so() -> None:
    base = AsyncioSystemBase(name="gone")
    echo = base.newPrimaryActor(Echo, None, None, None)
    private = base.external_clone()
    base.shutdown()
    for call in (
        lambda: base.newPrimaryActor(Echo, None, None, None),
        lambda: base.ask(echo, "hello"),
        lambda: private.ask(echo, "hello", None),
        lambda: private.newPrimaryActor(Echo, None, None, None),
    ):
        with pytest.raises(SystemStopped, match="gone was shut down") as caught:
            call()
        assert isinstance(caught.value, ActorSystemFailure)
    base.tell(echo, "hello")
    assert base.listen() is None


def test_who_listens_without_a_timeout_is_let_go_by_a_shutdown() -> None:
    base = AsyncioSystemBase()
    heard: list[Any] = []
    thread = threading.Thread(target=lambda: heard.append(base.listen()))
    thread.start()
    base.shutdown()
    thread.join(timeout=30)
    assert heard == [None]


def test_a_supervised_actor_cannot_ask_for_threads() -> None:
    with pytest.raises(BadActorClass, match=r"run_in_thread\(\)"):

        class Threaded(SupervisedActor):
            dispatcher = Dispatcher.THREAD


def test_a_dispatcher_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="dispatcher was 'thread'"):
        PlainActors(dispatcher="thread")  # type: ignore[arg-type]


def test_a_loop_that_was_closed_under_its_system_answers_no_more() -> None:
    loop = asyncio.new_event_loop()
    base = AsyncioSystemBase(loop)
    echo = base.newPrimaryActor(Echo, None, None, None)
    loop.close()
    heard: list[Any] = []

    def use() -> None:
        heard.append(base.listen())
        with pytest.raises(SystemStopped):
            base.ask(echo, "hello")
        heard.append("told")

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(timeout=30)
    assert heard == [None, "told"]
