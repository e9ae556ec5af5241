"""Coroutines that become messages, and questions that get one answer or an error."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    AskTimeout,
    Behaviour,
    DeadActor,
    Mailbox,
    NotHandled,
    Otherwise,
    Overflow,
    Pipe,
    Refused,
    SupervisedActor,
    handles,
)
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=4, overflow=Overflow.REFUSE)


class Fetch(msgspec.Struct, frozen=True):
    after_s: float
    fails: bool = False


class Fetched(msgspec.Struct, frozen=True):
    value: int


class FetchFailed(msgspec.Struct, frozen=True):
    error: str


class Fetcher(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.seen: list[object] = []
        self.pipes: list[Pipe] = []

    @handles(Fetch)
    def on_fetch(self, message: Fetch, sender: ActorAddress) -> None:
        failed = None if self.args == "careless" else lambda error: FetchFailed(type(error).__name__)
        self.pipes.append(self.pipe(self._fetch(message), into=Fetched, failed=failed))

    async def _fetch(self, message: Fetch) -> int:
        await asyncio.sleep(message.after_s)
        if message.fails:
            raise OSError("unreachable")
        return 42

    @handles(Fetched, FetchFailed)
    def on_result(self, message: Fetched | FetchFailed, sender: ActorAddress) -> None:
        assert sender == self.myAddress
        self.seen.append(message)

    @handles(str)
    def on_cancel(self, message: str, sender: ActorAddress) -> None:
        for pipe in self.pipes:
            pipe.cancel()

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def test_a_result_becomes_a_message_and_the_actor_handles_others_meanwhile() -> None:
    with Simulation() as sim:
        fetcher = sim.spawn(Fetcher, "fetcher")
        sim.tell(fetcher, Fetch(2))
        sim.tell(fetcher, Fetch(1, fails=True))
        sim.advance(1)
        assert sim.base.snapshot("fetcher")["seen"] == [FetchFailed("OSError")]
        sim.advance(1)
        assert sim.base.snapshot("fetcher")["seen"] == [FetchFailed("OSError"), Fetched(42)]


def test_a_failure_nobody_spoke_of_crashes_the_actor() -> None:
    with Simulation() as sim:
        fetcher = sim.spawn(Fetcher, "fetcher", "careless")
        sim.tell(fetcher, Fetch(1, fails=True))
        sim.advance(2)
        (info,) = sim.base.tree()
        assert (info.restarts, info.last_error) == (1, "OSError: unreachable")


def test_a_cancelled_pipe_sends_nothing() -> None:
    with Simulation() as sim:
        fetcher = sim.spawn(Fetcher, "fetcher")
        sim.tell(fetcher, Fetch(1))
        sim.tell(fetcher, "cancel")
        sim.advance(2)
        assert sim.base.snapshot("fetcher")["seen"] == []
        assert sim.base.tree()[0].pipes == 0


# --- asks ---


class Echo(SupervisedActor):
    """Answers at once, late, twice or never."""

    mailbox = Mailbox(capacity=2, overflow=Overflow.REFUSE)

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        if message == "die":
            self.stop()
        elif message == "late":
            self.asker = sender
            self.timer("late", 10, "answer")
        elif message == "answer":
            self.send(self.asker, "too late")
        elif message != "never":
            self.send(sender, message)
            if message == "twice":
                self.send(sender, message)


class Asker(SupervisedActor):
    mailbox = BOX

    @handles(str)
    def on_question(self, message: str, sender: ActorAddress) -> None:
        def failed(error: BaseException) -> object:
            return FetchFailed(type(error).__name__)

        self.sender = sender
        self.pipe(self.ask(self.args, message, timeout_s=5), into=tuple, failed=failed)

    @handles(tuple, FetchFailed)
    def on_answer(self, message: Any, sender: ActorAddress) -> None:
        self.send(self.sender, message)


def test_an_answer_comes_back_to_the_coroutine_that_asked() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        probe = sim.probe()
        asker = sim.spawn(Asker, "asker", echo)
        sim.tell(asker, "hi", sender=probe)
        sim.run()
        assert probe.take(tuple) == ("h", "i")


def test_no_answer_in_time_is_a_timeout_and_a_late_one_answers_nobody_else() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        with pytest.raises(AskTimeout, match=r"asked echo for 5 s: no answer to str"):
            sim.ask(echo, "late", timeout_s=5)
        assert sim.loop.time() == 5
        sim.run()
        assert sim.ask(echo, "hello") == "hello"
        sim.advance(10)
        assert sim.base.drops() == {("ask", "str", "dead"): 1}


def test_a_second_answer_is_a_dead_letter() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        assert sim.ask(echo, "twice") == "twice"
        assert sim.base.drops() == {("ask", "str", "dead"): 1}


def test_a_full_mailbox_fails_the_ask_at_once() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        sim.run()
        echo.cell.park()
        for _ in range(2):
            sim.tell(echo, "never")
        with pytest.raises(Refused):
            sim.ask(echo, "hello")
        assert sim.loop.time() == 0


def test_asking_who_has_ended_fails_at_once() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        sim.tell(echo, "die")
        sim.run()
        with pytest.raises(DeadActor, match="echo has ended"):
            sim.ask(echo, "hello")


def test_an_ask_fails_at_once_when_the_asked_ends_with_the_question_unhandled() -> None:
    with Simulation() as sim:
        echo = sim.spawn(Echo, "echo")
        sim.run()
        sim.tell(echo, "die")
        with pytest.raises(DeadActor):
            sim.ask(echo, "hello")
        assert sim.loop.time() == 0


# --- stash ---


class Gate(SupervisedActor):
    mailbox = Mailbox(capacity=3, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.open = False
        self.seen: list[int] = []

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        if self.open:
            self.seen.append(message)
            self.send(sender, message)
        else:
            self.stash()

    @handles(str)
    def on_open(self, message: str, sender: ActorAddress) -> None:
        self.open = True
        self.unstash()

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def test_stashed_messages_come_back_first_in_order_and_with_their_senders() -> None:
    with Simulation() as sim:
        probe = sim.probe()
        gate = sim.spawn(Gate, "gate")
        sim.run()
        sim.tell(gate, 1, sender=probe)
        sim.tell(gate, 2, sender=probe)
        sim.run()
        assert sim.base.tree()[-1].stashed == 2
        sim.tell(gate, "open")
        sim.tell(gate, 3, sender=probe)
        sim.run()
        assert sim.base.snapshot("gate")["seen"] == [1, 2, 3]
        assert probe.messages == [1, 2, 3]


def test_a_stash_is_bounded_by_the_capacity_of_the_mailbox() -> None:
    with Simulation() as sim:
        gate = sim.spawn(Gate, "gate")
        for number in range(4):
            sim.tell(gate, number)
            sim.run()
        assert "StashFull" in sim.base.tree()[0].last_error


def test_stashing_outside_a_handler_is_an_error() -> None:
    class Hasty(Gate):
        def started(self) -> None:
            self.stash()

    with Simulation() as sim:
        sim.spawn(Hasty, "hasty")
        sim.run()
        assert "NotInHandler" in sim.base.tree()[0].last_error


class Choosy(SupervisedActor):
    """Wants no numbers after its first."""

    mailbox = BOX
    sated = Behaviour(otherwise=Otherwise.DROP)

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        self.become(self.sated)
        self.send(sender, message)


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("text", "str was not handled by choosy: mark a method of Choosy with @handles"),
        (2, "none in its behaviour sated"),
    ],
)
def test_an_ask_that_nobody_handles_fails_at_once_and_says_why(question: object, why: str) -> None:
    with Simulation() as sim:
        choosy = sim.spawn(Choosy, "choosy")
        assert sim.ask(choosy, 1) == 1
        with pytest.raises(NotHandled, match=why):
            sim.ask(choosy, question)
        assert sim.loop.time() == 0
        assert sum(sim.base.drops().values()) == 1


class Told(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.told: list[str] = []
        self.send(self.args, "text")

    @handles(NotHandled)
    def on_not_handled(self, message: NotHandled, sender: ActorAddress) -> None:
        self.told.append(message.message_type)

    def snapshot(self) -> dict[str, object]:
        return {"told": self.told}


def test_a_sender_that_listens_for_it_is_told_what_was_not_handled() -> None:
    with Simulation() as sim:
        sim.spawn(Told, "told", sim.spawn(Choosy, "choosy"))
        sim.run()
        assert sim.base.snapshot("told") == {"told": ["str"]}


class Exits(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.seen: list[str] = []

    @handles(str)
    def on_order(self, message: str, sender: ActorAddress) -> None:
        self.pipe(self._ends(message), failed=lambda error: FetchFailed(type(error).__name__))

    async def _ends(self, how: str) -> None:
        raise {"exit": SystemExit(1), "close": GeneratorExit(), "cancel": asyncio.CancelledError()}[how]

    @handles(FetchFailed)
    def on_failed(self, message: FetchFailed, sender: ActorAddress) -> None:
        self.seen.append(message.error)

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def test_a_coroutine_that_wants_the_process_to_exit_has_only_failed() -> None:
    with Simulation() as sim:
        exits = sim.spawn(Exits, "exits")
        for how in ("exit", "close", "cancel"):
            sim.tell(exits, how)
            sim.run()
        assert sim.base.snapshot("exits") == {"seen": ["RuntimeError", "GeneratorExit", "CancelledError"]}


@pytest.mark.filterwarnings("error")
def test_a_coroutine_cancelled_before_it_began_is_closed() -> None:
    with Simulation() as sim:
        exits = sim.spawn(Exits, "exits")
        sim.run()
        pipe = exits.cell.actor.pipe(exits.cell.actor._ends("exit"))
        pipe.cancel()
        sim.run()
        assert pipe.coroutine.cr_frame is None
        assert not exits.cell.pipes
