"""The ways from one host to another, as they are at the moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from supervisor.simulation.network.conditions import Conditions
from supervisor.simulation.network.faults import Cut, LastingFault, Slow

if TYPE_CHECKING:
    from supervisor.simulation.network.flow import Flow

_FaultT = TypeVar("_FaultT", bound=LastingFault)


class Way:
    """One direction between two names; all connections between them share it."""

    def __init__(self, source: str, target: str, conditions: Conditions) -> None:
        self.source = source
        self.target = target
        self.conditions = conditions
        self.held: dict[Flow, None] = {}
        """What waits for the way to open again."""
        self._cut_at: float | None = None

    @property
    def is_cut(self) -> bool:
        return self._cut_at is not None

    def cut(self, now: float) -> None:
        """Let nothing through."""
        if self._cut_at is None:
            self._cut_at = now

    def heal(self, now: float) -> None:
        """Let everything through again."""
        if self._cut_at is not None:
            cut_s, self._cut_at = now - self._cut_at, None
            held, self.held = self.held, {}
            for flow in held:
                flow.release(cut_s)


class InForce:
    """A lasting fault that began, and what will end it, if anything will."""

    def __init__(self, fault: LastingFault) -> None:
        self.fault = fault
        self.ending: asyncio.TimerHandle | None = None


class Ways:
    """All ways, and the lasting faults that are in force on them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.in_force: list[InForce] = []
        """The earliest first."""
        self._now = now
        self._ways: dict[tuple[str, str], Way] = {}
        self._conditions = Conditions()

    @property
    def conditions(self) -> Conditions:
        """What every way is like where no fault says otherwise."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._look_again()

    def begin(self, fault: LastingFault) -> InForce:
        """Put a fault in force."""
        begun = InForce(fault)
        self.in_force.append(begun)
        self._look_again()
        return begun

    def end(self, begun: InForce) -> None:
        """Lift a fault that is in force."""
        self.in_force.remove(begun)
        if begun.ending is not None:
            begun.ending.cancel()
        self._look_again()

    def active(self, kind: type[_FaultT], client: str, server: str) -> _FaultT | None:
        """Return the latest fault of a kind between these two, None for none."""
        for begun in reversed(self.in_force):
            if isinstance(begun.fault, kind) and begun.fault.concerns(client, server):
                return begun.fault
        return None

    def between(self, source: str, target: str) -> Way:
        """Return the way from one name to another."""
        way = self._ways.get((source, target))
        if way is None:
            way = self._ways[source, target] = Way(source, target, self._conditions)
            self._look(way)
        return way

    def _look_again(self) -> None:
        for way in self._ways.values():
            self._look(way)

    def _look(self, way: Way) -> None:
        there, back = (way.source, way.target), (way.target, way.source)
        slow = self.active(Slow, *there) or self.active(Slow, *back)
        way.conditions = self._conditions if slow is None else slow.conditions(self._conditions)
        reverse = self.active(Cut, *back)
        if self.active(Cut, *there) is not None or (reverse is not None and not reverse.one_way):
            way.cut(self._now())
        else:
            way.heal(self._now())
