"""What an operator reads when a host is not reached."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from actors.ingest import connection
from actors.ingest.errors import SocketLost


async def lost(url: str, timeout_s: float = 2.0) -> str:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(SocketLost) as caught:
            await connection.connect(session, url, timeout_s=timeout_s, frame_bytes_max=1000)
    return str(caught.value)


async def test_a_name_that_is_not_known() -> None:
    reason = await lost("wss://no-such-host.invalid")
    assert reason == "could not reach wss://no-such-host.invalid (DNS failure)"


async def test_a_port_where_nobody_listens(unused_tcp_port: int) -> None:
    url = f"ws://127.0.0.1:{unused_tcp_port}"
    assert await lost(url) == f"could not reach {url} (connection refused)"


async def test_a_host_that_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await lost(url, timeout_s=0.1) == f"could not reach {url} (no answer within 0.1 s)"


async def test_a_host_that_refuses_the_upgrade() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=503)

    app = web.Application()
    app.add_routes([web.get("/", refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    assert await lost(url) == f"could not reach {url} (it answered HTTP 503)"
    await runner.cleanup()


async def test_a_host_without_tls() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        url = f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await lost(url) == f"could not reach {url} (TLS failure)"
