"""The queue before the engine: messages in order, a batch at a time, nothing dropped, everyone answered.

While one batch commits the next one gathers, so that the load sets the size of the batches and not a
delay. While the database is away everything waits here, and subscribers know.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Final

import structlog

from actors.store import failures, metrics
from actors.store.batch import WRITES
from actors.store.engine import Engine, Job
from actors.store.errors import StoreError, UnusableError
from actors.store.lookups import Lookups
from config.settings import Database
from messages.base import Message
from messages.decisions import Intent
from messages.store import (
    CountsQuery,
    LoadMarkets,
    StoreCorrection,
    StoreCursor,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreMismatch,
    StoreMovement,
    StoreOrder,
    StorePositions,
    StoreSightings,
    StoreTrade,
)

log = structlog.get_logger("store")

WAITING_MAX: Final = 200_000
"""More than this is no backlog but a daemon that should have stopped trading long ago."""
LINGER_S: Final = 0.004
"""How long writes that nobody waits for are held back, so that a decision need not wait for their commit
before its own: a trade's intent comes a moment behind the trade and then shares its transaction."""
_JITTER: Final = 0.2
EASED: Final = 4
"""The pressure is over when the queue is this many times shorter than where it began."""
_UNHURRIED: Final = (
    StoreTrade,
    StoreCorrection,
    StoreMovement,
    StoreSightings,
    StoreCursor,
    StoreDuplicates,
    StorePositions,
    StoreMarkets,
    StoreMismatch,
)


class QueueFullError(StoreError):
    """The database has been away for longer than memory lasts; nothing may be dropped, so all must stop."""


def is_awaited(message: Message) -> bool:
    """Return whether somebody holds something back until this is durable."""
    if isinstance(message, StoreDecision):
        return isinstance(message.decision, Intent)
    if isinstance(message, StoreOrder):
        return message.state.terminal
    return not isinstance(message, _UNHURRIED)


