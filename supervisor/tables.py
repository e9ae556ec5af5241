"""The tables by which actors handle: one per class and behaviour, from a message's type to a function.

A send and a delivery look up and call; everything else is decided when a class is defined, or once for each
type of message that a table meets.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from thespian.actors import ActorExitRequest, ChildActorExited

from supervisor.abilities import breakers, pipes, timers
from supervisor.abilities.behaviours import Behaviour, Otherwise, current
from supervisor.abilities.breakers import Breaker
from supervisor.abilities.pipes import Pipe
from supervisor.abilities.timers import Timer
from supervisor.core import lifecycle
from supervisor.dispatch import Declared, Handler
from supervisor.errors import MutableMessage
from supervisor.freezing import check_frozen
from supervisor.inspection.deadletters import DropReason
from supervisor.signals import Drained, Urgent

log: Final = logging.getLogger("supervisor")

TYPES_MAX: Final = 10_000
"""How many types a table remembers; those beyond, made at run time, are looked up at each message."""


class HandlerTable(dict[type, Handler]):
    """What one class does with each type of message in one behaviour, the default one if that is None."""

    def __init__(self, cls: type, declared: Declared, behaviour: Behaviour | None, *, receives: bool) -> None:
        super().__init__(_RUNTIME)
        self.behaviour = behaviour
        self._kind = cls.__qualname__
        self.message_types = declared.message_types
        """What the class handles in any behaviour."""
        self._takes: dict[type, bool] = {}
        self._default = declared.default
        self._receives = receives
        """Whether the class has a `receiveMessage` of its own, which then sees every message first."""
        self._own = declared.default
        if behaviour is not None:
            self._own = {**dict.fromkeys(behaviour.stashes, _stash), **declared.own[behaviour.name]}
        for message_type, handler in self._own.items():
            if message_type is not ActorExitRequest:
                self[message_type] = _receive if receives else handler

    def __missing__(self, message_type: type) -> Handler:
        handler = _receive if self._receives else self.find(message_type)
        if len(self) < TYPES_MAX:
            self[message_type] = handler
        return handler

    @property
    def name(self) -> str:
        """The name of the behaviour."""
        return self.behaviour.name if self.behaviour is not None else "(default)"

    def takes(self, message_type: type) -> bool:
        """Whether the class declares a handler for the type or a base of it, in whichever behaviour."""
        taken = self._takes.get(message_type)
        if taken is None:
            taken = any(base in self.message_types for base in message_type.__mro__)
            self._takes[message_type] = taken
        return taken

    def find(self, message_type: type) -> Handler:
        """Return the handler of a type, or what becomes of a message that has none."""
        handler = _nearest(self._own, message_type)
        if handler is None and self.behaviour is not None:
            handler = self._otherwise(self.behaviour.otherwise, message_type)
        if handler is None:
            if issubclass(message_type, type):
                log.warning("%s was sent a class, expected an instance of one", self._kind)
            return _drop_unknown
        try:
            check_frozen(message_type)
        except MutableMessage as error:
            log.warning("%s drops what it is sent: %s", self._kind, error)
            return _drop_mutable
        return handler

    def _otherwise(self, otherwise: Otherwise, message_type: type) -> Handler | None:
        if otherwise is Otherwise.HANDLE:
            return _nearest(self._default, message_type)
        if not self.takes(message_type):
            return None
        return _stash if otherwise is Otherwise.STASH else _drop_unwanted


def _nearest(handlers: dict[type, Handler], message_type: type) -> Handler | None:
    for base in message_type.__mro__:
        handler = handlers.get(base)
        if handler is not None:
            return handler
    return None


def current_table(cell: Any) -> HandlerTable:
    """Return the table of the behaviour an actor is in, whatever else is wrapped around it."""
    behaviour = current(cell)
    table: HandlerTable = (
        cell.cls.handler_table if behaviour is None else cell.cls.behaviour_tables[behaviour.name]
    )
    return table


def _receive(actor: Any, message: Any, sender: Any) -> None:
    actor.receiveMessage(message, sender)


def _stash(actor: Any, message: Any, sender: Any) -> None:
    actor._myRef.stash_current()


def _drop_unknown(actor: Any, message: Any, sender: Any) -> None:
    """Put a message nobody declared into the dead letters; it is the sender's mistake, not a crash."""
    cell = actor._myRef
    why = f"mark a method of {cell.kind} with @handles({type(message).__name__})"
    cell.leave_unhandled(DropReason.UNKNOWN_TYPE, message, sender, why)


def _drop_unwanted(actor: Any, message: Any, sender: Any) -> None:
    why = f"it wants none in its behaviour {current_table(actor._myRef).name}"
    actor._myRef.leave_unhandled(DropReason.UNWANTED, message, sender, why)


def _drop_mutable(actor: Any, message: Any, sender: Any) -> None:
    actor._myRef.leave_unhandled(DropReason.NOT_FROZEN, message, sender, "its type is not frozen")


def _ignore(actor: Any, message: Any, sender: Any) -> None:
    pass


def _exit_requested(actor: Any, message: Any, sender: Any) -> None:
    cell = actor._myRef
    table = current_table(cell)
    if table.takes(ActorExitRequest):
        table.find(ActorExitRequest)(actor, message, sender)
    cell.begin_stop(drain=True)


def _urgent(actor: Any, urgent: Urgent, sender: Any) -> None:
    actor._myRef.hand_over(urgent.message, sender)


_RUNTIME: Final[dict[type, Handler]] = {
    Timer: timers.deliver,
    Pipe: pipes.deliver,
    Breaker: breakers.deliver,
    Urgent: _urgent,
    Drained: lifecycle.drained,
    ChildActorExited: _ignore,
    ActorExitRequest: _exit_requested,
}
