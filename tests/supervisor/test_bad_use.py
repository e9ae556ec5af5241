"""What cannot work is refused where it is written, with a text that says what to do instead."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    BadActorClass,
    DeadActor,
    HandlerCrashed,
    LimitReached,
    Mailbox,
    MutableMessage,
    NoMessage,
    NotInHandler,
    NotRunning,
    Overflow,
    Restart,
    SupervisedActor,
    SupervisorError,
    handles,
)
from supervisor.abilities import pipes, timers
from supervisor.freezing import check_frozen
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=8, overflow=Overflow.REFUSE)


class Act(msgspec.Struct, frozen=True):
    what: Callable[[Any], Any]


class Doer(SupervisedActor):
    mailbox = BOX

    @handles(Act)
    def on_act(self, message: Act, sender: ActorAddress) -> None:
        message.what(self)

    async def waits(self) -> None: ...


def _does(act: Callable[[Any], Any]) -> str:
    """Return the error that a handler which does this crashes with."""
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer")
        sim.tell(doer, Act(act))
        sim.run()
        return sim.base.tree()[0].last_error


# --- mailboxes ---


@pytest.mark.parametrize("wrong", [None, float("inf"), 10.0, "10", True])
def test_a_mailbox_without_a_whole_number_for_its_bound_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"capacity was .*expected a whole number: every mailbox"):
        Mailbox(capacity=wrong, overflow=Overflow.REFUSE)


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_mailbox_that_holds_nothing_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"capacity was {wrong}, expected at least 1"):
        Mailbox(capacity=wrong, overflow=Overflow.REFUSE)


def test_a_policy_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="overflow was 'refuse', expected a member of Overflow"):
        Mailbox(capacity=1, overflow="refuse")  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["mailbox", "supervision"])
def test_a_class_that_declares_something_else_there_is_refused(field: str) -> None:
    with pytest.raises(BadActorClass, match=rf"Wrong\.{field} was int, expected a"):
        type("Wrong", (SupervisedActor,), {field: 10})


# --- classes ---


@pytest.mark.parametrize("hook", ["started", "stopped", "snapshot", "receiveMessage", "__init__"])
def test_a_hook_that_is_an_async_def_would_never_run(hook: str) -> None:
    async def never(self: Any, *args: Any) -> None: ...

    with pytest.raises(BadActorClass, match=rf"Wrong\.{hook} is an async def"):
        type("Wrong", (SupervisedActor,), {hook: never})


@pytest.mark.parametrize("wrong", [int, "Doer", None])
def test_only_supervised_actors_are_spawned(wrong: Any) -> None:
    with Simulation() as sim, pytest.raises(BadActorClass, match="is no subclass of SupervisedActor"):
        sim.spawn(wrong, "wrong")


def test_an_instance_is_not_spawned_and_not_printed() -> None:
    class Secretive(Doer):
        def __repr__(self) -> str:
            raise AssertionError("printed")

    with Simulation() as sim, pytest.raises(BadActorClass, match="an instance of Secretive is no subclass"):
        sim.spawn(Secretive(), "wrong")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"restart": "permanent"}, "restart was 'permanent', expected a member of Restart"),
        ({"shutdown_s": float("nan")}, "shutdown_s was nan"),
        ({"shutdown_s": -1}, "shutdown_s was -1"),
        ({"mailbox": 10}, "mailbox was int, expected a Mailbox"),
    ],
)
def test_what_a_child_is_spawned_with_is_checked(wrong: dict[str, Any], text: str) -> None:
    assert text in _does(lambda actor: actor.spawn(Doer, "child", **wrong))


@pytest.mark.parametrize(
    "operation",
    [lambda actor: actor.send_urgent(None, 1), lambda actor: actor.watch(None)],
)
def test_what_is_no_address_is_not_taken_for_one(operation: Callable[[Any], Any]) -> None:
    assert "None is no address of an actor of this system" in _does(operation)


def test_nobody_is_ready_at_what_is_no_address() -> None:
    with Simulation() as sim, pytest.raises(SupervisorError, match="None is no address of an actor"):
        sim.await_(sim.base.ready(None))


def test_a_delay_that_is_no_number_is_refused() -> None:
    assert "delay was '1', expected a number" in _does(lambda actor: actor.timer("key", "1", "text"))


def test_a_name_that_is_no_text_is_refused() -> None:
    with Simulation() as sim, pytest.raises(ValueError, match="name was 5, expected a non-empty text"):
        sim.spawn(Doer, 5)  # type: ignore[arg-type]


# --- before and after an incarnation ---

OPERATIONS: list[Callable[[Any], Any]] = [
    lambda actor: actor.send(None, 1),
    lambda actor: actor.try_send(None, 1),
    lambda actor: actor.forward(None, 1, None),
    lambda actor: actor.timer("key", 1, "text"),
    lambda actor: actor.spawn(Doer, "child"),
    lambda actor: actor.breaker("venue"),
    lambda actor: actor.run_in_thread(print),
    lambda actor: actor.stash(),
    lambda actor: actor.stop(),
    lambda actor: actor.passivate(),
    lambda actor: actor.watch(None),
    lambda actor: actor.clock,
    lambda actor: actor.random,
    lambda actor: actor.args,
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_done_in_init(operation: Callable[[Any], Any]) -> None:
    class Hasty(Doer):
        def __init__(self) -> None:
            operation(self)

    with pytest.raises(NotRunning, match=r"no actor operation is possible in __init__; override started\(\)"):
        Hasty()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_is_done_by_an_incarnation_that_has_ended(operation: Callable[[Any], Any]) -> None:
    kept: list[Any] = []
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer")
        sim.tell(doer, Act(kept.append))
        sim.tell(doer, Act(lambda actor: actor.stop()))
        sim.run()
        with pytest.raises(NotRunning, match="doer: this incarnation has ended"):
            operation(kept[0])


# --- messages ---


class Inner(msgspec.Struct):
    number: int


class HoldsList(msgspec.Struct, frozen=True):
    numbers: list[int]


@dataclasses.dataclass(frozen=True)
class HoldsSetInside:
    names: tuple[set[str], ...] | None


class HoldsMutable(msgspec.Struct, frozen=True):
    inner: Inner


class HoldsItself(msgspec.Struct, frozen=True):
    next: HoldsItself | None
    numbers: dict[str, int]


@pytest.mark.parametrize(
    ("message_type", "text"),
    [
        (HoldsList, r"HoldsList\.numbers holds a list"),
        (HoldsSetInside, r"HoldsSetInside\.names holds a set"),
        (HoldsMutable, r"HoldsMutable\.inner: .*Inner is a Struct that is not frozen"),
        (HoldsItself, r"HoldsItself\.numbers holds a dict"),
    ],
)
def test_a_frozen_message_that_holds_what_can_change_is_refused(message_type: type, text: str) -> None:
    for _ in range(2):
        with pytest.raises(MutableMessage, match=text):
            check_frozen(message_type)


class HoldsViews(msgspec.Struct, frozen=True):
    kinds: ClassVar[list[str]] = []
    by_name: Mapping[str, tuple[int, ...]]
    kind: Literal["one", "two"]
    anything: Any
    call: Callable[[list[int]], None]


def test_a_message_that_holds_views_literals_or_anything_is_taken() -> None:
    check_frozen(HoldsViews)


@pytest.mark.parametrize(
    "act",
    [
        lambda actor: actor.timer("key", 1, Inner),
        lambda actor: actor.pipe(actor.ask(actor.myAddress, Inner, timeout_s=1)),
    ],
)
def test_a_class_in_place_of_an_instance_is_recognised(act: Callable[[Any], Any]) -> None:
    assert _does(act) == "NoMessage: the message was the class Inner, expected an instance of one"


def test_a_class_told_from_outside_is_recognised() -> None:
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer")
        with pytest.raises(NoMessage, match="class Act"):
            sim.tell(doer, Act)


def test_a_timer_for_what_may_change_is_refused_where_it_is_set() -> None:
    assert _does(lambda actor: actor.timer("key", 1, Inner(1))).startswith("MutableMessage")


# --- time, coroutines, questions ---


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf")])
def test_a_delay_that_is_none_is_refused(wrong: float) -> None:
    assert _does(lambda actor: actor.timer("key", wrong, "text")).startswith(f"ValueError: delay was {wrong}")


def test_a_beat_without_a_pause_is_refused() -> None:
    assert "expected more than 0" in _does(lambda actor: actor.timer("key", 0, "text", every=True))


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_a_question_without_a_time_limit_is_refused(wrong: float) -> None:
    act = lambda actor: actor.pipe(actor.ask(actor.myAddress, 1, timeout_s=wrong))  # noqa: E731
    assert _does(act).startswith(f"ValueError: timeout_s was {wrong}, expected a time above 0")


def test_a_pipe_is_given_a_coroutine_and_not_its_function() -> None:
    assert _does(lambda actor: actor.pipe(actor.waits)).startswith(
        "TypeError: pipe() was given a method, expected a coroutine, as in self.pipe(self.fetch())"
    )


def test_timers_of_one_actor_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "TIMERS_MAX", 2)
    assert _does(lambda actor: [actor.timer("same", 1, "text") for _ in range(9)]) == ""
    assert _does(lambda actor: [actor.timer(key, 1, "text") for key in range(3)]).startswith("LimitReached")


def test_coroutines_of_one_actor_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipes, "PIPES_MAX", 2)
    assert _does(lambda actor: [actor.pipe(actor.waits()) for _ in range(2)]) == ""
    assert _does(lambda actor: [actor.pipe(actor.waits()) for _ in range(3)]).startswith(
        f"{LimitReached.__name__}: doer: it has 2 coroutines under way"
    )


# --- stash and crash ---


def test_a_message_is_put_aside_once() -> None:
    assert _does(lambda actor: (actor.stash(), actor.stash())).startswith(
        f"{NotInHandler.__name__}: doer: the message being handled has been put aside already"
    )


def test_a_message_put_aside_and_then_crashed_on_is_not_tried_again() -> None:
    def stash_and_crash(actor: Doer) -> None:
        tries.append(1)
        actor.stash()
        raise ValueError("after the stash")

    tries: list[int] = []
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer")
        sim.tell(doer, Act(stash_and_crash))
        sim.advance(60)
        assert tries == [1]
        assert sim.base.tree()[0].stashed == 0


class Hearing(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.send(self.args[0], Act(_crash))

    @handles(HandlerCrashed)
    def on_crashed(self, message: HandlerCrashed, sender: ActorAddress) -> None:
        self.args[1].append((message.message_type, message.path, message.target))


def _crash(actor: Any) -> None:
    raise ValueError("told to")


def test_a_question_that_crashes_who_is_asked_fails_at_once() -> None:
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer")
        with pytest.raises(HandlerCrashed, match="doer crashed on Act"):
            sim.ask(doer, Act(_crash), timeout_s=60)
        assert sim.clock.monotonic_ns() == 0


def test_a_sender_that_wants_to_know_is_told_that_its_message_crashed() -> None:
    heard: list[Any] = []
    with Simulation() as sim:
        doer = sim.spawn(Doer, "doer", restart=Restart.TEMPORARY)
        sim.spawn(Hearing, "hearing", (doer, heard))
        sim.run()
        assert heard == [("Act", "doer", doer)]
        with pytest.raises(DeadActor):
            sim.ask(doer, 1)
