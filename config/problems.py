"""What can be wrong with a configuration, and how it is told.

ConfigError                 nothing can start; `problems` holds everything found, in order
├── ConfigUnreadable        the file that was named cannot be read as text
├── ConfigSyntaxError       the file is not YAML: the line and column where that showed
└── ConfigInvalid           keys or values are refused: all of them, not only the first
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import msgspec

from config.origins import Origin

GUESSES_MAX: Final = 1000
"""Comparing a slip with ten thousand wallets would take longer than finding it by eye."""


class Problem(msgspec.Struct, frozen=True):
    """One thing to mend. `file` is where it was said: a path, a variable or an option; line 0: none."""

    file: str
    line: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = f"{self.key} {self.message}" if self.key else self.message
        return f"{place}: {said}" + (f" ({self.hint})" if self.hint else "")


class ConfigError(Exception):
    """The configuration cannot be used. Its text lists every problem, a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigUnreadable(ConfigError):
    """The file is missing, a directory, unreadable, too large or not UTF-8."""


class ConfigSyntaxError(ConfigError):
    """The file is not YAML."""


class ConfigInvalid(ConfigError):
    """Keys or values were refused."""


def problem_at(origin: Origin, key: str, message: str, hint: str = "") -> Problem:
    """Return a problem with what stands at `origin`."""
    return Problem(origin.source or origin.place, origin.line, key, message, hint)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the name a user most likely meant, or an empty text; no guess among very many."""
    names = list(islice(known, GUESSES_MAX + 1))
    if len(names) > GUESSES_MAX:
        return ""
    close = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=0.6)
    return close[0] if close else ""
