"""A program's own values as plain data: what any shell, page or JSON writer can show, and bounded.

Calls no code of a value but what reading its fields takes; what is of no plain kind is named by its type.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping, Set
from numbers import Number
from typing import Any, Final

DEPTH_MAX: Final = 6
ITEMS_MAX: Final = 5_000
"""What is shown in all; a last item of a container that is cut says how many more it has."""
TEXT_MAX: Final = 10_000
INT_BITS_MAX: Final = 256
"""Longer integers are named, not shown: to write one out takes time that grows with its square."""


def plain(value: Any) -> Any:
    """Return the value as str, int, float, bool, None, and tuples and dicts (with text keys) of these."""
    return _Conversion().of(value, DEPTH_MAX)


def named(value: object) -> str:
    """Return what stands for a value that is not shown."""
    return f"<{type(value).__name__}>"


class _Conversion:
    """One value's conversion, which ends when enough is shown."""

    def __init__(self) -> None:
        self._left = ITEMS_MAX

    def of(self, value: Any, depth: int) -> Any:
        if value is None or type(value) in (bool, float):
            return value
        if isinstance(value, enum.Enum):
            return self.of(value.value, depth)
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
            return self._entries({name: getattr(value, name, None) for name in fields}, depth)
        if isinstance(value, Mapping):
            return self._entries(value, depth)
        if isinstance(value, list | tuple | Set):
            return self._items(value, len(value), depth)
        return named(value)

    def _entries(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shown = {str(self.of(key, 1)): self.of(value[key], depth - 1) for key in self._within(value)}
        if len(value) > len(shown):
            shown["…"] = f"and {len(value) - len(shown)} more"
        return shown

    def _items(self, value: Iterable[Any], count: int, depth: int) -> tuple[Any, ...]:
        shown = tuple(self.of(each, depth - 1) for each in self._within(value))
        return shown if count == len(shown) else (*shown, f"… and {count - len(shown)} more")

    def _within(self, values: Iterable[Any]) -> Iterator[Any]:
        for each in values:
            if self._left == 0:
                return
            self._left -= 1
            yield each


def _fields(value: Any) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    names: tuple[str, ...] | None = getattr(type(value), "__struct_fields__", None)
    return names
