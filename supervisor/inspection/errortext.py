"""Errors as text. An error's own text is the program's code: it may raise, and then its type is all."""

from __future__ import annotations

import traceback


def error_text(error: BaseException | None) -> str:
    """Return type and text of an error, empty for none."""
    if error is None:
        return ""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # whatever the error's own code raises
        return type(error).__name__


def traceback_text(error: BaseException | None) -> str:
    """Return the traceback of an error, formatted now; empty for none."""
    if error is None:
        return ""
    try:
        return "".join(traceback.format_exception(error))
    except Exception as failure:  # whatever the error's own code raises
        return f"{type(error).__name__} (its traceback failed to print: {type(failure).__name__})"
