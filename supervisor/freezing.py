"""The check that a message type cannot change after it was sent.

In-process sends share references: a message changed by its sender or by one of its receivers changes
under all the others.
"""

from __future__ import annotations

import dataclasses
import weakref
from typing import Final

from supervisor.errors import MutableMessage

_MUTABLE_BUILTINS: Final = (list, dict, set, bytearray)


_vouched: weakref.WeakSet[type] = weakref.WeakSet()


def check_frozen(message_type: type) -> None:
    """Raise `MutableMessage` if instances of the type are known to be mutable."""
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
    _vouched.add(message_type)
