"""Blocking calls in threads: their results are messages, and nothing ever waits for them too long."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import AsyncioSystemBase, Mailbox, NotRunning, Overflow, SupervisedActor, handles
from supervisor.abilities import workers
from supervisor.abilities.workers import ThreadWorkers
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=64, overflow=Overflow.REFUSE)
PATIENCE_S = 20


class Call(msgspec.Struct, frozen=True):
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


class Result(msgspec.Struct, frozen=True):
    value: Any


class Failure(msgspec.Struct, frozen=True):
    kind: str


class Caller(SupervisedActor):
    """Calls what it is sent in a thread, and reports to the queue it was given."""

    mailbox = BOX

    def started(self) -> None:
        self.args.put_nowait("started")

    @handles(Call)
    def on_call(self, message: Call, sender: ActorAddress) -> None:
        self.run_in_thread(
            message.function,
            *message.arguments,
            into=Result,
            failed=lambda error: Failure(type(error).__name__),
        )

    @handles(Result, Failure)
    def on_result(self, message: Result | Failure, sender: ActorAddress) -> None:
        self.args.put_nowait(message)

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        self.args.put_nowait("crashing")
        raise ValueError("told to crash")


class Gate:
    """A call that blocks until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.open.wait(PATIENCE_S)
        return threading.current_thread().name


class House:
    """A base on the running loop with one caller, for tests with real threads."""

    def __init__(self, **options: Any) -> None:
        self.base = AsyncioSystemBase(name="house", **options)
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.caller = self.base.spawn(Caller, "caller", self.heard, shutdown_s=PATIENCE_S)

    async def hears(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return await self.heard.get()

    async def enters(self, gate: Gate) -> None:
        assert await asyncio.to_thread(gate.entered.wait, PATIENCE_S)


async def test_a_blocking_call_runs_in_a_thread_while_the_actor_goes_on() -> None:
    house, gate = House(), Gate()
    assert await house.hears() == "started"
    house.base.tell(house.caller, Call(gate))
    house.base.tell(house.caller, Call(pow, (2, 10)))
    assert await house.hears() == Result(1024)
    gate.open.set()
    assert (await house.hears()).value.startswith("house-worker-")
    await house.base.stop()


async def test_what_the_function_raises_becomes_a_message() -> None:
    def ends_the_thread() -> None:
        raise SystemExit

    def stops_iterating() -> None:
        raise StopIteration

    house = House()
    await house.hears()
    for function in (ends_the_thread, stops_iterating):
        house.base.tell(house.caller, Call(function))
        assert await house.hears() == Failure("RuntimeError")
    house.base.tell(house.caller, Call(int, ("no number",)))
    assert await house.hears() == Failure("ValueError")
    await house.base.stop()


async def test_no_more_threads_than_allowed_and_the_rest_in_order() -> None:
    house, gates = House(threads_max=2), [Gate() for _ in range(4)]
    await house.hears()
    for gate in gates:
        house.base.tell(house.caller, Call(gate))
    await house.enters(gates[0])
    await house.enters(gates[1])
    assert not gates[2].entered.is_set()
    gates[1].open.set()
    await house.enters(gates[2])
    assert not gates[3].entered.is_set()
    for gate in gates:
        gate.open.set()
    names = {(await house.hears()).value for _ in gates}
    assert names == {"house-worker-1", "house-worker-2"}
    await house.base.stop()


async def test_a_restart_waits_for_the_call_that_has_begun_and_drops_its_result() -> None:
    house, gate, waiting = House(threads_max=1), Gate(), Gate()
    await house.hears()
    house.base.tell(house.caller, Call(gate))
    house.base.tell(house.caller, Call(waiting))
    await house.enters(gate)
    house.base.tell(house.caller, "crash")
    assert await house.hears() == "crashing"
    assert house.base.tree()[0].state == "restarting"
    assert house.heard.empty()
    gate.open.set()
    assert await house.hears() == "started"
    house.base.tell(house.caller, Call(pow, (2, 3)))
    assert await house.hears() == Result(8)
    assert not waiting.entered.is_set()  # it had not begun, so it never does
    await house.base.stop()


async def test_a_stop_waits_no_longer_than_the_shutdown_time() -> None:
    base, heard, gate = AsyncioSystemBase(), asyncio.Queue[Any](), Gate()
    caller = base.spawn(Caller, "caller", heard, shutdown_s=0.01)
    base.tell(caller, Call(gate))
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE_S)
    await base.stop(PATIENCE_S)
    assert base.tree() == []
    assert not gate.open.is_set()
    gate.open.set()


