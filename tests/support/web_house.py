"""The web actor on a free port, before a base that runs on the test's own loop, and whom it asks."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
from price_script import PriceScript, script

from actors.web.actor import Web, WebArgs
from actors.web.status_documents import About
from messages.directory import Directory
from messages.ingest import IngestQuery, IngestState, PollQuery, PollState, WalletPolled
from messages.store import Counts, CountsQuery, StoreAvailability, SubscribeAvailability
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

COUNTS = Counts(
    leader_trades=3,
    duplicates=2,
    intents=1,
    skips={"SKIP_SPREAD": 1},
    orders={"FILLED": 1},
    fills=1,
    portfolios=(),
    latency_p50_ms=1.5,
    latency_p99_ms=None,
)

POLLING = PollState(
    wallets=(
        WalletPolled(
            wallet="0x" + "a1" * 20, warmth="hot", interval_ms=60_000, swept_at_s=1_800_000_000, cursor_s=1
        ),
    ),
    urgent=0,
    wanted_milli_per_s=17,
    budget_milli_per_s=10_000,
    stretch_milli=1000,
    lag_ms=1200,
)


AVAILABLE = StoreAvailability(available=True)


class Inside(SupervisedActor):
    """Store and ingest in one: says it is available, and answers unless `args["silent"]`."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)

    @handles(SubscribeAvailability)
    def on_subscribe(self, message, sender):
        self.args["subscriber"] = sender
        self.send(sender, self.args["availability"])

    @handles(StoreAvailability)
    def on_change(self, message, sender):
        self.send(self.args["subscriber"], message)

    @handles(CountsQuery)
    def on_counts(self, message, sender):
        if not self.args.get("silent"):
            self.send(sender, COUNTS)

    @handles(PollQuery)
    def on_poll(self, message, sender):
        if not self.args.get("silent"):
            self.send(sender, POLLING)

    @handles(IngestQuery)
    def on_ingest(self, message, sender):
        self.send(sender, IngestState(feeds=(), trades_seen=7, leaders=1))


class House:
    """A web actor that serves, with `args` to change what is inside and `script` what prices there are."""

    def __init__(self, availability: StoreAvailability = AVAILABLE):
        self.base = AsyncioSystemBase()
        self.args = {"availability": availability}
        self.script = script()
        self.inside = self.base.spawn(Inside, "inside", self.args)
        self.prices = self.base.spawn(PriceScript, "prices", self.script)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        directory = Directory(store=self.inside, ingest=self.inside, prices=self.prices)
        args = WebArgs(
            listener=self.listener,
            about=About(version="1.2.3", run_id="r1", mode="paper"),
            directory=directory,
            inspector=self.base.inspector,
        )
        self.web = self.base.spawn(Web, "web", args)

    async def get(self, path):
        """Return the status and the body, JSON already read."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            body = await (answer.json(content_type=None) if "json" in answer.content_type else answer.text())
            return answer.status, body

    async def becomes(self, status):
        """Return the body of /healthz once it answers with that status."""
        async with asyncio.timeout(10):
            while True:
                seen, body = await self.get("/healthz")
                if seen == status:
                    return body

    async def close(self):
        await self.base.stop()
        self.listener.close()
