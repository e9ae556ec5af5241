"""A mode for tests: every message is copied when it is sent, so that nothing mutable is shared by accident.

A program that only works because sender and receiver hold the same object behaves differently in it. Costs
nothing where it is off: it is a kind of cell, and a kind of address for answers.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from supervisor.abilities.asking import ReplyTarget
from supervisor.errors import UncopyableMessage
from supervisor.signals import is_kept

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell


def copied(message: Any) -> Any:
    """Return a deep copy of a message; addresses in it stay the same, and so do the runtime's own notices.

    Raises `UncopyableMessage`.
    """
    if is_kept(message):
        return message
    try:
        return copy.deepcopy(message)
    except Exception as error:
        raise UncopyableMessage(_complaint(message)) from error


def _complaint(message: Any) -> str:
    name = type(message).__qualname__
    for field, value in _fields(message):
        try:
            copy.deepcopy(value)
        except Exception:
            return (
                f"{name}.{field} holds a {type(value).__qualname__}, which cannot be copied; "
                "send data that describes it, and let the receiver make its own"
            )
    return f"{name} cannot be copied; make it a frozen Struct or a frozen dataclass"


def _fields(message: Any) -> Iterator[tuple[str, Any]]:
    names = getattr(type(message), "__struct_fields__", None)
    if names is None and dataclasses.is_dataclass(message):
        names = tuple(field.name for field in dataclasses.fields(message))
    if names is None:
        names = tuple(getattr(message, "__dict__", ()))
    for name in names:
        yield name, getattr(message, name)


class _Copying:
    """What a kind of cell does in addition: take a copy in place of what is sent."""

    __slots__ = ()

    def accept(self, message: Any, sender: Any) -> bool:
        taken: bool = super().accept(copied(message), sender)  # type: ignore[misc]
        return taken

    def offer(self, message: Any, sender: Any) -> bool:
        taken: bool = super().offer(copied(message), sender)  # type: ignore[misc]
        return taken

    def put_urgent(self, message: Any, sender: Any) -> None:
        super().put_urgent(copied(message), sender)  # type: ignore[misc]


def copying_cell(cell_class: type[SupervisedCell]) -> type[SupervisedCell]:
    """Return a kind of cell that is like another and copies what it is sent."""
    return type(f"Copying{cell_class.__name__}", (_Copying, cell_class), {"__slots__": ()})


class CopyingReplyTarget(ReplyTarget):
    """Takes a copy of the answer."""

    __slots__ = ()

    def accept(self, message: Any, sender: Any) -> bool:
        return super().accept(copied(message), sender)

    offer = accept
