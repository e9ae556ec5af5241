"""What a message says of itself to a mailbox may be no good: nothing is lost by it and nobody is held up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import Mailbox, Overflow, SupervisedActor, SupervisorError, handles
from supervisor.simulation import Simulation


class Raises:
    """Equal to nothing, not even comparable."""

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")


class Ranked(msgspec.Struct, frozen=True):
    number: int
    priority: Any = 0


class Keyed(msgspec.Struct, frozen=True):
    number: int
    coalesce_key: Any = None


class Broken:
    """Raises whatever it is asked for."""

    number = 0

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @property
    def priority(self) -> int:
        raise self.error

    @property
    def coalesce_key(self) -> str:
        raise self.error


class Fickle:
    """Says something else each time."""

    number = 0
    asked = 0

    @property
    def priority(self) -> int:
        type(self).asked += 1
        return self.asked


class Keeper(SupervisedActor):
    mailbox = Mailbox(capacity=4, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.seen: list[int] = []

    @handles(Ranked, Keyed, Broken, Fickle)
    def on_any(self, message: Any, sender: ActorAddress) -> None:
        self.seen.append(message.number)

    @handles(str)
    def on_question(self, message: str, sender: ActorAddress) -> None:
        self.send(sender, tuple(self.seen))


@pytest.mark.parametrize("wrong", ["high", None, [], float("nan"), Raises(), 1j])
def test_a_priority_that_is_no_number_counts_as_0(wrong: Any) -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=4, overflow=Overflow.SHED))
        for number, priority in enumerate([1, wrong, -1, 2, 3, 3]):
            sim.tell(keeper, Ranked(number, priority))
        sim.run()
        assert sim.ask(keeper, "seen") == (0, 3, 4, 5)
        assert sim.base.drops() == {("Keeper", "Ranked", "shed"): 2}


def test_a_priority_that_raises_or_changes_while_it_waits_holds_nobody_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=4, overflow=Overflow.SHED))
        for message in (Broken(SystemExit()), Fickle(), Broken(ValueError()), Fickle(), Ranked(7, 7)):
            sim.tell(keeper, message)
        sim.run()
        assert sim.ask(keeper, "seen") == (0, 0, 0, 7)
    assert caplog.messages.count("Broken.priority raised SystemExit; it counts as 0") == 1


@pytest.mark.parametrize("wrong", [[], {}, Raises(), None])
def test_a_key_that_cannot_be_hashed_or_compared_takes_the_place_of_no_other(wrong: Any) -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=4, overflow=Overflow.COALESCE))
        for number, key in enumerate([Raises(), wrong, "a", wrong, "a"]):
            sim.tell(keeper, Keyed(number, key))
        sim.run()
        assert sim.ask(keeper, "seen") == (0, 1, 4, 3)
        assert sim.base.drops() == {("Keeper", "Keyed", "coalesced"): 1}


@pytest.mark.parametrize("overflow", [Overflow.COALESCE, Overflow.SHED])
def test_a_send_that_is_broken_off_leaves_its_target_able_to_go_on(overflow: Overflow) -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=4, overflow=overflow))
        sim.tell(keeper, Ranked(1))
        sim.run()
        with pytest.raises(KeyboardInterrupt):
            sim.tell(keeper, Broken(KeyboardInterrupt()))
        assert sim.ask(keeper, "seen") == (1,)


class Unreadable(Exception):
    """Raises when it is looked at."""

    @property
    def __traceback__(self) -> Any:
        raise RuntimeError("looked at")


class Unspeakable(SupervisorError):
    def __str__(self) -> str:
        raise RuntimeError("printed")


class Crashing(Keeper):
    @handles(BaseException)
    def on_error(self, message: BaseException, sender: ActorAddress) -> None:
        raise message


@pytest.mark.parametrize("message", [Unreadable(), Unspeakable()])
def test_a_crash_that_cannot_be_looked_at_is_a_crash_like_any_other(message: object) -> None:
    with Simulation() as sim:
        crashing = sim.spawn(Crashing, "crashing")
        sim.tell(crashing, message)
        assert sim.ask(crashing, "seen") == ()
        assert sim.base.tree()[0].restarts == 1
