"""Plain Thespian actors keep Thespian's semantics."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from thespian.actors import (
    Actor,
    ActorExitRequest,
    ActorSystem,
    ActorTypeDispatcher,
    ChildActorExited,
    DeadEnvelope,
    NoCompatibleSystemForActor,
    PoisonMessage,
    Thespian_ActorStatus,
    Thespian_StatusReq,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
    requireCapability,
)
from thespian.initmsgs import initializing_messages
from thespian.troupe import troupe

from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

SOON = timedelta(seconds=5)


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    found = ActorSystem(AsyncioSystemBase(capabilities={"Cows Allowed": True}), transientUnique=True)
    yield found
    found.shutdown()


class Parent(Actor):  # type: ignore[misc]
    """Does what it is told and tells the outside what it hears."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if msg == "create":
            self.outside = sender
            self.child = self.createActor(Child)
            self.send(sender, self.child)
        elif msg == "create broken":
            self.outside = sender
            self.send(sender, self.createActor(Broken))
        elif isinstance(msg, ChildActorExited):
            self.send(self.outside, ("exited", msg.childAddress))
        elif isinstance(msg, PoisonMessage):
            self.send(self.outside, ("poisoned", msg.poisonMessage))
        elif isinstance(msg, tuple):
            self.send(self.child, msg[0])


