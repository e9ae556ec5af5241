"""A leader that cannot keep up stops the sources; nothing is dropped and nothing overflows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from thespian.actors import ActorAddress

from messages.ingest import LeadersWatched
from messages.trades import CursorReached, FillReported
from supervisor import Mailbox, Overflow, SupervisedActor, handles

Frame = Callable[..., bytes]
Until = Callable[..., Awaitable[None]]
FILLS = 3_000


class Stumbling(SupervisedActor):
    """A leader that fails on its first message and is away until its supervisor restarts it."""

    mailbox = Mailbox(capacity=300, overflow=Overflow.HALT, high_water=50, low_water=10)

    @handles(FillReported, CursorReached)
    def on_message(self, message: object, sender: ActorAddress) -> None:
        if not self.args:
            self.args.append(message)
            raise RuntimeError("the leader stumbles")
        self.args.append(message)


@pytest.mark.parametrize("source", ["stream", "poller"])
async def test_a_full_leader_holds_the_reader_and_loses_nothing(
    house: Any,
    venue: Any,
    frame: Frame,
    row: Callable[..., Any],
    until: Until,
    wallet: str,
    source: str,
) -> None:
    running = house(silence_s=5.0, poll_interval_s=3600.0, poll_settle_s=3600.0)
    received: list[Any] = []
    leader = running.base.spawn(Stumbling, "stumbling", received)
    now_s = int(time.time())
    hashes = [f"0x{n:064x}" for n in range(FILLS)]
    if source == "poller":
        venue.rows = [row(transaction_hash=tx, timestamp=now_s) for tx in hashes]
    running.base.tell(
        running.ingest, LeadersWatched(addresses={wallet: leader}, polled_from_s={wallet: now_s})
    )
    await until(lambda: len(venue.sockets) == 1 and len(venue.asked) > 0)
    await asyncio.sleep(0.05)
    if source == "stream":
        await venue.send(*[frame(transactionHash=tx) for tx in hashes])

    def complete() -> bool:
        return {message.tx for message in received if isinstance(message, FillReported)} == set(hashes)

    await until(complete, 20)
    assert running.base.failed is None
    infos = {info.path: info for info in running.base.tree()}
    assert infos["stumbling"].restarts == 1
