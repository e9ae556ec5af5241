"""YAML text to nodes that know their lines. Accepts anchors and `<<`; refuses tags and repeated keys.

PyYAML composes and nothing is constructed: no text turns into a float, a date or an object here. The
composer is the pure Python one because libyaml's crashes the process on deep nesting.
"""

from __future__ import annotations

from typing import Final

import yaml

from config.nodes import Mapping, Node, Scalar, Sequence
from config.origins import Origin
from config.problems import ConfigSyntaxError, Problem, problem_at

NODES_MAX: Final = 200_000
"""Values in one document, anchors written out: more is a bomb, not a configuration."""

_MERGE: Final = "tag:yaml.org,2002:merge"
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "str", "timestamp", "value", "merge", "map", "seq")
)


def parse(text: str, origin: Origin, problems: list[Problem]) -> Node | None:
    """Return the document's root, None when there is no content.

    What can be told per node is added to `problems`; a text that is no YAML at all raises
    `ConfigSyntaxError`. Lines are counted only where `origin` is a file.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigSyntaxError([_syntax(error, origin)]) from error
    except RecursionError as error:
        raise ConfigSyntaxError([problem_at(origin, "", "is nested too deeply")]) from error
    return None if root is None else _Converter(origin, problems).convert(root)


def _syntax(error: yaml.YAMLError, origin: Origin) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    context = getattr(error, "context", None)
    words = f"is not YAML: {said}" + (f" {context}" if context else "")
    if mark is None or not origin.line:
        return problem_at(origin, "", words)
    return Problem(f"{origin.source}", mark.line + 1, "", f"column {mark.column + 1}: {words}")


class _Converter:
    """One document on its way from PyYAML's nodes to ours."""

    def __init__(self, origin: Origin, problems: list[Problem]) -> None:
        self._origin = origin
        self._problems = problems
        self._open: set[int] = set()
        self._count = 0

    def convert(self, node: yaml.Node) -> Node:
        """Return our node; an anchor used twice becomes two, each with the lines of its text."""
        origin = self._at(node)
        self._count += 1
        if self._count > NODES_MAX:
            raise ConfigSyntaxError([problem_at(origin, "", f"holds more than {NODES_MAX} values")])
        if id(node) in self._open:
            raise ConfigSyntaxError([problem_at(origin, "", "holds an anchor that contains itself")])
        if node.tag not in _PLAIN_TAGS:
            self._problems.append(problem_at(origin, "", f"tag {node.tag!r:.40} is not supported"))
        if isinstance(node, yaml.ScalarNode):
            return Scalar(node.value, origin, quoted=node.style is not None)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Sequence([self.convert(item) for item in node.value], origin)
            return self._mapping(node, origin)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, origin: Origin) -> Mapping:
        mapping = Mapping({}, {}, origin)
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged.append(value)
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._problems.append(problem_at(self._at(key), "", "a key was a list or mapping"))
                continue
            first = mapping.keys.get(key.value)
            if first is not None:
                hint = f"first at {first.place}"
                self._problems.append(problem_at(self._at(key), key.value, "is there twice", hint))
                continue
            mapping.keys[key.value] = self._at(key)
            mapping.entries[key.value] = self.convert(value)
        for value in merged:
            self._merge(value, mapping)
        return mapping

    def _merge(self, value: yaml.Node, into: Mapping) -> None:
        """Take what `<<` names, the keys written beside it staying as they are."""
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources:
            node = self.convert(source)
            if not isinstance(node, Mapping):
                self._problems.append(problem_at(node.origin, "<<", "was no mapping"))
                continue
            for key, entry in node.entries.items():
                if key not in into.entries:
                    into.keys[key] = node.keys[key]
                    into.entries[key] = entry

    def _at(self, node: yaml.Node) -> Origin:
        if not self._origin.line:
            return self._origin
        mark = node.start_mark
        return Origin(self._origin.kind, self._origin.source, mark.line + 1, mark.column + 1)
