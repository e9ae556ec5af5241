"""Faults as text that a command line can carry: `crash leaders/* nth 3; delay a -> b by 0.5s`.

What is written reads back as the very same faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final

from supervisor.errors import BadFaultPlan
from supervisor.simulation.faults import KINDS, Fault

_TOKEN: Final = re.compile(
    r'(?P<quoted>"(?:\\.|[^"\\])*")|(?P<end>[;\n])|(?P<bare>[^\s;"]+)|(?P<bad>\S)', re.S
)
_BARE: Final = re.compile(r'[^\s;"\\]+')
_ARROW: Final = "->"
_FROM: Final = ("sender", "client")
"""What an arrow follows."""
_KINDS: Final = {kind.verb: kind for kind in KINDS}


def written(faults: Iterable[Fault]) -> str:
    """Return the text of faults, in their order."""
    return "; ".join(" ".join(_words(fault)) for fault in faults)


def read(text: str) -> tuple[Fault, ...]:
    """Return the faults of a text; they end at semicolons or lines. Raises `BadFaultPlan`."""
    return tuple(_fault(words) for words in _sentences(text))


def _words(fault: Fault) -> Iterator[str]:
    yield fault.verb
    for each in fields(fault):
        value = getattr(fault, each.name)
        name = each.metadata.get("word")
        if name is None:
            yield _quoted(value)
            if each.name in _FROM:
                yield _ARROW
        elif value != each.default:
            yield name
            if value is not True:
                yield _text(each.name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    is_time = name.endswith("_s") and not name.endswith("_per_s")
    return f"{value!r}s" if is_time else str(value)


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sentences(text: str) -> Iterator[list[str]]:
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        if match["bad"]:
            raise BadFaultPlan(f"a quotation that begins with {text[match.start() :][:20]!r} has no end")
        if match["end"]:
            if words:
                yield words
            words = []
        elif match["quoted"]:
            words.append(re.sub(r"\\(.)", r"\1", match["quoted"][1:-1], flags=re.S))
        else:
            words.append(match["bare"])
    if words:
        yield words


def _fault(words: list[str]) -> Fault:
    sentence = " ".join(words)
    kind = _KINDS.get(words[0])
    if kind is None:
        raise BadFaultPlan(f"a fault began with {words[0]!r}, expected one of {', '.join(_KINDS)}")
    rest = iter(words[1:])
    try:
        return kind(**dict(_values(kind, rest)))
    except BadFaultPlan:
        raise
    except StopIteration:
        raise BadFaultPlan(f"{sentence!r} ends too early; a full one is {_example(kind)!r}") from None
    except ValueError as error:
        raise BadFaultPlan(f"{sentence!r}: {error}; a full one is {_example(kind)!r}") from None


def _values(kind: type[Fault], rest: Iterator[str]) -> list[tuple[str, Any]]:
    values: list[tuple[str, Any]] = []
    named = {}
    for each in fields(kind):
        if "word" in each.metadata:
            named[each.metadata["word"]] = each
            continue
        values.append((each.name, next(rest)))
        if each.name in _FROM and (seen := next(rest)) != _ARROW:
            raise ValueError(f"the {each.name} was followed by {seen!r}, expected '->'")
    for name in rest:
        known = named.pop(name, None)
        if known is None:
            raise ValueError(f"saw {name!r}, expected {' or '.join(named) or 'nothing more'}")
        if known.type == "bool":
            values.append((known.name, True))
        else:
            values.append((known.name, _value(str(known.type), next(rest))))
    return values


def _value(kind: str, text: str) -> Any:
    if kind == "int":
        return int(text)
    return float(text.removesuffix("s")) if kind == "float" else text


def _example(kind: type[Fault]) -> str:
    words = [kind.verb]
    for each in fields(kind):
        name = each.metadata.get("word")
        if name is None:
            words.append(f"{each.name.upper()} {_ARROW}" if each.name in _FROM else each.name.upper())
        elif each.type == "bool":
            words.append(f"[{name}]")
        else:
            words.append(f"[{name} {'TYPE' if each.type == 'str' else _text(each.name, each.default)}]")
    return " ".join(words)
