"""A store without the runtime: the committer on a real database, asked as an actor is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
from examples import NOON_NS, PAPER, USDC, WALLET, stored

from actors.store.committer import Committer, flush
from actors.store.engine import Engine
from config.settings import Database
from messages.base import Message
from messages.store import (
    FollowSpec,
    LoadLeader,
    LoadOpenOrders,
    LoadPortfolio,
    PortfolioLoaded,
)
from messages.trades import LeaderTrade


class Desk:
    """Someone who sends to the store, and everything that came back."""

    def __init__(self, settings: Database, state_dir: Path) -> None:
        self.told: list[tuple[bool, str]] = []
        self.answers: list[tuple[object, Message]] = []
        self._news = asyncio.Event()
        self.engine = Engine(settings, state_dir, lambda: self.committer.wake())
        self.committer = Committer(self.engine, settings, Random(1), self._answer, self._tell)
        self.running = asyncio.ensure_future(self.committer.run())
        self.url = settings.url

    def put(self, message: Message, sender: object = None) -> None:
        self.committer.put(message, sender)

    async def ask(self, message: Message, timeout_s: float = 10) -> Any:
        waiter: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self.put(message, waiter)
        return await asyncio.wait_for(waiter, timeout_s)

    async def settled(self) -> None:
        """Return when everything put before is durable."""
        await self.ask(LoadOpenOrders())

    async def load(self, *wallets: str, portfolio_id: str = PAPER, at_ns: int = NOON_NS) -> PortfolioLoaded:
        answer: PortfolioLoaded = await self.ask(
            LoadPortfolio(
                portfolio_id=portfolio_id,
                mode="paper",
                starting_cash=1000 * USDC,
                follows=tuple(FollowSpec(wallet, 10_000) for wallet in wallets or (WALLET,)),
                at_ns=at_ns,
            )
        )
        return answer

    async def load_leader(self, wallet: str = WALLET, **changes: Any) -> Any:
        fields = {"followed_at_ns": NOON_NS, "cursor_s": 100, "trades_since_ns": 0} | changes
        return await self.ask(LoadLeader(wallet=wallet, **fields))

    def trades(self, *trades: LeaderTrade) -> None:
        for one in trades:
            self.put(stored(one))

    async def rows(self, query: str, *arguments: object) -> list[Any]:
        """What the database says, by a connection that is not the store's."""
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def until_told(self, available: bool, timeout_s: float = 20) -> str:
        """Wait until the last thing told is `available` and return the reason given."""
        async with asyncio.timeout(timeout_s):
            while not self.told or self.told[-1][0] is not available:
                self._news.clear()
                await self._news.wait()
        return self.told[-1][1]

    async def was_told(self, available: bool, timeout_s: float = 20) -> None:
        """Wait until `available` was told at some time, whatever has been told since."""
        async with asyncio.timeout(timeout_s):
            while available not in [each for each, _ in self.told]:
                self._news.clear()
                await self._news.wait()

    async def kill(self) -> None:
        """End as kill -9 does: nothing is written, nobody is told."""
        self.running.cancel()
        await asyncio.wait({self.running})
        self.engine.abandon()

    async def close(self) -> None:
        await flush(self.committer, self.running, 10)
        await self.engine.close()

    def _answer(self, sender: object, message: Message) -> None:
        self.answers.append((sender, message))
        if isinstance(sender, asyncio.Future) and not sender.done():
            sender.set_result(message)

    def _tell(self, available: bool, reason: str) -> None:
        if not self.told or self.told[-1] != (available, reason):
            self.told.append((available, reason))
            self._news.set()
