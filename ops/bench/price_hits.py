"""Cached prices in process: questions from actor to actor, beside an actor that only looks into a dict."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import uvloop
from thespian.actors import ActorAddress

from config.settings import Endpoints
from messages.base import Message
from messages.ids import ConditionId
from messages.markets import Source
from messages.prices import PriceAnswer, PriceQuery
from ops.bench import market_frames
from ops.bench.collecting import settled
from ops.bench.price_house import PriceHouse, price_house
from ops.bench.rounds import Rounds
from ops.bench.stub_venue import StubVenue
from supervisor import Mailbox, Overflow, SupervisedActor, handles

UNDER_WAY: Final = 64
"""Questions asked ahead of their answers."""
AGE_MS_MAX: Final = 600_000
"""What the asker accepts: neither a row nor a live book grows too old while it is measured."""
ASK_SHARE: Final = 0.25
"""Of the questions: how many are asked one by one with `ask`, which takes longer."""
SEED: Final = 11
SLOWEST_S: Final = 60.0
SLOWEST_PER_S: Final = 1_000.0


class Begin(Message, frozen=True, kw_only=True):
    """Ask so many questions; `singly` with `ask`, each after the other's answer."""

    to: ActorAddress
    count: int
    singly: bool


@dataclass(slots=True)
class AskerArgs:
    """What it asks in turn, from where the prices must come, and whom it tells what that took."""

    queries: list[PriceQuery]
    source: str
    done: Callable[[float], None]


class Asker(SupervisedActor):
    """Asks, always the same number of questions under way, until all are answered."""

    mailbox = Mailbox(capacity=4 * UNDER_WAY, overflow=Overflow.HALT)

    args: AskerArgs

    def started(self) -> None:
        self.queries: Iterator[PriceQuery] = itertools.cycle(self.args.queries)
        self.source = self.args.source

    @handles(Begin)
    def on_begin(self, message: Begin, sender: ActorAddress) -> None:
        self.to = message.to
        self.unasked = self.unanswered = message.count
        self.began_s = time.process_time()
        if message.singly:
            self.pipe(self._ask(message.count))
            return
        for _ in range(min(UNDER_WAY, message.count)):
            self._next()

    @handles(PriceAnswer)
    def on_answer(self, message: PriceAnswer, sender: ActorAddress) -> None:
        if message.stale or message.source != self.source:
            raise RuntimeError(f"{message.source} was the source ({message.error}), expected {self.source}")
        self.unanswered -= 1
        if self.unasked:
            self._next()
        elif not self.unanswered:
            self.args.done(time.process_time() - self.began_s)

    def _next(self) -> None:
        self.unasked -= 1
        self.send(self.to, next(self.queries))

    async def _ask(self, count: int) -> None:
        for _ in range(count):
            await self.ask(self.to, next(self.queries), timeout_s=5.0)
        self.args.done(time.process_time() - self.began_s)


class BareDesk(SupervisedActor):
    """Answers with what stands ready in a dict: the least that an answer between actors can cost."""

    mailbox = Mailbox(capacity=4 * UNDER_WAY, overflow=Overflow.REFUSE)

    args: dict[ConditionId, PriceAnswer]

    @handles(PriceQuery)
    def on_query(self, message: PriceQuery, sender: ActorAddress) -> None:
        self.send(sender, self.args[message.condition_id])


def measure(count: int, market_count: int, rounds: int) -> Rounds:
    """Return what a hit takes, by a live book and by a row alone, each in turns with the bare desk."""
    condition_ids = tuple(each.condition_id for each in market_frames.markets(market_count, SEED))
    found = Rounds()
    venue = StubVenue(market_count, SEED)
    try:
        for live in (True, False):
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_measure(venue.endpoints, condition_ids, count, rounds, found, live=live))
    finally:
        venue.stop()
    return found


async def _measure(
    endpoints: Endpoints,
    condition_ids: tuple[ConditionId, ...],
    count: int,
    rounds: int,
    found: Rounds,
    *,
    live: bool,
) -> None:
    async with price_house(endpoints, condition_ids, live=live) as house:
        if live:
            house.carry()
            await house.until_live(2 * len(condition_ids))
        asker = await Asking.start(house, Source.STREAM if live else Source.GAMMA)
        for _ in range(rounds):
            bare_us = await asker.us(asker.bare, count)
            hit_us = await asker.us(house.prices, count)
            if not live:
                found.add(hit_row_us=hit_us, hit_row_ratio=bare_us / hit_us)
                continue
            ask_us = await asker.us(house.prices, max(1, round(count * ASK_SHARE)), singly=True)
            found.add(bare_hit_us=bare_us, hit_us=hit_us, hit_ratio=bare_us / hit_us, hit_ask_us=ask_us)


@dataclass(slots=True)
class Asking:
    """An asker and the bare desk beside a price service."""

    house: PriceHouse
    asker: ActorAddress
    bare: ActorAddress
    args: AskerArgs

    @classmethod
    async def start(cls, house: PriceHouse, source: str) -> Asking:
        """Start them; the bare desk answers with what the price service answered last."""
        queries = [PriceQuery(condition_id=each, age_ms_max=AGE_MS_MAX) for each in house.condition_ids]
        answers = {
            query.condition_id: await house.base.ask(house.prices, query, timeout_s=5.0) for query in queries
        }
        args = AskerArgs(queries, source, lambda _: None)
        return cls(
            house, house.base.spawn(Asker, "asker", args), house.base.spawn(BareDesk, "bare", answers), args
        )

    async def us(self, to: ActorAddress, count: int, *, singly: bool = False) -> float:
        """Return the computing that a question takes from its sending to its answer's handling."""
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.args.done = done.set_result
        with settled():
            self.house.base.tell(self.asker, Begin(to=to, count=count, singly=singly))
            async with asyncio.timeout(SLOWEST_S + count / SLOWEST_PER_S):
                return await done / count * 1e6
