"""Waiting for a state that nobody announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], poll_seconds: float) -> None:
    """Wait until a condition holds, by looking; for states spread over many sockets that come and go."""
    while not holds():  # noqa: ASYNC110 - there is no one place that could set an event
        await asyncio.sleep(poll_seconds)
