"""The schema: numbered SQL files, applied in order under a lock, each recorded with its checksum.

A file that was applied is history and must never be edited: a change is a new file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from actors.store.connection import Connection
from actors.store.errors import MigrationError

_LOCK: Final = 0x52454D4F5241
"""An advisory lock's key: "REMORA"."""
_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells an edited file from the one that was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    """Return the migrations of this version of Remora, in order."""
    found = []
    for file in resources.files("actors.store").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.version)


async def migrate(connection: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """Bring the database up to date, all or nothing, and return what was applied.

    Raises `MigrationError` when the database is newer than `migrations`, or was built from other text.
    """
    await connection.execute("BEGIN")
    try:
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch(
            "SELECT version, name, checksum FROM schema_migrations ORDER BY version"
        )
        _check({row["version"]: (row["name"], row["checksum"]) for row in rows}, migrations)
        missing = migrations[len(rows) :]
        for migration in missing:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                migration.version,
                migration.name,
                migration.checksum,
            )
        await connection.execute("COMMIT")
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    return list(missing)


def _check(applied: dict[int, tuple[str, str]], migrations: Sequence[Migration]) -> None:
    known = {migration.version: migration for migration in migrations}
    newer = [f"{version:04d}_{name}" for version, (name, _) in applied.items() if version not in known]
    if newer:
        raise MigrationError(
            f"the database holds migrations that this Remora does not know ({', '.join(newer)}): "
            "it was written by a newer version; install that one, or use another state_dir or database.url"
        )
    for version, (name, checksum) in applied.items():
        if known[version].checksum != checksum:
            raise MigrationError(
                f"migration {version:04d}_{name} is not the one that this database was built with: "
                "a migration must not change after a release; put its text back and add a new file instead"
            )
    if sorted(applied) != [migration.version for migration in migrations][: len(applied)]:
        raise MigrationError(
            f"the database lacks a migration in between (it has {sorted(applied)}): "
            "it was written by another line of development; use another state_dir or database.url"
        )
