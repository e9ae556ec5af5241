"""From a message's type to the method that handles it, resolved once per class.

Tables are built when the class is defined, one for its default behaviour and one for each that it declares;
all checks of what a class handles happen there, so that a send and a delivery cost none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from supervisor.abilities.behaviours import Behaviour
from supervisor.errors import BadActorClass, BadHandler, DuplicateHandler, LossyMailbox
from supervisor.freezing import check_frozen
from supervisor.mailbox import Mailbox

Handler = Callable[[Any, Any, Any], Any]
_Method = TypeVar("_Method", bound=Callable[..., None])

_MARK: Final = "__remora_handles__"


class Mark(NamedTuple):
    """What one `@handles` said of a method."""

    message_types: tuple[type, ...]
    behaviours: tuple[Behaviour, ...]
    """None of them means the default behaviour."""


def handles(
    *message_types: type, when: Behaviour | tuple[Behaviour, ...] = ()
) -> Callable[[_Method], _Method]:
    """Mark a method `(self, message, sender)` as the handler of these types and of their subclasses.

    With `when` it is their handler in those behaviours only. Several marks on one method add up. Raises
    `BadHandler`.
    """
    behaviours = when if isinstance(when, tuple) else (when,)
    if not message_types:
        raise BadHandler("handles() takes one message class or more, as in @handles(OrderPlaced)")
    for each in message_types:
        if not isinstance(each, type):
            raise BadHandler(
                f"handles() was given {_shown(each)}, expected message classes, as in @handles(OrderPlaced)"
            )
    for behaviour in behaviours:
        if not isinstance(behaviour, Behaviour):
            raise BadHandler(f"when= was {_shown(behaviour)}, expected a Behaviour that the class declares")

    def mark(method: _Method) -> _Method:
        marks = (*getattr(method, _MARK, ()), Mark(message_types, behaviours))
        setattr(method, _MARK, marks)
        return method

    return mark


def _shown(thing: object) -> str:
    if inspect.isfunction(thing):
        return f"the method {thing.__qualname__}"
    return f"{thing!r}"


class Declared(NamedTuple):
    """Everything an actor class declares to handle, its bases' included unless overridden."""

    default: dict[type, Handler]
    """Handlers of the default behaviour, by message type."""
    behaviours: dict[str, Behaviour]
    """The declared behaviours, by name."""
    own: dict[str, dict[type, Handler]]
    """Handlers of each behaviour alone, by its name and message type."""

    @property
    def message_types(self) -> set[type]:
        """The types with a handler in any behaviour."""
        return set(self.default).union(*self.own.values())


def declared_handlers(cls: type) -> Declared:
    """Return what the class handles in which behaviour.

    Raises `DuplicateHandler`, `MutableMessage`, `BadHandler`.
    """
    behaviours = _behaviours(cls)
    names: dict[str | None, dict[type, str]] = {None: {}, **{name: {} for name in behaviours}}
    for base in reversed(cls.__mro__):
        here: dict[str | None, dict[type, str]] = {}
        for method, value in vars(base).items():
            for mark in getattr(value, _MARK, ()):
                for behaviour in _named(cls, method, mark, behaviours):
                    _claim(base, here.setdefault(behaviour, {}), method, mark.message_types)
        for behaviour, claimed in here.items():
            names[behaviour].update(claimed)
    default, *own = (
        {message_type: _checked(cls, method) for message_type, method in claimed.items()}
        for claimed in names.values()
    )
    declared = Declared(default, behaviours, dict(zip(behaviours, own, strict=True)))
    for message_type in declared.message_types:
        check_frozen(message_type)
    _check_stashes(cls, declared)
    return declared


def _behaviours(cls: type) -> dict[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    for base in reversed(cls.__mro__):
        found.update((name, value) for name, value in vars(base).items() if isinstance(value, Behaviour))
    return found


def _named(cls: type, method: str, mark: Mark, known: dict[str, Behaviour]) -> Iterable[str | None]:
    if not mark.behaviours:
        return (None,)
    for behaviour in mark.behaviours:
        if behaviour.name not in known:
            raise BadHandler(
                f"{cls.__qualname__}.{method} handles {behaviour!r}, which is no attribute of the class; "
                "declare it there, as in `loading = Behaviour()`"
            )
    return [behaviour.name for behaviour in mark.behaviours]


def _claim(base: type, claimed: dict[type, str], method: str, message_types: tuple[type, ...]) -> None:
    for message_type in message_types:
        if message_type in claimed:
            raise DuplicateHandler(
                f"{base.__qualname__}.{claimed[message_type]} and .{method} both handle "
                f"{message_type.__qualname__}; one message type has one handler in one behaviour"
            )
        claimed[message_type] = method


def _checked(cls: type, name: str) -> Handler:
    """Return the handler; whatever could not run as one is refused here and not at its first message."""
    method = getattr(cls, name)
    place = f"{cls.__qualname__}.{name}"
    if not callable(method):
        raise BadHandler(f"{place} was {_shown(method)}, expected a method (self, message, sender)")
    function = inspect.unwrap(method)
    if inspect.iscoroutinefunction(function):
        raise BadHandler(
            f"{place} is an async def; a handler runs to its end before the next message: make it a plain "
            "def, and give what has to wait to self.pipe(coroutine, into=...)"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise BadHandler(f"{place} is a generator, of which nothing would run; a handler must not yield")
    signature = inspect.signature(method)
    try:
        signature.bind(None, None, None)
    except TypeError:
        taken = ", ".join(signature.parameters)
        raise BadHandler(f"{place} takes ({taken}), expected (self, message, sender)") from None
    handler: Handler = method
    return handler


def _check_stashes(cls: type, declared: Declared) -> None:
    taken = declared.message_types
    for name, behaviour in declared.behaviours.items():
        for message_type in behaviour.stashes:
            if message_type in declared.own[name]:
                raise DuplicateHandler(
                    f"{cls.__qualname__} both handles and stashes {message_type.__qualname__} in {name!r}"
                )
            if not any(issubclass(each, message_type) or issubclass(message_type, each) for each in taken):
                raise BadActorClass(
                    f"{cls.__qualname__} stashes {message_type.__qualname__} in {name!r}, "
                    "but handles it in no behaviour"
                )


def check_money(cls: type, mailbox: Mailbox, message_types: Iterable[type]) -> None:
    """Raise `LossyMailbox` if this mailbox could drop a message that carries money."""
    if not mailbox.overflow.is_lossy:
        return
    for message_type in message_types:
        if getattr(message_type, "carries_money", False):
            raise LossyMailbox(
                f"{cls.__qualname__} handles {message_type.__qualname__}, which carries money, but its "
                f"mailbox may lose messages ({mailbox.overflow.name}); use Overflow.REFUSE or Overflow.HALT"
            )
