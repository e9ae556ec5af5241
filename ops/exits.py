"""Exit codes, stable and documented in the README, and the errors that carry them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a process of ours ends with."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    STATE = 4
    PORT = 5
    NETWORK = 6
    DATABASE = 7
    INVARIANT = 8


MEANINGS: dict[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "it failed, or was ended before it was done; the message or the log says why",
    Exit.USAGE: "the command line was not understood",
    Exit.CONFIG: "the configuration cannot be used",
    Exit.STATE: "the state directory cannot be used, or another Remora runs on it",
    Exit.PORT: "a port to listen on is taken or not allowed",
    Exit.NETWORK: "no upstream could be reached, or no daemon answers",
    Exit.DATABASE: "the database cannot be started or reached",
    Exit.INVARIANT: "an invariant of the books does not hold",
}


class CannotGoOn(Exception):
    """Something outside is not as it must be: says what was seen, what was expected and what to do."""

    def __init__(self, code: Exit, message: str) -> None:
        self.code = code
        super().__init__(message)
