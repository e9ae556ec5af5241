"""Bounds, overflow policies, refusals and water marks of mailboxes."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    LossyMailbox,
    Mailbox,
    Overflow,
    Refused,
    Restart,
    SupervisedActor,
    Supervision,
    Terminated,
    handles,
)
from supervisor.simulation import Simulation


class Price(msgspec.Struct, frozen=True):
    market: str
    value: int

    @property
    def coalesce_key(self) -> str:
        return self.market


class Job(msgspec.Struct, frozen=True):
    number: int
    priority: int = 0


class Fill(msgspec.Struct, frozen=True):
    carries_money: ClassVar[bool] = True


class Keeper(SupervisedActor):
    mailbox = Mailbox(capacity=3, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.seen: list[object] = []

    @handles(Job, Price)
    def on_any(self, message: Job | Price, sender: ActorAddress) -> None:
        self.seen.append(message)

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def _filled(sim: Simulation, overflow: Overflow, messages: list[object]) -> list[object]:
    keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=3, overflow=overflow))
    sim.run()
    for message in messages:
        sim.tell(keeper, message)
    sim.run()
    seen = sim.base.snapshot("keeper")["seen"]
    assert isinstance(seen, list)
    return seen


def test_drop_newest_keeps_what_came_first() -> None:
    with Simulation() as sim:
        seen = _filled(sim, Overflow.DROP_NEWEST, [Job(number) for number in range(5)])
        assert seen == [Job(0), Job(1), Job(2)]
        assert sim.base.drops() == {("Keeper", "Job", "dropped-newest"): 2}


def test_drop_oldest_keeps_what_came_last() -> None:
    with Simulation() as sim:
        seen = _filled(sim, Overflow.DROP_OLDEST, [Job(number) for number in range(5)])
        assert seen == [Job(2), Job(3), Job(4)]
        assert sim.base.drops() == {("Keeper", "Job", "dropped-oldest"): 2}


def test_coalesce_keeps_the_latest_of_each_key_even_with_room_left() -> None:
    with Simulation() as sim:
        seen = _filled(sim, Overflow.COALESCE, [Price("a", 1), Price("b", 1), Price("a", 2), Price("a", 3)])
        assert seen == [Price("a", 3), Price("b", 1)]
        assert sim.base.drops() == {("Keeper", "Price", "coalesced"): 2}


def test_shed_gives_up_the_lowest_priority_first_and_the_oldest_of_it() -> None:
    jobs: list[object] = [Job(0, 5), Job(1, 1), Job(2, 1), Job(3, 9), Job(4, 0), Job(5, 1)]
    with Simulation() as sim:
        seen = _filled(sim, Overflow.SHED, jobs)
        assert seen == [Job(0, 5), Job(3, 9), Job(5, 1)]
        assert sim.base.drops() == {("Keeper", "Job", "shed"): 3}


def test_refuse_tells_a_sender_that_handles_it_and_counts() -> None:
    with Simulation() as sim:
        probe = sim.probe()
        keeper = sim.spawn(Keeper, "keeper")
        sim.run()
        for number in range(5):
            sim.tell(keeper, Job(number), sender=probe)
        sim.run()
        refusals = probe.take_all(Refused)
        assert [(refusal.message_type, refusal.path) for refusal in refusals] == [("Job", "keeper")] * 2
        assert refusals[0].target == keeper
        assert sim.base.drops() == {("Keeper", "Job", "refused"): 2}


def test_a_sender_that_does_not_handle_refused_is_left_in_peace() -> None:
    class Pusher(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        def started(self) -> None:
            for number in range(10):
                self.send(self.args, Job(number))

    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper")
        sim.spawn(Pusher, "pusher", keeper)
        sim.run()
        assert sim.base.drops() == {("Keeper", "Job", "refused"): 7}


def test_halt_escalates_and_the_overflowing_message_is_kept_for_inspection() -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=3, overflow=Overflow.HALT))
        sim.run()
        for number in range(4):
            sim.tell(keeper, Job(number))
        sim.run()
        assert sim.base.failed is not None
        assert "MailboxOverflow" in str(sim.base.failed.__cause__)
        assert sim.base.drops()["Keeper", "Job", "halted"] == 1


def test_try_send_returns_what_was_not_taken_to_its_sender() -> None:
    class Careful(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        def started(self) -> None:
            self.taken = [self.try_send(self.args, Job(number)) for number in range(5)]

        @handles(Refused)
        def on_refused(self, message: Refused, sender: ActorAddress) -> None:
            raise AssertionError("try_send must not send a notice as well")

        def snapshot(self) -> dict[str, object]:
            return {"taken": self.taken}

    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper")
        sim.spawn(Careful, "careful", keeper)
        sim.run()
        assert sim.base.snapshot("careful") == {"taken": [True, True, True, False, False]}


# --- money ---


@pytest.mark.parametrize("overflow", [overflow for overflow in Overflow if overflow.is_lossy])
def test_a_lossy_mailbox_before_money_is_refused_where_the_class_is_defined(overflow: Overflow) -> None:
    with pytest.raises(LossyMailbox, match=r"handles Fill, which carries money"):

        class Careless(SupervisedActor):
            mailbox = Mailbox(capacity=8, overflow=overflow)

            @handles(Fill)
            def on_fill(self, message: Fill, sender: ActorAddress) -> None: ...


def test_a_lossy_mailbox_given_at_spawn_is_refused_as_well() -> None:
    class Careful(SupervisedActor):
        mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

        @handles(Fill)
        def on_fill(self, message: Fill, sender: ActorAddress) -> None: ...

    with Simulation() as sim, pytest.raises(LossyMailbox):
        sim.spawn(Careful, "careful", mailbox=Mailbox(capacity=8, overflow=Overflow.DROP_OLDEST))


def test_money_that_comes_as_a_subclass_halts_a_lossy_mailbox_rather_than_vanish() -> None:
    class Note(msgspec.Struct, frozen=True):
        pass

    class Payment(Note, frozen=True):
        carries_money: ClassVar[bool] = True

    class Careless(SupervisedActor):
        mailbox = Mailbox(capacity=1, overflow=Overflow.DROP_NEWEST)

        @handles(Note)
        def on_note(self, message: Note, sender: ActorAddress) -> None: ...

    with Simulation() as sim:
        careless = sim.spawn(Careless, "careless")
        sim.run()
        for message in (Note(), Payment()):
            sim.tell(careless, message)
        sim.run()
        assert sim.base.failed is not None
        assert sim.base.drops()["Careless", "Payment", "halted"] == 1


# --- what the runtime sends ---


@pytest.mark.parametrize("overflow", [overflow for overflow in Overflow if overflow is not Overflow.HALT])
def test_timers_results_and_notices_come_through_a_full_mailbox(overflow: Overflow) -> None:
    class Busy(SupervisedActor):
        mailbox = Mailbox(capacity=2, overflow=overflow)

        def started(self) -> None:
            self.seen: list[str] = []
            self.watch(self.args)
            self.timer("tick", 1, "tick")
            self.pipe(self._work(), into=lambda value: value)

        async def _work(self) -> str:
            return "result"

        @handles(str)
        def on_text(self, message: str, sender: ActorAddress) -> None:
            self.seen.append(message)

        @handles(Terminated)
        def on_terminated(self, message: Terminated, sender: ActorAddress) -> None:
            self.seen.append("terminated")

        def snapshot(self) -> dict[str, object]:
            return {"seen": self.seen}

    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", restart=Restart.TEMPORARY)
        busy = sim.spawn(Busy, "busy", keeper)
        sim.run()
        busy.cell.park()
        for number in range(5):
            sim.tell(busy, f"message {number}")
        sim.crash(keeper)
        sim.tell(keeper, Job(1))
        sim.advance(1)
        for number in range(5, 10):
            sim.tell(busy, f"message {number}")
        busy.cell.unpark()
        sim.run()
        seen = sim.base.snapshot("busy")["seen"]
        assert isinstance(seen, list)
        assert {"tick", "result", "terminated"} <= set(seen)


# --- water marks ---


class Reader(SupervisedActor):
    """Reads from outside without end, waiting for room."""

    mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.read = 0
        self.pipe(self._read())

    async def _read(self) -> None:
        while self.read < 50:
            await self.ready(self.args)
            self.send(self.args, Job(self.read))
            self.read += 1

    def snapshot(self) -> dict[str, object]:
        return {"read": self.read}


def test_a_reader_stops_reading_while_the_way_downstream_is_full_and_loses_nothing() -> None:
    with Simulation() as sim:
        keeper = sim.spawn(Keeper, "keeper", mailbox=Mailbox(capacity=20, overflow=Overflow.REFUSE))
        sim.run()
        keeper.cell.park()
        sim.spawn(Reader, "reader", keeper)
        sim.advance(1)
        assert sim.base.snapshot("reader") == {"read": 16}, "one past the high-water mark of 15 is noticed"
        keeper.cell.unpark()
        sim.advance(1)
        assert sim.base.snapshot("reader") == {"read": 50}
        assert sim.base.snapshot("keeper")["seen"] == [Job(number) for number in range(50)]
        assert sim.base.drops() == {}


@pytest.mark.parametrize(("high", "low"), [(0, 0), (5, 5), (2, 3), (11, 1)])
def test_water_marks_that_make_no_sense_are_refused(high: int, low: int) -> None:
    with pytest.raises(ValueError, match="water marks"):
        Mailbox(capacity=10, overflow=Overflow.REFUSE, high_water=high, low_water=low)


def test_a_mailbox_has_a_bound() -> None:
    with pytest.raises(ValueError, match="capacity was 0"):
        Mailbox(capacity=0, overflow=Overflow.REFUSE)


def test_the_end_of_a_system_says_which_mailbox_overflowed() -> None:
    class Parent(Keeper):
        def started(self) -> None:
            self.spawn(Keeper, "strict", mailbox=Mailbox(capacity=1, overflow=Overflow.HALT))

    with Simulation(supervision=Supervision(restarts_max=0)) as sim:
        sim.spawn(Parent, "root")
        sim.run()
        for number in range(2):
            sim.tell(sim.base.find("strict"), Job(number))
        sim.advance(1)
        assert str(sim.base.failed) == (
            "root failed for good: Escalated: root failed beyond its restart limit (0 in 60 s): "
            "Escalated: strict failed and is not restarted: "
            "MailboxOverflow: strict: its mailbox of 1 overflowed"
        )
