"""Reads that wait for no write: what is stored of markets, on a connection of their own.

They see what is durable by then, so perhaps not yet what their asker has just sent to be written. While
the database is away they wait for it as other loads do, but only the latest of them: who asks gives up in
the end, and asks again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from actors.store import failures, metrics
from actors.store.engine import Engine
from config.settings import Database
from messages.base import Message
from messages.store import LoadMarkets, MarketsLoaded

log = structlog.get_logger("store")

WAITING_MAX: Final = 1_000
"""Who asked before that many others has given up; unlike a write, it may be forgotten."""
IDS_MAX: Final = 2_000
"""Markets in one read, beyond which no other load joins it."""


class Lookups:
    """Takes loads of markets and answers each, those that came together from one read."""

    def __init__(self, engine: Engine, settings: Database, answer: Callable[[object, Message], None]) -> None:
        self._engine = engine
        self._settings = settings
        self._answer = answer
        self._waiting: deque[tuple[LoadMarkets, object]] = deque(maxlen=WAITING_MAX)
        self._retry = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def put(self, load: LoadMarkets, sender: object) -> None:
        """Take a load."""
        self._waiting.append((load, sender))
        metrics.LOOKUPS_WAITING.set(len(self._waiting))
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    def retry(self) -> None:
        """Try again now what failed: the database is back."""
        self._retry.set()

    def cancel(self) -> None:
        """End, with those who wait unanswered."""
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        delay_s = self._settings.retry_first_s
        try:
            while self._waiting:
                self._retry.clear()
                if await self._read():
                    delay_s = self._settings.retry_first_s
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._retry.wait(), delay_s)
                delay_s = min(delay_s * 2, self._settings.retry_max_s)
        finally:
            self._running = None

    async def _read(self) -> bool:
        """Answer those who wait longest; False when the database is away and they still wait."""
        loads = self._next()
        ids = dict.fromkeys(one for load, _ in loads for one in load.condition_ids)
        try:
            found = await self._engine.markets(list(ids))
        except Exception as error:
            reason = failures.reason(error)
            if failures.is_bad_row(error):
                # Again and again it would hold up everybody else.
                log.error("markets are not what was written and cannot be read", ids=list(ids), error=reason)
                return True
            log.warning("markets cannot be read", error=reason, waiting=len(self._waiting))
            self._waiting = deque((*loads, *self._waiting), maxlen=WAITING_MAX)
            return False
        for load, sender in loads:
            asked = load.condition_ids
            rows = tuple([found[one] for one in dict.fromkeys(asked) if one in found])
            self._answer(sender, MarketsLoaded(asked=asked, rows=rows))
        metrics.WRITES.labels("LoadMarkets").inc(len(loads))
        metrics.LOOKUPS_WAITING.set(len(self._waiting))
        return True

    def _next(self) -> list[tuple[LoadMarkets, object]]:
        """Take loads in their order, as many as one read may answer."""
        loads: list[tuple[LoadMarkets, object]] = []
        count = 0
        while self._waiting and count < IDS_MAX:
            loads.append(self._waiting.popleft())
            count += len(loads[-1][0].condition_ids)
        return loads
