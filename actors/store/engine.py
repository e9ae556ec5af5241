"""The one writer of the database: commits batches, survives whatever happens to its connection.

The row in table `engine` settles two questions. Is this daemon still the one that writes? Each that opens
the database raises `incarnation`, and a commit under an older one is refused. Did a commit whose answer
never came take place? Each batch writes its number with its rows, and after reconnecting it is there or
it is not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import asyncpg
import msgspec
import structlog

from actors.store import failures, metrics, overrides, schema
from actors.store.batch import halves, run_batch
from actors.store.columns import clean
from actors.store.connection import WRITER, Connection, Row, connect
from actors.store.errors import EngineTakenError, StoreError
from actors.store.markets import load_markets
from actors.store.queries import counts
from actors.store.reader import Reader
from actors.store.server import Server
from config.settings import Database
from messages.base import Message
from messages.decisions import Intent, Skip
from messages.ids import ConditionId
from messages.store import Counts, DecisionOutcome, DecisionStored, MarketRow, StoreDecision

log = structlog.get_logger("store")

COMMIT_TIMEOUT_S: Final = 15.0
"""A database that takes longer is as good as away; what it did in the end is found out afterwards."""
COUNT_TIMEOUT_S: Final = 30.0
LOOKUP_TIMEOUT_S: Final = 5.0
_ROLLBACK_TIMEOUT_S: Final = 2.0
_LOCK: Final = 0x454E47494E45
"""An advisory lock's key: "ENGINE"."""
_LOCK_WAIT_S: Final = 5.0
"""How long a session that died may take to be noticed by the server."""
_LOCK_RETRY_S: Final = 0.05
_HOLDER: Final = """
SELECT pid, backend_start, client_addr FROM pg_stat_activity WHERE pid = (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND ((classid::bigint << 32) | objid::bigint) = $1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1)
"""


class Job:
    """A message on its way into the database, whom to answer, and the answer."""

    __slots__ = ("answer", "done", "message", "sender")

    def __init__(self, message: Message, sender: object) -> None:
        self.message = message
        self.sender = sender
        self.done = False
        self.answer: Message | None = None

    def finish(self, answer: Message | None) -> None:
        """Take note that the message is durable, or will never be."""
        self.done = True
        self.answer = answer


