"""How an actor is traced: a table in front of its own handlers, there only while it is traced.

An actor that nobody traces pays nothing. The table stays through restarts, and through a change of the
actor's own handlers, which it merely stands before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from supervisor.inspection.letters import contents_of, path_of
from supervisor.inspection.trace import Sent, Trace, TraceEvent
from supervisor.signals import RuntimeItem

if TYPE_CHECKING:
    from supervisor.core.cell import Cell

SENT_MAX: Final = 32
"""What is listed of the messages sent in one handler."""

_SENDING: Final = ("send", "try_send", "send_urgent", "forward")


class TracingTable(dict[type, Any]):
    """Stands where the handlers of a traced actor were; calls them, and tells the traces."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell
        self.table: Mapping[type, Any] = cell.handlers
        self.traces: tuple[Trace, ...] = ()
        self._via = ""

    def __missing__(self, message_type: type) -> Callable[[Any, Any, Any], Any]:
        return self._handle

    def _handle(self, actor: Any, message: Any, sender: Any) -> None:
        if isinstance(message, RuntimeItem):
            self._open(actor, message, sender)
            return
        via, self._via = self._via, ""
        self._observe(actor, message, sender, via)

    def _open(self, actor: Any, envelope: RuntimeItem, sender: Any) -> None:
        """Let an envelope be opened, which brings what is in it here; one that fails to open is an event."""
        self._via = type(envelope).__name__
        try:
            self.table[type(envelope)](actor, envelope, sender)
        except BaseException as error:
            if self._via:
                self._tell(self._admitting(), envelope, sender, "", 0.0, error, _Sends())
            raise
        finally:
            self._via = ""

    def _observe(self, actor: Any, message: Any, sender: Any, via: str) -> None:
        traces = self._admitting()
        if not traces:
            self.table[type(message)](actor, message, sender)
            return
        clock = self.cell.scheduler.clock
        sends = _Sends()
        failure: BaseException | None = None
        sends.attach(actor)
        began = clock()
        try:
            self.table[type(message)](actor, message, sender)
        except BaseException as error:
            failure = error
            raise
        finally:
            took_s = clock() - began
            sends.detach(actor)
            self._tell(traces, message, sender, via, took_s, failure, sends)
            failure = None

    def _admitting(self) -> list[Trace]:
        now = self.cell.scheduler.now
        return [trace for trace in self.traces if trace.admits(now)]

    def _tell(
        self,
        traces: list[Trace],
        message: Any,
        sender: Any,
        via: str,
        took_s: float,
        error: BaseException | None,
        sends: _Sends,
    ) -> None:
        cell = self.cell
        scheduler = cell.scheduler
        item = scheduler.current
        for trace in traces:
            trace.add(
                TraceEvent(
                    serial=trace.next_serial,
                    at_ns=cell.system.clock.now_ns(),
                    path=cell.path,
                    kind=cell.kind,
                    message_type=type(message).__name__,
                    via=via,
                    sender=path_of(sender),
                    waited_s=max(0.0, scheduler.now - item[2]) if item is not None else 0.0,
                    took_s=took_s,
                    error=type(error).__name__ if error is not None else "",
                    sent=tuple(sends.seen),
                    sent_more=sends.more,
                    contents=contents_of(message) if trace.contents else "",
                )
            )


class _Sends:
    """Notes what an actor sends while it is attached: the actor's own methods of sending go through it."""

    __slots__ = ("_own", "more", "seen")

    def __init__(self) -> None:
        self.seen: list[Sent] = []
        self.more = 0
        self._own: dict[str, Any] = {}

    def attach(self, actor: Any) -> None:
        fields = actor.__dict__
        for name in _SENDING:
            if name in fields:
                self._own[name] = fields[name]
            method = getattr(actor, name, None)
            if method is not None:
                fields[name] = self._noting(method)

    def detach(self, actor: Any) -> None:
        for name in _SENDING:
            actor.__dict__.pop(name, None)
        actor.__dict__.update(self._own)

    def _noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **named: Any) -> Any:
            address, message = [*arguments, *named.values()][:2]
            if len(self.seen) < SENT_MAX:
                self.seen.append(Sent(type(message).__name__, path_of(address)))
            else:
                self.more += 1
            return method(*arguments, **named)

        return noting
