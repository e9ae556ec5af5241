"""Asking an actor from a coroutine: a request with an address of its own for the one answer."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Final

from supervisor.address import CellAddress, Seen
from supervisor.core.supervised import SupervisedCell
from supervisor.errors import AskTimeout
from supervisor.freezing import check_message
from supervisor.inspection.deadletters import DropReason

if TYPE_CHECKING:
    from supervisor.core.system import System

_EXPIRED: Final = object()


class ReplyTarget(Seen):
    """Takes the first message as the answer; later ones are dead letters, never another ask's answer."""

    __slots__ = ("_future", "_system", "path")

    def __init__(self, system: System, future: asyncio.Future[Any], path: str) -> None:
        self._system = system
        self._future = future
        self.path = path

    def accept(self, message: Any, sender: Any) -> bool:
        if self._future.done():
            self._system.dead_letter(DropReason.DEAD, self.path, "ask", message, sender, None)
            return False
        self._future.set_result(message)
        return True

    offer = accept

    def hears(self, notice: type[Exception]) -> bool:
        return True

    def turned_away(self, notice: Exception) -> None:
        """Fail the ask at once: its request was not taken."""
        if not self._future.done():
            self._future.set_exception(notice)


async def ask(system: System, address: Any, message: Any, timeout_s: float, asker: str) -> Any:
    """Send a message and return the answer.

    Raises `AskTimeout`, `Refused`, `DeadActor`, `NotHandled` or `HandlerCrashed`.
    """
    if not 0 < timeout_s < math.inf:
        raise ValueError(f"timeout_s was {timeout_s}, expected a time above 0: no answer may ever come")
    target = system.target_of(address)
    if isinstance(target, SupervisedCell):
        check_message(message)
    future: asyncio.Future[Any] = system.scheduler.loop.create_future()
    reply_to = CellAddress(system.reply_class(system, future, f"{asker}?"), next(system.numbers), system.key)
    target.accept(message, reply_to)
    # Half of what `asyncio.timeout` would cost, which was most of an ask.
    timer = system.scheduler.loop.call_later(timeout_s, _expire, future)
    try:
        answer = await future
    finally:
        timer.cancel()
    if answer is _EXPIRED:
        raise AskTimeout(
            f"{asker} asked {system.target_of(address).path} for {timeout_s} s: "
            f"no answer to {type(message).__name__}"
        )
    return answer


def _expire(future: asyncio.Future[Any]) -> None:
    if not future.done():
        future.set_result(_EXPIRED)
