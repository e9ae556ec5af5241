"""Where a setting's value came from."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class OriginKind(StrEnum):
    """The sources of a value, weakest first: each overrides those before it."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


class Origin(msgspec.Struct, frozen=True):
    """One place that a value can come from.

    `source` is the file's path, the variable's name or the option; `line` and `column` count from 1 and
    are 0 outside files.
    """

    kind: OriginKind
    source: str = ""
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """The origin in the words of a message: `remora.yaml:12`, `REMORA_WEB__PORT`, `default`."""
        if self.kind is OriginKind.DEFAULT:
            return str(self.kind)
        return f"{self.source}:{self.line}" if self.line else self.source


DEFAULT = Origin(OriginKind.DEFAULT)
