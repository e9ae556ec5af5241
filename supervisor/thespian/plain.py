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
    from supervisor.base import AsyncioSystemBase

log: Final = logging.getLogger("supervisor")

PLAIN_MAILBOX: Final = Mailbox(capacity=1_000_000, overflow=Overflow.DROP_NEWEST)
"""Thespian declares no bound; this one only keeps a runaway sender from taking all memory."""
SHUTDOWN_S: Final = 5.0
"""What an actor that the system or a supervised parent stops may take, all that waits for it included."""

Outcome = tuple[Any, Exception | None]
"""What `receiveMessage` returned, or why it failed twice."""


class _Everything(dict[type, Any]):
    """A table with one handler for all types."""

    def __missing__(self, message_type: type) -> Any:
        return _receive


def _receive(actor: Any, message: Any, sender: Any) -> None:
    actor._myRef.receive(message, sender)


_TABLE: Final = _Everything()


class PlainCell(ThespianRef, Cell):
    """Runs `receiveMessage` of a Thespian actor."""

    system: AsyncioSystemBase

    __slots__ = ("closing", "deadline", "exiting", "readers", "source_hash", "wakeups")

    def __init__(
        self,
        system: AsyncioSystemBase,
        parent: Cell,
        name: str,
        cls: Any,
        source_hash: str | None = None,
    ) -> None:
        super().__init__(system, parent, name, cls, PLAIN_MAILBOX)
        self.handlers = _TABLE
        self.source_hash = source_hash
        self.exiting = False
        self.readers: tuple[int, ...] = ()
        self.wakeups: dict[asyncio.TimerHandle, Any] = {}
        self.closing: asyncio.Future[None] | None = None
        self.deadline: asyncio.TimerHandle | None = None

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
        if self.is_for_actor(message, sender):
            self.settle(message, sender, self.attempt(message, sender))

    def is_for_actor(self, message: Any, sender: Any) -> bool:
        """Whether the actor itself handles the message; with any other this has dealt."""
        if not self.exiting:
            if type(message) is not Thespian_StatusReq:
                return True
            self.actor_send(sender, self._status())
        elif isinstance(message, ChildActorExited):
            return True
        elif not isinstance(message, ActorExitRequest | DeadEnvelope):
            self.drop(DropReason.DEAD, message, sender)
        return False

    def attempt(self, message: Any, sender: Any) -> Outcome:
        """Call the actor, and once more if it fails."""
        try:
            return self.actor.receiveMessage(message, sender), None
        except Exception as error:
            log.warning(
                "%s (%s) failed on %s: %s; once more",
                self.path,
                self.kind,
                type(message).__name__,
                type(error).__name__,
            )
        try:
            return self.actor.receiveMessage(message, sender), None
        except Exception as error:
            return None, error

    def settle(self, message: Any, sender: Any, outcome: Outcome) -> None:
        """Do what follows from a message that the actor has handled."""
        result, error = outcome
        if error is not None:
            self._poison(message, sender, error)
        elif result is not None or self.readers:
            self._watch_files(result)
        if isinstance(message, ActorExitRequest):
            self._exit(message)
        elif self.exiting and isinstance(message, ChildActorExited) and not self.children:
            self.kill(ExitReason.STOPPED)

    def _poison(self, message: Any, sender: Any, error: Exception) -> None:
        self.drop(DropReason.CRASHED, message, sender, error)
        returnable = not isinstance(message, PoisonMessage | ActorExitRequest | ChildActorExited)
        if returnable and sender is not None:
            details = "".join(traceback.format_exception(error))
            self.actor_send(sender, PoisonMessage(message, details))

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
            loop = self.scheduler.loop
            self.closing = loop.create_future()
            self.deadline = loop.call_later(SHUTDOWN_S, self._overdue)
            self.put(ActorExitRequest(), self.system.systemAddress)
        return self.closing

    def _overdue(self) -> None:
        log.error("%s (%s): did not end within %s s", self.path, self.kind, SHUTDOWN_S)
        self.kill(ExitReason.KILLED)

    def kill(self, reason: ExitReason) -> None:
        if self.is_dead:
            return
        self.exiting = True
        for child in reversed(list((self.children or {}).values())):
            child.kill(ExitReason.KILLED)
        self._forget_files()
        for handle in self.wakeups:
            handle.cancel()
        if self.deadline is not None:
            self.deadline.cancel()
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
