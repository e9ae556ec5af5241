"""A cell: the place of one actor in the tree and what its address points at, across all its restarts.

It takes messages and says whether there is something to do; the scheduler handles them, `lifecycle` starts
and ends what lives in it. A cell is touched on its loop's thread only.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from supervisor.address import CellAddress
from supervisor.core.overflow import overflowed
from supervisor.core.queues import CoalescingQueue, Item, Queue, SheddingQueue
from supervisor.errors import DeadActor
from supervisor.inspection.deadletters import DropReason
from supervisor.mailbox import Mailbox, Overflow
from supervisor.policy import ExitReason, Supervision

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell
    from supervisor.core.system import System

ROOT_NAME: Final = "root"
"""The name that paths leave out."""

# What a cell must be asked about before its next message; bits of `attention`.
PARKED: Final = 1  # handles nothing for now
OUT: Final = 2  # parked and not in the run queue, though `scheduled` keeps senders from putting it there
START: Final = 4  # begins an incarnation
FINISH: Final = 8  # asked for its own end
CRASH: Final = 16  # its next message crashes it, by order of a simulation
HALT: Final = 32  # its mailbox overflowed and must not
SUSPENDED: Final = 64  # handles no message by order from outside, through restarts, until resumed
PASSIVE: Final = 128  # has no incarnation until a message comes
DOZE: Final = 256  # asked to be passive
STIR: Final = 512  # was idle but not free to be passive; to be looked after again when something happens
BUSY: Final = 1024  # a thread handles its current message
WAITS: Final = 2048  # parked until an earlier actor of its name has ended

_UNOPENED: Final[deque[Item]] = deque(maxlen=0)
"""The queue of cells that have none: an empty deque is the largest part of an idle actor."""

_DEFAULT_SUPERVISION: Final = Supervision()


class Cell:
    """What all kinds of actors have in common: a name, a mailbox, children and watchers."""

    __slots__ = (
        "__weakref__",
        "actor",
        "address",
        "attention",
        "busy_s",
        "children",
        "cls",
        "congested",
        "epoch",
        "handled",
        "handlers",
        "limit",
        "mailbox",
        "name",
        "parent",
        "queue",
        "restart_times",
        "room",
        "scheduled",
        "scheduler",
        "system",
        "waiters",
        "watchers",
    )

    handlers: Mapping[type, Any]
    actor: Any
    limit: int
    """How many may wait before `accept` has to look closer."""
    room: int
    """The same for senders, who put messages into the queue themselves up to it; 0 if all have to be seen."""
    sees_all: ClassVar[bool] = False
    """Whether every message has to come by `accept`, because a class has its own."""

    def __init__(self, system: System, parent: Cell | None, name: str, cls: Any, mailbox: Mailbox) -> None:
        self.system = system
        self.scheduler = system.scheduler
        self.parent = parent
        self.name = name
        self.cls = cls
        self.mailbox = mailbox
        self.address = CellAddress(self, next(system.numbers), system.key)
        self.queue: Queue = _UNOPENED
        self.limit = self.room = 0
        self.actor = None
        self.scheduled = False
        self.attention = 0
        self.handled: int = 0
        self.busy_s: float = 0.0
        self.congested = False
        self.epoch = 0
        self.children: dict[str, Cell] | None = None
        self.watchers: dict[SupervisedCell, int] | None = None
        self.restart_times: deque[float] | None = None
        self.waiters: dict[asyncio.Future[None], None] | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.sees_all = cls.accept is not Cell.accept

    # --- messages in ---

    def accept(self, message: Any, sender: Any) -> bool:
        """Take a message; False if it was dropped or turned away, counted and noticed either way."""
        queue = self.queue
        if len(queue) >= self.limit:
            if not self._widen():
                return overflowed(self, message, sender, quiet=False)
            queue = self.queue
        if self.scheduled:
            queue.append((message, sender, self.scheduler.now))
            return True
        scheduler = self.scheduler
        if scheduler.idle:
            scheduler.wake()
        queue.append((message, sender, scheduler.now))  # first, lest it fail: who is ready has something
        self.scheduled = True
        scheduler.ready.append(self)
        return True

    def offer(self, message: Any, sender: Any) -> bool:
        """Take a message or return False; the sender keeps it and gets no notice."""
        if len(self.queue) >= self.limit and not self._widen():
            return overflowed(self, message, sender, quiet=True)
        return self.accept(message, sender)

    def put(self, message: Any, sender: Any) -> None:
        """Take what the runtime itself sends, whatever the mailbox holds."""
        self.open()
        if self.scheduler.idle:
            self.scheduler.wake()
        self.queue.append((message, sender, self.scheduler.now))
        self.schedule()

    def schedule(self) -> None:
        """Have the cell attended to soon."""
        if not self.scheduled:
            self.scheduled = True
            self.scheduler.ready.append(self)
        if self.scheduler.idle:
            self.scheduler.wake()

    def hears(self, notice: type[Exception]) -> bool:
        """Whether the actor handles such notices."""
        return False

    def turned_away(self, notice: Exception) -> None:
        """Tell the actor that a message it sent was not taken, if it handles such notices."""

    def _widen(self) -> bool:
        """Give the cell its queue, or let that pass its high-water mark; False if it is full."""
        if self.queue is _UNOPENED:
            self.open()
            return True
        if not self.congested:
            self.congested = True
            self.admit(self.mailbox.capacity)
        return len(self.queue) < self.limit

    def open(self) -> None:
        """Give the cell a queue if it has none yet."""
        if self.queue is not _UNOPENED:
            return
        overflow = self.mailbox.overflow
        if overflow is Overflow.COALESCE:
            self.queue = CoalescingQueue(self._displaced)
        elif overflow is Overflow.SHED:
            self.queue = SheddingQueue()
        else:
            self.queue = deque()
        self.admit(self.mailbox.high)
        self.system.openings.note(self)

    def close(self) -> None:
        """Take the queue away again if nothing waits in it."""
        if not self.queue:
            self.queue = _UNOPENED
            self.admit(0)
            self.system.openings.forget(self)

    def admit(self, limit: int) -> None:
        """Let so many messages wait."""
        self.limit = limit
        self.room = 0 if self.sees_all else limit

    def _displaced(self, item: Item) -> None:
        self.drop(DropReason.COALESCED, item[0], item[1])

    def drop(self, reason: DropReason, message: Any, sender: Any, error: BaseException | None = None) -> None:
        """Count a message that is not handled."""
        self.system.dead_letter(reason, self.path, self.kind, message, sender, error)

    # --- water marks ---

    def ease(self) -> None:
        """Let the waiting producers go on if the mailbox is under its low-water mark."""
        if self.congested and len(self.queue) <= self.mailbox.low:
            self.congested = False
            self.admit(self.mailbox.high)
            waiters, self.waiters = self.waiters, None
            for waiter in waiters or ():
                if not waiter.done():
                    waiter.set_result(None)

    async def under_low_water(self) -> None:
        """Return when the mailbox has room for more; at once if it never passed its high-water mark."""
        while self.congested:
            waiter: asyncio.Future[None] = self.scheduler.loop.create_future()
            if self.waiters is None:
                self.waiters = {}
            self.waiters[waiter] = None
            try:
                await waiter
            finally:  # one that was cancelled waits no more
                if self.waiters is not None:
                    self.waiters.pop(waiter, None)

    # --- for the scheduler ---

    def attend(self) -> bool:
        """Do what `attention` asks for; True to go on with the next message, which there is."""
        raise NotImplementedError

    def crashed(self, error: BaseException, item: Item | None) -> None:
        """Take note that handling the item raised; the cell schedules itself again if it should go on."""
        raise NotImplementedError

    def halt(self) -> None:
        """Stop handling and escalate: the mailbox overflowed and must not lose anything."""
        self.attention |= HALT
        self.schedule()

    def park(self) -> None:
        """Handle nothing until `unpark`; messages keep coming in."""
        self.attention |= PARKED

    def unpark(self) -> None:
        """Go on handling messages."""
        attention = self.attention
        self.attention = attention & ~(PARKED | OUT)
        if attention & OUT:
            self.scheduled = False
        if self.queue or self.attention:
            self.schedule()

    # --- ends ---

    def bury(self) -> list[Item]:
        """Take the cell out of reach: return what it still held and fail those who wait for it."""
        self.attention = PARKED | OUT | self.attention & WAITS
        self.scheduled = True
        rest = list(self.queue)
        self.queue = _UNOPENED
        self.system.openings.forget(self)
        waiters, self.waiters = self.waiters, None
        for waiter in waiters or ():
            if not waiter.done():
                waiter.set_exception(DeadActor(self.path))
        return rest

    def begin_stop(self, *, drain: bool) -> asyncio.Future[None]:
        """Start to stop for good, with everything under it; `drain` lets what waits be handled before."""
        raise NotImplementedError

    def kill(self, reason: ExitReason) -> None:
        """End now, with everything under it, waiting for nothing."""
        raise NotImplementedError

    def escalate(self, child: Cell, error: BaseException) -> None:
        """Take over the failure of a child that must not be restarted once more."""
        raise NotImplementedError

    def as_supervised(self) -> SupervisedCell | None:
        """This very cell if supervision may restart its actor."""
        return None

    @property
    def is_dead(self) -> bool:
        """Whether nothing can reach it any more."""
        return self.address.cell is not self

    @property
    def is_suspended(self) -> bool:
        """Whether somebody outside ordered that it handles no message."""
        return bool(self.attention & SUSPENDED)

    @property
    def is_stopping(self) -> bool:
        """Whether it is on its way to its end for good, so that its name is free for another."""
        return False

    @property
    def is_leaving(self) -> bool:
        """Whether the children are about to be stopped anyway, so that none is restarted."""
        return False

    # --- names and inspection ---

    @property
    def kind(self) -> str:
        """The name of the actor's class."""
        name: str = self.cls.__name__
        return name

    @property
    def path(self) -> str:
        """The names on the way from the root, joined by slashes."""
        names = [self.name]
        above = self.parent
        while above is not None and above.is_named_in_paths:
            names.append(above.name)
            above = above.parent
        return "/".join(reversed(names))

    @property
    def prefix(self) -> str:
        """What the paths of children begin with."""
        return f"{self.path}/" if self.is_named_in_paths else ""

    @property
    def is_named_in_paths(self) -> bool:
        """Whether the paths of those under it begin with its own."""
        parent = self.parent
        return parent is not None and (parent.parent is not None or self.name != ROOT_NAME)

    @property
    def supervision(self) -> Supervision:
        """How this actor's children are treated."""
        return _DEFAULT_SUPERVISION

    @property
    def state(self) -> str:
        """One word for people."""
        return "parked" if self.attention & PARKED else "running"

    def terminated(self, child: Cell, reason: ExitReason) -> None:
        """Take note that a child is gone for good."""
