"""What is no handler is refused where the class is defined, with a text that says what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from thespian.actors import ActorAddress

from supervisor import BadHandler, Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=4, overflow=Overflow.REFUSE)


def _defined(handler: Any) -> type[SupervisedActor]:
    return type("Wrong", (SupervisedActor,), {"mailbox": BOX, "on_number": handler})


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [("x", "'x'"), (list[int], "list"), (1, "1"), (int | str, r"int \| str")],
)
def test_only_classes_are_handled(wrong: Any, seen: str) -> None:
    with pytest.raises(BadHandler, match=rf"handles\(\) was given {seen}.*expected message classes"):
        handles(wrong)


def test_a_mark_without_parentheses_is_recognised() -> None:
    with pytest.raises(BadHandler, match=r"given the method .*on_number, expected .*@handles\(OrderPlaced\)"):

        @handles  # type: ignore[arg-type]
        def on_number(self: Any, message: int, sender: ActorAddress) -> None: ...


def test_a_mark_for_nothing_is_refused() -> None:
    with pytest.raises(BadHandler, match="one message class or more"):
        handles()


def test_an_async_handler_is_told_of_pipe() -> None:
    async def on_number(self: Any, message: int, sender: ActorAddress) -> None: ...

    with pytest.raises(BadHandler, match=r"Wrong\.on_number is an async def; .*self\.pipe"):
        _defined(handles(int)(on_number))


def test_an_async_override_of_a_good_handler_is_refused_too() -> None:
    class Right(SupervisedActor):
        mailbox = BOX

        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None: ...

    with pytest.raises(BadHandler, match="is an async def"):

        class Worse(Right):
            async def on_number(  # type: ignore[override]
                self, message: int, sender: ActorAddress
            ) -> None: ...


def test_a_generator_handler_is_refused() -> None:
    def on_number(self: Any, message: int, sender: ActorAddress) -> Iterator[int]:
        yield message

    with pytest.raises(BadHandler, match=r"Wrong\.on_number is a generator"):
        _defined(handles(int)(on_number))


def _without_sender(self: Any, message: int) -> None: ...


def _without_anything() -> None: ...


def _with_more(self: Any, message: int, sender: ActorAddress, more: int) -> None: ...


def _with_required_keyword(self: Any, message: int, sender: ActorAddress, *, more: int) -> None: ...


@pytest.mark.parametrize("wrong", [_without_sender, _without_anything, _with_more, _with_required_keyword])
def test_a_handler_takes_message_and_sender(wrong: Any) -> None:
    with pytest.raises(BadHandler, match=r"on_number takes \(.*\), expected \(self, message, sender\)"):
        _defined(handles(int)(wrong))


def test_a_handler_overridden_by_something_else_is_refused() -> None:
    class Right(SupervisedActor):
        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None: ...

    with pytest.raises(BadHandler, match=r"Wrong\.on_number was 3, expected a method"):
        type("Wrong", (Right,), {"on_number": 3})


def test_several_marks_on_one_method_add_up() -> None:
    class Wide(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.seen: list[object] = []

        @handles(int)
        @handles(str, float)
        def on_any(self, message: object, sender: ActorAddress) -> None:
            self.seen.append(message)

        def snapshot(self) -> dict[str, object]:
            return {"seen": self.seen}

    with Simulation() as sim:
        wide = sim.spawn(Wide, "wide")
        for message in (1, "two", 3.0):
            sim.tell(wide, message)
        sim.run()
        assert sim.base.snapshot("wide")["seen"] == [1, "two", 3.0]


def test_a_class_sent_in_place_of_an_instance_is_a_dead_letter_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Counting(SupervisedActor):
        mailbox = BOX

        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None: ...

    with Simulation() as sim:
        counting = sim.spawn(Counting, "counting")
        probe = sim.probe()
        probe.send(counting, int)
        probe.send(counting, int)
        sim.run()
        assert sim.base.drops() == {("Counting", "type", "unknown-type"): 2}
    assert caplog.text.count("was sent a class, expected an instance") == 1
