"""aiohttp's client and server, unchanged, on the network in memory."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from supervisor.simulation import Simulation
from supervisor.simulation.network import Conditions, Cut, Reset, Truncate

URL = "http://venue:80"
BODY = bytes(range(256)) * 400


async def body(request: web.Request) -> web.Response:
    return web.Response(body=BODY)


async def late(request: web.Request) -> web.Response:
    await asyncio.sleep(100)
    return web.Response()


async def form(request: web.Request) -> web.Response:
    return web.json_response({name: str(value) for name, value in (await request.post()).items()})


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(10):
        await response.write(b"drop")
        await asyncio.sleep(4)
    return response


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(heartbeat=20)
    await socket.prepare(request)
    async for message in socket:
        if message.data == "bye":
            break
        await socket.send_str(message.data)
    return socket


@asynccontextmanager
async def venue(sim: Simulation) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve on the host `venue` and give a client on another."""
    app = web.Application()
    app.add_routes([web.get(f"/{each.__name__}", each) for each in (body, late, drip, echo)])
    app.add_routes([web.post("/form", form)])
    runner = web.AppRunner(app, access_log=None)
    with sim.network.running_on("venue"):
        await runner.setup()
        await web.TCPSite(runner, None, 80).start()
    async with aiohttp.ClientSession(URL) as session:
        yield session
    await runner.cleanup()


async def traffic(sim: Simulation) -> None:
    """A bit of everything of which the bytes might depend on the machine."""
    async with venue(sim) as session:

        async def get() -> None:
            async with session.get("/body") as response:
                assert await response.read() == BODY

        await asyncio.gather(*(get() for _ in range(20)))
        async with session.post(
            "/form", data=aiohttp.FormData({"a": "1"}, default_to_multipart=True)
        ) as answer:
            assert await answer.json() == {"a": "1"}
        async with session.ws_connect("/echo", compress=15, heartbeat=10) as socket:
            for size in (0, 10, 100_000):
                await socket.send_str("x" * size)
                assert len(await socket.receive_str()) == size
                await asyncio.sleep(1_000)


def test_requests_and_sockets_work_in_virtual_time_and_close_behind_themselves() -> None:
    with Simulation(1) as sim:
        sim.await_(traffic(sim))
        sim.advance(1)
        assert sim.loop.time() > 3_000
        assert len(sim.network.connections) > 10
        assert not any(each.is_open for each in sim.network.connections)


def test_the_same_seed_gives_the_same_bytes_in_any_process() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport {Path(__file__).stem} as t\n"
    )
    script += "with t.Simulation(7) as sim:\n    sim.await_(t.traffic(sim))\n    print(sim.network.digest)"
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2", "3")
    }
    with Simulation(7) as sim:
        sim.await_(traffic(sim))
        assert seen == {f"{sim.network.digest}\n".encode()}


def test_another_seed_gives_other_bytes() -> None:
    digests = set()
    for seed in (1, 2):
        with Simulation(seed) as sim:
            sim.await_(traffic(sim))
            sockets = [each for each in sim.network.connections if each.to_server.size > 1_000]
            digests.add(sockets[0].to_server.digest)  # the keys and masks of the WebSocket
    assert len(digests) == 2


def test_time_outs_pass_in_virtual_time() -> None:
    async def hurry(sim: Simulation, path: str, **limits: float) -> float:
        async with venue(sim) as session:
            began = sim.loop.time()
            with pytest.raises(asyncio.TimeoutError):
                async with session.get(path, timeout=aiohttp.ClientTimeout(**limits)) as response:
                    await response.read()
            return sim.loop.time() - began

    with Simulation(1) as sim:
        assert sim.await_(hurry(sim, "/late", total=3)) == pytest.approx(3, abs=0.1)
    with Simulation(1) as sim:
        assert sim.await_(hurry(sim, "/drip", sock_read=2)) == pytest.approx(2, abs=0.1)


def test_a_connection_idle_for_longer_than_it_is_kept_is_not_used_again() -> None:
    async def twice(sim: Simulation, pause_s: float) -> int:
        async with venue(sim) as session:
            for _ in range(2):
                async with session.get("/body") as response:
                    await response.read()
                await asyncio.sleep(pause_s)
        return len(sim.network.connections)

    for pause_s, connections in ((1, 1), (16, 2)):
        with Simulation(1) as sim:
            assert sim.await_(twice(sim, pause_s)) == connections


