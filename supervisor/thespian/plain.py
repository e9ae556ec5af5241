"""The cell of a plain Thespian actor, with Thespian's own semantics and no supervision.

A message that fails is tried once more at once; the second failure returns it to its sender as a
PoisonMessage. An actor ends by ActorExitRequest only.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import (
    ActorExitRequest,
    ActorSystemMessage,
    ChildActorExited,
    DeadEnvelope,
    PoisonMessage,
    Thespian_ActorStatus,
    Thespian_StatusReq,
    ThespianWatch,
    WakeupMessage,
    WatchMessage,
)
from thespian.system.timing import ExpirationTimer

from supervisor.core.cell import OUT, PARKED, Cell
from supervisor.core.queues import Item
from supervisor.inspection.deadletters import DropReason
from supervisor.mailbox import Mailbox, Overflow
from supervisor.policy import ExitReason
from supervisor.thespian.reference import ThespianRef

if TYPE_CHECKING:
    from supervisor.core.system import System

log: Final = logging.getLogger("supervisor")

PLAIN_MAILBOX: Final = Mailbox(capacity=1_000_000, overflow=Overflow.DROP_NEWEST)
"""Thespian declares no bound; this one only keeps a runaway sender from taking all memory."""


class _Everything(dict[type, Any]):
    """A table with one handler for all types."""

    def __missing__(self, message_type: type) -> Any:
        return _receive


def _receive(actor: Any, message: Any, sender: Any) -> None:
    actor._myRef.receive(message, sender)


_TABLE: Final = _Everything()


class PlainCell(ThespianRef, Cell):
    """Runs `receiveMessage` of a Thespian actor."""

    __slots__ = ("closing", "exiting", "readers", "wakeups")

    def __init__(self, system: System, parent: Cell, name: str, cls: Any) -> None:
        super().__init__(system, parent, name, cls, PLAIN_MAILBOX)
        self.handlers = _TABLE
        self.exiting = False
        self.readers: tuple[int, ...] = ()
        self.wakeups: dict[asyncio.TimerHandle, Any] = {}
        self.closing: asyncio.Future[None] | None = None

    @property
    def is_leaving(self) -> bool:
        return self.exiting

    @property
    def is_stopping(self) -> bool:
        return self.exiting

    # --- for the scheduler ---

    def attend(self) -> bool:
        if self.attention & PARKED:
            self.attention |= OUT
            return False
        if self.queue:
            return True
        self.scheduled = False
        return False

    def crashed(self, error: BaseException, item: Item | None) -> None:
        # Only what is no Exception comes here: the actor asked for the end of its process.
        log.warning("%s (%s) ended by %s", self.path, self.kind, type(error).__name__)
        self.kill(ExitReason.FAILED)

    # --- messages ---

    def receive(self, message: Any, sender: Any) -> None:
        """Let the actor handle a message as Thespian does."""
        if isinstance(message, ActorSystemMessage):
            self._receive_system(message, sender)
        elif self.exiting:
            self.drop(DropReason.DEAD, message, sender)
        else:
            self._call(message, sender)

    def _receive_system(self, message: Any, sender: Any) -> None:
        if isinstance(message, ActorExitRequest):
            if not self.exiting:
                self._call(message, sender)
                self._exit(message)
        elif isinstance(message, ChildActorExited):
            self._call(message, sender)
            if self.exiting and not self.children:
                self.kill(ExitReason.STOPPED)
        elif self.exiting:
            if not isinstance(message, DeadEnvelope):
                self.drop(DropReason.DEAD, message, sender)
        elif type(message) is Thespian_StatusReq:
            self.actor_send(sender, self._status())
        else:
            self._call(message, sender)

    def _call(self, message: Any, sender: Any) -> None:
        try:
            result = self.actor.receiveMessage(message, sender)
        except Exception as first:
            log.warning(
                "%s (%s) failed on %s: %s; once more",
                self.path,
                self.kind,
                type(message).__name__,
                type(first).__name__,
            )
            try:
                result = self.actor.receiveMessage(message, sender)
            except Exception as second:
                self._poison(message, sender, second)
                return
        self._watch_files(result)

    def _poison(self, message: Any, sender: Any, error: Exception) -> None:
        self.drop(DropReason.CRASHED, message, sender, error)
        returnable = not isinstance(message, PoisonMessage | ActorExitRequest | ChildActorExited)
        if returnable and sender is not None:
            self.actor_send(sender, PoisonMessage(message, traceback.format_exc()))

    def wakeupAfter(self, period: Any, payload: Any) -> None:
        delay = period if isinstance(period, timedelta) else timedelta(seconds=period)

        def wake_up() -> None:
            del self.wakeups[handle]
            self.put(WakeupMessage(delay, payload), self.address)

        handle = self.scheduler.loop.call_later(delay.total_seconds(), wake_up)
        self.wakeups[handle] = ExpirationTimer(delay)

    def _status(self) -> Any:
        status = Thespian_ActorStatus(self.address, self.kind, self.system.systemAddress)
        for child in (self.children or {}).values():
            status.addChild(child.address)
        status.addWakeups([(self.address, timer) for timer in self.wakeups.values()])
        return status

    # --- files ---

    def _watch_files(self, result: Any) -> None:
        wanted = tuple(result.filenos) if isinstance(result, ThespianWatch) else ()
        if wanted == self.readers:
            return
        self._forget_files()
        try:
            for fileno in wanted:
                self.scheduler.loop.add_reader(fileno, self._file_ready, fileno)
                self.readers += (fileno,)
        except (ValueError, TypeError, OSError, NotImplementedError) as error:
            log.warning("%s (%s): cannot watch a file: %s", self.path, self.kind, type(error).__name__)

    def _forget_files(self) -> None:
        readers, self.readers = self.readers, ()
        for fileno in readers:
            self.scheduler.loop.remove_reader(fileno)

    def _file_ready(self, fileno: int) -> None:
        # The actor's next result says anew what to watch; until then a ready file must not spin the loop.
        self._forget_files()
        self.put(WatchMessage([fileno]), self.address)

    # --- ends ---

    def _exit(self, request: Any) -> None:
        self.exiting = True
        if not request.isRecursive:
            self.system.guardian.adopt(self)
        if not self.children:
            self.kill(ExitReason.STOPPED)
            return
        for child in list(self.children.values()):
            child.begin_stop(drain=True)

    def begin_stop(self, *, drain: bool) -> asyncio.Future[None]:
        if self.closing is None:
            self.closing = self.scheduler.loop.create_future()
            self.put(ActorExitRequest(), self.system.systemAddress)
        return self.closing

    def kill(self, reason: ExitReason) -> None:
        if self.is_dead:
            return
        self.exiting = True
        for child in reversed(list((self.children or {}).values())):
            child.kill(ExitReason.KILLED)
        self._forget_files()
        for handle in self.wakeups:
            handle.cancel()
        waiting = self.bury()
        self.system.terminated(self, reason)
        for message, sender, _ in waiting:
            self.drop(DropReason.DEAD, message, sender)
        if self.closing is not None and not self.closing.done():
            self.closing.set_result(None)

    def terminated(self, child: Cell, reason: ExitReason) -> None:
        self.put(ChildActorExited(child.address), self.system.systemAddress)

    def escalate(self, child: Cell, error: BaseException) -> None:
        # A plain actor cannot be made to fail; it hears of the end as Thespian has it.
        child.kill(ExitReason.FAILED)
