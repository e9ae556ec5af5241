"""From a message's type to the method that handles it, resolved once per class.

A table is built when the class is defined; all checks of what a class handles happen there, so that a send
and a delivery cost none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from supervisor.errors import DuplicateHandler, LossyMailbox, MutableMessage
from supervisor.freezing import check_frozen
from supervisor.inspection.deadletters import DropReason
from supervisor.mailbox import Mailbox

Handler = Callable[[Any, Any, Any], Any]
_Method = TypeVar("_Method", bound=Callable[..., None])

_MARK = "__remora_handles__"


def handles(*message_types: type) -> Callable[[_Method], _Method]:
    """Mark a method `(self, message, sender)` as the handler of these types and of their subclasses."""
    if not message_types or not all(isinstance(each, type) for each in message_types):
        raise TypeError("handles() takes one message class or more, as in @handles(OrderPlaced)")

    def mark(method: _Method) -> _Method:
        setattr(method, _MARK, message_types)
        return method

    return mark


class HandlerTable(dict[type, Handler]):
    """The handlers of one class. A subclass of a handled type is resolved at its first message, then kept."""

    def __init__(self, runtime: dict[type, Handler], declared: dict[type, Handler]) -> None:
        super().__init__(runtime)
        self.update(declared)
        self.declared = declared

    def __missing__(self, message_type: type) -> Handler:
        handler = self._resolve(message_type)
        self[message_type] = handler
        return handler

    def takes(self, message_type: type) -> bool:
        """Whether the class itself declares a handler for the type or a base of it."""
        return any(base in self.declared for base in message_type.__mro__)

    def _resolve(self, message_type: type) -> Handler:
        for base in message_type.__mro__:
            declared = self.declared.get(base)
            if declared is not None:
                try:
                    check_frozen(message_type)
                except MutableMessage:
                    return _drop_mutable
                return declared
        return self.unclaimed(message_type)

    def unclaimed(self, message_type: type) -> Handler:
        """Return what becomes of a message that no handler is declared for."""
        return drop_unknown


def drop_unknown(actor: Any, message: Any, sender: Any) -> None:
    """Put a message nobody declared into the dead letters; it is the sender's mistake, not a crash."""
    actor._myRef.drop(DropReason.UNKNOWN_TYPE, message, sender)


def _drop_mutable(actor: Any, message: Any, sender: Any) -> None:
    actor._myRef.drop(DropReason.NOT_FROZEN, message, sender)


def declared_handlers(cls: type) -> dict[type, Handler]:
    """Return the class's handlers by message type, its bases' included unless overridden.

    Raises `DuplicateHandler` or `MutableMessage`.
    """
    names: dict[type, str] = {}
    for base in reversed(cls.__mro__):
        here: dict[type, str] = {}
        for name, value in vars(base).items():
            for message_type in getattr(value, _MARK, ()):
                if message_type in here:
                    raise DuplicateHandler(
                        f"{base.__qualname__}.{here[message_type]} and .{name} both handle "
                        f"{message_type.__qualname__}; one message type has one handler"
                    )
                here[message_type] = name
        names.update(here)
    for message_type in names:
        check_frozen(message_type)
    return {message_type: getattr(cls, name) for message_type, name in names.items()}


def check_money(cls: type, mailbox: Mailbox, declared: dict[type, Handler]) -> None:
    """Raise `LossyMailbox` if this mailbox could drop a message that carries money."""
    if not mailbox.overflow.is_lossy:
        return
    for message_type in declared:
        if getattr(message_type, "carries_money", False):
            raise LossyMailbox(
                f"{cls.__qualname__} handles {message_type.__qualname__}, which carries money, but its "
                f"mailbox may lose messages ({mailbox.overflow.name}); use Overflow.REFUSE or Overflow.HALT"
            )
