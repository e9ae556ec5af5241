"""Frames a second: through the real stream and leader actors, and through a bare loop."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import uvloop
from thespian.actors import ActorAddress, ActorSystem

from actors.ingest.reports import FeedReport, FeedStarted, TradeMissed
from actors.ingest.stream import Stream, StreamArgs
from actors.leader.supervisor import Leaders, LeadersArgs
from config.settings import Ingest
from messages.directory import Directory
from messages.ingest import FeedDown, FeedUp, LeadersWatched
from messages.store import (
    LeaderLoaded,
    LoadLeader,
    StoreAvailability,
    StoreDuplicates,
    StoreSightings,
    StoreTrade,
)
from messages.trades import LeaderTrade
from ops.bench import frames as made_up
from ops.bench.blaster import Blaster
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

ROUNDS: Final = 3
DONE_S: Final = 30.0
SLOWEST_PER_S: Final = 1_000.0
"""A run that takes longer than at this rate has lost a trade."""
MARKETS: Final = 500
IDENTITY_WINDOW_S: Final = 172_800


def measure(frame_count: int, leaders: int) -> dict[str, Any]:
    """Return the frames a second of both ways, in turns, and their ratio by the process's own computing."""
    wallets = made_up.wallets(leaders, seed=1)
    made = made_up.frames(frame_count, wallets, MARKETS, seed=2, now_s=int(time.time()))
    bare, piped, ratios = [], [], []
    for _ in range(ROUNDS):
        bare.append(bare_loop(made, wallets))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            passed = runner.run(pipeline(made, wallets))
        piped.append(passed.frames_per_s)
        ratios.append(passed.frames / passed.processor_s / bare[-1])
    return {
        "frames": frame_count,
        "leaders": leaders,
        "frames_per_s": statistics.median(piped),
        "bare_loop_frames_per_s": statistics.median(bare),
        "bare_loop_ratio": statistics.median(ratios),
    }


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
    began = time.process_time()
    for frame in frames:
        if decoder.decode(frame).payload.proxyWallet.lower() in watched:
            found += 1
    return len(frames) / (time.process_time() - began)


@dataclass(frozen=True, slots=True)
class Passed:
    """What went through the actors: how many leaders' trades were to be accepted and were, and when."""

    frames: int
    expected: int
    accepted: int
    seconds: float
    processor_s: float
    lags_ms: list[float]
    """From the reading of each frame to its trade's arrival at those who decide."""

    @property
    def frames_per_s(self) -> float:
        return self.frames / self.seconds


@dataclass(slots=True)
class CounterArgs:
    """What a counter waits for, and whom it tells."""

    leaders: int
    announced: Callable[[LeadersWatched], None]
    expected: int = 0
    done: Callable[[], None] = lambda: None
    lags_ms: list[float] = field(default_factory=list)


class Counter(SupervisedActor):
    """Stands where store, portfolios and ingest are: answers loads, counts trades."""

    mailbox = Mailbox(capacity=1_000_000, overflow=Overflow.HALT)

    args: CounterArgs

    def started(self) -> None:
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
        lags_ms = self.args.lags_ms
        lags_ms.append((self.clock.monotonic_ns() - message.seen_mono_ns) / 1e6)
        if len(lags_ms) == self.args.expected:
            self.args.done()

    @handles(
        StoreTrade, StoreDuplicates, StoreSightings, FeedUp, FeedDown, FeedStarted, FeedReport, TradeMissed
    )
    def on_other(self, message: object, sender: ActorAddress) -> None:
        """Nothing to count."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Leaders that are ready, who counts what they say, and how sources are told of them."""

    base: AsyncioSystemBase
    counter: ActorAddress
    args: CounterArgs
    watched: LeadersWatched


async def follow(leaders: list[str]) -> Followed:
    """Start leaders in a system of their own on the running loop."""
    loop = asyncio.get_running_loop()
    announced: asyncio.Future[LeadersWatched] = loop.create_future()
    base = AsyncioSystemBase(loop=loop, name="bench")
    ActorSystem(base, transientUnique=True)
    args = CounterArgs(len(leaders), announced.set_result)
    counter = base.spawn(Counter, "counter", args)
    directory = Directory(store=counter, portfolios=counter, ingest=counter)
    directory.leaders = base.spawn(
        Leaders,
        "leaders",
        LeadersArgs(wallets=tuple(leaders), directory=directory, identity_window_s=IDENTITY_WINDOW_S),
    )
    return Followed(base, counter, args, await announced)


async def pipeline(frames: list[bytes], leaders: list[str], per_s: float | None = None) -> Passed:
    """Send frames through a socket to leaders, until every trade is accepted; without a rate, at once."""
    watched = set(leaders)
    followed = await follow(leaders)
    base, args = followed.base, followed.args
    args.expected = sum(json.loads(frame)["payload"]["proxyWallet"] in watched for frame in frames)
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    args.done = lambda: done.set_result(time.perf_counter())
    blaster = Blaster(frames, per_s)
    try:
        stream_args = StreamArgs(
            feed="stream-0", ingest=followed.counter, url=blaster.url, settings=Ingest(silence_s=3600)
        )
        stream: Any = base.spawn(Stream, "stream", stream_args)
        base.tell(stream, followed.watched)
        began, used_s = time.perf_counter(), time.process_time()
        base.tell(stream, StoreAvailability(available=True))
        async with asyncio.timeout(DONE_S + len(frames) / (per_s or SLOWEST_PER_S)):
            seconds = await done - began
        return Passed(
            frames=len(frames),
            expected=args.expected,
            accepted=len(args.lags_ms),
            seconds=seconds,
            processor_s=time.process_time() - used_s,
            lags_ms=args.lags_ms,
        )
    finally:
        blaster.stop()
        await base.stop(5.0)
