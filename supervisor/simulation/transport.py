"""Sends in a simulation with faults: messages on their way may be late, lost, doubled or overtaken.

Messages of one sender to one target keep their order: what is held back holds back what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from supervisor.abilities.asking import ReplyTarget
from supervisor.core.cell import Cell
from supervisor.core.supervised import SupervisedCell
from supervisor.inspection.deadletters import DropReason
from supervisor.signals import is_kept
from supervisor.simulation.armed import Armed, Counters
from supervisor.simulation.faults import Delay, Drop, Duplicate, Reorder
from supervisor.simulation.line import Line

if TYPE_CHECKING:
    from supervisor.simulation.base import SimulatedSystemBase

TransportFault = Delay | Reorder | Drop | Duplicate

REORDER_S_MAX: Final = 1.0
"""How long a message lets others pass if not enough of them come."""


class FaultyCell(SupervisedCell):
    """A cell whose messages come by a faulty transport."""

    __slots__ = ("lines",)

    system: SimulatedSystemBase
    lines: dict[str, Line] | None
    """By sender, what is held back from it; None while nothing is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = None

    def accept(self, message: Any, sender: Any) -> bool:
        faults = self.system.faults
        if faults is None:
            return super().accept(message, sender)
        return faults.transport.carry(self, message, sender)

    def arrive(self, message: Any, sender: Any) -> bool:
        """Take a message that came through; False if it was turned away."""
        target = self.address.cell
        return super().accept(message, sender) if target is self else target.accept(message, sender)


class Transport:
    """The way messages take from actor to actor."""

    def __init__(self, armed: Iterable[Armed[TransportFault]]) -> None:
        self._counters = Counters[TransportFault](
            armed, lambda fault: (fault.sender, fault.target, fault.message)
        )
        self._lines: dict[Line, None] = {}

    def heal(self) -> None:
        """Carry everything at once from now on, what is held back first."""
        self._counters.disarm()
        for line in list(self._lines):
            line.release()

    def carry(self, cell: FaultyCell, message: Any, sender: Any) -> bool:
        """Deliver a message, or do to it what is planned; False if it was turned away."""
        source = getattr(sender, "cell", None)
        if source is None or source is cell:
            return cell.arrive(message, sender)
        by_s, behind, copies = 0.0, 0, 1
        for fault in () if is_kept(message) else self._hits(cell, message, source):
            if isinstance(fault, Delay):
                by_s += fault.by_s
            elif isinstance(fault, Reorder):
                by_s, behind = max(by_s, REORDER_S_MAX), max(behind, fault.behind)
            else:
                copies = 0 if isinstance(fault, Drop) else copies * 2
        if not copies:
            cell.drop(DropReason.LOST, message, sender)
        taken = True
        for _ in range(copies):
            taken = self._pass_on(cell, message, sender, by_s, behind) and taken
        return taken

    def _hits(self, cell: FaultyCell, message: Any, source: Any) -> Iterator[TransportFault]:
        kind, now = type(message), cell.scheduler.loop.time()
        origin = source.address.number if isinstance(source, Cell) else source.path
        key = (origin, cell.address.number, kind)

        def names() -> tuple[str, str, str]:
            return _sender_path(source), cell.path, kind.__name__

        for hit in self._counters.hits(key, now, names):
            hit.fire(now, cell.path, kind.__name__, _sender_path(source))
            yield hit.fault

    def _pass_on(self, cell: FaultyCell, message: Any, sender: Any, by_s: float, behind: int) -> bool:
        lines = cell.lines
        if lines is None and not by_s:
            return cell.arrive(message, sender)
        path = _sender_path(sender.cell)
        line = lines.get(path) if lines is not None else None
        if line is None and by_s:
            line = Line(cell, path, self._lines)
        if line is not None:
            line.append(message, sender, by_s, behind)
            return True
        taken = cell.arrive(message, sender)
        for other in list((lines or {}).values()):
            other.let_pass()
        return taken


def _sender_path(source: Any) -> str:
    """Return the path of who sent it; an ask comes from the actor that asks."""
    path: str = source.path
    return path.removesuffix("?") if isinstance(source, ReplyTarget) else path
