"""Values from the environment and the command line, laid over what the file says.

`REMORA_INGEST__SOCKETS=2` and `--set ingest.sockets=2` name the same key. A value that takes the place
of a list or a group is written as YAML; every other value is taken as it stands, so that nothing in a
URL or a name needs quoting.
"""

from __future__ import annotations

from collections.abc import Mapping as Environ
from collections.abc import Sequence as Strings
from typing import Final

import msgspec

from config import schema
from config.document import parse
from config.nodes import Mapping, Node, Scalar, Sequence, is_null
from config.origins import Origin, OriginKind
from config.problems import Problem, nearest, problem_at

PREFIX: Final = "REMORA_"
CONFIG_VARIABLE: Final = "REMORA_CONFIG"
"""Names the file itself; see `config.discovery`."""


class Override(msgspec.Struct, frozen=True):
    """One value with the way to its key."""

    path: tuple[str, ...]
    text: str
    origin: Origin

    @property
    def key(self) -> str:
        """The dotted key."""
        return ".".join(self.path)

    def spelt(self, key: str) -> str:
        """Return another key the way this override writes its own."""
        if self.origin.kind is OriginKind.ENVIRONMENT:
            return PREFIX + key.upper().replace(".", "__")
        return key


class Replaced(msgspec.Struct, frozen=True):
    """An override that took the place of a value of the file."""

    override: Override
    before: Node


def from_environment(environ: Environ[str, str]) -> list[Override]:
    """Return an override for every variable with our prefix, in the order of their names."""
    return [
        Override(
            tuple(name.removeprefix(PREFIX).lower().split("__")),
            environ[name],
            Origin(OriginKind.ENVIRONMENT, name),
        )
        for name in sorted(environ)
        if name.startswith(PREFIX) and name != CONFIG_VARIABLE
    ]


def from_command_line(assignments: Strings[str], problems: list[Problem]) -> list[Override]:
    """Return an override for every `key=value`, in the order given."""
    overrides = []
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        origin = Origin(OriginKind.COMMAND_LINE, f"--set {key.strip()}")
        if equals:
            overrides.append(Override(tuple(key.strip().split(".")), text, origin))
        else:
            problems.append(problem_at(origin, "", "has no value", "write --set key=value"))
    return overrides


def apply(overrides: Strings[Override], root: Mapping, problems: list[Problem]) -> list[Replaced]:
    """Put every override in its place in the tree under `root`; return what of the file gave way."""
    replaced = []
    for override in overrides:
        try:
            value = _value(override, problems)
            before = _put(root, override.path, value)
        except ValueError as error:
            problems.append(problem_at(override.origin, "", f"{error}"))
            continue
        if before is not None and before.origin.kind is OriginKind.FILE:
            replaced.append(Replaced(override, before))
    return replaced


def _value(override: Override, problems: list[Problem]) -> Node:
    """Return the node that the text stands for. Raises `ValueError` where the key is no setting."""
    field = schema.find(override.path)
    if field is None:
        meant = nearest(override.key, schema.names())
        raise ValueError("names no setting" + (f"; did you mean {override.spelt(meant)}?" if meant else ""))
    if field.item is None and not schema.is_section(field.base):
        return Scalar(override.text, override.origin, quoted=field.base is str)
    if field.item is None and not override.path[-1].isdecimal():
        example = override.spelt(f"{override.key}.{next(iter(schema.fields(field.base)))}")
        raise ValueError(f"names a group of settings; name one of them, such as {example}")
    node = parse(override.text, override.origin, problems)
    return Scalar("", override.origin) if node is None else node


def _put(node: Node, path: tuple[str, ...], value: Node) -> Node | None:
    """Set what `path` names below `node`, making groups that are not there; return what stood there.

    Raises `ValueError` where the path leads past the end of a list or into a single value.
    """
    part, rest = path[0], path[1:]
    if isinstance(node, Scalar):
        raise ValueError(f"leads into a single value at {node.origin.place}; write that as a mapping there")
    before = _child(node, part)
    if rest:
        if before is not None and not is_null(before):
            return _put(before, rest, value)
        made = Sequence([], value.origin) if rest[0].isdecimal() else Mapping({}, {}, value.origin)
        _put(made, rest, value)
        value = made
    if isinstance(node, Mapping):
        node.keys[part] = value.origin
        node.entries[part] = value
    else:
        node.items[int(part) : int(part) + 1] = [value]
    return None if rest else before


def _child(node: Mapping | Sequence, part: str) -> Node | None:
    if isinstance(node, Mapping):
        return node.entries.get(part)
    if not part.isdecimal() or int(part) > len(node.items):
        raise ValueError(f"names entry {part} of a list of {len(node.items)} (the first is 0)")
    return node.items[int(part)] if int(part) < len(node.items) else None
