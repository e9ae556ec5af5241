"""Dead letters as they are shown: types, paths and tracebacks; what a message held only if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supervisor.inspection.deadletters import DeadLetter, DropReason
from supervisor.inspection.errortext import error_text

if TYPE_CHECKING:
    from supervisor.core.system import System

LETTERS_SHOWN_MAX: Final = 1_000
CONTENTS_MAX: Final = 1_000
"""Characters that are shown of one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterInfo:
    """One message that was not handled."""

    serial: int
    at_ns: int
    path: str
    """Whom it was for."""
    kind: str
    message_type: str
    reason: str
    sender: str
    """The path of who sent it, empty if nobody is known."""
    error: str
    """Type and text of what it crashed its actor with, empty for other reasons."""
    traceback: str
    contents: str
    """The message in its own words, empty unless asked for."""


def letters(
    system: System,
    *,
    path: str | None,
    kind: str | None,
    message_type: str | None,
    reason: str | None,
    n: int,
    contents: bool,
) -> tuple[LetterInfo, ...]:
    """Return the last `n` of the kept letters that match, the latest first. Raises `ValueError`."""
    if reason is not None and reason not in list(DropReason):
        raise ValueError(f"reason was {reason!r}, expected one of {', '.join(DropReason)}")
    if not 1 <= n <= LETTERS_SHOWN_MAX:
        raise ValueError(f"n was {n}, expected from 1 to {LETTERS_SHOWN_MAX}")
    found: list[LetterInfo] = []
    for letter in reversed(system.letters.recent()):
        if (
            path in (None, letter.path)
            and kind in (None, letter.kind)
            and message_type in (None, letter.message_type)
            and reason in (None, letter.reason)
        ):
            found.append(_shown(letter, contents=contents))
            if len(found) == n:
                break
    return tuple(found)


def _shown(letter: DeadLetter, *, contents: bool) -> LetterInfo:
    return LetterInfo(
        serial=letter.serial,
        at_ns=letter.at_ns,
        path=letter.path,
        kind=letter.kind,
        message_type=letter.message_type,
        reason=str(letter.reason),
        sender=path_of(letter.sender),
        error=error_text(letter.error),
        traceback=letter.traceback,
        contents=contents_of(letter.message) if contents else "",
    )


def path_of(address: Any) -> str:
    """Return the path behind any kind of address, empty if there is none."""
    if address is None:
        return ""
    path: str | None = getattr(address, "path", None)
    return path if path is not None else str(address)


def contents_of(message: Any) -> str:
    """Return a message in its own words, cut to a bound; its own code may raise and is then named instead."""
    try:
        text = repr(message)
    except Exception as error:  # whatever the message's own code raises
        return f"<{type(message).__name__}: its repr raised {type(error).__name__}>"
    return text if len(text) <= CONTENTS_MAX else f"{text[:CONTENTS_MAX]}…"
