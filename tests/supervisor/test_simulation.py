"""Simulations: the same seed gives the same run, and time is the simulation's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from thespian.actors import ActorAddress

from supervisor import Deadlock, Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=1000, overflow=Overflow.REFUSE)


class Gossip(SupervisedActor):
    """Passes rumours on to whom chance decides, with delays and crashes that chance decides too."""

    mailbox = BOX

    @handles(tuple)
    def on_names(self, message: tuple[Any, ...], sender: ActorAddress) -> None:
        self.others = message

    @handles(int)
    def on_rumour(self, message: int, sender: ActorAddress) -> None:
        if not message:
            return
        choice = self.random.random()
        if choice < 0.1:
            raise ValueError("forgot")
        if choice < 0.4:
            self.timer(message, choice, message - 1)
        elif choice < 0.6:
            self.pipe(self._sleep_on_it(choice), into=lambda _: message - 1)
        elif hasattr(self, "others"):
            self.send(self.random.choice(self.others), message - 1)

    async def _sleep_on_it(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_town(seed: int | str | None) -> str:
    with Simulation(seed=seed) as sim:
        town = [sim.spawn(Gossip, f"person-{number}") for number in range(10)]
        for person in town:
            sim.tell(person, tuple(town))
        sim.run()
        for number in range(40):
            sim.tell(town[number % 10], 20 + number)
            sim.advance(0.1)
        sim.advance(100)
        return f"{sim.digest} {sim.clock.now_ns()} {len(sim.trace)}"


def test_the_same_seed_gives_the_same_trace() -> None:
    assert run_town(7) == run_town(7)
    assert run_town("seven") == run_town("seven")
    assert run_town(None) == run_town(None)


def test_another_seed_gives_another_trace() -> None:
    assert len({run_town(seed) for seed in range(5)}) == 5


def test_the_same_seed_gives_the_same_trace_in_every_process() -> None:
    root = Path(__file__).parents[2]
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    program += "from test_simulation import run_town; print(run_town(7))"

    def run(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert run("1") == run("2") == run_town(7)


def test_a_seed_decides_who_has_the_next_turn_but_never_the_order_between_two() -> None:
    class Reporter(SupervisedActor):
        mailbox = BOX

        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None:
            self.args.append((self.path, message))

    def run(seed: int | None) -> list[tuple[str, int]]:
        log: list[tuple[str, int]] = []
        with Simulation(seed=seed) as sim:
            for name in ("a", "b", "c"):
                reporter = sim.spawn(Reporter, name, log)
                for number in range(5):
                    sim.tell(reporter, number)
            sim.run()
        return log

    assert len({tuple(run(seed)) for seed in range(20)}) > 10
    for seed in range(20):
        for name in ("a", "b", "c"):
            assert [number for path, number in run(seed) if path == name] == list(range(5))


def test_a_day_passes_in_no_time() -> None:
    class Hourly(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.timer("hour", 3600, "tick", every=True)

        @handles(str)
        def on_tick(self, message: str, sender: ActorAddress) -> None:
            self.args.append(self.clock.now_ns())

    ticks: list[int] = []
    with Simulation() as sim:
        start_ns = sim.clock.now_ns()
        sim.spawn(Hourly, "hourly", ticks)
        sim.advance(24 * 3600)
        assert ticks == [start_ns + hour * 3600 * 10**9 for hour in range(1, 25)]


def test_run_does_not_move_the_time() -> None:
    with Simulation() as sim:
        probe = sim.probe()
        sim.loop.call_later(0.001, lambda: probe.send(probe.address, "later"))
        sim.run()
        assert probe.messages == []
        sim.advance(0.001)
        assert probe.messages == ["later"]


def test_waiting_for_what_never_comes_names_who_waits() -> None:
    async def forlorn() -> None:
        await asyncio.get_running_loop().create_future()

    with Simulation() as sim, pytest.raises(Deadlock, match=r"forlorn at .*test_simulation\.py"):
        sim.await_(forlorn())


def test_threads_may_hand_work_to_the_simulated_loop() -> None:
    with Simulation() as sim:
        probe = sim.probe()
        sim.loop.call_soon_threadsafe(probe.send, probe.address, "from elsewhere")
        sim.run()
        assert probe.messages == ["from elsewhere"]


def test_an_injected_crash_hits_the_next_message_only() -> None:
    with Simulation() as sim:
        probe = sim.probe()
        sim.crash(probe.address)
        sim.run()
        for number in (1, 2):
            sim.tell(probe.address, number)
        sim.advance(1)
        assert probe.messages == [2]
        assert sim.base.drops() == {("ProbeActor", "int", "crashed"): 1}


def test_a_probe_stands_in_for_a_collaborator() -> None:
    with Simulation() as sim:
        store, client = sim.probe("store"), sim.probe()
        store.answers(int, lambda number: number + 1)
        client.send(store.address, 41)
        client.send(store.address, "what")
        sim.run()
        assert client.messages == [42]
        assert store.senders == [client.address] * 2
        assert store.take(str) == "what"
        with pytest.raises(AssertionError, match="was sent no str, but int"):
            store.take(str)
