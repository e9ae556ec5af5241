"""A supervisor as OTP's documentation describes it, with no thought of how the runtime does it.

Differences that are ours: a restarted child keeps its address, so its incarnations are counted; what a
restarted supervisor starts anew are other children; a top-level supervisor that gives up ends the system.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from supervisor import Restart, Strategy


@dataclass(frozen=True)
class Plan:
    """What an actor is meant to be: a supervisor if it has children, a worker if not."""

    name: str
    restart: Restart
    strategy: Strategy = Strategy.ONE_FOR_ONE
    restarts_max: int = 0
    period_s: float = 60.0
    per_child: bool = False
    children: tuple[Plan, ...] = ()


@dataclass
class Node:
    """One actor that lives."""

    plan: Plan
    parent: Node | None
    path: str
    incarnation: int = 1
    children: list[Node] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    own_restarts: list[float] = field(default_factory=list)

    def below(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.below()


class GaveUp(Exception):
    """A failure reached the top."""


class OtpModel:
    """A tree of supervisors; `log` holds starts and stops in the order OTP makes them."""

    def __init__(self, plan: Plan) -> None:
        self.log: list[str] = []
        self.failed = False
        self.root: Node | None = self._start(plan, None, "root")

    def living(self) -> dict[str, int]:
        """Return incarnation numbers by path."""
        return {} if self.root is None else {node.path: node.incarnation for node in self.root.below()}

    def crash(self, path: str, now: float) -> None:
        """Have an actor fail."""
        self._in_time(path, now, failed=True)

    def end(self, path: str, now: float) -> None:
        """Have an actor end by its own wish."""
        self._in_time(path, now, failed=False)

    def _in_time(self, path: str, now: float, *, failed: bool) -> None:
        node = next(each for each in self._nodes() if each.path == path)
        try:
            self._ended(node, now, failed=failed)
        except GaveUp:
            self.failed = True
            if self.root is not None:
                self._stop(self.root)
            self.root = None

    def _nodes(self) -> Iterator[Node]:
        if self.root is not None:
            yield from self.root.below()

    def _start(self, plan: Plan, parent: Node | None, path: str) -> Node:
        node = Node(plan, parent, path)
        self._begin(node)
        return node

    def _begin(self, node: Node) -> None:
        self.log.append(f"{node.path} started")
        for plan in node.plan.children:
            prefix = "" if node.parent is None else f"{node.path}/"
            node.children.append(self._start(plan, node, f"{prefix}{plan.name}"))

    def _stop(self, node: Node) -> None:
        """Children go first, the last started first of all."""
        for child in reversed(node.children):
            self._stop(child)
        node.children = []
        node.restarts = []
        self.log.append(f"{node.path} stopped")

    def _ended(self, node: Node, now: float, *, failed: bool) -> None:
        parent = node.parent
        if parent is None:
            raise GaveUp
        kind = node.plan.restart
        if kind is Restart.TEMPORARY or (kind is Restart.TRANSIENT and not failed):
            self._stop(node)
            parent.children.remove(node)
            return
        if not self._may_restart(parent, node, now):
            self._ended(parent, now, failed=True)
            return
        self._restart(parent, node)

    def _may_restart(self, parent: Node, node: Node, now: float) -> bool:
        times = node.own_restarts if parent.plan.per_child else parent.restarts
        times.append(now)
        recent = [at for at in times if now - at < parent.plan.period_s]
        return len(recent) <= parent.plan.restarts_max

    def _restart(self, parent: Node, node: Node) -> None:
        group = {
            Strategy.ONE_FOR_ONE: [node],
            Strategy.ONE_FOR_ALL: list(parent.children),
            Strategy.REST_FOR_ONE: parent.children[parent.children.index(node) :],
        }[parent.plan.strategy]
        for member in reversed(group):
            self._stop(member)
        for member in group:
            if member.plan.restart is Restart.TEMPORARY:
                parent.children.remove(member)
                continue
            member.incarnation += 1
            self._begin(member)
