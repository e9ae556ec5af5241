"""Patterns of paths: `*` and `?` within a name, `**` for any names, or none."""

from __future__ import annotations

import functools
import re


def matches(pattern: str, path: str) -> bool:
    """Whether a path is one of those meant by the pattern."""
    return expression(pattern).fullmatch(f"{path}/") is not None


@functools.lru_cache(maxsize=1024)
def expression(pattern: str) -> re.Pattern[str]:
    """Return what a path with a slash behind it matches."""
    parts = []
    for name in pattern.split("/"):
        if name == "**":
            parts.append("(?:[^/]+/)*")
        else:
            parts.append(re.escape(name).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + "/")
    return re.compile("".join(parts))