class Engine:
    """A connection for the writer, one for counting, one for markets, and the server behind them."""

    def __init__(
        self,
        database: Database,
        state_dir: Path,
        lost: Callable[[], None],
        overridden: Callable[[], None] = lambda: None,
    ) -> None:
        """`lost` is called when the writer's connection breaks, also while nothing is being written;
        `overridden` when an operator's changes may be others than before."""
        self._server = Server(database.url, state_dir)
        self._lost = lost
        self._overridden = overridden
        self._writer: Connection | None = None
        self._counting = Reader(COUNT_TIMEOUT_S)
        self._looking = Reader(LOOKUP_TIMEOUT_S)
        self._address = ""
        self._incarnation = 0
        self._batch = 0
        self._unsure: tuple[int, Sequence[Job], Sequence[Message | None]] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the writer has a connection that is not known to be broken."""
        return self._writer is not None and not self._writer.is_closed()

    @property
    def was_open(self) -> bool:
        """Whether the database could ever be opened."""
        return self._incarnation > 0

    async def commit(self, jobs: Sequence[Job]) -> None:
        """Write and load, in one transaction; every job is done afterwards, or an error says why not.

        A job that fails by its own values is put into `dead_writes` without holding up the rest. After an
        error the jobs that are not done are to be given again.
        """
        if not self.is_open:
            await self._open()
        await self._find_out()
        await self._write([job for job in jobs if not job.done])

    async def counts(self) -> Counts:
        """Return the database counted, beside the writer."""
        return await self._counting.read(self._address, counts)

    async def markets(self, condition_ids: Sequence[ConditionId]) -> dict[ConditionId, MarketRow]:
        """Return what is stored of markets, beside the writer and whatever it is at."""
        if not self.was_open:
            raise StoreError("the database was not opened yet")
        return await self._looking.read(self._address, lambda one: load_markets(one, condition_ids))

    async def close(self) -> None:
        """Close every connection and let go of the server."""
        for reader in (self._counting, self._looking):
            await reader.close(_ROLLBACK_TIMEOUT_S)
        if self.is_open:
            assert self._writer is not None
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with asyncio.timeout(_ROLLBACK_TIMEOUT_S):
                    await self._writer.close()
        self.abandon()

    def abandon(self) -> None:
        """Drop every connection and let go of the server, now."""
        for reader in (self._counting, self._looking):
            reader.abandon()
        if self._writer is not None and not self._writer.is_closed():
            self._writer.terminate()
        self._writer = None
        self._server.release()

    async def _open(self) -> None:
        if self._writer is not None:
            self._writer.terminate()
            self._writer = None
        self._address = await self._server.start()
        writer = await connect(self._address, WRITER)
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S + _LOCK_WAIT_S):
                await self._take(writer)
                await writer.add_listener(overrides.CHANNEL, lambda *_: self._overridden())
        except BaseException:
            writer.terminate()
            raise
        writer.add_termination_listener(lambda _: self._lost())
        self._writer = writer
        self._overridden()  # nobody listened until now

    async def _take(self, writer: Connection) -> None:
        """Become the one that writes, or stay it."""
        now = asyncio.get_running_loop().time
        deadline = now() + _LOCK_WAIT_S
        while not await writer.fetchval(f"SELECT pg_try_advisory_lock({_LOCK})"):
            if now() > deadline:
                raise _taken(await writer.fetchrow(_HOLDER, _LOCK), before=self.was_open)
            await asyncio.sleep(_LOCK_RETRY_S)
        applied = await schema.migrate(writer, schema.shipped())
        if applied:
            log.info("migrated the database", migrations=[one.name for one in applied])
        if self.was_open:
            return
        self._incarnation = await writer.fetchval(
            "UPDATE engine SET incarnation = incarnation + 1, batch = 0 WHERE id = 1 RETURNING incarnation"
        )

    async def _find_out(self) -> None:
        """Learn what became of a commit that was never answered."""
        if self._unsure is None:
            return
        number, jobs, answers = self._unsure
        assert self._writer is not None
        # The lock waits for a session that may still be at it.
        async with asyncio.timeout(COMMIT_TIMEOUT_S):
            row = await self._writer.fetchrow("SELECT incarnation, batch FROM engine WHERE id = 1 FOR UPDATE")
        assert row is not None
        if row["incarnation"] != self._incarnation:
            raise EngineTakenError(_TAKEN)
        if row["batch"] == number:
            _finish(jobs, answers)
        self._unsure = None

    async def _write(self, jobs: Sequence[Job]) -> None:
        """Commit the jobs; where one of them is bad, halve until it stands alone."""
        if not jobs:
            return
        try:
            await self._transact(jobs)
        except Exception as error:
            # On a connection that died any error may have come up; only one that lives can blame a row.
            if not self.is_open or not failures.is_bad_row(error):
                raise
            if len(jobs) == 1:
                await self._divide(jobs[0], error)
                return
            half = len(jobs) // 2
            await self._write(jobs[:half])
            await self._write(jobs[half:])

    async def _divide(self, job: Job, error: Exception) -> None:
        """Write what is good of a write of many rows, and bury the rest."""
        parts = halves(job.message)
        if not parts:
            await self._bury(job, error)
            return
        for part in parts:
            await self._write([Job(part, job.sender)])
        job.finish(None)

    async def _transact(self, jobs: Sequence[Job]) -> None:
        writer = self._writer
        assert writer is not None
        now = asyncio.get_running_loop().time
        began = now()
        self._batch += 1
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                tag = await writer.execute(
                    f"BEGIN; UPDATE engine SET batch = {self._batch} "
                    f"WHERE id = 1 AND incarnation = {self._incarnation}"
                )
                if tag != "UPDATE 1":
                    raise EngineTakenError(_TAKEN)
                answers = await run_batch(writer, [job.message for job in jobs])
                self._unsure = (self._batch, jobs, answers)
                tag = await writer.execute("COMMIT")
                if tag != "COMMIT":
                    raise StoreError(f"the database answered {tag} to COMMIT")
        except BaseException as error:
            await self._roll_back(writer, error)
            raise
        self._unsure = None
        _finish(jobs, answers)
        metrics.COMMITS.inc()
        metrics.BATCH_ROWS.observe(len(jobs))
        metrics.COMMIT_SECONDS.observe(now() - began)

    async def _roll_back(self, writer: Connection, error: BaseException) -> None:
        if isinstance(error, TimeoutError) or not isinstance(error, Exception):
            # Nobody knows what the session is at.
            writer.terminate()
        if writer.is_closed():
            return
        try:
            async with asyncio.timeout(_ROLLBACK_TIMEOUT_S):
                await writer.execute("ROLLBACK")
        except Exception:
            writer.terminate()

    async def _bury(self, job: Job, error: Exception) -> None:
        """Put a bad write where a person can find it."""
        kind = type(job.message).__name__
        try:
            body = msgspec.json.encode(job.message).decode()
        except (ValueError, TypeError, ArithmeticError):
            body = repr(job.message)
        log.error("a write cannot be recorded", message=kind, error=str(error), body=body)
        assert self._writer is not None
        await self._writer.execute(
            "INSERT INTO dead_writes (message, body, error) VALUES ($1, $2, $3)",
            kind,
            clean(body),
            clean(f"{type(error).__name__}: {error}"),
        )
        metrics.DEAD_WRITES.labels(kind).inc()
        decision = job.message.decision if isinstance(job.message, StoreDecision) else None
        answer = None
        if isinstance(decision, Intent | Skip):
            answer = DecisionStored(
                intent_id=decision.intent_id,
                outcome=DecisionOutcome.REFUSED,
                detail=f"it cannot be recorded: {error}",
            )
        job.finish(answer)


_TAKEN: Final = (
    "another daemon has taken over this database, and two would double every order: "
    "stop one of them, or give it a database.url or state_dir of its own"
)


def _taken(holder: Row | None, *, before: bool) -> StoreError:
    if before:
        return StoreError("the session before is still there: writing goes on when the database has ended it")
    who = "" if holder is None else f" (session {holder['pid']} since {holder['backend_start']:%F %T} UTC)"
    return EngineTakenError(
        f"another daemon writes to this database{who}, and two would double every order: "
        "stop it, or give this one a database.url or state_dir of its own"
    )


def _finish(jobs: Sequence[Job], answers: Sequence[Message | None]) -> None:
    for job, answer in zip(jobs, answers, strict=True):
        job.finish(answer)
        metrics.WRITES.labels(type(job.message).__name__).inc()
        if isinstance(answer, DecisionStored):
            metrics.DECISIONS.labels(answer.outcome).inc()
