"""Ingest against the local venue, which knows nothing of our decoders."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from thespian.actors import ActorAddress

from actors.ingest.actor import Ingest, IngestArgs
from config.settings import Endpoints, Recording
from config.settings import Ingest as IngestSettings
from messages.ingest import LeadersWatched
from messages.store import StoreAvailability, SubscribeAvailability
from messages.trades import CursorReached, FillReported
from ops.venue import FaultSpec, Venue, VenueConfig
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

Until = Callable[..., Awaitable[None]]


@dataclass
class Seen:
    fills: list[FillReported] = field(default_factory=list)


class Everyone(SupervisedActor):
    """All leaders in one, and a store that always takes writes."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    @handles(FillReported)
    def on_fill(self, message: FillReported, sender: ActorAddress) -> None:
        self.args.fills.append(message)

    @handles(CursorReached)
    def on_cursor(self, message: CursorReached, sender: ActorAddress) -> None:
        pass

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: SubscribeAvailability, sender: ActorAddress) -> None:
        self.send(sender, StoreAvailability(available=True))


FAULTS = {
    "none": "[]",
    "duplicates": '[{"kind": "duplicate", "times": 3}]',
    "rough": """[
        {"kind": "disconnect", "per_frame": true, "rate": 0.005},
        {"kind": "garbage", "rate": 0.05}, {"kind": "blank", "rate": 0.05},
        {"kind": "reorder", "window": 4}, {"kind": "drop", "rate": 0.05},
        {"kind": "throttle", "rate": 0.1}, {"kind": "error", "rate": 0.1},
        {"kind": "malformed", "rate": 0.05}, {"kind": "truncate", "rate": 0.05}]""",
    "silent": '[{"kind": "silence", "channel": "rtds", "after_s": 0.5}]',
}


@pytest.mark.parametrize("faults", FAULTS)
async def test_every_trade_of_every_leader_is_reported(
    faults: str, base: AsyncioSystemBase, until: Until, tmp_path: Path
) -> None:
    config = VenueConfig(
        seed=3,
        frames_per_second=200.0,
        run_seconds=3.0,
        leader_share=0.3,
        activity_lag_seconds=0.2,
        metadata_lag_seconds=0.2,
        activity_cache_seconds=15.0,
        faults=FaultSpec.parse(f'{{"seed": 5, "faults": {FAULTS[faults]}}}'),
    )
    async with Venue(config) as venue:
        leaders = venue.leaders()
        seen = Seen()
        everyone = base.spawn(Everyone, "everyone", seen)
        settings = IngestSettings(
            sockets=2,
            silence_s=1.0,
            reconnect_first_s=0.05,
            reconnect_max_s=0.3,
            poll_interval_s=1.0,
            poll_settle_s=0.5,
            poll_requests_per_s=50.0,
        )
        ingest = base.spawn(
            Ingest,
            "ingest",
            IngestArgs(
                ingest=settings,
                endpoints=Endpoints(rtds_url=venue.urls["rtds"], data_url=venue.urls["data"]),
                recording=Recording(),
                store=everyone,
                state_dir=tmp_path,
                run_id="r",
            ),
        )
        wallets = dict.fromkeys(leaders, everyone)
        base.tell(
            ingest,
            LeadersWatched(addresses=wallets, polled_from_s=dict.fromkeys(leaders, int(time.time()))),
        )
        await venue.play_finished()
        truth = await _truth(venue)
        expected = {(leg["wallet"], leg["tx"], leg["token"]) for leg in truth if leg["wallet"] in wallets}
        assert len(expected) > 50
        await until(lambda: {(fill.wallet, fill.tx, fill.token_id) for fill in seen.fills} >= expected, 15)
        assert {(fill.wallet, fill.tx, fill.token_id) for fill in seen.fills} == expected
        if faults == "none":
            assert {fill.feed for fill in seen.fills} == {"stream-0", "stream-1", "poller"}


async def _truth(venue: Venue) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(venue.urls["control"] + "/truth") as answer:
        legs: list[dict[str, Any]] = (await answer.json())["legs"]
    return legs
