"""All traces of a system: which actors each is of, those that begin later included, and when each ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from supervisor.errors import BadTrace
from supervisor.inspection.trace import Call, Trace
from supervisor.inspection.tracetable import TracingTable
from supervisor.inspection.tree import below
from supervisor.paths import expression as expression_of

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.system import System

TRACES_MAX: Final = 16


class Tracing:
    """All traces of one system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._serial = 0
        self._traces: dict[Trace, re.Pattern[str] | None] = {}
        """Each with what the paths of its actors match, None if it is of one actor alone."""

    @property
    def active(self) -> bool:
        """Whether anything is traced, so that beginnings and ends of actors matter."""
        return bool(self._traces)

    def open(
        self, call: Call, pattern: str, only: Cell | None, limit: int, per_second_max: int, contents: bool
    ) -> Trace:
        """Begin a trace of one actor, or of all whose paths match a pattern, now and later."""
        if len(self._traces) >= TRACES_MAX:
            raise BadTrace(f"{TRACES_MAX} traces are under way already; close one first")
        self._serial += 1
        trace = Trace(
            self._system.home,
            call,
            self._closed,
            number=self._serial,
            pattern=pattern,
            limit=limit,
            per_second_max=per_second_max,
            contents=contents,
        )
        if only is not None:
            self._traces[trace] = None
            _attach(only, trace)
            return trace
        expression = self._traces[trace] = expression_of(pattern)
        for cell in below(self._system.guardian):
            if _matches(expression, cell):
                _attach(cell, trace)
        return trace

    def traces(self) -> tuple[Trace, ...]:
        return tuple(self._traces)

    def begun(self, cell: Cell) -> None:
        """Trace a new actor too if its path matches."""
        for trace, expression in self._traces.items():
            if expression is not None and _matches(expression, cell):
                _attach(cell, trace)

    def ended(self, cell: Cell) -> None:
        """End the traces of an actor alone that has ended for good."""
        table = cell.handlers
        if isinstance(table, TracingTable):
            for trace in table.traces:
                _detach(cell, trace)
                if self._traces.get(trace) is None:
                    trace.end("its actor ended")

    def end(self, why: str) -> None:
        """End all traces."""
        for trace in list(self._traces):
            trace.end(why)

    def _closed(self, trace: Trace) -> None:
        self._traces.pop(trace, None)
        if trace.actors:
            for cell in below(self._system.guardian):
                _detach(cell, trace)


def _attach(cell: Cell, trace: Trace) -> None:
    table = cell.handlers
    if not isinstance(table, TracingTable):
        table = cell.handlers = TracingTable(cell)
    table.traces += (trace,)
    trace.actors += 1


def _detach(cell: Cell, trace: Trace) -> None:
    table = cell.handlers
    if isinstance(table, TracingTable) and trace in table.traces:
        table.traces = tuple(each for each in table.traces if each is not trace)
        trace.actors -= 1
        if not table.traces:
            cell.handlers = table.table


def is_pattern(text: str) -> bool:
    """Whether a text has what patterns of paths are made with."""
    return "*" in text or "?" in text


def _matches(expression: re.Pattern[str], cell: Cell) -> bool:
    return expression.fullmatch(f"{cell.path}/") is not None
