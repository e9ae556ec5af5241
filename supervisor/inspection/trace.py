"""A live trace: what traced actors handle, one event each, within limits that no flood can pass.

Its reader may be slow or gone: what is not read in time is dropped and counted, and the trace ends by
itself after its limit of events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from supervisor.errors import BadTrace

if TYPE_CHECKING:
    from supervisor.core.threads import Home

Call = Callable[..., Any]
"""Calls a function with arguments on the loop's thread and returns its result."""

EVENTS_WAITING_MAX: Final = 1_000
LIMIT_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that was sent in a handler."""

    message_type: str
    target: str
    """The path of whom it was sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEvent:
    """One message handled by a traced actor."""

    serial: int
    at_ns: int
    """When its handler was done."""
    path: str
    kind: str
    message_type: str
    via: str
    """What it came in if not as a plain message: Timer, Pipe (a coroutine's result), Urgent."""
    sender: str
    waited_s: float
    """How long it was in the mailbox."""
    took_s: float
    """How long its handler ran; 0 in simulations."""
    error: str
    """The type of what the handler raised, empty if it did not, and for plain Thespian actors."""
    sent: tuple[Sent, ...]
    sent_more: int
    """Messages it sent beyond those listed."""
    contents: str
    """The message in its own words, empty unless asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceInfo:
    """A trace, as it stands."""

    number: int
    pattern: str
    actors: int
    """Traced now."""
    events: int
    limit: int
    skipped: int
    """Messages beyond the rate, handled without an event."""
    lost: int
    """Events dropped because nobody read them in time."""
    ended: str
    """Why it ended, empty while it goes on."""


class Trace:
    """What comes of `Inspector.trace`: iterate over it on the system's loop, or `take` from any thread.

    Use it as a context, or `close` it.
    """

    def __init__(
        self,
        home: Home,
        call: Call,
        closed: Callable[[Trace], None],
        *,
        number: int,
        pattern: str,
        limit: int,
        per_second_max: int,
        contents: bool,
    ) -> None:
        if not 1 <= limit <= LIMIT_MAX:
            raise BadTrace(f"limit was {limit}, expected from 1 to {LIMIT_MAX} events")
        if per_second_max < 1:
            raise BadTrace(f"per_second_max was {per_second_max}, expected at least 1")
        self.number = number
        self.pattern = pattern
        self.limit = limit
        self.per_second_max = per_second_max
        self.contents = contents
        self.actors = 0
        self._home = home
        self._call = call
        self._closed = closed
        self._events: deque[TraceEvent] = deque()
        self._count = 0
        self._skipped = 0
        self._lost = 0
        self._ended = ""
        self._second_ends = 0.0
        self._in_second = 0
        self._reader: asyncio.Future[None] | None = None

    # --- for the reader ---

    def take(self) -> tuple[TraceEvent, ...]:
        """Return the events that nobody has read yet; from any thread."""
        events: tuple[TraceEvent, ...] = self._call(self._take)
        return events

    def info(self) -> TraceInfo:
        """Return how the trace stands; from any thread."""
        info: TraceInfo = self._call(self.shown)
        return info

    def close(self) -> None:
        """Trace no more; what was not read can still be. From any thread."""
        self._call(self.end, "closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TraceEvent:
        if not self._home.is_here:
            raise BadTrace("a trace is iterated over on its system's loop; elsewhere call take()")
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            if self._reader is None:
                self._reader = self._home.loop.create_future()
            await asyncio.shield(self._reader)
        return self._events.popleft()

    # --- for the tracer, on the loop's thread ---

    def admits(self, now: float) -> bool:
        """Whether the next message makes an event; counts it as skipped if there are too many a second."""
        if now >= self._second_ends:
            self._second_ends = now + 1.0
            self._in_second = 0
        if self._in_second >= self.per_second_max:
            self._skipped += 1
            return False
        self._in_second += 1
        return True

    @property
    def next_serial(self) -> int:
        return self._count + 1

    def add(self, event: TraceEvent) -> None:
        """Take an event; the last within the limit ends the trace."""
        if self._ended:
            return
        self._count += 1
        if len(self._events) >= EVENTS_WAITING_MAX:
            self._events.popleft()
            self._lost += 1
        self._events.append(event)
        self._wake()
        if self._count >= self.limit:
            self.end("limit reached")

    def end(self, why: str) -> None:
        """Trace no more, for a reason; only the first counts."""
        if not self._ended:
            self._ended = why
            self._closed(self)
            self._wake()

    def shown(self) -> TraceInfo:
        return TraceInfo(
            number=self.number,
            pattern=self.pattern,
            actors=self.actors,
            events=self._count,
            limit=self.limit,
            skipped=self._skipped,
            lost=self._lost,
            ended=self._ended,
        )

    def _take(self) -> tuple[TraceEvent, ...]:
        taken = tuple(self._events)
        self._events.clear()
        return taken

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)
