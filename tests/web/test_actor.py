"""The HTTP side over a real socket: figures, health, and no hang when nobody inside answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from actors.web import actor as web
from actors.web.actor import Web, WebArgs
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
    """The web actor on a free port, before a base that runs on the test's own loop."""

    def __init__(self, availability):
        self.base = AsyncioSystemBase()
        self.args = {"availability": availability}
        self.inside = self.base.spawn(Inside, "inside", self.args)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        directory = Directory(store=self.inside, ingest=self.inside)
        about = {"run_id": "r1", "mode": "paper"}
        args = WebArgs(
            listener=self.listener, about=about, directory=directory, inspector=self.base.inspector
        )
        self.web = self.base.spawn(Web, "web", args)

    async def get(self, path):
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            body = await (answer.json() if "json" in answer.content_type else answer.text())
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


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House(StoreAvailability(available=True))
    yield house
    await house.close()


async def test_healthz_is_fine_while_writes_become_durable(house):
    assert await house.becomes(200) == {"ok": True, "store": "available"}


async def test_healthz_says_503_and_why_while_they_do_not():
    house = House(StoreAvailability(available=False, reason="the database refuses connections"))
    assert await house.becomes(503)
    async with asyncio.timeout(10):
        while (body := await house.becomes(503))["store"] == "starting":
            pass
    assert body == {"ok": False, "store": "the database refuses connections"}
    house.base.tell(house.inside, StoreAvailability(available=True))
    assert await house.becomes(200)
    await house.close()


async def test_metrics_are_in_prometheus_format(house):
    status, body = await house.get("/metrics")
    assert status == 200
    assert "# TYPE reconcile_mismatch_count" in body or "# HELP" in body


async def test_status_tells_run_uptime_feeds_and_figures(house):
    await house.becomes(200)
    status, body = await house.get("/api/status")
    assert status == 200
    assert (body["run_id"], body["mode"], body["store"]["available"]) == ("r1", "paper", True)
    assert body["ingest"]["trades_seen"] == 7
    assert (body["counts"]["leader_trades"], body["counts"]["skips"]) == (3, {"SKIP_SPREAD": 1})
    assert body["uptime_s"] >= 0


async def test_status_tells_at_a_glance_whether_the_actors_are_well(house, monkeypatch):
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    await house.becomes(200)
    house.base.inspector.suspend("inside", by="test")
    for message in ("unknown to it", CountsQuery(), CountsQuery()):
        house.base.tell(house.base.find("web" if message == "unknown to it" else "inside"), message)
    runtime = (await house.get("/api/status"))[1]["runtime"]
    assert (runtime["actors"], runtime["suspended"], runtime["restarts"]) == (2, 1, 0)
    assert runtime["not_handled"] == {"unknown-type": 1}
    assert runtime["waiting"] >= 2


async def test_the_actors_that_serve_are_among_those_shown(house):
    await house.becomes(200)
    status, body = await house.get("/api/actors/web")
    assert (status, body["state"]) == (200, {"store_available": True, "reason": ""})


async def test_a_store_that_does_not_answer_is_an_answer_not_a_hang(house, monkeypatch):
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    house.args["silent"] = True
    status, body = await house.get("/api/status")
    assert status == 200
    assert "no answer" in body["counts"]["error"]
    assert body["ingest"]["leaders"] == 1


async def test_looking_never_writes(house):
    async with aiohttp.ClientSession() as session:
        for path in ("/metrics", "/healthz", "/api/status", "/api/actors/web", "/api/dead-letters"):
            async with session.post(house.url + path) as answer:
                assert answer.status == 405


async def test_a_new_incarnation_serves_on_the_same_socket(house):
    await house.becomes(200)
    house.base.tell(house.web, web._NotServing(reason="the first one fell over"))
    async with asyncio.timeout(10):
        while not any(info.restarts for info in house.base.tree() if info.kind == "Web"):
            with contextlib.suppress(aiohttp.ClientError):
                await house.get("/healthz")
    assert await house.becomes(200)


async def test_the_lag_of_each_leader_is_what_the_poller_says(house, monkeypatch):
    status, body = await house.get("/api/leaders/lag")
    assert status == 200
    assert (body["wallets"][0]["warmth"], body["wallets"][0]["interval_ms"]) == ("hot", 60_000)
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    house.args["silent"] = True
    status, body = await house.get("/api/leaders/lag")
    assert status == 503
    assert "does not answer" in body["error"]
