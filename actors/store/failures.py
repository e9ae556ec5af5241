"""What a failed commit means: is the database away (keep everything and try again), or is a row bad?

In doubt it is the database: a row taken for bad is lost to the tables, a database taken for away only
waits, and says so.
"""

from __future__ import annotations

import asyncio
from typing import Final

import asyncpg

from actors.store.errors import BadWriteError, EngineTakenError, MigrationError, StoreError

_BAD_ROW: Final = ("22", "23", "54", "P0001")
"""Classes of SQLSTATE that values cause: data exception, constraint, over a limit, a guard of ours."""

_HINTS: Final = {
    "53100": "the database's disk is full: free some space, writing goes on by itself",
    "53200": "the database is out of memory: give it more, or stop what else uses it",
    "53300": "the database has no connection left: raise max_connections, or stop what else uses it",
    "25006": "the database is read-only (a standby?): set database.url to the primary",
    "08": "the connection to the database broke: it is made anew as soon as the database is there",
    "28": "the database refuses the user or password: check database.url",
    "3D000": "the database does not exist: create it, or check database.url",
    "42501": "the database's user lacks a privilege: make it the owner of the database",
    "57P03": "the database is starting or stopping: writing goes on when it is back",
    "57": "the database was stopped: start it again, writing goes on by itself",
    "58": "the database's disk reports errors: look at its log",
    "XX": "the database reports damage: look at its log before anything else",
}

FATAL: Final = (EngineTakenError, MigrationError)
"""What no waiting can mend: the daemon must end."""


def is_bad_row(error: BaseException) -> bool:
    """Return whether the values being written caused it, so that writing them again fails again."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_BAD_ROW)
    if isinstance(error, BadWriteError):
        return True
    if isinstance(error, asyncpg.InterfaceError | OSError | asyncio.TimeoutError | EOFError | StoreError):
        return False
    # A value that Python could not encode: an integer out of range, text with half a surrogate.
    return isinstance(error, ValueError | TypeError | ArithmeticError | LookupError | AttributeError)


def reason(error: BaseException) -> str:
    """Return why nothing can be written at present, and what to do, in words."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        for length in (5, 2):
            if state[:length] in _HINTS:
                return f"{_HINTS[state[:length]]} ({error})"
        return f"the database answered {state}: {error}"
    if isinstance(error, asyncio.TimeoutError):
        return "the database does not answer in time: check its load and its disk"
    if isinstance(error, asyncpg.InternalClientError):
        return f"{_HINTS['08']} ({error})"
    if isinstance(error, OSError | asyncpg.InterfaceError | EOFError):
        seen = str(error) or type(error).__name__
        return f"the database cannot be reached ({seen}): start it, or check database.url"
    return str(error) or type(error).__name__
