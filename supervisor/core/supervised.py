"""The cell of a supervised actor: incarnations come and go in it, address and mailbox stay."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Hashable, Mapping
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import ChildActorExited, WakeupMessage

from supervisor.abilities import passivation, timers
from supervisor.abilities.behaviours import Behaviour
from supervisor.abilities.breakers import Breaker
from supervisor.abilities.pipes import Pipe
from supervisor.abilities.timers import Timer
from supervisor.address import CellAddress
from supervisor.core import lifecycle, supervision
from supervisor.core.cell import (
    CRASH,
    DOZE,
    FINISH,
    HALT,
    OUT,
    PARKED,
    PASSIVE,
    START,
    STIR,
    SUSPENDED,
    WAITS,
    Cell,
)
from supervisor.core.overflow import refuse
from supervisor.core.queues import Item, put_back, put_urgent
from supervisor.errors import (
    HandlerCrashed,
    InjectedCrash,
    MailboxOverflow,
    NotHandled,
    NotInHandler,
    StashFull,
    SupervisorError,
    described,
)
from supervisor.inspection.deadletters import DropReason
from supervisor.inspection.tracetable import TracingTable
from supervisor.mailbox import Mailbox
from supervisor.policy import ExitReason, Restart, Supervision
from supervisor.signals import Terminated, Urgent
from supervisor.thespian.reference import ThespianRef

if TYPE_CHECKING:
    from supervisor.core.system import System

log: Final = logging.getLogger("supervisor")

URGENT_MAX: Final = 1_000
"""How many messages that overtake all others may wait."""
HISTORY_MAX: Final = 10
"""How many restarts are remembered one by one."""


class SupervisedCell(ThespianRef, Cell):
    """What the runtime keeps of a supervised actor. Fields that most actors never need start as None."""

    __slots__ = (
        "args",
        "behaviours",
        "breakers",
        "closing",
        "drained",
        "ending",
        "failures",
        "history",
        "last_error",
        "own_restart_times",
        "pipes",
        "random",
        "recovery",
        "restart",
        "restarts",
        "running",
        "shutdown_s",
        "started_at",
        "stash",
        "successor",
        "timers",
        "watching",
    )

    def __init__(
        self,
        system: System,
        parent: Cell,
        name: str,
        cls: Any,
        args: Any,
        *,
        mailbox: Mailbox,
        restart: Restart,
        shutdown_s: float,
    ) -> None:
        super().__init__(system, parent, name, cls, mailbox)
        self.handlers = cls.handler_table
        self.args = args
        self.restart = restart
        self.shutdown_s = shutdown_s
        self.failures = 0
        self.history: tuple[tuple[float, str], ...] = ()
        self.restarts = 0
        self.running = False
        self.started_at = 0.0
        self.last_error: BaseException | None = None
        self.timers: dict[Hashable, Timer] | None = None
        self.pipes: dict[Pipe, None] | None = None
        self.stash: deque[Item] | None = None
        self.behaviours: tuple[Behaviour, ...] | None = None
        self.breakers: dict[str, Breaker] | None = None
        self.random: Random | None = None
        self.own_restart_times: deque[float] | None = None
        self.recovery: supervision.Recovery | None = None
        self.closing: asyncio.Future[None] | None = None
        self.ending: asyncio.Future[bool] | None = None
        self.drained: asyncio.Future[None] | None = None
        self.successor: SupervisedCell | None = None
        self.watching: dict[CellAddress, None] | None = None

    @property
    def supervision(self) -> Supervision:
        policy: Supervision = self.cls.supervision
        return policy

    @property
    def at_rest(self) -> bool:
        """Whether the incarnation can end at once, with nothing to wait for."""
        return not self.children and not self.pipes and self.ending is None

    # --- for the scheduler ---

    def attend(self) -> bool:
        attention = self.attention
        if attention & PARKED:
            self.attention |= OUT
            return False
        if attention & START or (self.queue and attention & (PASSIVE | SUSPENDED) == PASSIVE):
            return lifecycle.start(self) and self.attend()
        if attention & STIR:
            self.attention &= ~STIR
            self.system.sweeper.watch(self, self.cls.passivate_after_s)
            return self.attend()
        if attention & DOZE:
            self.attention &= ~DOZE
            if not attention & FINISH and passivation.is_free(self):
                lifecycle.passivate(self)
            return self.attend()
        if attention & HALT:
            self.attention &= ~HALT
            full = MailboxOverflow(f"{self.path}: its mailbox of {self.mailbox.capacity} overflowed")
            self._fail(full, None, escalate=True)
            return False
        if attention & FINISH:
            self.attention &= ~FINISH
            supervision.finished(self)
            return False
        if attention & SUSPENDED:
            self.scheduled = False
            return False
        if attention & CRASH and self.queue:
            self.attention &= ~CRASH
            self.crashed(InjectedCrash("crashed by the simulation"), self.queue.popleft())
            return False
        if self.queue:
            return True
        self.scheduled = False
        return False

    def crashed(self, error: BaseException, item: Item | None) -> None:
        self._fail(error, item, escalate=False)

    def _fail(self, error: BaseException, item: Item | None, *, escalate: bool) -> None:
        self.attention |= PARKED
        if self.scheduler.cell is self:
            self.attention |= OUT
        try:
            lifecycle.trim_traceback(error)
            self.scheduler.let_go(error)
            self.last_error = error
            if item is not None:
                self._quarantine(item, error)
            if log.isEnabledFor(logging.WARNING):
                what = "no message" if item is None else type(item[0]).__name__
                log.warning("%s (%s) failed on %s: %s", self.path, self.kind, what, described(error))
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # of the error's own code, or of the message's
            error = SupervisorError(f"what it failed with raises {type(failure).__name__} when looked at")
            self.last_error = error
            log.warning("%s (%s) failed: %s", self.path, self.kind, error)
        supervision.failed(self, error, escalate=escalate)

    def _quarantine(self, item: Item, error: BaseException) -> None:
        message, sender, _ = item
        if self.stash and self.stash[-1] is item:
            self.stash.pop()  # put aside, then crashed on: it is not tried again either
        self.drop(DropReason.CRASHED, message, sender, error)
        target = getattr(sender, "cell", None)
        if target is not None and target is not self and target.hears(HandlerCrashed):
            target.turned_away(HandlerCrashed(type(message).__name__, self.address, self.path))

    # --- messages ---

    def leave_unhandled(self, reason: DropReason, message: Any, sender: Any, why: str) -> None:
        """Drop a message that the actor's class has no use for, and tell a sender that listens for that."""
        self.drop(reason, message, sender)
        target = getattr(sender, "cell", None)
        if target is not None and target is not self and target.hears(NotHandled):
            target.turned_away(NotHandled(type(message).__name__, self.address, self.path, why))

    def use(self, table: Mapping[type, Any]) -> None:
        """Handle by this table from the next message on; a trace goes on standing in front of it."""
        handlers = self.handlers
        if isinstance(handlers, TracingTable):
            handlers.table = table
        else:
            self.handlers = table

    def hand_over(self, message: Any, sender: Any) -> None:
        """Let the actor handle a message that came in an envelope, as if it had come by itself."""
        self.scheduler.current = (message, sender, self.scheduler.now)
        self.handlers[type(message)](self.actor, message, sender)

    def put_urgent(self, message: Any, sender: Any) -> None:
        """Take a message that overtakes all but other urgent ones; refuse it if very many of these wait."""
        self.open()
        self.schedule()
        item = (Urgent(message), sender, self.scheduler.now)
        if not put_urgent(self.queue, item, Urgent, URGENT_MAX):
            refuse(self, message, sender, URGENT_MAX)

    def hears(self, notice: type[Exception]) -> bool:
        heard: bool = self.cls.handler_table.takes(notice)
        return heard

    def turned_away(self, notice: Exception) -> None:
        if self.hears(type(notice)):
            self.put(notice, self.address)

    def stash_current(self) -> None:
        """Put the message being handled aside."""
        current = self.scheduler.current
        if current is None or self.scheduler.cell is not self:
            raise NotInHandler(f"{self.path}: stash() puts the message being handled aside, and none is")
        if self.stash is None:
            self.stash = deque()
        if self.stash and self.stash[-1] is current:
            raise NotInHandler(f"{self.path}: the message being handled has been put aside already")
        if len(self.stash) >= self.mailbox.capacity:
            raise StashFull(
                f"{self.path}: its stash holds {len(self.stash)} messages, as many as its mailbox"
            )
        self.stash.append(current)

    def unstash(self) -> None:
        """Put all that was put aside in front again, in its order."""
        stash, self.stash = self.stash, None
        if stash:
            self.open()
            put_back(self.queue, stash)

    # --- ends ---

    def begin_stop(self, *, drain: bool) -> asyncio.Future[None]:
        return lifecycle.begin_stop(self, drain=drain)

    def finish_soon(self) -> None:
        """End the incarnation before the next message, by the actor's own wish."""
        self.attention |= FINISH
        self.schedule()

    def doze_off(self) -> None:
        """Give up the incarnation after the message being handled, if it is free to."""
        self.attention |= DOZE
        self.schedule()

    def kill(self, reason: ExitReason) -> None:
        lifecycle.kill(self, reason)

    def as_supervised(self) -> SupervisedCell:
        return self

    def make_way(self) -> None:
        """Let who was spawned under its name begin, or wait on for whom it had still been waiting itself."""
        successor, self.successor = self.successor, None
        assert successor is not None
        if self.attention & WAITS:
            siblings = (self.parent.children or {}).values() if self.parent is not None else ()
            for sibling in siblings:
                earlier = sibling.as_supervised()
                if earlier is not None and earlier.successor is self:
                    earlier.successor = successor
                    return
        successor.attention &= ~WAITS
        successor.unpark()

    def leave_recovery(self) -> None:
        """Let no restart that is under way begin an incarnation any more."""
        recovery, self.recovery = self.recovery, None
        if recovery is not None:
            recovery.lose()

    def note_restart(self, because: str) -> None:
        """Remember that an incarnation begins in place of another, among the last few times it did."""
        self.restarts += 1
        self.history = (*self.history[1 - HISTORY_MAX :], (self.scheduler.now, because))

    def suspend(self) -> None:
        """Handle no message until `resume`; they keep coming in, under the mailbox's policy."""
        self.attention |= SUSPENDED

    def resume(self) -> None:
        """Go on after `suspend`."""
        self.attention &= ~SUSPENDED
        if self.queue or self.attention:
            self.schedule()

    def escalate(self, child: Cell, error: BaseException) -> None:
        self._fail(error, None, escalate=False)

    @property
    def is_stopping(self) -> bool:
        return self.closing is not None

    @property
    def is_leaving(self) -> bool:
        leaves = self.closing is not None or self.ending is not None or self.recovery is not None
        return leaves or bool(self.attention & PASSIVE)

    def wakeupAfter(self, period: Any, payload: Any) -> None:
        """Set one of Thespian's wakeups: a timer like any other, under a key of its own."""
        delay = period if isinstance(period, timedelta) else timedelta(seconds=period)
        timers.set_timer(
            self, object(), max(0.0, delay.total_seconds()), WakeupMessage(delay, payload), every=False
        )

    # --- children and watched ones ---

    def terminated(self, child: Cell, reason: ExitReason) -> None:
        if self.attention & STIR:
            self.schedule()
        # A new incarnation is not told of the children of the one that ends.
        if self.running and self.ending is None and self.cls.handler_table.takes(ChildActorExited):
            self.put(ChildActorExited(child.address), self.system.systemAddress)

    def notify(self, epoch: int, notice: Any) -> None:
        """Tell an incarnation of something, if it is there and its class handles such notices."""
        if self.epoch == epoch and not self.is_dead and self.cls.handler_table.takes(type(notice)):
            self.put(notice, self.address)

    def unwatch_all(self) -> None:
        """Have those that live on forget who watched them."""
        watching, self.watching = self.watching, None
        for address in watching or ():
            target = address.cell
            if isinstance(target, Cell) and target.watchers is not None:
                target.watchers.pop(self, None)

    def notify_terminated(self, epoch: int, address: Any, path: str, reason: ExitReason) -> None:
        """Tell the incarnation that watched another actor that it is gone."""
        if self.watching is not None:
            self.watching.pop(address, None)
        if self.epoch == epoch and not self.is_dead:
            self.put(Terminated(address, path, reason), address)

    @property
    def state(self) -> str:
        if self.closing is not None:
            return "stopping"
        if self.recovery is not None:
            return "restarting"
        if self.attention & (PASSIVE | SUSPENDED) == PASSIVE:
            return "passive"
        if self.attention & START or not (self.running or self.attention & PASSIVE):
            return "starting"
        return "suspended" if self.attention & (PARKED | SUSPENDED) else "running"
