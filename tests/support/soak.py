"""A tree under everything at once, for a long time: crashes, asks, timers, coroutines, watches, stashes.

`soak(base, ...)` drives it on a real loop or in a simulation and returns what was left behind at the end.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec
from thespian.actors import ActorAddress

from supervisor import (
    AskError,
    AsyncioSystemBase,
    Backoff,
    DeadActor,
    Mailbox,
    Overflow,
    Refused,
    Restart,
    Strategy,
    SupervisedActor,
    Supervision,
    Terminated,
    handles,
)
from supervisor.core.cell import Cell

BRANCHES: Final = 10
LEAVES: Final = 20
BURST: Final = 500
"""Messages between two pauses in which actors may catch up."""

WATCHED_TYPES: Final = (
    "CellAddress",
    "CopyingReplyTarget",
    "Future",
    "Leaf",
    "Branch",
    "Pipe",
    "Recovery",
    "ReplyTarget",
    "SupervisedCell",
    "Task",
    "Timer",
    "TimerHandle",
    "Urgent",
    "coroutine",
)
"""What must not pile up."""


class Do(msgspec.Struct, frozen=True):
    """One thing for a leaf to do, to another one perhaps."""

    what: str
    other: Any = None


class Question(msgspec.Struct, frozen=True):
    pass


PATIENCE: Final = 60
"""How many half seconds a storm of restarts is given to come to its end."""
SLACK: Final = 100
"""More than what the samples of dead letters hold: the addresses of who ended, the answers nobody awaits."""

_SUPERVISION: Final = Supervision(
    restarts_max=10**6, backoff=Backoff(first_s=0.001, max_s=0.002), per_child=True
)


class Leaf(SupervisedActor):
    """Does one of everything that an actor can do."""

    mailbox = Mailbox(capacity=64, overflow=Overflow.REFUSE)
    supervision = _SUPERVISION

    def started(self) -> None:
        self.timer("tick", 0.01, Do("nothing"), every=True)
        self.stashes = False

    @handles(Question)
    def on_question(self, message: Question, sender: ActorAddress) -> None:
        self.send(sender, "answer")

    @handles(Do)
    def on_do(self, message: Do, sender: ActorAddress) -> None:
        getattr(self, f"_{message.what}")(message.other)

    @handles(str, Terminated, Refused, DeadActor)
    def on_notice(self, message: Any, sender: ActorAddress) -> None:
        """Only takes note."""

    def _nothing(self, other: Any) -> None:
        pass

    def _send(self, other: Any) -> None:
        self.send(other, Question())

    def _urgent(self, other: Any) -> None:
        self.send_urgent(other, Do("nothing"))

    def _crash(self, other: Any) -> None:
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise ValueError("as ordered") from error

    def _stop(self, other: Any) -> None:
        self.stop()

    def _ask(self, other: Any) -> None:
        self.pipe(self._asking(other), failed=lambda error: None)

    async def _asking(self, other: Any) -> None:
        try:
            await self.ask(other, Question(), timeout_s=0.05)
        except AskError:
            await self.ready(other)

    def _pipe(self, other: Any) -> None:
        self.pipe(asyncio.sleep(0.005, Do("nothing")))

    def _timer(self, other: Any) -> None:
        self.timer(("later", self.random.randrange(5)), 0.02, Do("nothing"))

    def _watch(self, other: Any) -> None:
        self.watch(other)

    def _child(self, other: Any) -> None:
        child = self.child("child")
        if child is None:
            self.spawn(Leaf, "child", restart=Restart.TEMPORARY)
        else:
            self.stop_child(child)

    def _stash(self, other: Any) -> None:
        if not self.stashes:
            self.stashes = True
            self.timer("unstash", 0.005, Do("unstash"))
            self.stash()

    def _unstash(self, other: Any) -> None:
        self.unstash()
        self.timer("may stash again", 0.005, Do("open"))

    def _open(self, other: Any) -> None:
        self.stashes = False


DEEDS: Final = (
    *("send",) * 12,
    *("ask",) * 3,
    "urgent",
    "crash",
    "stop",
    "pipe",
    "timer",
    "watch",
    "child",
    "stash",
)


class Branch(SupervisedActor):
    mailbox = Mailbox(capacity=64, overflow=Overflow.REFUSE)

    def started(self) -> None:
        for number in range(LEAVES):
            self.spawn(Leaf, f"leaf-{number}", restart=Restart.PERMANENT)


class OneForAll(Branch):
    supervision = Supervision(
        strategy=Strategy.REST_FOR_ONE, restarts_max=10**6, backoff=Backoff(first_s=0.001, max_s=0.002)
    )


class OneForOne(Branch):
    supervision = _SUPERVISION


class Trunk(SupervisedActor):
    mailbox = Mailbox(capacity=64, overflow=Overflow.REFUSE)
    supervision = _SUPERVISION

    def started(self) -> None:
        for number in range(BRANCHES):
            self.spawn(OneForAll if number == 0 else OneForOne, f"branch-{number}")


@dataclass(frozen=True)
class Left:
    """What a soak found."""

    handled: int
    restarts: int
    grown: dict[str, int]
    """How many more objects of a type there were at the end than after the warm-up, if many more."""
    structures: dict[str, int]
    """The sizes of what the runtime itself keeps, at rest."""


async def soak(base: AsyncioSystemBase, messages: int, seed: int) -> Left:
    """Have a tree do that many things at random, and compare the objects at rest early and late."""
    random = Random(seed)
    base.spawn(Trunk, "root")
    await asyncio.sleep(0.1)
    await _stir(base, random, messages // 10)
    before = await _at_rest(base)
    await _stir(base, random, messages - messages // 10)
    after = await _at_rest(base)
    totals = base.inspector.totals()
    return Left(
        handled=sum(kind.handled for kind in totals.kinds),
        restarts=sum(kind.restarts for kind in totals.kinds),
        grown={
            name: after[name] - before[name]
            for name in WATCHED_TYPES
            if after[name] > before[name] * 1.1 + 50
        },
        structures=structures(base),
    )


async def _stir(base: AsyncioSystemBase, random: Random, messages: int) -> None:
    for _ in range(messages // BURST):
        leaves = _addresses(base, Leaf.__name__)
        for _ in range(BURST):
            base.tell(random.choice(leaves), Do(random.choice(DEEDS), random.choice(leaves)))
        await asyncio.sleep(0.01)


async def _at_rest(base: AsyncioSystemBase) -> Counter[str]:
    """Let what is under way end, without the children that come and go, and count the objects there are."""
    for _ in range(PATIENCE):
        await asyncio.sleep(0.5)
        if all(info.state == "running" and not info.pipes for info in base.tree()):
            break
    for address in _addresses(base, Leaf.__name__):
        if address.path.endswith("/child") and isinstance(address.cell, Cell):
            address.cell.begin_stop(drain=False)
    await asyncio.sleep(0.5)
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects())


def _addresses(base: AsyncioSystemBase, kind: str = "") -> list[Any]:
    """Return those of a kind, or all, that can be found by their path: one that is being succeeded cannot."""
    paths = [info.path for info in base.tree() if kind in ("", info.kind)]
    return [address for address in map(base.find, paths) if address is not None]


def structures(base: AsyncioSystemBase) -> dict[str, int]:
    """Return the sizes of what a system keeps besides its actors."""
    cells = [address.cell for address in _addresses(base)]
    return {
        "tasks": len(base._tasks),
        "drop counts": len(base.drops()),
        "dead letters": len(base.dead_letters()),
        "slow handlers": len(base.slow_handlers()),
        "names": len(base.registry._names),
        "restarts waiting": base.restart_budget.waiting,
        "watchers": max(len(cell.watchers or ()) for cell in cells),
        "waiters": sum(len(cell.waiters or ()) for cell in cells),
        "types": len(Leaf.handler_table),
    }
