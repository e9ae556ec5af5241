"""What a request may say, declared once: each parameter reads its text and tells the schema of what it takes.

So the document of the API and its behaviour cannot differ. Nothing here knows what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from aiohttp import web

from actors.web.problems import BAD_REQUEST, Refusal
from messages import ids
from messages.ids import ConditionId

Schema: TypeAlias = Mapping[str, Any]
Asked: TypeAlias = Mapping[str, Any]
"""The values of a request by the names of its parameters, defaults filled in."""

CONDITION_PATTERN: Final = "^0[xX]([0-9a-fA-F]{64}|0[12][0-9a-fA-F]{60})$"
CONDITION_EXAMPLE: Final = "0x" + "c0" * 32
CONDITION_SCHEMA: Final[Schema] = {
    "type": "string",
    "pattern": CONDITION_PATTERN,
    "examples": [CONDITION_EXAMPLE],
}

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
"""As in JSON, so that neither `nan` nor `1_000` is one."""
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_NUMBER_CHARACTERS_MAX: Final = 340
_SHOWN_MAX: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter. `read` takes its text and raises `ValueError` that says what was expected."""

    name: str
    description: str
    schema: Schema
    read: Callable[[str], Any]
    required: bool = False
    default: Any = None
    in_path: bool = False
    is_list: bool = False
    """Written with commas between the values, and in the schema an array."""

    def value(self, text: str) -> Any:
        """Return what the text stands for. Raises `Refusal`."""
        try:
            return self.read(text)
        except ValueError as error:
            raise Refusal(BAD_REQUEST, f"{self.name} was {text[:_SHOWN_MAX]!r}, expected {error}") from None


class Reader:
    """Reads what a request says by the parameters of its route. What is said twice, or means nothing, is an
    error: it was mistyped."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._path = tuple(each for each in parameters if each.in_path)
        self._query = {each.name: each for each in parameters if not each.in_path}
        self._defaults = {each.name: each.default for each in parameters}
        self._required = tuple(each.name for each in parameters if each.required and not each.in_path)

    def read(self, request: web.Request) -> Asked:
        """Return the values that the request's path and query stand for. Raises `Refusal`."""
        values = dict(self._defaults)
        for parameter in self._path:
            values[parameter.name] = parameter.value(request.match_info[parameter.name])
        seen: set[str] = set()
        for name, text in request.rel_url.query.items():
            if name in seen:
                raise Refusal(BAD_REQUEST, f"{name} was given twice, expected once")
            seen.add(name)
            known = self._query.get(name)
            if known is None:
                expected = ", ".join(self._query) or "no parameters"
                raise Refusal(BAD_REQUEST, f"{name[:_SHOWN_MAX]} means nothing here, expected {expected}")
            values[name] = known.value(text)
        for name in self._required:
            if name not in seen:
                raise Refusal(BAD_REQUEST, f"{name} is missing: {self._query[name].description}")
        return values


def text(name: str, description: str, *, in_path: bool = False) -> Parameter:
    """Return a parameter that is any text."""
    return Parameter(
        name=name,
        description=description,
        schema={"type": "string", "minLength": 1} if in_path else {"type": "string"},
        read=str,
        in_path=in_path,
        required=in_path,
    )


def choice(
    name: str,
    description: str,
    values: Sequence[str],
    *,
    required: bool = False,
    default: str | None = None,
    read: Callable[[str], Any] = str,
) -> Parameter:
    """Return a parameter that is one of some texts."""
    expected = f"one of {', '.join(values)}"

    def chosen(given: str) -> Any:
        if given not in values:
            raise ValueError(expected)
        return read(given)

    return Parameter(
        name=name,
        description=description,
        schema=_with_default({"type": "string", "enum": list(values)}, default),
        read=chosen,
        required=required,
        default=default,
    )


def integer(name: str, description: str, low: int, high: int, *, default: int | None = None) -> Parameter:
    """Return a parameter that is a whole number from `low` to `high`."""

    def whole(given: str) -> int:
        if _INTEGER.fullmatch(given) is None:
            raise ValueError("a whole number")
        number = int(given)
        if not low <= number <= high:
            raise ValueError(f"from {low} to {high}")
        return number

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(
        name=name,
        description=description,
        schema=_with_default(schema, default),
        read=whole,
        default=default,
    )


def number(
    name: str,
    description: str,
    low: str,
    high: str,
    *,
    required: bool = False,
    read: Callable[[Decimal], Any] = float,
) -> Parameter:
    """Return a parameter that is a number from `low` to `high`."""
    least, most = Decimal(low), Decimal(high)
    expected = f"from {low} to {high}"

    def within(given: str) -> Any:
        if len(given) > _NUMBER_CHARACTERS_MAX or _NUMBER.fullmatch(given) is None:
            raise ValueError(f"a number {expected}")
        exact = Decimal(given)
        if not least <= exact <= most:
            raise ValueError(expected)
        return read(exact)

    return Parameter(
        name=name,
        description=description,
        schema={
            "type": "number",
            "minimum": _json_number(least),
            "maximum": _json_number(most),
        },
        read=within,
        required=required,
    )


def condition(name: str, description: str, *, in_path: bool = False) -> Parameter:
    """Return a parameter that is a market's condition id, in upper or lower case."""
    return Parameter(
        name=name,
        description=description,
        schema=CONDITION_SCHEMA,
        read=_condition,
        required=True,
        in_path=in_path,
    )


def conditions(name: str, description: str, most: int) -> Parameter:
    """Return a parameter that is a list of condition ids; each counts once."""

    def several(given: str) -> tuple[ConditionId, ...]:
        parts = given.split(",")
        if len(parts) > most:
            raise ValueError(f"at most {most} condition ids")
        return tuple(dict.fromkeys(_condition(part) for part in parts))

    return Parameter(
        name=name,
        description=description,
        schema={"type": "array", "items": CONDITION_SCHEMA, "minItems": 1, "maxItems": most},
        read=several,
        required=True,
        is_list=True,
    )


def _condition(given: str) -> ConditionId:
    try:
        return ids.condition(given)
    except ids.IdError:
        raise ValueError("0x and 64 hex digits, a market's condition id") from None


def _json_number(exact: Decimal) -> int | float:
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _with_default(schema: dict[str, Any], default: object) -> Schema:
    return schema if default is None else {**schema, "default": default}
