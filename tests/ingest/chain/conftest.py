"""A real chain with the exchanges on it, a relay before it that breaks, and the actor that follows it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from anvil import Anvil, NoAnvilError, program
from chain import Chain
from outcomes import NEG_RISK, NEG_RISK_NO, NEG_RISK_YES, market
from relay import Relay
from thespian.actors import ActorAddress

from actors.ingest.chain.actor import Chain as ChainActor
from actors.ingest.chain.actor import ChainArgs
from config.settings import Ingest
from messages.base import Message
from messages.ingest import ContractDrift, FeedDown, FeedUp, LeadersWatched
from messages.markets import Market, MarketAnswer, MarketQuery, TokenAnswer, TokenQuery
from messages.store import StoreAvailability
from messages.trades import FillReported, FillsRetracted
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles


@dataclass
class Catalogue:
    """What the price service would know; with `is_silent` it does not answer yet."""

    markets: dict[str, Market] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_silent: bool = False

    def add(self, market: Market) -> None:
        self.markets[market.condition_id] = market
        for token in market.token_ids:
            self.markets[token] = market


class Answer(Message, frozen=True, kw_only=True):
    """Have the markets answer whoever asked for this token and was not answered."""

    token_id: str


class Markets(SupervisedActor):
    """Answers for tokens and markets from a catalogue."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    def started(self) -> None:
        self.waiting: list[tuple[TokenQuery, ActorAddress]] = []

    @handles(TokenQuery)
    def on_token(self, message: TokenQuery, sender: ActorAddress) -> None:
        self.args.asked.append(message.token_id)
        if self.args.is_silent:
            self.waiting.append((message, sender))
        else:
            self._answer(message, sender)

    @handles(Answer)
    def on_answer(self, message: Answer, sender: ActorAddress) -> None:
        kept = []
        for query, asker in self.waiting:
            if query.token_id == message.token_id:
                self._answer(query, asker)
            else:
                kept.append((query, asker))
        self.waiting = kept

    def _answer(self, query: TokenQuery, asker: ActorAddress) -> None:
        found = self.args.markets.get(query.token_id)
        error = "" if found is not None else "nobody knows it"
        self.send(asker, TokenAnswer(token_id=query.token_id, market=found, error=error))

    @handles(MarketQuery)
    def on_market(self, message: MarketQuery, sender: ActorAddress) -> None:
        found = self.args.markets.get(message.condition_id)
        answer = MarketAnswer(
            condition_id=message.condition_id, market=found, as_of_ns=0, age_ms=0, stale=False, source="here"
        )
        self.send(sender, answer)


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    try:
        return program()
    except NoAnvilError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"a real chain is needed: {error}")


@pytest.fixture
def anvil(anvil_program: Path, tmp_path: Path) -> Iterator[Anvil]:
    node = Anvil(tmp_path)
    yield node
    node.stop()


@pytest.fixture
async def chain(anvil: Anvil) -> AsyncIterator[Chain]:
    """A chain with the exchanges on it."""
    async with aiohttp.ClientSession() as session:
        made = Chain(anvil, session)
        await made.prepare()
        yield made


@pytest.fixture
async def relay(chain: Chain) -> AsyncIterator[Relay]:
    """A node in front of the chain."""
    made = Relay(chain.url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def second_relay(chain: Chain) -> AsyncIterator[Relay]:
    made = Relay(chain.url)
    await made.start()
    yield made
    await made.stop()


@dataclass
class Feed:
    """A running chain actor with its neighbours."""

    base: AsyncioSystemBase
    address: Any
    leader: Any
    inbox: Any
    ingest: Any
    catalogue: Catalogue
    markets: Any
    until: Callable[..., Awaitable[None]]

    def watch(self, *wallets: str) -> None:
        """Announce leaders, all of whom are the one probe."""
        message = LeadersWatched(
            addresses=dict.fromkeys(wallets, self.leader), polled_from_s=dict.fromkeys(wallets, 0)
        )
        self.base.tell(self.address, message)

    async def up(self, *wallets: str) -> None:
        """Watch wallets and wait until the node has confirmed it."""
        self.watch(*wallets)
        await self.until(lambda: len(self.told(FeedUp)) > len(self.told(FeedDown)))

    async def fills(self, count: int) -> list[FillReported]:
        """Wait for this many fills."""
        await self.until(lambda: len(self.inbox.of(FillReported)) >= count)
        return list(self.inbox.of(FillReported))

    async def answer(self, token: str) -> None:
        """Have the markets answer for a token."""
        self.base.tell(self.markets, Answer(token_id=token))

    async def settled(self, chain: Chain) -> None:
        """Wait until whatever the chain has shown up to now has been read."""
        await chain.mine()
        number = int(await chain.rpc("eth_blockNumber"), 16)
        await self.until(lambda: self.base.snapshot("chain")["block"] >= number)

    @property
    def retracted(self) -> list[FillsRetracted]:
        return list(self.inbox.of(FillsRetracted))

    @property
    def drifts(self) -> list[ContractDrift]:
        return self.told(ContractDrift)

    def told(self, kind: type) -> list[Any]:
        """Return what ingest was told of this kind."""
        return list(self.ingest.of(kind))

    def snapshot(self) -> dict[str, Any]:
        return self.base.snapshot("chain")


@pytest.fixture
def follow(base: Any, probe: Callable[[], Any], until: Any, relay: Relay) -> Callable[..., Feed]:
    """Start the chain's actor on the relay, or on `urls`; keywords are settings of `ingest`."""

    def start(*urls: str, **changes: Any) -> Feed:
        settings: dict[str, Any] = {
            "reconnect_first_s": 0.02,
            "reconnect_max_s": 0.2,
            "connect_timeout_s": 2.0,
            "polygon_reorg_settle_s": 0.2,
            "polygon_requests_per_s": 10_000.0,
        }
        catalogue = Catalogue()
        catalogue.add(market())
        catalogue.add(market(NEG_RISK, (NEG_RISK_YES, NEG_RISK_NO)))
        ingest, told = probe()
        leader, inbox = probe()
        markets = base.spawn(Markets, "markets", catalogue)
        args = ChainArgs(
            ingest=ingest, prices=markets, urls=urls or (relay.url,), settings=Ingest(**(settings | changes))
        )
        address = base.spawn(ChainActor, "chain", args)
        base.tell(address, StoreAvailability(available=True))
        return Feed(base, address, leader, inbox, told, catalogue, markets, until)

    return start
