"""Frames a second: through the real stream and leader actors, and through a bare loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from thespian.actors import ActorAddress, ActorSystem

from actors.ingest.reports import FeedReport, FeedStarted, TradeMissed
from actors.ingest.stream import Stream, StreamArgs
from actors.leader.supervisor import Leaders, LeadersArgs
from config.settings import Ingest
from messages.directory import Directory
from messages.ingest import FeedDown, FeedUp, LeadersWatched
from messages.store import LeaderLoaded, LoadLeader, StoreAvailability, StoreDuplicates, StoreTrade
from messages.trades import LeaderTrade
from ops.bench.blaster import Blaster
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles


class _Payload(msgspec.Struct):
    proxyWallet: str
    asset: str
    conditionId: str
    transactionHash: str
    side: str
    price: float
    size: float
    timestamp: int


class _Frame(msgspec.Struct):
    topic: str
    type: str
    payload: _Payload


def bare_loop(frames: list[bytes], leaders: list[str]) -> float:
    """Return frames a second of decoding from memory and looking the wallet up: the least there is to do."""
    decoder = msgspec.json.Decoder(_Frame)
    watched = set(leaders)
    found = 0
    began = time.perf_counter()
    for frame in frames:
        if decoder.decode(frame).payload.proxyWallet.lower() in watched:
            found += 1
    return len(frames) / (time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class _CounterArgs:
    expected: int
    leaders: int
    done: Callable[[], None]
    announced: Callable[[LeadersWatched], None]


class _Counter(SupervisedActor):
    """Stands where store, portfolios and ingest are: answers loads, counts trades."""

    mailbox = Mailbox(capacity=1_000_000, overflow=Overflow.HALT)

    args: _CounterArgs

    def started(self) -> None:
        self.trades = 0
        self.is_announced = False

    @handles(LoadLeader)
    def on_load(self, message: LoadLeader, sender: ActorAddress) -> None:
        loaded = LeaderLoaded(
            wallet=message.wallet, followed_at_ns=0, cursor_s=message.cursor_s, positions=(), trades=()
        )
        self.send(sender, loaded)

    @handles(LeadersWatched)
    def on_leaders(self, message: LeadersWatched, sender: ActorAddress) -> None:
        if len(message.addresses) == self.args.leaders and not self.is_announced:
            self.is_announced = True
            self.args.announced(message)

    @handles(LeaderTrade)
    def on_trade(self, message: LeaderTrade, sender: ActorAddress) -> None:
        self.trades += 1
        if self.trades == self.args.expected:
            self.args.done()

    @handles(StoreTrade, StoreDuplicates, FeedUp, FeedDown, FeedStarted, FeedReport, TradeMissed)
    def on_other(self, message: object, sender: ActorAddress) -> None:
        """Nothing to count."""


async def pipeline(frames: list[bytes], leaders: list[str]) -> float:
    """Return frames a second from the socket to accepted leader trades."""
    watched = set(leaders)
    expected = sum(json.loads(frame)["payload"]["proxyWallet"] in watched for frame in frames)
    loop = asyncio.get_running_loop()
    done: asyncio.Future[float] = loop.create_future()
    announced: asyncio.Future[LeadersWatched] = loop.create_future()
    base = AsyncioSystemBase(loop=loop, name="bench")
    ActorSystem(base, transientUnique=True)
    args = _CounterArgs(
        expected, len(leaders), lambda: done.set_result(time.perf_counter()), announced.set_result
    )
    counter = base.spawn(_Counter, "counter", args)
    directory = Directory(store=counter, portfolios=counter, ingest=counter)
    directory.leaders = base.spawn(
        Leaders,
        "leaders",
        LeadersArgs(wallets=tuple(leaders), directory=directory, identity_window_s=172_800),
    )
    message = await announced
    blaster = Blaster(frames)
    try:
        stream: Any = base.spawn(
            Stream, "stream", StreamArgs(feed="stream-0", ingest=counter, url=blaster.url, settings=Ingest())
        )
        base.tell(stream, message)
        began = time.perf_counter()
        base.tell(stream, StoreAvailability(available=True))
        return len(frames) / (await done - began)
    finally:
        blaster.stop()
        await base.stop(5.0)
