"""Messages of one sender to one target that a simulation holds back, in the order sent."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supervisor.simulation.transport import FaultyCell


class _Held:
    __slots__ = ("behind", "due", "message", "sender")

    def __init__(self, message: Any, sender: Any, due: float, behind: int) -> None:
        self.message = message
        self.sender = sender
        self.due = due
        self.behind = behind


class Line:
    """Its head waits for its time or for enough others to have passed; the rest waits behind it.

    Enters itself with its target and in the register, and leaves both with its last message.
    """

    def __init__(self, cell: FaultyCell, sender_path: str, register: dict[Line, None]) -> None:
        self._cell = cell
        self._sender_path = sender_path
        self._register = register
        self._held: deque[_Held] = deque()
        self._timer: asyncio.TimerHandle | None = None
        if cell.lines is None:
            cell.lines = {}
        cell.lines[sender_path] = self
        register[self] = None

    def append(self, message: Any, sender: Any, by_s: float, behind: int) -> None:
        """Hold a message back for a time, or until as many as `behind` have passed it before."""
        loop = self._cell.scheduler.loop
        self._held.append(_Held(message, sender, loop.time() + by_s, behind))
        if self._timer is None:
            self._timer = loop.call_at(self._held[0].due, self._flow)

    def let_pass(self) -> None:
        """Take note that another sender's message has overtaken the head."""
        head = self._held[0]
        if head.behind:
            head.behind -= 1
            if not head.behind:
                head.due = self._cell.scheduler.loop.time()
                self._flow()

    def release(self) -> None:
        """Deliver everything now."""
        for held in self._held:
            held.due = 0.0
        self._flow()

    def _flow(self) -> None:
        loop, held = self._cell.scheduler.loop, self._held
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while held and held[0].due <= loop.time():
            first = held.popleft()
            self._cell.arrive(first.message, first.sender)
        if held:
            self._timer = loop.call_at(held[0].due, self._flow)
            return
        self._register.pop(self, None)
        lines = self._cell.lines
        if lines is not None and lines.get(self._sender_path) is self:
            del lines[self._sender_path]
            if not lines:
                self._cell.lines = None
