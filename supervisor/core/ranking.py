"""What a message says of itself to the mailbox it waits in: its key, its priority.

Both are the program's own code and may be no good. Such a message is neither lost nor in anybody's way: it is
kept as one that says nothing, and its type is named in the log once.
"""

from __future__ import annotations

import logging
import weakref
from typing import Any, Final

log: Final = logging.getLogger("supervisor")

NO_PRIORITY: Final = 0

_complained: Final[weakref.WeakSet[type]] = weakref.WeakSet()


def place_of(message: Any, places: dict[Any, Any]) -> Any:
    """Return where in a queue the message of its type and key waits, or would; None if it has no key."""
    try:
        key = getattr(message, "coalesce_key", None)
        if key is None:
            return None
        place = (type(message), key)
        places.get(place)  # hashed, and compared with what is there
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _complain(message, "coalesce_key", _raised(error), "it takes the place of no other")
        return None
    return place


def priority_of(message: Any) -> float:
    """Return the message's own priority, 0 if it has none."""
    try:
        priority = getattr(message, "priority", NO_PRIORITY)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        _complain(message, "priority", _raised(error), "it counts as 0")
        return NO_PRIORITY
    if isinstance(priority, int | float) and priority == priority:
        return priority
    _complain(message, "priority", f"was a {type(priority).__name__}", "expected a number: it counts as 0")
    return NO_PRIORITY


def _raised(error: BaseException) -> str:
    return f"raised {type(error).__name__}"


def _complain(message: Any, name: str, what: str, so: str) -> None:
    kind = type(message)
    if kind not in _complained:
        _complained.add(kind)
        log.warning("%s.%s %s; %s", kind.__qualname__, name, what, so)
