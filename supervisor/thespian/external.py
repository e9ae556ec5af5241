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
    from supervisor.base import AsyncioSystemBase
    from supervisor.core.system import System

WAITING_MAX: Final = 100_000
"""What waits for a `listen` that may never come."""
_CLOSED_CHECK_S: Final = 0.5
"""How often who waits for a message looks whether there still is a system."""


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
        """Return the next message, None if none came in time or none can come any more."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = float("inf") if seconds is None else time.monotonic() + seconds
        while True:
            remaining_s = max(0.0, deadline - time.monotonic())
            try:
                return self._messages.get(timeout=min(remaining_s, _CLOSED_CHECK_S))
            except queue.Empty:
                if remaining_s <= _CLOSED_CHECK_S or self._system.is_over:
                    return None


class PrivateEndpoint:
    """One thread's own view of a system: what is answered to it goes to no other."""

    def __init__(self, system: AsyncioSystemBase) -> None:
        self._system = system
        self._external = External(system, "outside (private)")

    def tell(self, address: Any, message: Any) -> None:
        self._system.deliver(address, message, self._external.address)

    def ask(self, address: Any, message: Any, timeout: Any = None) -> Any:
        return self._system.ask_as(self._external, address, message, timeout)

    def listen(self, timeout: Any = None) -> Any:
        self._system.home.check_may_block("listen", "await base.ask(...) instead")
        return self._external.take(timeout)

    def newPrimaryActor(self, cls: Any, requirements: Any, global_name: Any, source_hash: Any) -> Any:
        return self._system.newPrimaryActor(cls, requirements, global_name, source_hash)

    def exit_context(self) -> None:
        """Let what is still sent here become dead letters."""
        address = self._external.address
        address.cell = self._system.dead_address(self._external.path).cell


def _is_internal(message: Any) -> bool:
    """Whether Thespian never shows this to the outside."""
    if isinstance(message, PoisonMessage):
        message = message.poisonMessage
    shown = (Thespian_SystemStatus, Thespian_ActorStatus, PoisonMessage)
    return isinstance(message, ActorSystemMessage) and not isinstance(message, shown)
