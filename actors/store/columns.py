"""Rows turned into the columns that `unnest` takes: one statement for any number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def unnest(**types: str) -> str:
    """Return the FROM item `unnest($1::…[], …) WITH ORDINALITY AS input(…, ord)`.

    Each keyword is a column with its type, in the order of the arguments of the statement.
    """
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types.values(), 1))
    return f"unnest({arrays}) WITH ORDINALITY AS input({', '.join(types)}, ord)"


def columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Return the rows' columns; `rows` is not empty."""
    return [list(column) for column in zip(*rows, strict=True)]


def literal(texts: Iterable[str]) -> str:
    """Return the texts as an array literal: text that SQL casts to an array of whatever they are."""
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def rounds(items: Sequence[T], key: Callable[[T], object]) -> list[list[T]]:
    """Return the items in as few groups as keep equal keys apart, each key's items in order.

    One statement can touch a row once; what touches it again goes into the next round.
    """
    groups: list[list[T]] = []
    seen: dict[object, int] = {}
    for item in items:
        name = key(item)
        number = seen.get(name, 0)
        seen[name] = number + 1
        if number == len(groups):
            groups.append([])
        groups[number].append(item)
    return groups


def clean(text: str) -> str:
    """Return text that Postgres can hold: foreign titles may carry NUL or half a surrogate pair."""
    if text.isascii():
        return text.replace("\0", "")
    return text.encode(errors="replace").decode().replace("\0", "")
