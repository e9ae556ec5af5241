"""pykka: a thread per actor. Its crowds are small, for each actor is a thread of the system."""

from __future__ import annotations

import threading
import time
from typing import Any

import pykka

from ops.bench.workloads import HOPS, News, Workload, percentiles_us, resident_bytes

WAIT_S = 120.0


class _Actor(pykka.ThreadingActor):
    """One behaviour for all: hands each message to the function it was made with."""

    def __init__(self, receive: Any) -> None:
        super().__init__()
        self._receive_with = receive

    def on_receive(self, message: Any) -> Any:
        self._receive_with(message)


def _start(receive: Any) -> Any:
    return _Actor.start(receive)


def _timed(address: Any, message: Any, done: threading.Event) -> tuple[float, ...]:
    began = time.perf_counter()
    address.tell(message)
    assert done.wait(WAIT_S)
    took = time.perf_counter() - began
    pykka.ActorRegistry.stop_all()
    return (took,)


def ping_pong(round_trips: int) -> tuple[float, ...]:
    done = threading.Event()
    left = round_trips + 1

    def ping(message: Any) -> None:
        nonlocal left
        left -= 1
        if left:
            ponger.tell(message)
        else:
            done.set()

    pinger = _start(ping)
    ponger = _start(pinger.tell)
    return _timed(pinger, "ball", done)


class _Counter:
    def __init__(self, expected: int, all_counted: Any) -> None:
        self._left = expected
        self._all_counted = all_counted

    def __call__(self, message: Any) -> None:
        self._left -= 1
        if not self._left:
            self._all_counted()


def fan_out(actors: int, rounds: int) -> tuple[float, ...]:
    done = threading.Event()
    gate = _start(_Counter(actors, done.set))
    targets = [_start(_Counter(rounds + 1, lambda: gate.tell("counted"))) for _ in range(actors)]
    for target in targets:
        target.tell(News(0))

    def hub(message: Any) -> None:
        for number in range(rounds):
            for target in targets:
                target.tell(News(number))

    return _timed(_start(hub), "news", done)


def _chain(last: Any) -> Any:
    for _ in range(HOPS - 1):
        last = _start(last.tell)
    return last


def pipeline(bursts: int, burst: int) -> tuple[float, ...]:
    done = threading.Event()
    left = bursts
    arrived = 0

    def arrive(message: Any) -> None:
        nonlocal left, arrived
        arrived += 1
        if arrived == burst:
            arrived = 0
            left -= 1
            if left:
                source.tell(message)
            else:
                done.set()

    first = _chain(_start(arrive))

    def emit(message: Any) -> None:
        for _ in range(burst):
            first.tell(message)

    source = _start(emit)
    return _timed(source, "item", done)


def latency(messages: int) -> tuple[float, ...]:
    done = threading.Event()
    took: list[float] = []

    def arrive(sent_at: float) -> None:
        took.append(time.perf_counter() - sent_at)
        if len(took) == messages:
            done.set()
        else:
            first.tell(time.perf_counter())

    first = _chain(_start(arrive))
    _timed(first, time.perf_counter(), done)
    return percentiles_us(took)


def _ignore(message: Any) -> None:
    """Do nothing."""


def spawn(actors: int) -> tuple[float, ...]:
    began = time.perf_counter()
    for _ in range(actors):
        _start(_ignore)
    took = time.perf_counter() - began
    pykka.ActorRegistry.stop_all()
    return (took,)


def memory(actors: int) -> tuple[float, ...]:
    before = resident_bytes()
    refs = [_start(_ignore) for _ in range(actors)]
    new = resident_bytes() - before
    for ref in refs:
        ref.ask("news")
    used = resident_bytes() - before
    pykka.ActorRegistry.stop_all()
    return new / actors, used / actors


WORKLOADS: dict[str, Workload] = {
    "ping_pong": ping_pong,
    "fan_out": fan_out,
    "pipeline": pipeline,
    "latency": latency,
    "memory": memory,
    "spawn": spawn,
}
