"""Cached prices over HTTP: the daemon's web actor on a real socket, beside a bare aiohttp handler.

Both serve in this process, on one uvloop, in turns; the client is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import uvloop
from aiohttp import web

from actors.web.actor import Web, WebArgs
from actors.web.status_documents import About
from messages.base import Message
from messages.directory import Directory
from messages.markets import Source, Tier
from messages.store import StoreAvailability, SubscribeAvailability
from ops.bench import market_frames
from ops.bench.collecting import settled
from ops.bench.price_house import PriceHouse, price_house
from ops.bench.rounds import Rounds
from ops.bench.stub_venue import StubVenue
from supervisor import Mailbox, Overflow, SupervisedActor, handles

CONNECTIONS: Final = 8
DEPTH: Final = 4
"""Requests under way on each connection."""
SEED: Final = 13
SERVES_S: Final = 10.0
PATH: Final = "/api/polymarket/price?conditionId={condition_id}&tier={tier}"


class Inside(SupervisedActor):
    """Stands where the store is, for an actor that wants to know whether that can be reached."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_OLDEST)

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: Message, sender: object) -> None:
        self.send(sender, StoreAvailability(available=True))


def measure(count: int, market_count: int, rounds: int) -> Rounds:
    """Return hits a second of both servers, and their ratio by the computing of this process."""
    found = Rounds()
    venue = StubVenue(market_count, SEED)
    ids = tuple(each.condition_id for each in market_frames.markets(market_count, SEED))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(venue, ids, count, rounds, found))
    finally:
        venue.stop()
    return found


async def _measure(venue: StubVenue, ids: tuple[str, ...], count: int, rounds: int, found: Rounds) -> None:
    path = PATH.format(condition_id=ids[0], tier=Tier.T2A)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(price_house(venue.endpoints, ids, live=True))
        house.carry()
        await house.until_live(2 * len(ids))
        port = await stack.enter_async_context(_web_actor(house))
        body = await _body(port, path)
        bare_port = await stack.enter_async_context(_bare_server(body))
        ours = await stack.enter_async_context(_client(port, path))
        unshared_path = PATH.format(condition_id=ids[0], tier=Tier.T1)
        unshared = await stack.enter_async_context(_client(port, unshared_path))
        bare = await stack.enter_async_context(_client(bare_port, path))
        for _ in range(rounds):
            bare_s, bare_computing_s = await _turn(bare, count)
            took_s, computing_s = await _turn(ours, count)
            _, unshared_s = await _turn(unshared, count)
            await _body(port, path)
            found.add(
                http_bare_hits_per_s=count / bare_s,
                http_hits_per_s=count / took_s,
                http_hit_us=computing_s / count * 1e6,
                http_ratio=bare_computing_s / computing_s,
                http_unshared_hit_us=unshared_s / count * 1e6,
                http_unshared_ratio=bare_computing_s / unshared_s,
            )


@contextlib.asynccontextmanager
async def _web_actor(house: PriceHouse) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        inside = house.base.spawn(Inside, "inside")
        directory = Directory(store=inside, ingest=inside, prices=house.prices)
        args = WebArgs(listener=listener, about=About(), directory=directory, inspector=house.base.inspector)
        house.base.spawn(Web, "web", args)
        yield listener.getsockname()[1]


@contextlib.asynccontextmanager
async def _bare_server(body: bytes) -> AsyncIterator[int]:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/polymarket/price", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _body(port: int, path: str) -> bytes:
    """Return an answer of the web actor, once it serves. Raises `RuntimeError` if that is no fresh price."""
    async with (
        asyncio.timeout(SERVES_S),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        body = await answer.read()
        said = await answer.json()
        if answer.status != 200 or said["stale"] or said["source"] != Source.STREAM:
            raise RuntimeError(f"the web actor answered {answer.status}: {body!r}, expected a live price")
        return body


@contextlib.asynccontextmanager
async def _client(port: int, path: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops.bench.http_load", str(port), path, str(CONNECTIONS), str(DEPTH),
        stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def _turn(client: Process, count: int) -> tuple[float, float]:
    """Return the seconds of a turn and this process's computing in it. Raises `RuntimeError` for refusals."""
    assert client.stdin is not None
    assert client.stdout is not None
    with settled():
        used_s = time.process_time()
        client.stdin.write(f"{count}\n".encode())
        line = await client.stdout.readline()
        used_s = time.process_time() - used_s
    took, _, failed = line.decode().partition(" ")
    if not line or int(failed):
        raise RuntimeError(f"the client said {line!r}, expected seconds and no failures")
    return float(took), used_s