async def test_too_many_waiting_calls_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WAITING_MAX", 1)
    house, gate = House(threads_max=1), Gate()
    await house.hears()
    house.base.tell(house.caller, Call(gate))
    await house.enters(gate)
    for _ in range(2):
        house.base.tell(house.caller, Call(pow, (2, 2)))
    assert await house.hears() == Failure("WorkersBusy")
    gate.open.set()
    assert [type(await house.hears()) for _ in range(2)] == [Result, Result]
    await house.base.stop()


async def test_the_thread_sees_the_context_of_its_handler() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    variable.set("bound")
    house = House()
    await house.hears()
    house.base.tell(house.caller, Call(variable.get))
    assert await house.hears() == Result("bound")
    await house.base.stop()


STUCK = """
import asyncio, threading
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor

class Stuck(SupervisedActor):
    mailbox = Mailbox(capacity=1, overflow=Overflow.REFUSE)

    def started(self):
        self.run_in_thread(self.wait_for_ever)

    def wait_for_ever(self):
        entered.set()
        threading.Event().wait()

entered = threading.Event()

async def main():
    base = AsyncioSystemBase()
    base.spawn(Stuck, "stuck", shutdown_s=0.01)
    await asyncio.to_thread(entered.wait)
    await base.stop()

asyncio.run(main())
print("ended")
"""


def test_a_call_that_never_returns_does_not_hang_the_exit_of_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert ran.stdout == "ended\n"


def test_in_a_simulation_the_call_is_made_in_its_turn_on_the_loop() -> None:
    heard: asyncio.Queue[Any] = asyncio.Queue()
    with Simulation(seed=1) as sim:
        caller = sim.spawn(Caller, "caller", heard)
        sim.tell(caller, Call(threading.current_thread))
        sim.tell(caller, Call(int, ("no number",)))
        sim.run()
    assert heard.get_nowait() == "started"
    said = {heard.get_nowait(), heard.get_nowait()}
    assert said == {Result(threading.current_thread()), Failure("ValueError")}


def test_without_failed_an_error_crashes_the_actor() -> None:
    class Careless(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.run_in_thread(int, "no number")

    with Simulation() as sim:
        sim.spawn(Careless, "careless")
        sim.run()
        assert sim.base.tree()[0].last_error.startswith("ValueError")


def test_no_call_is_made_in_init_nor_by_an_incarnation_that_has_ended() -> None:
    class Hasty(Caller):
        def __init__(self) -> None:
            self.run_in_thread(print)

    with pytest.raises(NotRunning, match="started"):
        Hasty()

    actors: list[SupervisedActor] = []

    class Escaping(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            actors.append(self)
            self.stop()

    with Simulation() as sim:
        sim.spawn(Escaping, "escaping")
        sim.run()
        with pytest.raises(NotRunning, match="has ended"):
            actors[0].run_in_thread(print)


@pytest.mark.parametrize(("wrong", "text"), [(3, "was given int"), (asyncio.sleep, "coroutine to pipe")])
def test_what_cannot_be_called_in_a_thread_is_refused(wrong: Any, text: str) -> None:
    class Wrong(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.run_in_thread(wrong)

    with Simulation() as sim:
        sim.spawn(Wrong, "wrong")
        sim.run()
        assert text in sim.base.tree()[0].last_error


async def test_at_least_one_thread_is_needed() -> None:
    with pytest.raises(ValueError, match="threads_max was 0"):
        ThreadWorkers(asyncio.get_running_loop(), "house", 0)
