"""One deque of calls and nothing else: no mailboxes, no bounds, no failures: the unit of the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ops.bench.workloads import HOPS, News, Workload, own_time_s, percentiles_us

_calls: deque[tuple[Callable[[Any, Any], None], Any, Any]] = deque()


def _run() -> float:
    """Make calls until none is left; return how long that took."""
    calls = _calls
    began = own_time_s()
    # Written so that the interpreter specialises it within its first call; `while calls` is slower for eight.
    while True:
        if not calls:
            return own_time_s() - began
        receive, message, sender = calls.popleft()
        receive(message, sender)


class _Player:
    __slots__ = ("address", "left")

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.address = self.receive

    def receive(self, message: Any, sender: Any) -> None:
        self.left -= 1
        if self.left:
            _calls.append((sender, message, self.address))


def ping_pong(round_trips: int) -> tuple[float, ...]:
    pinger, ponger = _Player(round_trips + 1), _Player(-1)
    _calls.append((pinger.address, "ball", ponger.address))
    return (_run(),)


class _Hub:
    __slots__ = ("address", "left", "targets")

    def __init__(self, targets: list[Any], rounds: int) -> None:
        self.targets = targets
        self.left = rounds
        self.address = self.receive

    def receive(self, message: Any, sender: Any) -> None:
        self.left -= 1
        if self.left:
            _calls.append((self.address, message, None))
        for target in self.targets:
            _calls.append((target, News(message.round), self.address))


class _Counter:
    __slots__ = ("is_done", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self.is_done = False

    def receive(self, message: Any, sender: Any) -> None:
        self.left -= 1
        if not self.left:
            self.is_done = True


def fan_out(actors: int, rounds: int) -> tuple[float, ...]:
    targets = [_Counter(rounds + 1).receive for _ in range(actors)]
    for target in targets:
        _calls.append((target, News(0), None))
    _run()
    _calls.append((_Hub(targets, rounds).address, News(0), None))
    return (_run(),)


class _Hop:
    __slots__ = ("address", "following")

    def __init__(self, following: Any) -> None:
        self.following = following
        self.address = self.receive

    def receive(self, message: Any, sender: Any) -> None:
        _calls.append((self.following, message, self.address))


def _chain(last: Any) -> Any:
    address = last
    for _ in range(HOPS - 1):
        address = _Hop(address).address
    return address


class _Source:
    """Sends a burst when the one before has come through."""

    __slots__ = ("address", "arrived", "burst", "first", "left")

    def __init__(self, bursts: int, burst: int) -> None:
        self.left = bursts
        self.burst = burst
        self.arrived = 0
        self.address = self.receive
        self.first = _chain(self.arrive)

    def receive(self, message: Any, sender: Any) -> None:
        for _ in range(self.burst):
            _calls.append((self.first, message, self.address))

    def arrive(self, message: Any, sender: Any) -> None:
        self.arrived += 1
        if self.arrived == self.burst:
            self.arrived = 0
            self.left -= 1
            if self.left:
                _calls.append((self.address, message, None))


def pipeline(bursts: int, burst: int) -> tuple[float, ...]:
    source = _Source(bursts, burst)
    _calls.append((source.address, "item", None))
    return (_run(),)


def latency(messages: int) -> tuple[float, ...]:
    took: list[float] = []
    first = _chain(lambda sent_at, _: took.append(time.perf_counter() - sent_at))
    for _ in range(messages):
        _calls.append((first, time.perf_counter(), None))
        _run()
    return percentiles_us(took)


WORKLOADS: dict[str, Workload] = {
    "ping_pong": ping_pong,
    "fan_out": fan_out,
    "pipeline": pipeline,
    "latency": latency,
}