class Child(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        self.tries = getattr(self, "tries", 0) + 1
        if msg == "fail":
            raise ValueError("fail")
        if msg == "fail once" and self.tries == 1:
            raise ValueError("once")
        if not isinstance(msg, ActorExitRequest):
            self.send(sender, self.tries)


class Broken(Actor):  # type: ignore[misc]
    def __init__(self) -> None:
        raise ValueError("broken")


def test_a_failed_message_is_tried_once_more_with_state_kept(system: ActorSystem) -> None:
    assert system.ask(system.createActor(Child), "fail once", SOON) == 2


def test_the_second_failure_returns_the_message_as_poison(system: ActorSystem) -> None:
    child = system.createActor(Child)
    answer = system.ask(child, "fail", SOON)
    assert isinstance(answer, PoisonMessage)
    assert answer.poisonMessage == "fail"
    assert "ValueError" in answer.details
    assert system.ask(child, "hello", SOON) == 3, "it lives on, having tried twice"


def test_poison_goes_to_the_sender_of_the_message(system: ActorSystem) -> None:
    parent = system.createActor(Parent)
    system.ask(parent, "create", SOON)
    assert system.ask(parent, ("fail",), SOON) == ("poisoned", "fail")


def test_a_parent_is_told_of_the_exit_of_its_child(system: ActorSystem) -> None:
    parent = system.createActor(Parent)
    child = system.ask(parent, "create", SOON)
    assert system.ask(parent, (ActorExitRequest(),), SOON) == ("exited", child)


def test_a_child_that_cannot_be_made_has_an_address_and_exits(system: ActorSystem) -> None:
    parent = system.createActor(Parent)
    address = system.ask(parent, "create broken", SOON)
    assert system.listen(SOON) == ("exited", address)


def test_a_primary_actor_that_cannot_be_made_raises(system: ActorSystem) -> None:
    with pytest.raises(ValueError, match="broken"):
        system.createActor(Broken)


def test_an_exit_request_does_not_overtake_messages(system: ActorSystem) -> None:
    child = system.createActor(Child)
    for message in ("a", "b", ActorExitRequest(), "c"):
        system.tell(child, message)
    assert [system.listen(SOON), system.listen(SOON), system.listen(0.05)] == [1, 2, None]


def test_dead_letters_go_to_the_last_registered_handler(system: ActorSystem) -> None:
    class Undertaker(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if isinstance(msg, DeadEnvelope):
                self.send(self.outside, ("dead", msg.deadMessage))
            elif msg == "register":
                self.outside = sender
                self.handleDeadLetters()
                self.send(sender, "ok")

    child = system.createActor(Child)
    undertaker = system.createActor(Undertaker)
    system.ask(undertaker, "register", SOON)
    system.tell(child, ActorExitRequest())
    assert system.ask(child, "too late", SOON) == ("dead", "too late")


def test_a_global_name_finds_the_actor_until_it_exits(system: ActorSystem) -> None:
    child = system.createActor(Child, globalName="Tom")
    assert system.createActor(Child, globalName="Tom") == child
    assert system.ask(child, "hello", SOON) == 1
    system.tell(child, ActorExitRequest())
    while (fresh := system.createActor(Child, globalName="Tom")) == child:
        time.sleep(0.001)
    assert system.ask(fresh, "hello", SOON) == 1


def test_a_wakeup_carries_its_delay_and_payload(system: ActorSystem) -> None:
    class Sleeper(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if isinstance(msg, WakeupMessage):
                self.send(self.outside, (msg.delayPeriod, msg.payload, sender == self.myAddress))
            else:
                self.outside = sender
                self.wakeupAfter(timedelta(milliseconds=10), "morning")

    assert system.ask(system.createActor(Sleeper), "sleep", SOON) == (
        timedelta(milliseconds=10),
        "morning",
        True,
    )


def test_capabilities_decide_who_may_live_here(system: ActorSystem) -> None:
    @requireCapability("Cows Allowed")
    class Cow(Child):
        pass

    @requireCapability("Dogs Allowed")
    class Dog(Child):
        pass

    assert system.ask(system.createActor(Cow), "moo", SOON) == 1
    with pytest.raises(NoCompatibleSystemForActor):
        system.createActor(Dog)


def test_a_watched_file_wakes_its_actor(system: ActorSystem) -> None:
    class Reader(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> Any:
            if isinstance(msg, WatchMessage):
                self.send(self.outside, os.read(msg.ready[0], 100))
                return None
            if isinstance(msg, int):
                self.outside = sender
                return ThespianWatch([msg])
            return None

    reading, writing = os.pipe()
    try:
        reader = system.createActor(Reader)
        system.tell(reader, reading)
        os.write(writing, b"news")
        assert system.listen(SOON) == b"news"
    finally:
        os.close(reading)
        os.close(writing)


def test_status_is_answered_by_the_system(system: ActorSystem) -> None:
    parent = system.createActor(Parent)
    system.ask(parent, "create", SOON)
    status = system.ask(parent, Thespian_StatusReq(), SOON)
    assert isinstance(status, Thespian_ActorStatus)
    assert len(status.childActors) == 1


@initializing_messages([("first", int), ("second", str)], initdone="ready")
class Initialized(ActorTypeDispatcher):  # type: ignore[misc]
    def ready(self) -> None:
        self.sum = f"{self.first}{self.second}"

    def receiveMsg_tuple(self, msg: tuple[Any, ...], sender: Any) -> None:
        self.send(sender, self.sum)


def test_initializing_messages_come_before_all_others(system: ActorSystem) -> None:
    actor = system.createActor(Initialized)
    for message in (("early",), 1, "a"):
        system.tell(actor, message)
    assert system.listen(SOON) == "1a"


@troupe(max_count=3, idle_count=1)
class Crew(ActorTypeDispatcher):  # type: ignore[misc]
    def receiveMsg_int(self, msg: int, sender: Any) -> None:
        self.send(sender, msg * 2)


def test_a_troupe_shares_the_work(system: ActorSystem) -> None:
    crew = system.createActor(Crew)
    for number in range(1, 11):
        system.tell(crew, number)
    assert sorted(system.listen(SOON) for _ in range(10)) == [2 * number for number in range(1, 11)]


def test_plain_and_supervised_actors_talk_and_nest(system: ActorSystem) -> None:
    class Modern(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        @handles(str)
        def on_text(self, message: str, sender: Any) -> None:
            self.forward(self.createActor(Child), message, sender)

        @handles(ChildActorExited)
        def on_exit(self, message: ChildActorExited, sender: Any) -> None: ...

    assert system.ask(system.createActor(Modern), "hello", SOON) == 1
