"""The runtime of this repository on the daemon's loop, with every measure on: none can be turned off."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import uvloop

from ops.bench.workloads import (
    FLOOD_ACTORS,
    FLOOD_SLEEP_S,
    HOPS,
    News,
    Workload,
    own_time_s,
    percentiles_us,
    resident_bytes,
)
from supervisor import (
    AsyncioSystemBase,
    Backoff,
    Mailbox,
    Overflow,
    Restart,
    SupervisedActor,
    Supervision,
    handles,
    settle,
)

ROOMY = Mailbox(capacity=1_000_000, overflow=Overflow.HALT)


def _in_system(work: Callable[[AsyncioSystemBase, asyncio.Future[Any]], Awaitable[Any]]) -> Any:
    """Run a coroutine with a system and a future that the actors resolve; return what it returns."""

    async def run() -> Any:
        unlimited = Supervision(restarts_max=1_000_000, per_child=True, backoff=Backoff(first_s=0))
        loop = asyncio.get_running_loop()
        base = AsyncioSystemBase(loop=loop, supervision=unlimited, restart_budget=None)
        gc.unfreeze()  # what an earlier workload left
        settle()
        try:
            return await work(base, loop.create_future())
        finally:
            base.kill_all()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@dataclass(frozen=True, slots=True)
class _Args:
    """What any actor here is told: how many, by whom to go on, and whom to tell of the end."""

    count: int = 0
    targets: tuple[Any, ...] = ()
    done: asyncio.Future[Any] | None = None
    rounds: int = 0


async def _quiet(base: AsyncioSystemBase) -> None:
    """Return when no actor has anything to do."""
    while base.scheduler.ready:  # noqa: ASYNC110 - who would set the event is what is measured
        await asyncio.sleep(0)


async def _timed(base: AsyncioSystemBase, address: Any, message: Any, done: asyncio.Future[Any]) -> float:
    began = own_time_s()
    base.tell(address, message)
    await done
    return own_time_s() - began


class _Actor(SupervisedActor):
    mailbox = ROOMY
    args: _Args

    def finish(self, result: Any = None) -> None:
        if self.args.done is not None and not self.args.done.done():
            self.args.done.set_result(result)


class _Ponger(_Actor):
    @handles(str)
    def on_ball(self, message: str, sender: Any) -> None:
        self.send(sender, message)


class _Pinger(_Actor):
    def started(self) -> None:
        self.left = self.args.count + 1
        (self.opponent,) = self.args.targets

    @handles(str)
    def on_ball(self, message: str, sender: Any) -> None:
        self.left -= 1
        if self.left:
            self.send(self.opponent, message)
        else:
            self.finish()


def ping_pong(round_trips: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        ponger = base.spawn(_Ponger, "ponger", _Args())
        pinger = base.spawn(_Pinger, "pinger", _Args(round_trips, (ponger,), done))
        return (await _timed(base, pinger, "ball", done),)

    result: tuple[float, ...] = _in_system(work)
    return result


class _Hub(_Actor):
    def started(self) -> None:
        self.left = self.args.rounds

    @handles(News)
    def on_news(self, message: News, sender: Any) -> None:
        self.left -= 1
        if self.left:
            self.send(self.myAddress, message)
        for target in self.args.targets:
            self.send(target, News(message.round))


class _Counter(_Actor):
    """Tells of the end when it has had all messages, if it is the one asked to."""

    def started(self) -> None:
        self.left = self.args.rounds

    @handles(News)
    def on_news(self, message: News, sender: Any) -> None:
        self.left -= 1
        if not self.left:
            self.finish()


def fan_out(actors: int, rounds: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        quiet, last = _Args(rounds=rounds + 1), _Args(done=done, rounds=rounds + 1)
        targets = [base.spawn(_Counter, f"{n}", quiet) for n in range(actors - 1)]
        targets.append(base.spawn(_Counter, "last", last))
        hub = base.spawn(_Hub, "hub", _Args(targets=tuple(targets), rounds=rounds))
        for target in targets:
            base.tell(target, News(0))
        await _quiet(base)
        settle()
        return (await _timed(base, hub, News(0), done),)

    result: tuple[float, ...] = _in_system(work)
    return result


class _Hop(_Actor):
    def started(self) -> None:
        (self.following,) = self.args.targets

    @handles(str, float)
    def on_item(self, message: Any, sender: Any) -> None:
        self.send(self.following, message)


def _chain(owner: SupervisedActor, last: Any) -> Any:
    """Start all but the last of a chain; return the first."""
    for number in range(HOPS - 1):
        last = owner.spawn(_Hop, f"hop-{number}", _Args(targets=(last,)))
    return last


class _Source(_Actor):
    """Sends a burst when the one before has come through."""

    def started(self) -> None:
        self.left = self.args.rounds
        self.first: Any = None

    @handles(str)
    def on_turn(self, message: str, sender: Any) -> None:
        if self.first is None:
            self.first = _chain(self, self.spawn(_Sink, "sink", _Args(self.args.count, (self.myAddress,))))
        if not self.left:
            self.finish()
            return
        self.left -= 1
        for _ in range(self.args.count):
            self.send(self.first, message)


class _Sink(_Actor):
    def started(self) -> None:
        self.arrived = 0
        (self.source,) = self.args.targets

    @handles(str)
    def on_item(self, message: str, sender: Any) -> None:
        self.arrived += 1
        if self.arrived == self.args.count:
            self.arrived = 0
            self.send(self.source, message)


def pipeline(bursts: int, burst: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        source = base.spawn(_Source, "source", _Args(burst, done=done, rounds=bursts))
        return (await _timed(base, source, "item", done),)

    result: tuple[float, ...] = _in_system(work)
    return result


class _Clocked(_Actor):
    """The end of a chain and the source too: notes how long a message took, then sends the next."""

    def started(self) -> None:
        self.took: list[float] = []
        self.first: Any = None

    @handles(str)
    def on_turn(self, message: str, sender: Any) -> None:
        self.first = _chain(self, self.myAddress)
        self.send(self.first, time.perf_counter())

    @handles(float)
    def on_item(self, message: float, sender: Any) -> None:
        now = time.perf_counter()
        self.took.append(now - message)
        if len(self.took) == self.args.count:
            self.finish(percentiles_us(self.took))
        else:
            self.send(self.first, time.perf_counter())


def latency(messages: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        base.tell(base.spawn(_Clocked, "clocked", _Args(messages, done=done)), "begin")
        result: tuple[float, ...] = await done
        return result

    result: tuple[float, ...] = _in_system(work)
    return result


class _Idler(_Actor):
    @handles(str)
    def on_news(self, message: str, sender: Any) -> None:
        """Do nothing."""


async def _spawned(base: AsyncioSystemBase, actors: int) -> list[Any]:
    quiet = _Args()
    addresses = [base.spawn(_Idler, f"{n}", quiet) for n in range(actors)]
    await _quiet(base)
    return addresses


def spawn(actors: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        began = own_time_s()
        await _spawned(base, actors)
        return (own_time_s() - began,)

    result: tuple[float, ...] = _in_system(work)
    return result


def memory(actors: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        before = resident_bytes()
        addresses = await _spawned(base, actors)
        new = resident_bytes() - before
        for address in addresses:
            base.tell(address, "news")
        await _quiet(base)
        return new / actors, (resident_bytes() - before) / actors

    result: tuple[float, ...] = _in_system(work)
    return result


IDLE_LOOKS_MAX: Final = 1_000


def idle_memory(actors: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for address in await _spawned(base, actors):
            base.tell(address, "news")
        await _quiet(base)
        for _ in range(IDLE_LOOKS_MAX):
            if not len(base.openings):
                break
            await asyncio.sleep(0.1)
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return ((after - before) / actors,)

    result: tuple[float, ...] = _in_system(work)
    return result


class _Fragile(_Actor):
    @handles(str)
    def on_shot(self, message: str, sender: Any) -> None:
        raise ValueError

    @handles(bytes)
    def on_end(self, message: bytes, sender: Any) -> None:
        self.finish()


def restart(restarts: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        fragile = base.spawn(_Fragile, "fragile", _Args(done=done), restart=Restart.PERMANENT)
        for _ in range(restarts):
            base.tell(fragile, "shot")
        seconds = await _timed(base, fragile, b"end", done)
        assert base.tree()[0].restarts == restarts
        return (seconds,)

    result: tuple[float, ...] = _in_system(work)
    return result


class _Flooder(_Actor):
    """Sends itself whatever it gets: the queue never gets shorter."""

    @handles(str)
    def on_news(self, message: str, sender: Any) -> None:
        self.send(self.myAddress, message)


def flood(messages: int, sleeps: int) -> tuple[float, ...]:
    async def work(base: AsyncioSystemBase, done: asyncio.Future[Any]) -> tuple[float, ...]:
        actors = [base.spawn(_Flooder, f"{n}", _Args()) for n in range(FLOOD_ACTORS)]
        for number in range(messages):
            base.tell(actors[number % FLOOD_ACTORS], "news")
        late = []
        for _ in range(sleeps):
            began = time.perf_counter()
            await asyncio.sleep(FLOOD_SLEEP_S)
            late.append(time.perf_counter() - began - FLOOD_SLEEP_S)
        assert sum(each.depth for each in base.tree()) == messages
        p50_us, p99_us = percentiles_us(late)
        return p50_us / 1000, p99_us / 1000

    result: tuple[float, ...] = _in_system(work)
    return result


WORKLOADS: dict[str, Workload] = {
    "ping_pong": ping_pong,
    "fan_out": fan_out,
    "pipeline": pipeline,
    "latency": latency,
    "memory": memory,
    "idle_memory": idle_memory,
    "spawn": spawn,
    "restart": restart,
    "flood": flood,
}
