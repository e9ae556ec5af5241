"""What can be seen of the actors from outside."""

from __future__ import annotations

import asyncio
import pickle

import pytest
from thespian.actors import ActorAddress

from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation


class Clerk(SupervisedActor):
    """Takes as many milliseconds as a message says by the clock that it was given, if any."""

    mailbox = Mailbox(capacity=4, overflow=Overflow.DROP_NEWEST)

    def started(self) -> None:
        self.done = 0
        self.timer("idle", 60, "idle")

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        self.done += 1
        if message < 0:
            raise ValueError(f"{message} is below 0")
        if self.args is not None:
            self.args[0] += message / 1000

    def snapshot(self) -> dict[str, object]:
        return {"done": self.done}


def test_the_tree_shows_depth_age_and_counts() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, 0)
        sim.run()
        clerk.cell.park()
        for _ in range(3):
            sim.tell(clerk, 0)
            sim.advance(1)
        (info,) = sim.base.tree()
        assert (info.path, info.kind, info.state) == ("clerk", "Clerk", "suspended")
        assert (info.depth, info.capacity, info.congested) == (3, 4, False)
        assert (info.handled, info.oldest_age_s, info.timers) == (1, 3.0, 1)


def test_the_tree_shows_restarts_and_the_last_error() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, -3)
        sim.run()
        assert sim.base.tree()[0].state == "restarting"
        sim.advance(1)
        (info,) = sim.base.tree()
        assert (info.state, info.restarts, info.last_error) == ("running", 1, "ValueError: -3 is below 0")


def test_snapshots_show_what_an_actor_shows() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, 0)
        sim.run()
        assert sim.base.snapshot("clerk") == {"done": 1}
        assert sim.base.snapshot("nobody") == {}


def test_dead_letters_of_a_flood_do_not_push_out_a_crash() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, -1)
        sim.advance(1)
        for _ in range(1000):
            sim.tell(clerk, 0)
        reasons = [letter.reason.value for letter in sim.base.dead_letters()]
        assert reasons == ["crashed"] + ["dropped-newest"] * 100
        assert sim.base.drops()["Clerk", "int", "dropped-newest"] == 996


def test_a_dead_letter_shows_types_and_hides_content() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, "a secret")
        sim.run()
        (letter,) = sim.base.dead_letters()
        assert "secret" not in repr(letter)
        assert letter.message == "a secret"


async def test_slow_handlers_are_named_by_kind_and_message_type() -> None:
    base = AsyncioSystemBase(slow_handler_s=0.005)
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    clerk = base.spawn(Clerk, "clerk", clock)
    for milliseconds in (20, 0, 10):
        base.tell(clerk, milliseconds)
    await base.stop()
    (slow,) = base.slow_handlers()
    assert (slow.kind, slow.message_type, slow.count) == ("Clerk", "int", 2)
    assert slow.max_s == pytest.approx(0.02)


async def test_the_lag_of_the_loop_is_measured() -> None:
    base = AsyncioSystemBase()
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    clerk = base.spawn(Clerk, "clerk", clock)
    await asyncio.sleep(0)
    base.tell(clerk, 0)
    clock[0] += 3_600
    await base.stop()
    assert base.loop_lag().max_s == pytest.approx(3_600)


def test_an_address_is_equal_across_pickling_and_finds_its_actor_again() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.run()
        assert pickle.loads(pickle.dumps(clerk)) is clerk
        frozen = pickle.dumps(clerk)
        clerk.cell.begin_stop(drain=True)
        sim.run()
        thawed = pickle.loads(frozen)
        assert thawed == clerk
        assert hash(thawed) == hash(clerk)
        another = sim.spawn(Clerk, "clerk")
        assert another != clerk
        assert pickle.loads(frozen) == clerk, "the new actor of that name is another"
        sim.tell(thawed, 1)
        assert sim.base.drops() == {("nobody", "int", "dead"): 1}
