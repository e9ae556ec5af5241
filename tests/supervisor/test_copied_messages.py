"""The mode that copies every message, so that a program which shares what is mutable shows it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    AsyncioSystemBase,
    Mailbox,
    Overflow,
    SupervisedActor,
    UncopyableMessage,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=10, overflow=Overflow.REFUSE)


class Basket(msgspec.Struct, frozen=True):
    """Frozen, yet what it holds need not be."""

    fruits: Sequence[str]
    owner: Any = None


@dataclass(frozen=True)
class Key:
    door: str
    lock: Any


class Eater(SupervisedActor):
    mailbox = BOX

    @handles(Basket)
    def on_basket(self, message: Basket, sender: ActorAddress) -> None:
        message.fruits.clear()  # type: ignore[attr-defined]
        if message.owner is not None:
            self.send(message.owner, "eaten")

    @handles(str)
    def on_question(self, message: str, sender: ActorAddress) -> None:
        self.send(sender, self.args)


class Sender(SupervisedActor):
    mailbox = BOX

    @handles(Key)
    def on_key(self, message: Key, sender: ActorAddress) -> None:
        self.send(sender, Key(message.door, threading.Lock()))


@pytest.mark.parametrize(("copies", "left"), [(False, []), (True, ["apple"])])
def test_what_a_receiver_does_to_its_message_stays_with_it(copies: bool, left: list[str]) -> None:
    fruits = ["apple"]
    with Simulation(copy_messages=copies) as sim:
        sim.tell(sim.spawn(Eater, "eater"), Basket(fruits))
        sim.run()
        assert fruits == left


@pytest.mark.parametrize("way", ["send", "try_send", "send_urgent", "forward"])
def test_every_way_to_send_copies(way: str) -> None:
    fruits = ["apple"]

    class Giver(SupervisedActor):
        mailbox = BOX

        @handles(str)
        def on_text(self, message: str, sender: ActorAddress) -> None:
            rest = (sender,) if way == "forward" else ()
            getattr(self, way)(self.args, Basket(fruits), *rest)

    with Simulation(copy_messages=True) as sim:
        giver = sim.spawn(Giver, "giver", sim.spawn(Eater, "eater"))
        sim.tell(giver, "now")
        sim.run()
        assert sim.base.drops() == {}
        assert fruits == ["apple"]


def test_an_answer_is_copied_too() -> None:
    state = ["mine"]
    with Simulation(copy_messages=True) as sim:
        answer = sim.ask(sim.spawn(Eater, "eater", state), "what have you?")
        assert answer == state
        assert answer is not state


def test_an_address_in_a_message_stays_the_same_one() -> None:
    with Simulation(copy_messages=True) as sim:
        probe = sim.probe()
        sim.tell(sim.spawn(Eater, "eater"), Basket([], probe.address))
        sim.run()
        assert probe.take(str) == "eaten"


def test_what_cannot_be_copied_is_refused_at_the_sender_by_type_and_field() -> None:
    with Simulation(copy_messages=True) as sim:
        address = sim.spawn(Sender, "sender")
        with pytest.raises(UncopyableMessage, match=r"Key.lock holds a lock, which cannot be copied"):
            sim.tell(address, Key("front", threading.Lock()))
        sim.tell(address, Key("front", None), sender=address)
        sim.run()
        (info,) = sim.base.tree()
        assert "Key.lock" in info.last_error, "an actor that sends one crashes of it"


def test_the_content_of_what_cannot_be_copied_is_not_in_the_error() -> None:
    with Simulation(copy_messages=True) as sim, pytest.raises(UncopyableMessage) as caught:
        sim.tell(sim.spawn(Sender, "sender"), Key("secret", threading.Lock()))
    assert "secret" not in str(caught.value)


async def test_it_is_the_same_on_a_real_loop() -> None:
    fruits = ["apple"]
    base = AsyncioSystemBase(copy_messages=True)
    eater = base.spawn(Eater, "eater", ["state"])
    base.tell(eater, Basket(fruits))
    assert await base.ask(eater, "what have you?", timeout_s=5) == ["state"]
    await base.stop()
    assert fruits == ["apple"]
