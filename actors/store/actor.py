"""The store actor: messages in, durable, answers out.

It keeps nothing but a queue. What has been answered is in the database; what was not, is not or may be,
and repeating it is harmless.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog
from thespian.actors import ActorAddress

from actors.store.committer import WAITING_MAX, Committer, flush
from actors.store.engine import Engine
from config.settings import Database
from messages.backfill import FoldPositions, LoadTrades, StoreHistory
from messages.base import Message
from messages.operator import LoadOverrides, Overrides, SubscribeOverrides
from messages.store import (
    CountsQuery,
    LoadLeader,
    LoadMarkets,
    LoadOpenOrders,
    LoadPaperAccount,
    LoadPaperOrder,
    LoadPortfolio,
    StoreAvailability,
    StoreCorrection,
    StoreCursor,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreMismatch,
    StoreMovement,
    StoreOrder,
    StorePaperOrder,
    StorePaperSettlement,
    StorePositions,
    StoreSettlement,
    StoreSightings,
    StoreTrade,
    SubscribeAvailability,
)
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("store")

_FLUSH_S: Final = 8.0
"""How long an orderly stop may take to write what still waits."""


@dataclass(frozen=True, slots=True)
class StoreArgs:
    """Where the database is, and where the embedded one lives if it is nowhere else."""

    database: Database
    state_dir: Path


class Store(SupervisedActor):
    """Answers the messages of `messages.store`, each after the commit that made it durable.

    Anything queued when it stops is committed first. Whoever relies on an earlier incarnation must be
    restarted with it (rest-for-one): what a crash left uncommitted is gone.
    """

    mailbox = Mailbox(capacity=WAITING_MAX, overflow=Overflow.HALT)

    args: StoreArgs

    def started(self) -> None:
        self._subscribers: list[ActorAddress] = []
        self._availability = StoreAvailability(available=False, reason="the database is being opened")
        self._overrides: Overrides | None = None
        self._overseers: list[ActorAddress] = []
        engine = Engine(
            self.args.database, self.args.state_dir, lambda: self._committer.wake(), self._load_overrides
        )
        self._committer = Committer(
            engine, self.args.database, self.random, self._answer, self._tell, self._press
        )
        self.pipe(self._keep(engine))

    def snapshot(self) -> dict[str, object]:
        return {
            "available": self._availability.available,
            "reason": self._availability.reason,
            "waiting": self._committer.waiting,
        }

    @handles(
        StoreTrade,
        StoreCorrection,
        StoreMovement,
        StoreHistory,
        StoreSightings,
        StoreCursor,
        StoreDuplicates,
        StoreDecision,
        StoreOrder,
        StoreSettlement,
        StorePositions,
        StoreMarkets,
        StorePaperOrder,
        StorePaperSettlement,
        StoreMismatch,
        FoldPositions,
        LoadLeader,
        LoadTrades,
        LoadPortfolio,
        LoadOpenOrders,
        LoadPaperOrder,
        LoadPaperAccount,
        LoadOverrides,
        LoadMarkets,
        CountsQuery,
    )
    def on_work(self, message: Message, sender: ActorAddress) -> None:
        self._committer.put(message, sender)

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: SubscribeAvailability, sender: ActorAddress) -> None:
        if sender not in self._subscribers:
            self._subscribers.append(sender)
        self.send(sender, self._availability)

    # --- what an operator changed ---

    def _load_overrides(self) -> None:
        self._committer.put(LoadOverrides(), self.myAddress)

    @handles(SubscribeOverrides)
    def on_overseer(self, message: SubscribeOverrides, sender: ActorAddress) -> None:
        if sender not in self._overseers:
            self._overseers.append(sender)
        if self._overrides is not None:
            self.send(sender, self._overrides)

    @handles(Overrides)
    def on_overrides(self, message: Overrides, sender: ActorAddress) -> None:
        if message == self._overrides:
            return
        self._overrides = message
        for overseer in self._overseers:
            self.send(overseer, message)

    async def _keep(self, engine: Engine) -> None:
        """Commit for as long as the incarnation lasts. Its end cancels this, which then writes the rest."""
        running = asyncio.create_task(self._committer.run())
        try:
            await asyncio.shield(running)
        finally:
            await flush(self._committer, running, _FLUSH_S)
            await engine.close()

    def _answer(self, asker: object, answer: Message) -> None:
        self.send(asker, answer)

    def _tell(self, available: bool, reason: str) -> None:
        if (available, reason) == (self._availability.available, self._availability.reason):
            return
        if available:
            log.info("the database takes writes")
        else:
            log.error("the database does not take writes", reason=reason, waiting=self._committer.waiting)
        self._announce(available=available, reason=reason)

    def _press(self, is_pressed: bool) -> None:
        self._announce(is_pressed=is_pressed)

    def _announce(self, **changes: object) -> None:
        self._availability = msgspec.structs.replace(self._availability, **changes)
        for subscriber in self._subscribers:
            self.send(subscriber, self._availability)
