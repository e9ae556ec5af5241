"""A task and an `asyncio.Queue` per actor, as programs without a runtime do it; on uvloop, as Remora."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import uvloop

from ops.bench.workloads import HOPS, News, Workload, own_time_s, percentiles_us, resident_bytes

Inbox = asyncio.Queue[Any]


def _run(work: Coroutine[Any, Any, tuple[float, ...]]) -> tuple[float, ...]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def ping_pong(round_trips: int) -> tuple[float, ...]:
    async def player(inbox: Inbox, opponent: Inbox, turns: int) -> None:
        for _ in range(turns):
            opponent.put_nowait(await inbox.get())

    async def work() -> tuple[float, ...]:
        first, second = Inbox(), Inbox()
        first.put_nowait("ball")
        began = own_time_s()
        await asyncio.gather(player(first, second, round_trips), player(second, first, round_trips))
        return (own_time_s() - began,)

    return _run(work())


async def _count(inbox: Inbox, expected: int) -> None:
    for _ in range(expected):
        await inbox.get()


def fan_out(actors: int, rounds: int) -> tuple[float, ...]:
    async def hub(inboxes: list[Inbox]) -> None:
        for number in range(rounds):
            for inbox in inboxes:
                inbox.put_nowait(News(number))

    async def work() -> tuple[float, ...]:
        inboxes = [Inbox() for _ in range(actors)]
        tasks = [asyncio.create_task(_count(inbox, rounds + 1)) for inbox in inboxes]
        for inbox in inboxes:
            inbox.put_nowait(News(0))
        await asyncio.sleep(0)
        began = own_time_s()
        await hub(inboxes)
        await asyncio.wait(tasks)
        return (own_time_s() - began,)

    return _run(work())


async def _hop(inbox: Inbox, following: Inbox) -> None:
    while True:
        following.put_nowait(await inbox.get())


def _chain(last: Inbox) -> tuple[Inbox, list[asyncio.Task[None]]]:
    tasks = []
    for _ in range(HOPS - 1):
        inbox = Inbox()
        tasks.append(asyncio.create_task(_hop(inbox, last)))
        last = inbox
    return last, tasks


def pipeline(bursts: int, burst: int) -> tuple[float, ...]:
    async def work() -> tuple[float, ...]:
        last = Inbox()
        first, tasks = _chain(last)
        began = own_time_s()
        for _ in range(bursts):
            for _ in range(burst):
                first.put_nowait("item")
            await _count(last, burst)
        took = own_time_s() - began
        for task in tasks:
            task.cancel()
        return (took,)

    return _run(work())


def latency(messages: int) -> tuple[float, ...]:
    async def work() -> tuple[float, ...]:
        last = Inbox()
        first, tasks = _chain(last)
        took = []
        for _ in range(messages):
            first.put_nowait(time.perf_counter())
            sent_at = await last.get()
            took.append(time.perf_counter() - sent_at)
        for task in tasks:
            task.cancel()
        return percentiles_us(took)

    return _run(work())


async def _idle(inbox: Inbox) -> None:
    while True:
        await inbox.get()


async def _spawned(actors: int) -> list[tuple[Inbox, asyncio.Task[None]]]:
    made = []
    for _ in range(actors):
        inbox = Inbox()
        made.append((inbox, asyncio.create_task(_idle(inbox))))
    await asyncio.sleep(0)
    return made


def spawn(actors: int) -> tuple[float, ...]:
    async def work() -> tuple[float, ...]:
        began = own_time_s()
        made = await _spawned(actors)
        took = own_time_s() - began
        for _, task in made:
            task.cancel()
        return (took,)

    return _run(work())


def memory(actors: int) -> tuple[float, ...]:
    async def work() -> tuple[float, ...]:
        before = resident_bytes()
        made = await _spawned(actors)
        new = resident_bytes() - before
        for inbox, _ in made:
            inbox.put_nowait("news")
        await asyncio.sleep(0)
        used = resident_bytes() - before
        for _, task in made:
            task.cancel()
        return new / actors, used / actors

    return _run(work())


WORKLOADS: dict[str, Workload] = {
    "ping_pong": ping_pong,
    "fan_out": fan_out,
    "pipeline": pipeline,
    "latency": latency,
    "memory": memory,
    "spawn": spawn,
}
