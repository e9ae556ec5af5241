"""Keyed timers in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from thespian.actors import ActorAddress

from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation


class Clocked(SupervisedActor):
    """Does with its timers what the first argument says, and notes when they come."""

    mailbox = Mailbox(capacity=4, overflow=Overflow.DROP_NEWEST)

    def started(self) -> None:
        self.seen: list[tuple[float, str]] = []
        self.args(self)

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        assert sender == self.myAddress
        self.seen.append((self.clock.monotonic_ns() / 1e9, message))
        if message == "cancel":
            self.cancel("other")

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def _seen(act: Any, seconds: float) -> object:
    with Simulation() as sim:
        sim.spawn(Clocked, "clocked", act)
        sim.advance(seconds)
        return sim.base.snapshot("clocked")["seen"]


def test_timers_fire_in_the_order_of_their_time() -> None:
    def act(actor: Clocked) -> None:
        actor.timer("b", 2, "second")
        actor.timer("a", 1, "first")

    assert _seen(act, 5) == [(1, "first"), (2, "second")]


def test_a_repeating_timer_keeps_its_beat() -> None:
    assert _seen(lambda actor: actor.timer("beat", 0.25, "tick", every=True), 1) == [
        *((0.25, "tick"), (0.5, "tick"), (0.75, "tick"), (1.0, "tick")),
    ]


def test_setting_a_key_again_replaces_its_timer() -> None:
    def act(actor: Clocked) -> None:
        actor.timer("key", 1, "early")
        actor.timer("key", 2, "late")

    assert _seen(act, 5) == [(2, "late")]


def test_a_cancelled_timer_never_comes_not_even_if_it_waits_in_the_mailbox() -> None:
    def act(actor: Clocked) -> None:
        actor.timer("one", 1, "cancel")
        actor.timer("other", 1, "cancelled")

    assert _seen(act, 5) == [(1, "cancel")]


def test_cancelling_says_whether_there_was_one() -> None:
    def act(actor: Clocked) -> None:
        actor.timer("key", 1, "never")
        assert actor.cancel("key")
        assert not actor.cancel("key")

    assert _seen(act, 5) == []


def test_a_late_actor_gets_one_tick_and_not_a_burst() -> None:
    with Simulation() as sim:
        clocked = sim.spawn(Clocked, "clocked", lambda actor: actor.timer("beat", 1, "tick", every=True))
        sim.run()
        clocked.cell.park()
        sim.advance(10.5)
        clocked.cell.unpark()
        sim.run()
        assert sim.base.snapshot("clocked")["seen"] == [(10.5, "tick")]
        sim.advance(0.5)
        assert sim.base.snapshot("clocked")["seen"] == [(10.5, "tick"), (11, "tick")]


@pytest.mark.parametrize(("delay_s", "every"), [(-1, False), (0, True)])
def test_a_delay_that_makes_no_sense_crashes_who_set_it(delay_s: float, every: bool) -> None:
    with Simulation() as sim:
        sim.spawn(Clocked, "clocked", lambda actor: actor.timer("key", delay_s, "x", every=every))
        sim.run()
        assert "ValueError: delay was" in sim.base.tree()[0].last_error


def test_wall_time_and_monotonic_time_move_together() -> None:
    with Simulation(start_ns=1_000_000_000) as sim:
        sim.advance(2.5)
        assert sim.clock.now_ns() == 3_500_000_000
        assert sim.clock.monotonic_ns() == 2_500_000_000
