"""The way from file, environment and command line to settings whose every value knows its origin.

`load` either returns settings that are valid as a whole or raises a `ConfigError` (the tree of errors is
drawn in `config.problems`) that lists everything to mend. It logs nothing: what is worth a warning is
returned, for whoever has a log.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from config import discovery, document, nodes, overrides, rules
from config.origins import Origin, OriginKind
from config.problems import ConfigInvalid, Problem, problem_at
from config.reading import Reader
from config.secrets import redact
from config.settings import Settings, as_tree


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with their history. `origins` goes by dotted key, entries of lists by number."""

    settings: Settings
    origins: dict[str, Origin]
    warnings: tuple[str, ...]
    """Values of the file that the environment overrides: to be logged, secrets taken out."""
    hash: str
    """Digest of the settings in effect, without secrets; stored with each intent."""
    file: Path | None
    """The file that was read."""


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> Loaded:
    """Return the effective settings.

    `path` is what `--config` named; without it `config.discovery` looks. `assignments` are the
    `key=value` texts of `--set`. Raises `ConfigError`.
    """
    environ = os.environ if environ is None else environ
    problems: list[Problem] = []
    file = discovery.find(path, environ)
    root = _root(file, problems)
    given = [
        *overrides.from_environment(environ),
        *overrides.from_command_line(assignments, problems),
    ]
    replaced = overrides.apply(given, root, problems)
    reader = Reader(problems)
    settings = reader.section(Settings, root)
    refused = {problem.key for problem in problems}
    problems += [found for found in rules.check(settings, reader.origins) if found.key not in refused]
    if problems:
        raise ConfigInvalid(sorted(problems, key=lambda found: (found.line == 0, found.line)))
    return Loaded(
        settings=settings,
        origins=reader.origins,
        warnings=tuple(_warnings(given, replaced)),
        hash=digest(settings),
        file=file,
    )


def digest(settings: Settings) -> str:
    """Return twelve hex digits that change when any setting that is no secret does."""
    tree = as_tree(settings)
    tree["database"]["url"] = redact(settings.database.url)
    return hashlib.blake2b(json.dumps(tree, sort_keys=True).encode(), digest_size=6).hexdigest()


def _root(file: Path | None, problems: list[Problem]) -> nodes.Mapping:
    """Return the file's content as a tree, an empty one where nothing is written."""
    if file is None:
        return nodes.Mapping({}, {}, Origin(OriginKind.FILE))
    start = Origin(OriginKind.FILE, f"{file}", 1, 1)
    node = document.parse(discovery.read(file), start, problems)
    if node is None or nodes.is_null(node):
        return nodes.Mapping({}, {}, start)
    if isinstance(node, nodes.Mapping):
        return node
    raise ConfigInvalid([problem_at(node.origin, "", "was no mapping, expected `key: value` lines")])


def _warnings(given: Sequence[overrides.Override], replaced: Sequence[overrides.Replaced]) -> list[str]:
    """Only the environment is worth a warning: an option was typed by whoever reads it."""
    typed = {one.key for one in given if one.origin.kind is OriginKind.COMMAND_LINE}
    return [
        f"{one.override.key} is {redact(one.override.text)!r:.80} by {one.override.origin.source}, "
        f"which overrides {_written(one.before)} of {one.before.origin.place}"
        for one in replaced
        if one.override.origin.kind is OriginKind.ENVIRONMENT and one.override.key not in typed
    ]


def _written(node: nodes.Node) -> str:
    if isinstance(node, nodes.Scalar):
        return f"{redact(node.text)!r:.80}"
    return "the list" if isinstance(node, nodes.Sequence) else "the entry"
