"""The base class of the daemon's actors: typed handlers, children, timers, coroutines, asks.

A supervised actor is an ordinary Thespian `Actor`; what it adds needs the asyncio base of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from random import Random
from typing import Any, ClassVar, TypeVar

from thespian.actors import Actor

from supervisor.abilities import asking, behaviours, breakers, links, pipes, timers, workers
from supervisor.abilities.behaviours import Behaviour
from supervisor.abilities.breakers import Breaker
from supervisor.abilities.circuit import BreakerPolicy
from supervisor.abilities.pipes import Pipe
from supervisor.clock import Clock
from supervisor.core.cell import Cell
from supervisor.core.spawning import check_name, spawn_child
from supervisor.core.supervised import SupervisedCell
from supervisor.definition import check_class
from supervisor.dispatch import check_money, declared_handlers
from supervisor.errors import NotRunning
from supervisor.mailbox import Mailbox
from supervisor.policy import Restart, Supervision
from supervisor.tables import HandlerTable, current_table

_Value = TypeVar("_Value")


class _Unbound:
    """Stands where the cell of an actor will be, until the actor has one."""

    def __get__(self, actor: object | None, owner: type) -> Any:
        if actor is None:
            return self
        raise NotRunning(
            f"{owner.__qualname__} is not started yet: no actor operation is possible in __init__; "
            "override started(), which runs before the first message"
        )


class SupervisedActor(Actor):  # type: ignore[misc]
    """An actor that its parent restarts when it fails.

    Declare `mailbox`, mark handlers with `@handles(Type)`, and do what needs the runtime in `started()`:
    `__init__` takes no arguments and can do no actor operation. Handlers run one at a time, on the loop,
    and must never block; what has to wait goes into a coroutine given to `pipe`.
    """

    mailbox: ClassVar[Mailbox]
    """How many messages may wait and what happens to one too many. There is no default."""
    supervision: ClassVar[Supervision] = Supervision()
    """How this actor treats its children."""
    passivate_after_s: ClassVar[float | None] = None
    """How long without a message before it gives up its incarnation until the next one; None for never."""
    handler_table: ClassVar[HandlerTable]
    """How it handles by default; built by the runtime."""
    behaviour_tables: ClassVar[dict[str, HandlerTable]]
    """How it handles in each of its behaviours, by their names; built by the runtime."""

    _myRef = _Unbound()
    _address: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_class(cls)
        declared = declared_handlers(cls)
        mailbox = getattr(cls, "mailbox", None)
        if mailbox is not None:
            check_money(cls, mailbox, declared.message_types)
        receives = cls.receiveMessage is not SupervisedActor.receiveMessage
        cls.handler_table = HandlerTable(cls, declared, None, receives=receives)
        cls.behaviour_tables = {
            name: HandlerTable(cls, declared, behaviour, receives=receives)
            for name, behaviour in declared.behaviours.items()
        }

    # --- to override ---

    def started(self) -> None:
        """Runs once per incarnation, before its first message."""

    def stopped(self) -> None:
        """Runs once per incarnation that started, when it stops or before it is replaced."""

    def snapshot(self) -> dict[str, object]:
        """Return state for inspection; called from outside at any time, must change nothing."""
        return {}

    # --- who it is ---

    @property
    def args(self) -> Any:
        """What `spawn` passed."""
        return self._cell.args

    @property
    def path(self) -> str:
        """The names on the way from the root, joined by slashes."""
        return self._cell.path

    @property
    def clock(self) -> Clock:
        """The only source of time; simulations replace it."""
        return self._cell.system.clock

    @property
    def random(self) -> Random:
        """The only source of chance, seeded by the base and the actor's path."""
        cell = self._cell
        if cell.random is None:
            # One that had slept must not be given the same chances again.
            cell.random = cell.system.random_for(f"{cell.path}#{cell.epoch}" if cell.epoch else cell.path)
        return cell.random

    # --- messages ---

    def send(self, targetAddr: Any, msg: Any) -> None:
        """Send a message; a full or ended target counts it and, if this actor handles such, tells of it."""
        try:
            target = targetAddr.cell
            sender = self._address
        except AttributeError:  # not started, or the address is Thespian's own or none at all
            cell = self._cell
            target, sender = cell.system.target_of(targetAddr), cell.address
        queue = target.queue
        if len(queue) >= target.room:
            target.accept(msg, sender)
            return
        # What `Cell.accept` does, without the call.
        scheduler = target.scheduler
        if target.scheduled:
            queue.append((msg, sender, scheduler.now))
            return
        if scheduler.idle:
            scheduler.wake()
        queue.append((msg, sender, scheduler.now))
        target.scheduled = True
        scheduler.ready.append(target)

    def forward(self, address: Any, message: Any, sender: Any) -> None:
        """Send a message on behalf of its first sender, who will get the answer."""
        self._cell.system.target_of(address).accept(message, sender)

    def try_send(self, address: Any, message: Any) -> bool:
        """Send a message if the target has room; False if it was not taken."""
        cell = self._cell
        return cell.system.target_of(address).offer(message, cell.address)

    def send_urgent(self, address: Any, message: Any) -> None:
        """Send a message that overtakes what waits and that no policy drops; for control, not for data."""
        links.put_urgent(address, message, self._cell.address)

    async def ready(self, address: Any) -> None:
        """Return when the target's mailbox is under its low-water mark; at once if it never passed the high.

        For a coroutine given to `pipe` that reads from outside. Raises `DeadActor`.
        """
        await links.ready(address)

    async def ask(self, address: Any, message: Any, *, timeout_s: float) -> Any:
        """Send a message and return the answer; for a coroutine given to `pipe`.

        Raises `AskTimeout`, `Refused` if the mailbox was full, `DeadActor` if the target is gone,
        `NotHandled` if it has no handler for such a message, `HandlerCrashed` if it crashed on it.
        """
        cell = self._cell
        return await asking.ask(cell.system, address, message, timeout_s, cell.path)

    def pipe(
        self,
        coroutine: Coroutine[Any, Any, _Value],
        into: Callable[[_Value], object] | None = None,
        failed: Callable[[BaseException], object] | None = None,
    ) -> Pipe:
        """Run a coroutine and be sent what `into` makes of its result; nothing if that is None.

        Without `into` the result itself is the message; without `failed` an error crashes the actor. The
        coroutine is cancelled when the actor stops or restarts.
        """
        return pipes.start(self._cell, coroutine, into, failed)

    def run_in_thread(
        self,
        function: Callable[..., _Value],
        *args: Any,
        into: Callable[[_Value], object] | None = None,
        failed: Callable[[BaseException], object] | None = None,
    ) -> Pipe:
        """Call a function that blocks in one of the system's few threads; its result as of `pipe`.

        The function must touch nothing of the actor. Once begun it cannot be stopped: a stop or a restart
        waits for it within `shutdown_s`, then leaves it behind. `failed` is given `WorkersBusy` if too many
        calls wait. A simulation calls it on the loop instead.
        """
        return workers.run_in_thread(self._cell, function, args, into, failed)

    def stash(self) -> None:
        """Put the message being handled aside, with its sender."""
        self._cell.stash_current()

    def unstash(self) -> None:
        """Put all that was put aside in front of the mailbox, in its order."""
        self._cell.unstash()

    @property
    def behaviour(self) -> Behaviour | None:
        """The behaviour it is in, None for the default one."""
        return behaviours.current(self._cell)

    def become(self, behaviour: Behaviour, *, on_top: bool = False) -> None:
        """Handle by a behaviour from the next message on, in place of the current one or on top of it.

        Raises `NoSuchBehaviour` if the class does not declare it, `BehavioursNested` if too many are on top
        of each other.
        """
        behaviours.become(self._cell, behaviour, on_top=on_top)

    def unbecome(self) -> None:
        """Go back to the behaviour below the current one, in the end to the default one."""
        behaviours.unbecome(self._cell)

    def breaker(self, key: str, policy: BreakerPolicy | None = None) -> Breaker:
        """Return this incarnation's circuit breaker of that key, made with the policy if there is none.

        Raises `ValueError` if there is one with another policy.
        """
        return breakers.breaker(self._cell, key, policy)

    # --- time ---

    def timer(self, key: Hashable, delay_s: float, message: Any, *, every: bool = False) -> None:
        """Be sent a message after the delay, or each time it passes; replaces the timer of that key."""
        timers.set_timer(self._cell, key, delay_s, message, every=every)

    def cancel(self, key: Hashable) -> bool:
        """Cancel the timer of that key, even if its message waits already; False if there is none."""
        return timers.cancel_timer(self._cell, key)

    # --- other actors ---

    def spawn(
        self,
        cls: type[Actor],
        name: str,
        args: Any = None,
        *,
        restart: Restart = Restart.PERMANENT,
        shutdown_s: float = 5.0,
        mailbox: Mailbox | None = None,
    ) -> Any:
        """Start a child and return its address; it takes messages at once. Raises `NameTaken`."""
        check_name(name)
        return spawn_child(
            self._cell, cls, name, args, restart=restart, shutdown_s=shutdown_s, mailbox=mailbox
        )

    def child(self, name: str) -> Any:
        """Return the address of the child of that name, None if there is none or it is stopping."""
        child = (self._cell.children or {}).get(name)
        return child.address if child is not None and not child.is_stopping else None

    def stop_child(self, address: Any) -> None:
        """Stop a child for good: its children first, then what waits in its mailbox, then itself."""
        child = self._cell.system.target_of(address)
        if isinstance(child, Cell) and child.parent is self._cell:
            child.begin_stop(drain=True)

    def stop(self) -> None:
        """End after this message; what waits is not handled. A permanent child is started anew by this."""
        self._cell.finish_soon()

    def watch(self, address: Any) -> None:
        """Be sent `Terminated` when that actor has ended for good; at once if it has already."""
        links.watch(self._cell, address)

    def unwatch(self, address: Any) -> None:
        """Take a `watch` back."""
        links.unwatch(self._cell, address)

    def passivate(self) -> None:
        """Give up this incarnation after this message, until the next one comes, if it is free to.

        Nothing happens if by then a message, timer, coroutine or stash waits, or it has children.
        """
        self._cell.doze_off()

    # --- for Thespian ---

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        """Handle a message by its type, as the runtime does without this method."""
        current_table(self._cell).find(type(msg))(self, msg, sender)

    @property
    def _cell(self) -> SupervisedCell:
        cell: SupervisedCell = self._myRef
        return cell
