"""Everything the store raises.

StoreError
├── EmbeddedError        the embedded server cannot be started at present; says what to do
│   └── UnusableError    it never will be, as things are set up: a wrong place, a wrong version
├── MigrationError       the database's schema is not one that this version can bring up to date
├── EngineTakenError     another daemon writes to this database
├── EmptyError           there is no database to look into
└── BadWriteError        one write cannot be recorded, whatever is tried
"""

from __future__ import annotations


class StoreError(Exception):
    """The base of all: its text is for whoever runs the daemon."""


class EmbeddedError(StoreError):
    """The embedded server cannot be started at present: a full disk, a server that does not answer."""


class UnusableError(EmbeddedError):
    """No waiting helps: the state directory, the account or the data are not fit for the server."""


class MigrationError(StoreError):
    """The schema in the database is unknown to this version, or was changed after it was applied."""


class EngineTakenError(StoreError):
    """Another daemon writes to this database; two would double every order."""


class EmptyError(StoreError):
    """There is nothing to look into: no daemon has written here."""


class BadWriteError(StoreError):
    """A write that no retry can make good, such as fills of an order that nobody recorded."""
