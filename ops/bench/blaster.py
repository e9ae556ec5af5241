"""A trade-stream server that sends a list of frames as fast as the socket takes them, in its own process."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from aiohttp import web


async def _serve(port_to: Connection, frames: list[bytes]) -> None:
    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.receive()
        for frame in frames:
            await socket.send_str(frame.decode())
        async for _ in socket:
            continue
        return socket

    app = web.Application()
    app.router.add_get("/rtds", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port_to.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _main(port_to: Connection, frames: list[bytes]) -> None:
    asyncio.run(_serve(port_to, frames))


class Blaster:
    """Starts the server process; `url` is where a subscriber gets every frame once."""

    def __init__(self, frames: list[bytes]) -> None:
        context: Any = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_main, args=(sender, frames), daemon=True)
        self._process.start()
        self.url = f"ws://127.0.0.1:{receiver.recv()}/rtds"

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
