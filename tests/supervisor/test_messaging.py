"""What a sender and a handler may rely on."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    BadActorClass,
    DropReason,
    DuplicateHandler,
    Mailbox,
    MutableMessage,
    NoMailbox,
    NotRunning,
    Overflow,
    SupervisedActor,
    handles,
)
from supervisor.simulation import Simulation


class Numbered(msgspec.Struct, frozen=True):
    number: int


class Special(Numbered, frozen=True):
    pass


class Question(msgspec.Struct, frozen=True):
    pass


class Answer(msgspec.Struct, frozen=True):
    path: str


class Recorder(SupervisedActor):
    mailbox = Mailbox(capacity=1000, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.seen: list[int] = []

    @handles(Numbered)
    def on_numbered(self, message: Numbered, sender: ActorAddress) -> None:
        self.seen.append(message.number)

    @handles(Question)
    def on_question(self, message: Question, sender: ActorAddress) -> None:
        self.send(sender, Answer(self.path))

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_messages_from_one_sender_arrive_in_the_order_sent(seed: int | None) -> None:
    with Simulation(seed=seed) as sim:
        recorder = sim.spawn(Recorder, "recorder")
        for number in range(100):
            sim.tell(recorder, Numbered(number))
        sim.run()
        assert sim.base.snapshot("recorder")["seen"] == list(range(100))


def test_a_message_is_handled_by_the_handler_of_its_nearest_base() -> None:
    with Simulation() as sim:
        recorder = sim.spawn(Recorder, "recorder")
        sim.tell(recorder, Special(7))
        sim.run()
        assert sim.base.snapshot("recorder")["seen"] == [7]


def test_a_subclass_overrides_a_handler_by_its_name() -> None:
    class Doubler(Recorder):
        def on_numbered(self, message: Numbered, sender: ActorAddress) -> None:
            self.seen.append(2 * message.number)

    with Simulation() as sim:
        doubler = sim.spawn(Doubler, "doubler")
        sim.tell(doubler, Numbered(4))
        sim.run()
        assert sim.base.snapshot("doubler")["seen"] == [8]


def test_a_forwarded_question_is_answered_to_its_first_sender() -> None:
    class Relay(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        @handles(Question)
        def on_question(self, message: Question, sender: ActorAddress) -> None:
            self.forward(self.args, message, sender)

    with Simulation() as sim:
        probe = sim.probe()
        recorder = sim.spawn(Recorder, "recorder")
        relay = sim.spawn(Relay, "relay", recorder)
        sim.tell(relay, Question(), sender=probe)
        sim.run()
        assert probe.take(Answer).path == "recorder"


def test_an_unknown_type_is_a_counted_dead_letter_and_no_crash() -> None:
    with Simulation() as sim:
        recorder = sim.spawn(Recorder, "recorder")
        sim.tell(recorder, "what is this")
        sim.tell(recorder, Numbered(1))
        sim.run()
        assert sim.base.snapshot("recorder")["seen"] == [1]
        assert sim.base.drops() == {("Recorder", "str", "unknown-type"): 1}
        assert sim.base.dead_letters()[0].reason is DropReason.UNKNOWN_TYPE


def test_paths_join_names_and_leave_out_the_root() -> None:
    class Parent(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        def started(self) -> None:
            self.spawn(Recorder if self.args else Parent, "below", not self.args)

    with Simulation() as sim:
        sim.spawn(Parent, "root", False)
        sim.run()
        assert [info.path for info in sim.base.tree()] == ["root", "below", "below/below"]


def test_an_urgent_message_overtakes_what_waits_in_order_among_its_kind() -> None:
    with Simulation() as sim:
        recorder = sim.spawn(Recorder, "recorder")
        sim.run()
        for number in (1, 2):
            sim.tell(recorder, Numbered(number))
        for number in (10, 20):
            recorder.cell.put_urgent(Numbered(number), None)
        sim.run()
        assert sim.base.snapshot("recorder")["seen"] == [10, 20, 1, 2]


def test_a_message_that_raises_when_printed_cannot_stop_the_run_queue(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Hostile(tuple[()]):
        def __repr__(self) -> str:
            raise RuntimeError("do not look")

        __str__ = __repr__

    class Fragile(Recorder):
        @handles(Hostile)
        def on_hostile(self, message: Hostile, sender: ActorAddress) -> None:
            raise ValueError(message)

    with Simulation() as sim:
        fragile = sim.spawn(Fragile, "fragile")
        sim.tell(fragile, Hostile())
        sim.tell(fragile, frozenset())
        sim.tell(fragile, Numbered(3))
        sim.advance(1)
        assert sim.base.snapshot("fragile")["seen"] == [3]
        assert sim.base.tree()[0].last_error == "ValueError"
        assert sim.base.dead_letters()[0].traceback


# --- bad use ---


def test_sending_from_init_says_where_to_send_instead() -> None:
    class Eager(Recorder):
        def __init__(self) -> None:
            self.send(None, Numbered(1))

    with Simulation() as sim:
        sim.spawn(Eager, "eager")
        sim.run()
        (info,) = sim.base.tree()
        assert "started()" in info.last_error
        assert info.last_error.startswith(NotRunning.__name__)


def test_sending_to_a_child_that_was_not_found_is_an_error_and_not_silence() -> None:
    class Hopeful(Recorder):
        def started(self) -> None:
            self.send(self.child("nobody"), Numbered(1))

    with Simulation() as sim:
        sim.spawn(Hopeful, "hopeful")
        sim.run()
        assert sim.base.tree()[0].last_error.startswith("InvalidActorAddress: None is no ActorAddress")


def test_a_class_without_a_mailbox_cannot_be_spawned() -> None:
    class Boundless(SupervisedActor):
        pass

    with Simulation() as sim, pytest.raises(NoMailbox, match="Boundless declares no mailbox"):
        sim.spawn(Boundless, "boundless")


def test_two_handlers_for_one_type_are_refused_where_the_class_is_defined() -> None:
    with pytest.raises(DuplicateHandler, match=r"on_one and \.on_other both handle Numbered"):

        class Torn(SupervisedActor):
            @handles(Numbered)
            def on_one(self, message: Numbered, sender: ActorAddress) -> None: ...

            @handles(Numbered)
            def on_other(self, message: Numbered, sender: ActorAddress) -> None: ...


def test_an_init_that_wants_arguments_is_refused_where_the_class_is_defined() -> None:
    with pytest.raises(BadActorClass, match=r"requires 'limit'.*self\.args"):

        class Wanting(SupervisedActor):
            def __init__(self, limit: int) -> None: ...


class ThawedStruct(msgspec.Struct):
    pass


@dataclasses.dataclass
class ThawedDataclass:
    pass


class ThawedSpecial(Numbered, frozen=False):
    pass


@pytest.mark.parametrize("message_type", [ThawedStruct, ThawedDataclass, list, dict])
def test_a_message_type_that_can_change_is_refused_by_name(message_type: type) -> None:
    with pytest.raises(MutableMessage, match=message_type.__name__):

        class Hopeful(SupervisedActor):
            @handles(message_type)
            def on_it(self, message: object, sender: ActorAddress) -> None: ...

    with Simulation() as sim:
        recorder = sim.spawn(Recorder, "recorder")
        with pytest.raises(MutableMessage, match=message_type.__name__):
            sim.tell(recorder, message_type())


def test_a_mutable_subclass_of_a_handled_type_never_reaches_the_handler() -> None:
    class Sender(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        def started(self) -> None:
            self.send(self.args, ThawedSpecial(1))

    with Simulation() as sim:
        recorder = sim.spawn(Recorder, "recorder")
        sim.spawn(Sender, "sender", recorder)
        sim.run()
        assert sim.base.snapshot("recorder")["seen"] == []
        assert sim.base.drops() == {("Recorder", "ThawedSpecial", "not-frozen"): 1}
