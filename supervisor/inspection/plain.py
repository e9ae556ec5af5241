"""A program's own values as plain data: what any shell, page or JSON writer can show, and bounded.

Calls no code of the value but what reading its fields takes; what is of no plain kind is named by its type.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Set
from itertools import islice
from numbers import Number
from typing import Any, Final

DEPTH_MAX: Final = 6
ITEMS_MAX: Final = 1_000
"""What is shown of one container; a last item says how many more there are."""
TEXT_MAX: Final = 10_000
INT_BITS_MAX: Final = 256
"""Longer integers are named, not shown: to write one out takes time that grows with its square."""


def plain(value: Any, depth: int = DEPTH_MAX) -> Any:
    """Return the value as str, int, float, bool, None, and tuples and dicts (with text keys) of these."""
    if value is None or type(value) in (bool, float):
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value, depth)
    if isinstance(value, str):
        return str(value) if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]}…"
    if isinstance(value, int):
        return int(value) if value.bit_length() <= INT_BITS_MAX else named(value)
    if isinstance(value, Number):
        return str(value)
    if depth == 0:
        return named(value)
    fields = _fields(value)
    if fields is not None:
        return {name: plain(getattr(value, name, None), depth - 1) for name in fields}
    if isinstance(value, Mapping):
        return _entries(value, depth)
    if isinstance(value, list | tuple | Set):
        return _items(value, len(value), depth)
    return named(value)


def named(value: object) -> str:
    """Return what stands for a value that is not shown."""
    return f"<{type(value).__name__}>"


def _fields(value: Any) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    names: tuple[str, ...] | None = getattr(type(value), "__struct_fields__", None)
    return names


def _entries(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    shown = {str(plain(key, 1)): plain(each, depth - 1) for key, each in islice(value.items(), ITEMS_MAX)}
    if len(value) > ITEMS_MAX:
        shown["…"] = f"and {len(value) - ITEMS_MAX} more"
    return shown


def _items(value: Iterable[Any], count: int, depth: int) -> tuple[Any, ...]:
    shown = tuple(plain(each, depth - 1) for each in islice(value, ITEMS_MAX))
    return shown if count <= ITEMS_MAX else (*shown, f"… and {count - ITEMS_MAX} more")
