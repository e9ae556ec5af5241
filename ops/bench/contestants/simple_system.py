"""Thespian's own simpleSystemBase: the same API, one global queue, run from inside `ask` and `listen`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from thespian.actors import Actor, ActorSystem

from ops.bench.workloads import HOPS, News, Workload, own_time_s, percentiles_us, resident_bytes

WAIT_S = 60


@contextmanager
def _system() -> Iterator[Any]:
    system = ActorSystem("simpleSystemBase", transientUnique=True)
    try:
        yield system
    finally:
        system.shutdown()


def _timed(system: Any, address: Any, message: Any) -> tuple[float, ...]:
    began = own_time_s()
    answer = system.ask(address, message, WAIT_S)
    assert answer is not None
    return (own_time_s() - began,)


class _Ponger(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, str):
            self.send(sender, msg)


class _Pinger(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, int):
            self.left = msg
            self.asker = sender
            self.opponent = self.createActor(_Ponger)
            self.send(self.opponent, "ball")
        elif isinstance(msg, str):
            self.left -= 1
            self.send(*((self.opponent, msg) if self.left else (self.asker, True)))


def ping_pong(round_trips: int) -> tuple[float, ...]:
    with _system() as system:
        return _timed(system, system.createActor(_Pinger), round_trips)


class _Counter(Actor):  # type: ignore[misc]
    """Told how many messages to expect, and by whom it is to be told of the last."""

    left: int
    asker: Any

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, News):
            self.left -= 1
            if not self.left:
                self.send(self.asker, True)
        elif isinstance(msg, tuple):
            self.left, self.asker = msg


class _Hub(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, tuple):
            actors, self.rounds = msg
            self.asker = sender
            self.targets = [self.createActor(_Counter) for _ in range(actors)]
            for target in self.targets:
                self.send(target, (self.rounds, self.myAddress))
            self.left = actors
            self.send(sender, True)
        elif isinstance(msg, News):
            self.asker = sender
            for number in range(self.rounds):
                for target in self.targets:
                    self.send(target, News(number))
        elif msg is True:
            self.left -= 1
            if not self.left:
                self.send(self.asker, True)


def fan_out(actors: int, rounds: int) -> tuple[float, ...]:
    with _system() as system:
        hub = system.createActor(_Hub)
        system.ask(hub, (actors, rounds), WAIT_S)
        return _timed(system, hub, News(0))


class _Hop(Actor):  # type: ignore[misc]
    """Makes the rest of the chain by itself, told how long it is and where it leads."""

    following: Any

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, str | float):
            self.send(self.following, msg)
        elif isinstance(msg, tuple):
            hops, last = msg
            self.following = last
            if hops > 1:
                self.following = self.createActor(_Hop)
                self.send(self.following, (hops - 1, last))


class _Source(Actor):  # type: ignore[misc]
    """Both ends of a chain: sends a burst when the one before has come through, or clocks one at a time."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, tuple):
            self.asker = sender
            self.left, self.burst = msg
            self.took: list[float] = []
            self.arrived = 0
            self.first = self.createActor(_Hop)
            self.send(self.first, (HOPS - 1, self.myAddress))
            self.turn()
        elif isinstance(msg, float):
            self.took.append(time.perf_counter() - msg)
            self.left -= 1
            self.turn()
        elif isinstance(msg, str):
            self.arrived += 1
            if self.arrived == self.burst:
                self.arrived = 0
                self.left -= 1
                self.turn()

    def turn(self) -> None:
        if not self.left:
            self.send(self.asker, self.took or [True])
        elif self.burst == 1:
            self.send(self.first, time.perf_counter())
        else:
            for _ in range(self.burst):
                self.send(self.first, "item")


def pipeline(bursts: int, burst: int) -> tuple[float, ...]:
    with _system() as system:
        return _timed(system, system.createActor(_Source), (bursts, max(2, burst)))


def latency(messages: int) -> tuple[float, ...]:
    with _system() as system:
        return percentiles_us(system.ask(system.createActor(_Source), (messages, 1), WAIT_S))


class _Idler(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        """Do nothing."""


def spawn(actors: int) -> tuple[float, ...]:
    with _system() as system:
        began = own_time_s()
        for _ in range(actors):
            system.createActor(_Idler)
        return (own_time_s() - began,)


def memory(actors: int) -> tuple[float, ...]:
    with _system() as system:
        before = resident_bytes()
        addresses = [system.createActor(_Idler) for _ in range(actors)]
        new = resident_bytes() - before
        for address in addresses:
            system.tell(address, "news")
        return new / actors, (resident_bytes() - before) / actors


WORKLOADS: dict[str, Workload] = {
    "ping_pong": ping_pong,
    "fan_out": fan_out,
    "pipeline": pipeline,
    "latency": latency,
    "memory": memory,
    "spawn": spawn,
}
