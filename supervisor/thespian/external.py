"""The outside of a system as actors see it: an address whose messages a thread takes one by one."""

from __future__ import annotations

import queue
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import ActorSystemMessage, PoisonMessage, Thespian_ActorStatus, Thespian_SystemStatus

from supervisor.address import CellAddress, Seen
from supervisor.inspection.deadletters import DropReason

if TYPE_CHECKING:
    from supervisor.core.system import System

WAITING_MAX: Final = 100_000
"""What waits for a `listen` that may never come."""


class External(Seen):
    """Takes messages on the loop's thread and gives them to any other."""

    def __init__(self, system: System, name: str = "outside") -> None:
        self._system = system
        self._messages: queue.Queue[Any] = queue.Queue(WAITING_MAX)
        self.path = name
        self.address = CellAddress(self, next(system.numbers), system.key)

    def accept(self, message: Any, sender: Any) -> bool:
        if _is_internal(message):
            return True
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            self._system.dead_letter(DropReason.DROPPED_NEWEST, self.path, "outside", message, sender, None)
            return False
        return True

    offer = accept

    def turned_away(self, notice: Exception) -> None:
        """Do nothing: the drop is counted, and a teller does not wait."""

    def take(self, timeout: Any) -> Any:
        """Return the next message, None if none came in time; waits for ever without a timeout."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        if seconds is None:
            return self._messages.get()
        deadline = time.monotonic() + seconds
        try:
            return self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None


def _is_internal(message: Any) -> bool:
    """Whether Thespian never shows this to the outside."""
    if isinstance(message, PoisonMessage):
        message = message.poisonMessage
    shown = (Thespian_SystemStatus, Thespian_ActorStatus, PoisonMessage)
    return isinstance(message, ActorSystemMessage) and not isinstance(message, shown)
