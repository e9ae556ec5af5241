"""The shape of the settings, read off the structs: fields, their types and limits, and dotted keys."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, TypeGuard, get_args, get_origin

import msgspec

from config.limits import Limit
from config.settings import Section, Settings


class Field(msgspec.Struct, frozen=True):
    """One key of a section. `item` is set for lists: what each entry is."""

    name: str
    base: Any
    limits: tuple[Limit, ...]
    default: Any
    required: bool
    item: Field | None = None


@cache
def fields(section: type[Section]) -> dict[str, Field]:
    """Return the section's keys in the order of the source."""
    return {
        info.name: _field(info.name, info.type, info.default, info.required)
        for info in msgspec.structs.fields(section)
    }


def _field(name: str, annotation: Any, default: Any, required: bool) -> Field:
    limits: tuple[Limit, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *extras = get_args(annotation)
        limits = tuple(extra for extra in extras if isinstance(extra, Limit))
    if get_origin(annotation) is tuple:
        item = _field(name, get_args(annotation)[0], None, False)
        return Field(name, tuple, limits, default, required, item)
    return Field(name, annotation, limits, default, required)


def is_section(base: Any) -> TypeGuard[type[Section]]:
    """Whether a field's type is a group of settings."""
    return isinstance(base, type) and issubclass(base, Section)


def find(path: tuple[str, ...]) -> Field | None:
    """Return the field that a dotted key names; entries of lists go by their number. None: no such key."""
    found: Field | None = Field("", Settings, (), None, False)
    for part in path:
        if found is None:
            return None
        if found.item is not None:
            found = found.item if part.isdecimal() else None
        else:
            found = fields(found.base).get(part) if is_section(found.base) else None
    return found


def names(section: type[Section] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield every dotted key, for suggestions; entries of lists are number 0."""
    for field in fields(section).values():
        key = f"{prefix}{field.name}"
        yield key
        inner, below = (field, key) if field.item is None else (field.item, f"{key}.0")
        if is_section(inner.base):
            yield from names(inner.base, f"{below}.")
