"""What an idle actor gives back, and what it must not lose by that."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.core.openings import LOOK_CELLS_MAX
from supervisor.simulation import Simulation


class Hoarder(SupervisedActor):
    """Puts numbers aside until a text comes."""

    mailbox = Mailbox(capacity=8, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.open = False
        self.seen: list[int] = []

    @handles(int)
    def on_number(self, message: int, sender: Any) -> None:
        if self.open:
            self.seen.append(message)
        else:
            self.stash()

    @handles(str)
    def on_key(self, message: str, sender: Any) -> None:
        self.open = True
        self.unstash()

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


def is_open(address: Any) -> bool:
    return address.cell.limit > 0


def test_an_idle_actor_gives_its_queue_back_and_the_next_message_opens_another() -> None:
    with Simulation() as sim:
        hoarder = sim.spawn(Hoarder, "hoarder")
        sim.tell(hoarder, "key")
        sim.run()
        sim.base.openings.look()
        assert is_open(hoarder)

        sim.base.openings.look()
        assert not is_open(hoarder)
        assert not sim.base.openings

        sim.tell(hoarder, 7)
        sim.run()
        assert sim.base.snapshot("hoarder") == {"seen": [7]}
        assert len(sim.base.openings) == 1


def test_an_actor_that_handled_something_since_the_last_look_keeps_its_queue() -> None:
    with Simulation() as sim:
        hoarder = sim.spawn(Hoarder, "hoarder")
        for number in range(5):
            sim.tell(hoarder, "key" if number == 0 else number)
            sim.run()
            sim.base.openings.look()

            assert is_open(hoarder)


def test_an_actor_with_messages_that_wait_keeps_its_queue() -> None:
    with Simulation() as sim:
        hoarder = sim.spawn(Hoarder, "hoarder")
        sim.run()
        hoarder.cell.park()
        sim.tell(hoarder, "key")
        sim.tell(hoarder, 7)
        sim.run()

        sim.base.openings.look()
        sim.base.openings.look()
        hoarder.cell.unpark()
        sim.run()

        assert sim.base.snapshot("hoarder") == {"seen": [7]}


@pytest.mark.parametrize("crash", [False, True])
def test_what_is_put_aside_comes_back_though_the_queue_was_given_back(crash: bool) -> None:
    with Simulation() as sim:
        hoarder = sim.spawn(Hoarder, "hoarder")
        for number in range(3):
            sim.tell(hoarder, number)
        sim.run()
        sim.base.openings.look()
        sim.base.openings.look()
        assert not is_open(hoarder)

        if crash:
            sim.crash(hoarder)
            sim.tell(hoarder, 99)
            sim.advance(1)
        sim.tell(hoarder, "key")
        sim.run()

        assert sim.base.snapshot("hoarder") == {"seen": [0, 1, 2]}


def test_a_producer_that_waits_for_room_is_not_forgotten() -> None:
    with Simulation() as sim:
        hoarder = sim.spawn(Hoarder, "hoarder")
        sim.run()
        hoarder.cell.park()
        for number in range(8):
            sim.tell(hoarder, number)
        assert hoarder.cell.congested

        sim.base.openings.look()
        sim.base.openings.look()

        assert hoarder.cell.congested
        assert len(hoarder.cell.queue) == 8


def test_ended_actors_are_not_kept_for_having_had_a_queue() -> None:
    with Simulation() as sim:
        for number in range(50):
            address = sim.spawn(Hoarder, f"{number}")
            sim.tell(address, "key")
            sim.run()
            address.cell.begin_stop(drain=True)
            sim.run()

        assert not sim.base.openings


def test_a_look_is_bounded_and_comes_round_to_all() -> None:
    with Simulation() as sim:
        addresses = [sim.spawn(Hoarder, f"{number}") for number in range(LOOK_CELLS_MAX + 10)]
        for address in addresses:
            sim.tell(address, "key")
        sim.run()

        sim.base.openings.look()
        sim.base.openings.look()
        assert any(is_open(address) for address in addresses)

        sim.base.openings.look()
        sim.base.openings.look()
        assert not any(is_open(address) for address in addresses)