class Committer:
    """Takes messages, commits them in order, and says when it can and cannot."""

    def __init__(
        self,
        engine: Engine,
        settings: Database,
        random: Random,
        answer: Callable[[object, Message], None],
        tell: Callable[[bool, str], None],
        press: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """`press` is told when more waits than is healthy, and when it is much less again."""
        self._engine = engine
        self._settings = settings
        self._random = random
        self._answer = answer
        self._tell = tell
        self._press = press
        self._lookups = Lookups(engine, settings, answer)
        self._is_pressed = False
        self._queue: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._delay_s = settings.retry_first_s
        self._is_available = False
        self._askers: list[object] = []
        self._counting: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Messages that are not durable yet."""
        return len(self._queue)

    def put(self, message: Message, sender: object) -> None:
        """Take a message; loads of markets go past the queue. Raises `QueueFullError`."""
        if isinstance(message, LoadMarkets):
            self._lookups.put(message, sender)
            return
        if len(self._queue) >= WAITING_MAX:
            raise QueueFullError(f"{WAITING_MAX} messages wait for the database")
        self._queue.append(Job(message, sender))
        if not self._is_pressed and len(self._queue) > self._settings.pressure_rows:
            self._feel(is_pressed=True)
        if is_awaited(message):
            self._hurry.set()
        self._wake.set()

    def wake(self) -> None:
        """Look whether there is something to do, such as a connection to restore."""
        self._wake.set()

    def close(self) -> None:
        """Commit what waits, once, and end."""
        self._closing.set()
        self._hurry.set()
        self._wake.set()

    async def run(self) -> None:
        """Commit until closed. Raises what no waiting can mend (see `failures.FATAL`)."""
        try:
            while await self._something_to_do():
                if not await self._step() and not await self._pause():
                    break
        finally:
            if self._counting is not None:
                self._counting.cancel()
            self._lookups.cancel()
            metrics.AVAILABLE.set(0)
            if self._queue:
                log.error("ended with messages that are not durable", waiting=len(self._queue))

    async def _something_to_do(self) -> bool:
        while not self._queue and self._engine.is_open and not self._closing.is_set():
            self._wake.clear()
            await self._wake.wait()
        if self._queue and not self._hurry.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), LINGER_S)
        return bool(self._queue) or not self._closing.is_set()

    async def _step(self) -> bool:
        """Commit one batch; False when the database is away."""
        if self._is_available and not self._engine.is_open:
            # Said even where the next lines mend it: a server that died is news.
            self._say(False, "the connection to the database broke; it is being opened again")
        jobs = self._next_batch()
        if len(jobs) == len(self._queue) and not self._closing.is_set():
            self._hurry.clear()
        try:
            await self._engine.commit([job for job in jobs if not isinstance(job.message, CountsQuery)])
        except Exception as error:
            self._settle(jobs)
            self._away(error)
            return False
        except asyncio.CancelledError:
            self._settle(jobs)
            raise
        self._delay_s = self._settings.retry_first_s
        self._say(True, "")
        self._settle(jobs)
        return True

    def _next_batch(self) -> list[Job]:
        """Return writes up to the limit, or up to and including loads: these see no write behind them."""
        jobs: list[Job] = []
        loading = False
        for job in self._queue:
            is_write = isinstance(job.message, WRITES)
            if len(jobs) == self._settings.batch_rows_max or (loading and is_write):
                break
            loading = loading or not is_write
            jobs.append(job)
        return jobs

    def _settle(self, jobs: list[Job]) -> None:
        """Answer what is done and leave the rest in front of the queue."""
        committed = all(job.done or isinstance(job.message, CountsQuery) for job in jobs)
        left: list[Job] = []
        for job in jobs:
            self._queue.popleft()
            if isinstance(job.message, CountsQuery) and committed:
                self._askers.append(job.sender)
            elif not job.done:
                left.append(job)
            elif job.answer is not None:
                self._answer(job.sender, job.answer)
        self._queue.extendleft(reversed(left))
        metrics.WAITING.set(len(self._queue))
        if self._is_pressed and len(self._queue) <= self._settings.pressure_rows // EASED:
            self._feel(is_pressed=False)
        if self._askers and self._counting is None:
            self._counting = asyncio.create_task(self._count())

    def _feel(self, *, is_pressed: bool) -> None:
        self._is_pressed = is_pressed
        if is_pressed:
            log.warning("more waits for the database than is healthy", waiting=len(self._queue))
        else:
            log.info("what waits for the database is little again", waiting=len(self._queue))
        self._press(is_pressed)

    def _away(self, error: Exception) -> None:
        if isinstance(error, failures.FATAL):
            raise error
        if isinstance(error, UnusableError) and not self._engine.was_open:
            raise error
        metrics.FAILED_COMMITS.inc()
        self._say(False, failures.reason(error))

    def _say(self, available: bool, reason: str) -> None:
        if available and not self._is_available:
            self._lookups.retry()
        self._is_available = available
        metrics.AVAILABLE.set(available)
        self._tell(available, reason)

    async def _pause(self) -> bool:
        """Wait before the next try; False when there shall be none."""
        if self._closing.is_set():
            return False
        delay_s = self._delay_s * self._random.uniform(1 - _JITTER, 1 + _JITTER)
        self._delay_s = min(self._delay_s * 2, self._settings.retry_max_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)
        return True

    async def _count(self) -> None:
        """Count beside the writer, once for all who asked until then."""
        try:
            while self._askers:
                askers, self._askers = self._askers, []
                counts: Any = await self._engine.counts()
                for asker in askers:
                    self._answer(asker, counts)
        except Exception as error:
            log.warning("counting failed", error=str(error) or type(error).__name__)
        finally:
            self._counting = None


async def flush(committer: Committer, running: asyncio.Task[None], limit_s: float) -> None:
    """Let a running committer write what it still holds, for a limited time, and end it."""
    committer.close()
    await asyncio.wait({running}, timeout=limit_s)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await running
