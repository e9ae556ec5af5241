"""The real embedded Postgres for tests: one server a session, a fresh database for each test.

`tests/verify` and others use the same fixtures by `from tests.store.conftest import …` being impossible
here (test folders are no packages): they name this file in their own conftest (see `tests/verify`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from actors.store.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of database `postgres` on a server of this session."""
    embedded = EmbeddedServer(tmp_path_factory.mktemp("pg"))
    address = embedded.start()
    yield address.replace("/remora?", "/postgres?")
    embedded.release(wait_s=10)


@pytest.fixture
async def url(server: str) -> AsyncIterator[str]:
    """The address of an empty database of this test's own."""
    name = f"t{uuid4().hex[:12]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()