def test_headers_carry_the_simulated_date() -> None:
    async def date(sim: Simulation) -> str:
        async with venue(sim) as session, session.get("/body") as response:
            return response.headers["Date"]

    with Simulation(1) as sim:
        sim.advance(86_400)
        assert sim.await_(date(sim)) == "Fri, 02 Jan 2026 00:00:00 GMT"


def test_only_the_simulations_own_code_is_answered_by_it_and_only_until_it_is_closed() -> None:
    async def date() -> float:
        return aiohttp.helpers.time.time()

    with Simulation(1) as one, Simulation(2) as other:
        one.run()
        other.run()
        assert one.await_(date()) == one.clock.now_ns() / 1e9
        assert asyncio.run(date()) > one.await_(date())  # the machine's, on a real loop meanwhile
        other.close()
        assert one.await_(date()) == one.clock.now_ns() / 1e9
    assert aiohttp.client.os is os
    assert aiohttp.helpers.time is time


def test_a_heartbeat_finds_out_that_nobody_is_there_any_more() -> None:
    async def listen(sim: Simulation) -> float:
        async with venue(sim) as session, session.ws_connect("/echo", heartbeat=10) as socket:
            sim.network.begin(Cut("localhost", "venue", for_s=60))
            message = await socket.receive()
            assert message.type in (WSMsgType.CLOSED, WSMsgType.ERROR)
            return sim.loop.time()

    with Simulation(1) as sim:
        assert 10 < sim.await_(listen(sim)) < 20


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Reset(after_bytes=50_000), aiohttp.ClientPayloadError),
        (Truncate(after_bytes=50_000), aiohttp.ClientPayloadError),
        (Reset(after_bytes=1), aiohttp.ClientOSError),
        (Truncate(after_bytes=10), aiohttp.ServerDisconnectedError),
    ],
)
def test_an_answer_that_breaks_off_is_an_error_and_the_next_is_whole(fault: Any, error: Any) -> None:
    async def get(session: aiohttp.ClientSession) -> bytes:
        async with session.post("/form", data={"a": "1"}) as first:
            await first.read()
        async with session.get("/body") as response:
            return await response.read()

    async def twice(sim: Simulation) -> bytes:
        async with venue(sim) as session:
            sim.network.begin(fault)
            with pytest.raises(error):
                await get(session)
            return await get(session)

    with Simulation(1) as sim:
        assert sim.await_(twice(sim)) == BODY


def test_a_slow_way_takes_its_time() -> None:
    async def get(sim: Simulation) -> float:
        async with venue(sim) as session, session.get("/body") as response:
            await response.read()
            return sim.loop.time()

    with Simulation(1) as sim:
        sim.network.conditions = Conditions(bytes_per_s=len(BODY) / 10)
        assert sim.await_(get(sim)) == pytest.approx(10, abs=0.1)


def test_tls_is_plain_between_two_who_speak_it_and_breaks_where_one_does_not() -> None:
    import ssl

    async def get(sim: Simulation, context: Any) -> str:
        runner = web.AppRunner(web.Application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "venue", 443, ssl_context=context).start()
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get("https://venue") as response:
                    return str(response.status)
            except aiohttp.ClientError as error:
                return type(error).__name__
            finally:
                await runner.cleanup()

    with Simulation(1) as sim:
        assert sim.await_(get(sim, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))) == "404"
    with Simulation(1) as sim:
        assert sim.await_(get(sim, None)) != "404"


def test_nothing_else_in_aiohttp_asks_the_machine_for_time_or_chance() -> None:
    asks = re.compile(
        r"\burandom\(|\buuid\d\(|\brandom\.\w+\(|\btime\.time\(|\bmonotonic\(|\bperf_counter|\bsecrets\b|\.now\("
    )
    folder = Path(aiohttp.__file__).parent
    found = {
        (str(path.relative_to(folder)), match.group())
        for path in folder.rglob("*.py")
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
        for match in asks.finditer(line)
    }
    answered = {
        ("client.py", "urandom("),
        ("client_middleware_digest_auth.py", "urandom("),
        ("client_middleware_digest_auth.py", "time.time("),
        ("connector.py", "monotonic("),
        ("connector.py", "random.shuffle("),
        ("cookiejar.py", "time.time("),
        ("helpers.py", "time.time("),
        ("multipart.py", "uuid4("),
        ("_websocket/writer.py", "random.Random("),
    }
    of_no_consequence = {
        ("web_log.py", ".now("),  # the time of a line in the log
        ("pytest_plugin.py", "uuid4("),
    }
    assert found - of_no_consequence <= answered, (
        "supervisor/simulation/network/surroundings.py knows not all"
    )
