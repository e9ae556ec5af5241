"""What must become of each test of Thespian's suite, on each base, and whether a run kept to it.

`expected.yaml` says it; a run that lost a test, gained one, or skipped one it should not, has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PASSED = "passed"
SKIPPED = "skipped"
REFERENCE = "simpleSystemBase"
LOOP = "loop"

FILE = Path(__file__).parent / "expected.yaml"


@dataclass(frozen=True)
class Expectation:
    """Names of tests, `file::class::test[parameters]`."""

    passes: frozenset[str]
    """Pass on Thespian's simpleSystemBase, and so must here."""
    beyond: frozenset[str]
    """Are skipped by simpleSystemBase for a reason that holds for it alone."""
    skips: frozenset[str]
    blocks: frozenset[str]
    """Those among the first two whose handlers block, so that they need threads."""

    def outcomes(self, base: str) -> dict[str, str]:
        """Return the outcome that each test must have on a base; a test that is not named must not run."""
        if base == REFERENCE:
            return _all(self.passes, PASSED) | _all(self.beyond | self.skips, SKIPPED)
        passes = self.passes | self.beyond
        if base == LOOP:
            passes -= self.blocks
        return _all(passes, PASSED) | _all(self.skips, SKIPPED)

    def complaints(self, base: str, outcomes: Mapping[str, str]) -> list[str]:
        """Return a line for each test that was not what it should have been."""
        expected = self.outcomes(base)
        return [
            f"{name}: expected {expected.get(name, 'no such test')}, was {outcomes.get(name, 'not run')}"
            for name in sorted(expected.keys() | outcomes.keys())
            if expected.get(name) != outcomes.get(name)
        ]


def load(path: Path = FILE) -> Expectation:
    """Read the expectation; a test under two headings is an error of the file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    groups = {key: _names(content[key]) for key in ("passes", "beyond", "skips")}
    named = [name for names in groups.values() for name in names]
    twice = {name for name in named if named.count(name) > 1}
    if twice:
        raise ValueError(f"{path.name} names more than once: {', '.join(sorted(twice))}")
    blocks = frozenset(_names(content["blocks"]))
    if blocks - groups["passes"] - groups["beyond"]:
        raise ValueError(f"{path.name} has tests under 'blocks' that do not pass")
    return Expectation(groups["passes"], groups["beyond"], groups["skips"], blocks)


def _names(groups: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(
        f"{file}::{test}" for group in groups for file, tests in group["tests"].items() for test in tests
    )


def _all(names: Iterable[str], outcome: str) -> dict[str, str]:
    return dict.fromkeys(names, outcome)
