"""The effective settings as rows, for `remora config show`: value, origin and meaning of every key."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec

from config import settings as source
from config.amounts import Micros
from config.limits import Url
from config.loading import Loaded
from config.origins import DEFAULT, OriginKind
from config.schema import Field, fields, is_section
from config.secrets import redact, without_key
from config.settings import Section
from messages.units import decimal_text

_NOTHING: Final = ("null", "~")
_PLAIN: Final = re.compile(r"[\w./~]([\w./~@:&=*+-]*[\w./~@&=*+-])?")
"""Text that YAML reads as itself without quotes."""


class Row(msgspec.Struct, frozen=True):
    """One setting. `place` is where its value was written, empty for a default; `value` shows no secret."""

    key: str
    value: str
    origin: OriginKind
    place: str
    meaning: str


def rows(loaded: Loaded) -> Iterator[Row]:
    """Yield every setting in the order of the source, entries of lists by number."""
    yield from _section(loaded, loaded.settings, "")


def _section(loaded: Loaded, section: Section, prefix: str) -> Iterator[Row]:
    for field in fields(type(section)).values():
        value = getattr(section, field.name)
        meaning = meanings().get((type(section).__name__, field.name), "")
        yield from _rows(loaded, field, value, f"{prefix}{field.name}", meaning)


def _rows(loaded: Loaded, field: Field, value: Any, key: str, meaning: str) -> Iterator[Row]:
    if is_section(field.base):
        yield from _section(loaded, value, f"{key}.")
    elif field.item is not None and value:
        for index, entry in enumerate(value):
            yield from _rows(loaded, field.item, entry, f"{key}.{index}", meaning)
    else:
        origin = loaded.origins.get(key, DEFAULT)
        place = "" if origin is DEFAULT else origin.place
        shown = without_key(value) if _is_keyed(field) else value
        yield Row(key, written(shown), origin.kind, place, meaning)


def _is_keyed(field: Field) -> bool:
    return any(isinstance(limit, Url) and limit.keyed for limit in field.limits)


def written(value: Any) -> str:
    """Return a value as a user writes it in YAML, without its secrets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Micros):
        return decimal_text(value)
    if isinstance(value, float):
        return f"{value!r}".removesuffix(".0")
    if isinstance(value, tuple):
        return "[]"
    if isinstance(value, str):
        text = redact(value)
        return text if _is_plain(text) else json.dumps(text, ensure_ascii=False)
    return f"{value}"


def _is_plain(text: str) -> bool:
    """Return whether the bare text is read back as itself; what means "nothing here" in YAML is not."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _NOTHING


@cache
def meanings() -> dict[tuple[str, str], str]:
    """Return what stands below each field of `config.settings`, by class and field."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(source)).body:
        if isinstance(node, ast.ClassDef):
            for field, below in zip(node.body, node.body[1:], strict=False):
                match field, below:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str(text))),
                    ):
                        found[node.name, name] = inspect.cleandoc(text).replace("\n", " ")
    return found
