"""Configuration as written: a tree of texts that know where they stand, before any type is known."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from config.origins import Origin


class Scalar(msgspec.Struct):
    """A single value. `quoted` means that it can only be text, however much it looks like a number."""

    text: str
    origin: Origin
    quoted: bool = False


class Sequence(msgspec.Struct):
    """A list."""

    items: list[Node]
    origin: Origin


class Mapping(msgspec.Struct):
    """Keys with their values; `keys` says where each key stands."""

    entries: dict[str, Node]
    keys: dict[str, Origin]
    origin: Origin


Node: TypeAlias = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Whether nothing was written where a value belongs."""
    return isinstance(node, Scalar) and not node.quoted and node.text.lower() in ("", "~", "null")
