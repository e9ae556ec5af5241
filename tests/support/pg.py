"""The real embedded Postgres for tests: one server a session, an empty database for each test.

A conftest takes the fixtures over by importing them: `from pg import disk, place, postgres, url`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from actors.store.embedded import EmbeddedServer


@contextmanager
def directory() -> Iterator[Path]:
    """A directory that other accounts may pass through, as root's server runs as one.

    Pytest's own are no place for a server: every pytest that starts closes the directory above them.
    """
    path = Path(tempfile.mkdtemp(prefix="remora-test-", dir="/tmp"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def kill_server(state_dir: Path) -> None:
    """Kill the embedded server under a state directory as kill -9 does."""
    os.kill(int((state_dir / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory for a server of this test's own."""
    with directory() as path:
        yield path


@pytest.fixture
def disk(place: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system of this test's own with some options; skips where that is not allowed."""
    path = place / "disk"
    path.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"{options},mode=711", "tmpfs", path]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("cannot mount a file system here")
        return path

    yield mount
    subprocess.run(["umount", "-l", path], check=False, capture_output=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of the maintenance database of a server of this session."""
    with directory() as path:
        embedded = EmbeddedServer(path)
        address = embedded.start()
        try:
            yield address.replace("/remora?", "/postgres?")
        finally:
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
