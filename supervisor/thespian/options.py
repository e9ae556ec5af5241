"""How a system treats plain Thespian actors: where their handlers run, and whether sources may be loaded."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

THREADS_MAX: Final = 32


class Dispatcher(enum.Enum):
    """Where a plain actor's `receiveMessage` runs."""

    LOOP = "loop"
    """On the loop, as all supervised actors: it must never block."""
    THREAD = "thread"
    """In a thread of the system's pool, one message at a time and in order: it may block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainActors:
    """What a base is told about plain Thespian actors."""

    dispatcher: Dispatcher = Dispatcher.LOOP
    """For classes that declare none themselves, by an attribute `dispatcher`."""
    threads_max: int = THREADS_MAX
    """How many handlers may be in threads at once; what comes more waits for one of them."""
    load_sources: bool = False
    """Whether code may be loaded with `loadActorSource`. It runs with all rights of the process."""

    def __post_init__(self) -> None:
        if not isinstance(self.dispatcher, Dispatcher):
            raise TypeError(
                f"dispatcher was {self.dispatcher!r}, expected Dispatcher.LOOP or Dispatcher.THREAD"
            )
        if self.threads_max < 1:
            raise ValueError(f"threads_max was {self.threads_max}, expected 1 or more")

    def dispatcher_of(self, cls: Any) -> Dispatcher:
        """Return where actors of a class run."""
        declared = getattr(cls, "dispatcher", None)
        return declared if isinstance(declared, Dispatcher) else self.dispatcher
