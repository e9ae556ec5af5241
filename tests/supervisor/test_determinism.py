"""One seed, one run, bit for bit: in any process, with any hash seed, wherever things lie in memory."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from thespian.actors import ActorAddress

from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, Terminated, handles
from supervisor.simulation import FaultPlan, Profile, Simulation, run_twice

BOX = Mailbox(capacity=10_000, overflow=Overflow.REFUSE)
WORKERS = 8


class Worker(SupervisedActor):
    """Answers after a while that chance decides, and at times ends."""

    mailbox = BOX

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        if self.random.random() < 0.05:
            self.stop()
        self.pipe(self._answer(sender, message))

    async def _answer(self, sender: ActorAddress, message: int) -> None:
        await asyncio.sleep(self.random.random())
        self.send(sender, message * 1.5)


class Foreman(SupervisedActor):
    """Does everything whose order asyncio or Python leaves open."""

    mailbox = BOX
    supervision = Supervision(restarts_max=1000, period_s=1)

    def started(self) -> None:
        self.crew: set[ActorAddress] = {self.spawn(Worker, f"worker-{number}") for number in range(WORKERS)}
        for worker in self.crew:
            self.watch(worker)
        self.timer("round", 1, "round", every=True)
        self.heard = frozenset[str]()

    @handles(str)
    def on_round(self, message: str, sender: ActorAddress) -> None:
        for worker in self.crew:
            self.send(worker, self.random.randrange(100))
        self.pipe(self._ask_all(), into=frozenset, failed=lambda error: type(error).__name__.encode())
        self.pipe(self._race(), into=tuple, failed=lambda error: type(error).__name__.encode())

    async def _ask_all(self) -> set[float]:
        """A group of tasks, of which the first failure cancels the others."""
        answers: set[float] = set()

        async def one(worker: ActorAddress) -> None:
            try:
                answers.add(await self.ask(worker, 7, timeout_s=0.9))
            finally:
                self.heard |= {worker.path}
                self.send(self.myAddress, len(self.heard).to_bytes())

        async with asyncio.TaskGroup() as group:
            for worker in self.crew:
                group.create_task(one(worker))
        return answers

    async def _race(self) -> list[float]:
        """Tasks and futures that are done at the same time, in the order in which a set has them."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(20)]
        tasks = [asyncio.create_task(asyncio.sleep(0.1, number), name=str(number)) for number in range(20)]
        for number, future in enumerate(futures):
            loop.call_later(0.1, future.set_result, -number)
        done, _ = await asyncio.wait([*tasks, *futures])
        return [each.result() for each in done]

    @handles(float, bytes, frozenset, tuple)
    def on_answer(self, message: object, sender: ActorAddress) -> None:
        """Its content is in the digest."""

    @handles(Terminated)
    def on_terminated(self, message: Terminated, sender: ActorAddress) -> None:
        another = self.spawn(Worker, f"another-{self.random.random()}")
        self.crew = {*self.crew - {message.address}, another}
        self.watch(another)


PROFILE = Profile(span_s=60, crashes_max=50, delays_max=50, reorders_max=50, lossy=("float",))


def run(seed: int = 11) -> str:
    with Simulation(seed, faults=FaultPlan.drawn(seed, PROFILE), deep=True) as sim:
        sim.spawn(Foreman, "foreman")
        sim.advance(90)
        return f"{sim.digest} {sim.handled} {len(sim.fired)}"


def test_a_run_is_the_same_in_processes_of_other_hash_seeds() -> None:
    here = Path(__file__).parent
    program = f"import sys; sys.path.insert(0, {str(here)!r}); import test_determinism as t; print(t.run())"

    def elsewhere(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(here.parents[1])}
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        )
        return ended.stdout.strip()

    assert {elsewhere("0"), elsewhere("1"), elsewhere("4242")} == {run()}


def test_a_run_is_the_same_wherever_things_lie_in_memory() -> None:
    first, second = run_twice(run)
    assert first == second


def test_a_run_is_the_same_beside_another() -> None:
    alone = run()
    with Simulation(3) as other:
        probe = other.probe()
        for number in range(1000):
            other.tell(probe.address, number)
        assert run() == alone


class Careless(SupervisedActor):
    """Sends in the order of a set of things that have their hash from their place in memory."""

    mailbox = BOX

    def started(self) -> None:
        class Thing:
            pass

        things = [Thing() for _ in range(100)]
        for thing in set(things):
            self.send(self.args, things.index(thing))


def test_what_depends_on_places_in_memory_is_found_by_running_twice() -> None:
    def run() -> list[Any]:
        with Simulation(1) as sim:
            probe = sim.probe()
            sim.spawn(Careless, "careless", probe.address)
            sim.run()
            return probe.messages

    first, second = run_twice(run)
    assert sorted(first) == sorted(second)
    assert first != second


def digests(*messages: Any, deep: bool) -> str:
    with Simulation(1, deep=deep) as sim:
        probe = sim.probe()
        for message in messages:
            sim.tell(probe.address, message)
        sim.run()
        return sim.digest


class Opaque:
    """Nothing that could be encoded, and it prints where it lies."""


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), ("a", "b"), (frozenset("ab"), frozenset("ac")), ((1, ("x",)), (1, ("y",))), (1, 1.0)],
)
def test_a_deep_digest_tells_apart_what_messages_say(one: Any, other: Any) -> None:
    assert digests(one, deep=True) != digests(other, deep=True)
    assert digests(one, deep=True) == digests(one, deep=True)


def test_a_digest_tells_apart_types_but_not_what_they_say() -> None:
    assert digests(1, deep=False) == digests(2, deep=False)
    assert digests(1, deep=False) != digests("1", deep=False)


def test_a_deep_digest_takes_what_cannot_be_encoded_by_its_type() -> None:
    def unencodable() -> list[Any]:
        return [Opaque(), 2**100, ("deep", {(1, 2): Opaque()})]

    assert digests(*unencodable(), deep=True) == digests(*unencodable(), deep=True)


def test_asking_for_the_digest_does_not_change_it() -> None:
    def run(often: bool) -> str:
        with Simulation(1) as sim:
            probe = sim.probe()
            for number in range(5000):
                sim.tell(probe.address, number)
                if number % 7 == 0:
                    sim.run()
                    assert not often or sim.digest
            sim.run()
            assert sim.handled == 5000
            return sim.digest

    assert run(often=True) == run(often=False)
