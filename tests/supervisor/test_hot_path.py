"""What the short way from a sender into a mailbox and out of it must not skip."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles, settle
from supervisor.core.supervised import SupervisedCell
from supervisor.settling import THRESHOLDS
from supervisor.simulation import Simulation

ROOMY = Mailbox(capacity=1000, overflow=Overflow.REFUSE)


class Counter(SupervisedActor):
    """Counts numbers; tells its asker how many there were when it gets a text."""

    mailbox = ROOMY

    def started(self) -> None:
        self.count = 0

    @handles(int)
    def on_number(self, message: int, sender: Any) -> None:
        self.count += 1

    @handles(str)
    def on_question(self, message: str, sender: Any) -> None:
        self.send(sender, self.count)


class Sender(SupervisedActor):
    """Sends its target so many numbers at once for each number it gets."""

    mailbox = ROOMY

    @handles(int)
    def on_number(self, message: int, sender: Any) -> None:
        for number in range(message):
            self.send(self.args, number)


class SeeingCell(SupervisedCell):
    """A cell that has to see every message."""

    __slots__ = ()

    seen = 0

    def accept(self, message: Any, sender: Any) -> bool:
        type(self).seen += type(message) is int
        return super().accept(message, sender)


class SeeingBase(AsyncioSystemBase):
    cell_class = SeeingCell


async def test_a_cell_with_an_accept_of_its_own_sees_each_message_once() -> None:
    base = SeeingBase()
    counter = base.spawn(Counter, "counter")
    sender = base.spawn(Sender, "sender", counter)
    SeeingCell.seen = 0

    base.tell(sender, 100)
    while await base.ask(counter, "how many", timeout_s=5) < 100:
        continue

    await base.stop()
    assert SeeingCell.seen == 1 + 100


def test_a_message_that_wakes_a_sleeping_system_is_stamped_with_the_time_it_came() -> None:
    with Simulation() as sim:
        counter = sim.spawn(Counter, "counter")
        sender = sim.spawn(Sender, "sender", counter)
        sim.run()
        counter.cell.park()

        sim.advance(100)
        sender.cell.actor.send(counter, 1)
        sim.advance(5)

        assert sim.base.tree()[0].oldest_age_s == 5


def test_every_message_of_a_turn_is_counted_and_its_time_with_it() -> None:
    with Simulation() as sim:
        counter = sim.spawn(Counter, "counter")
        sender = sim.spawn(Sender, "sender", counter)

        sim.tell(sender, 50)
        sim.run()

        assert [each.handled for each in sim.base.tree()] == [50, 1]


class Restless(SupervisedActor):
    """Gives up its incarnation in the middle of a turn, and is sent a message by its own end."""

    mailbox = ROOMY
    ends = 0

    def stopped(self) -> None:
        type(self).ends += 1
        if self.ends == 1:
            self.send(self.myAddress, 2)

    @handles(int)
    def on_number(self, message: int, sender: Any) -> None:
        self.args.append(message)
        self.passivate()


async def test_what_an_actor_sends_itself_while_it_falls_asleep_wakes_it() -> None:
    Restless.ends = 0
    handled: list[int] = []
    base = AsyncioSystemBase()
    restless = base.spawn(Restless, "restless", handled)

    base.tell(restless, 1)
    for _ in range(10):
        await asyncio.sleep(0)

    await base.stop()
    assert handled == [1, 2]


async def test_a_handler_slower_than_a_slice_but_not_too_slow_is_not_reported() -> None:
    base = AsyncioSystemBase(slow_handler_s=3600)
    counter = base.spawn(Counter, "counter")

    assert await base.ask(counter, "how many", timeout_s=5) == 0

    await base.stop()
    assert base.slow_handlers() == []


async def test_a_limit_below_a_slice_still_finds_every_slow_handler() -> None:
    base = AsyncioSystemBase(slow_handler_s=0)
    counter = base.spawn(Counter, "counter")
    sender = base.spawn(Sender, "sender", counter)

    base.tell(sender, 40)
    while await base.ask(counter, "how many", timeout_s=5) < 40:
        continue

    await base.stop()
    slow = {(each.kind, each.message_type): each.count for each in base.slow_handlers()}
    assert slow["Counter", "int"] == 40


@pytest.fixture
def collector() -> Any:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_a_settled_process_never_looks_again_through_what_it_had(collector: Any) -> None:
    settle()

    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold() == THRESHOLDS
