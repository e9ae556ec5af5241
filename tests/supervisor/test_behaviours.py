"""Actors that change how they handle messages, and what a change does to what waits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    BadActorClass,
    BadHandler,
    Behaviour,
    BehavioursNested,
    DuplicateHandler,
    LossyMailbox,
    Mailbox,
    MutableMessage,
    NotRunning,
    Otherwise,
    Overflow,
    Restart,
    SupervisedActor,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=8, overflow=Overflow.REFUSE)


class Enter(msgspec.Struct, frozen=True):
    behaviour: str
    on_top: bool = False


class Leave(msgspec.Struct, frozen=True):
    pass


class Money(msgspec.Struct, frozen=True):
    carries_money = True


class Door(SupervisedActor):
    """Says of each number which of its handlers it came to."""

    mailbox = BOX

    shut = Behaviour(stashes=(int,))
    guarded = Behaviour(otherwise=Otherwise.STASH)
    walled = Behaviour(otherwise=Otherwise.DROP)
    elsewhere = Behaviour()

    def started(self) -> None:
        self.seen: list[object] = []

    @handles(Enter)
    @handles(Enter, when=(guarded, walled))
    def on_enter(self, message: Enter, sender: ActorAddress) -> None:
        self.become(getattr(self, message.behaviour), on_top=message.on_top)

    @handles(Leave)
    @handles(Leave, when=(guarded, walled))
    def on_leave(self, message: Leave, sender: ActorAddress) -> None:
        self.unbecome()

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        self.seen.append(message)
        if message < 0:
            raise ValueError("a number below 0")

    @handles(int, when=elsewhere)
    def on_number_elsewhere(self, message: int, sender: ActorAddress) -> None:
        self.seen.append(f"elsewhere {message}")

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        self.seen.append(message)

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen, "behaviour": self.behaviour}


def _seen(*messages: Any, seed: int | None = None) -> object:
    with Simulation(seed) as sim:
        door = sim.spawn(Door, "door")
        for message in messages:
            sim.tell(door, message)
        sim.advance(1)
        return sim.base.snapshot("door")["seen"]


def test_a_message_goes_to_the_handler_of_the_behaviour_the_actor_is_in() -> None:
    assert _seen(1, Enter("elsewhere"), 2, Leave(), 3) == [1, "elsewhere 2", 3]


def test_what_a_behaviour_says_nothing_about_is_handled_as_by_default() -> None:
    assert _seen(Enter("elsewhere"), "text") == ["text"]


def test_what_a_behaviour_stashes_comes_back_in_its_order_before_what_came_later() -> None:
    assert _seen(Enter("shut"), 1, "between", 2, Leave(), 3) == ["between", 1, 2, 3]


def test_a_behaviour_that_stashes_the_rest_lets_only_its_own_handlers_run() -> None:
    assert _seen(Enter("guarded"), 1, "text", Leave(), 2) == [1, "text", 2]
    assert _seen(Enter("guarded"), 1, "text") == []


def test_from_one_stashing_behaviour_into_another_what_was_put_aside_stays_aside() -> None:
    assert _seen(Enter("shut"), 1, Enter("guarded"), 2) == []
    assert _seen(Enter("shut"), 1, Enter("guarded"), 2, Leave()) == [1, 2]


def test_entering_the_behaviour_it_is_in_leaves_what_was_put_aside() -> None:
    with Simulation() as sim:
        door = sim.spawn(Door, "door")
        for message in (Enter("shut"), 1, Enter("shut")):
            sim.tell(door, message)
        sim.run()
        assert (sim.base.tree()[0].stashed, sim.base.tree()[0].handled) == (1, 3)


def test_a_type_that_no_behaviour_handles_is_not_stashed_but_a_dead_letter() -> None:
    with Simulation() as sim:
        door = sim.spawn(Door, "door")
        sim.tell(door, Enter("guarded"))
        sim.tell(door, 1.5)
        sim.run()
        assert sim.base.drops() == {("Door", "float", "unknown-type"): 1}
        assert sim.base.tree()[0].stashed == 0


def test_a_behaviour_that_drops_the_rest_says_so_in_the_dead_letters() -> None:
    with Simulation() as sim:
        door = sim.spawn(Door, "door")
        for message in (Enter("walled"), 1, Leave(), 2):
            sim.tell(door, message)
        sim.run()
        assert sim.base.snapshot("door")["seen"] == [2]
        assert sim.base.drops() == {("Door", "int", "unwanted"): 1}


def test_a_behaviour_replaces_the_current_one_unless_it_is_put_on_top() -> None:
    put_in_place = (Enter("elsewhere"), Enter("walled"), Leave(), 1)
    put_on_top = (Enter("elsewhere"), Enter("walled", on_top=True), Leave(), 1)
    assert _seen(*put_in_place) == [1]
    assert _seen(*put_on_top) == ["elsewhere 1"]


def test_leaving_the_default_behaviour_changes_nothing() -> None:
    assert _seen(Leave(), 1) == [1]


def test_a_restart_begins_with_the_default_behaviour_and_what_was_put_aside() -> None:
    with Simulation(seed=1) as sim:
        door = sim.spawn(Door, "door")
        for message in (Enter("shut"), 1, Enter("elsewhere")):
            sim.tell(door, message)
        sim.run()
        sim.tell(door, Enter("shut"))
        sim.tell(door, 2)
        sim.run()
        sim.crash(door)
        sim.tell(door, "quarantined")
        sim.advance(1)
        assert sim.base.snapshot("door") == {"seen": [2], "behaviour": None}


def test_timers_and_results_come_to_the_behaviour_of_their_moment() -> None:
    class Waiting(SupervisedActor):
        mailbox = BOX
        loading = Behaviour(stashes=(str,))

        def started(self) -> None:
            self.seen: list[str] = []
            self.become(self.loading)
            self.timer("soon", 1, "timer")
            self.pipe(self.fetch())
            self.timer("ready", 2, 2)

        async def fetch(self) -> str:
            return "result"

        @handles(str)
        def on_text(self, message: str, sender: ActorAddress) -> None:
            self.seen.append(message)

        @handles(int, when=loading)
        def on_ready(self, message: int, sender: ActorAddress) -> None:
            self.unbecome()

        def snapshot(self) -> dict[str, object]:
            return {"seen": self.seen}

    with Simulation() as sim:
        sim.spawn(Waiting, "waiting")
        sim.advance(1)
        assert sim.base.tree()[0].stashed == 2
        sim.advance(1)
        assert sim.base.snapshot("waiting")["seen"] == ["result", "timer"]


def test_a_subclass_adds_to_a_behaviour_of_its_base() -> None:
    class Gate(Door):
        @handles(str, when=Door.elsewhere)
        def on_text_elsewhere(self, message: str, sender: ActorAddress) -> None:
            self.seen.append(f"elsewhere {message}")

    with Simulation() as sim:
        door, gate = sim.spawn(Door, "door"), sim.spawn(Gate, "gate")
        for address in (door, gate):
            sim.tell(address, Enter("elsewhere"))
            sim.tell(address, "text")
            sim.tell(address, 1)
        sim.run()
        assert sim.base.snapshot("door")["seen"] == ["text", "elsewhere 1"]
        assert sim.base.snapshot("gate")["seen"] == ["elsewhere text", "elsewhere 1"]


def test_a_receive_message_of_its_own_sees_all_and_passes_on_by_behaviour() -> None:
    class Noting(Door):
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            self.seen.append(type(msg).__name__)
            super().receiveMessage(msg, sender)

    with Simulation() as sim:
        noting = sim.spawn(Noting, "noting")
        for message in (1, Enter("elsewhere"), 2):
            sim.tell(noting, message)
        sim.run()
        assert sim.base.snapshot("noting")["seen"] == ["int", 1, "Enter", "int", "elsewhere 2"]


def test_a_trace_goes_on_through_changes_of_behaviour() -> None:
    with Simulation() as sim:
        door = sim.spawn(Door, "door")
        sim.run()
        with sim.base.inspector.trace("door") as trace:
            for message in (Enter("shut"), 1, Leave(), "text"):
                sim.tell(door, message)
                sim.run()
            seen = [event.message_type for event in trace.take()]
        assert seen == ["Enter", "int", "Leave", "int", "str"]
        sim.tell(door, Enter("elsewhere"))
        sim.tell(door, 2)
        sim.run()
        assert sim.base.snapshot("door")["seen"] == [1, "text", "elsewhere 2"]


def test_behaviours_on_top_of_each_other_have_a_limit() -> None:
    with Simulation() as sim:
        door = sim.spawn(Door, "door", restart=Restart.TEMPORARY)
        for _ in range(17):
            sim.tell(door, Enter("elsewhere", on_top=True))
            sim.run()
        (letter,) = sim.base.dead_letters()
        assert isinstance(letter.error, BehavioursNested)


@pytest.mark.parametrize("wrong", [Behaviour(), "shut", None])
def test_becoming_what_the_class_does_not_declare_names_what_it_does(wrong: Any) -> None:
    class Confused(Door):
        def started(self) -> None:
            self.become(wrong)

    with Simulation() as sim:
        sim.spawn(Confused, "confused")
        sim.run()
        error = sim.base.tree()[0].last_error
        assert error.startswith("NoSuchBehaviour: confused: become() was given")
        assert error.endswith("Confused declares shut, guarded, walled, elsewhere")


def test_an_actor_becomes_nothing_in_its_init() -> None:
    class Hasty(Door):
        def __init__(self) -> None:
            self.become(self.shut)

    with pytest.raises(NotRunning, match=r"started\(\)"):
        Hasty()


def test_money_and_frozen_checks_look_into_every_behaviour() -> None:
    with pytest.raises(LossyMailbox, match="Leaky handles Money"):

        class Leaky(SupervisedActor):
            mailbox = Mailbox(capacity=1, overflow=Overflow.DROP_OLDEST)
            paying = Behaviour()

            @handles(Money, when=paying)
            def on_money(self, message: Money, sender: ActorAddress) -> None: ...

    with pytest.raises(MutableMessage, match=r"builtins\.list"):

        class Soft(SupervisedActor):
            mailbox = BOX
            listing = Behaviour()

            @handles(list, when=listing)
            def on_list(self, message: Any, sender: ActorAddress) -> None: ...


def test_one_behaviour_has_one_thing_to_do_with_a_type() -> None:
    with pytest.raises(DuplicateHandler, match="both handles and stashes int in 'torn'"):

        class Torn(SupervisedActor):
            torn = Behaviour(stashes=(int,))

            @handles(int, when=torn)
            def on_number(self, message: int, sender: ActorAddress) -> None: ...


def test_stashing_what_is_never_handled_is_refused() -> None:
    with pytest.raises(BadActorClass, match="stashes str in 'waiting', but handles it in no behaviour"):

        class Hoarder(SupervisedActor):
            waiting = Behaviour(stashes=(str,))


def test_a_handler_for_a_behaviour_of_another_class_is_refused() -> None:
    with pytest.raises(BadHandler, match=r"Other\.on_number handles <behaviour shut>.* no attribute"):

        class Other(SupervisedActor):
            @handles(int, when=Door.shut)
            def on_number(self, message: int, sender: ActorAddress) -> None: ...


def test_a_mark_for_something_else_than_a_behaviour_is_refused() -> None:
    with pytest.raises(BadHandler, match="when= was 'loading', expected a Behaviour"):
        handles(int, when="loading")  # type: ignore[arg-type]
    with pytest.raises(BadActorClass, match="expected a tuple of message classes"):
        Behaviour(stashes=int)  # type: ignore[arg-type]
