"""Desks at the store, on a database of each test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pg import disk, place, postgres, url
from store_desk import Desk

from actors.store.embedded import EmbeddedServer
from config.settings import Database

__all__ = ["desk", "disk", "open_desk", "place", "postgres", "url"]


@pytest.fixture
async def open_desk(url: str, place: Path) -> AsyncIterator[Callable[..., Desk]]:
    """Make desks, on this test's database unless told otherwise; each is closed in the end."""
    async with AsyncExitStack() as stack:

        def make(**changes: Any) -> Desk:
            state_dir = changes.pop("state_dir", place / "state")
            settings = Database(**({"url": url, "retry_first_s": 0.05, "retry_max_s": 0.3} | changes))
            made = Desk(settings, state_dir)
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
async def server(place: Path) -> AsyncIterator[EmbeddedServer]:
    """A server that the store knows by its address alone, as somebody's own."""
    made = EmbeddedServer(place / "own")
    yield made
    await asyncio.to_thread(made.release, wait_s=10)


@pytest.fixture
async def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()
