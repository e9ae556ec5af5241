"""Nodes to typed settings: every key known, every value of its type and within its limit.

Nothing stops at the first problem: a refused value is reported and its default stands in, so that one
reading finds everything. The settings are to be used only if no problem was added.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from config.amounts import Micros, exact
from config.nodes import Mapping, Node, Scalar, Sequence, is_null
from config.origins import DEFAULT, Origin
from config.problems import Problem, nearest, problem_at
from config.schema import Field, fields, is_section, names
from config.settings import Section

S = TypeVar("S", bound=Section)

_EXPECTED: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Micros: "a decimal number",
}
_TRUTH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_WHOLE: Final = re.compile(r"[+-]?[0-9]+(_[0-9]+)*")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(_[0-9]+)*(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DIGITS_MAX: Final = 60
"""A number of more digits is a slip of the keyboard; it is refused as text."""


class Reader:
    """One reading: what it found wrong, and the origin of every value by its dotted key."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self.origins: dict[str, Origin] = {}

    def section(self, kind: type[S], node: Mapping, prefix: str = "") -> S:
        """Return the section that `node` describes, with defaults for what it leaves out."""
        known = fields(kind)
        for name, origin in node.keys.items():
            if name not in known:
                self._problems.append(_unknown(name, origin, prefix, list(known)))
        values = {}
        for name, field in known.items():
            entry = node.entries.get(name)
            if entry is None and field.required:
                message = "is missing"
                self._problems.append(problem_at(node.origin, f"{prefix}{name}", message))
            values[name] = self._value(field, entry, f"{prefix}{name}")
        return kind(**values)

    def _value(self, field: Field, node: Node | None, key: str) -> Any:
        if is_section(field.base):
            return self._section_value(field.base, node, key)
        if field.item is not None:
            return self._list(field, field.item, node, key)
        if node is None:
            self.origins[key] = DEFAULT
            return _stand_in(field)
        self.origins[key] = node.origin
        try:
            return _leaf(field, node)
        except ValueError as error:
            self._problems.append(problem_at(node.origin, key, f"{error}"))
            return _stand_in(field)

    def _section_value(self, kind: type[Section], node: Node | None, key: str) -> Section:
        """A section left out, or with nothing under its key, is all defaults."""
        if node is None or is_null(node):
            node = Mapping({}, {}, DEFAULT if node is None else node.origin)
        if isinstance(node, Scalar) and kind.shorthand:
            node = Mapping({kind.shorthand: node}, {kind.shorthand: node.origin}, node.origin)
        if isinstance(node, Mapping):
            return self.section(kind, node, f"{key}.")
        hint = f"its keys are {', '.join(fields(kind))}"
        self._problems.append(
            problem_at(node.origin, key, f"was {_seen(node)}, expected `key: value` lines", hint)
        )
        blanks = {name: _stand_in(field) for name, field in fields(kind).items()}
        return kind(**blanks)

    def _list(self, field: Field, item: Field, node: Node | None, key: str) -> tuple[Any, ...]:
        if node is None or is_null(node):
            self.origins[key] = DEFAULT
            default: tuple[Any, ...] = field.default
            return default
        self.origins[key] = node.origin
        if isinstance(node, Sequence):
            return tuple(self._value(item, entry, f"{key}.{i}") for i, entry in enumerate(node.items))
        self._problems.append(problem_at(node.origin, key, f"was {_seen(node)}, expected a list"))
        return ()


def _leaf(field: Field, node: Node) -> Any:
    """Return the value of a single setting. Raises `ValueError` with what was seen and expected."""
    expected = f"expected {_EXPECTED[field.base]}"
    if not isinstance(node, Scalar):
        raise ValueError(f"was {_seen(node)}, {expected}")
    if is_null(node):
        raise ValueError(f"was left empty, {expected}; leave the key out to keep the default")
    natural = node.text if field.base is str else _natural(node)
    try:
        value = msgspec.convert(natural, field.base, dec_hook=_decode)
    except msgspec.ValidationError as error:
        detail = str(error) if field.base is Micros and isinstance(natural, int | Decimal) else expected
        raise ValueError(f"was {_seen(node)}, {detail}") from error
    for limit in field.limits:
        value = limit.check(value)
    return value


def _decode(kind: type, value: Any) -> Any:
    """msgspec's hook for the one type it does not know."""
    if kind is not Micros or isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("expected a decimal number")
    return exact(Decimal(value))


def _natural(node: Scalar) -> bool | int | Decimal | str:
    """Return what the text is by its looks: true or false, whole number, decimal number, or text."""
    text = node.text
    if node.quoted or len(text) > _DIGITS_MAX:
        return text
    if text.lower() in _TRUTH:
        return _TRUTH[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def _stand_in(field: Field) -> Any:
    """Return what fills the place of a value that is not there or was refused."""
    if not field.required:
        return field.default
    return field.base()


def _seen(node: Node) -> str:
    if isinstance(node, Scalar):
        return f"the text {node.text!r:.42}" if node.quoted else f"{node.text!r:.42}"
    return "a list" if isinstance(node, Sequence) else "a mapping"


def _unknown(name: str, origin: Origin, prefix: str, known: list[str]) -> Problem:
    """Return the refusal of a key, with what was meant: a name of this section, or the same one elsewhere."""
    meant = nearest(name, known)
    if not meant:
        meant = next((key for key in names() if key.rsplit(".", 1)[-1] == name), "")
    hint = f"did you mean {meant}?" if meant else f"known here: {', '.join(known)}"
    return problem_at(origin, f"{prefix}{name}", "is unknown", hint)
