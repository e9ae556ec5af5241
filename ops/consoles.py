"""Where people read: as wide as the terminal, and wide enough for any table where there is none."""

from __future__ import annotations

from rich.console import Console

WIDTH_ELSEWHERE = 160


def wide_console() -> Console:
    """Return a console on stdout that never cuts a table short because its output goes to a file."""
    console = Console(soft_wrap=True)
    return console if console.is_terminal else Console(soft_wrap=True, width=WIDTH_ELSEWHERE)
