"""The check that a message type cannot change after it was sent.

In-process sends share references: a message changed by its sender or by one of its receivers changes
under all the others.
"""

from __future__ import annotations

import dataclasses
import typing
import weakref
from collections.abc import Iterator
from typing import Any, Final

from supervisor.errors import MutableMessage, NoMessage

_MUTABLE_BUILTINS: Final = (list, dict, set, bytearray)


_vouched: weakref.WeakSet[type] = weakref.WeakSet()


def check_message(message: object) -> None:
    """Raise `NoMessage` for a class, `MutableMessage` for what may change after it was sent."""
    if isinstance(message, type):
        raise NoMessage(f"the message was the class {message.__qualname__}, expected an instance of one")
    check_frozen(type(message))


def check_frozen(message_type: type) -> None:
    """Raise `MutableMessage` if instances of the type are known to be mutable, themselves or in a field.

    A field is known by its annotation. One that holds what could change but never does is declared as what
    only reads it: a `Mapping`, a `Sequence`.
    """
    if message_type in _vouched:
        return
    name = f"{message_type.__module__}.{message_type.__qualname__}"
    if issubclass(message_type, _MUTABLE_BUILTINS):
        raise MutableMessage(f"{name} is mutable; send a frozen Struct, a frozen dataclass or a tuple")
    struct_config = getattr(message_type, "__struct_config__", None)
    if struct_config is not None and not struct_config.frozen:
        raise MutableMessage(f"{name} is a Struct that is not frozen; declare it with frozen=True")
    parameters = getattr(message_type, "__dataclass_params__", None)
    if dataclasses.is_dataclass(message_type) and parameters is not None and not parameters.frozen:
        raise MutableMessage(f"{name} is a dataclass that is not frozen; declare it with frozen=True")
    _vouched.add(message_type)  # before its fields, which may lead back to it
    try:
        if struct_config is not None or parameters is not None:
            _check_fields(message_type, name)
    except MutableMessage:
        _vouched.discard(message_type)
        raise


def _check_fields(message_type: type, name: str) -> None:
    try:
        annotations = typing.get_type_hints(message_type)
    except Exception:  # a name that exists for type checkers only: nothing is known of the fields
        return
    for field, annotation in annotations.items():
        for part in _parts(annotation):
            if issubclass(part, _MUTABLE_BUILTINS):
                raise MutableMessage(
                    f"{name}.{field} holds a {part.__name__}, which can change; declare it as a tuple, a "
                    "frozenset, or a Mapping or Sequence that nobody changes"
                )
            try:
                check_frozen(part)
            except MutableMessage as error:
                raise MutableMessage(f"{name}.{field}: {error}") from None


def _parts(annotation: Any) -> Iterator[type]:
    """Yield the classes an annotation is made of, those in brackets included."""
    if typing.get_origin(annotation) in (typing.Literal, typing.ClassVar):
        return
    if isinstance(annotation, type):
        yield annotation
        return
    origin = typing.get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, _MUTABLE_BUILTINS):
        yield origin
    for argument in typing.get_args(annotation):
        yield from _parts(argument)
