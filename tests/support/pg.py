"""The real embedded Postgres for tests: one server a session, an empty database for each test.

A conftest takes the fixtures over by importing them: `from pg import postgres, url`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from actors.store.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the maintenance database of a server of this session."""
    embedded = EmbeddedServer(tmp_path_factory.mktemp("pg"))
    address = embedded.start()
    yield address.replace("/remora?", "/postgres?")
    embedded.release(wait_s=10)


@pytest.fixture
async def url(postgres: str) -> AsyncIterator[str]:
    """The address of an empty database of this test's own."""
    name = f"t{uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield postgres.replace("/postgres?", f"/{name}?")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
