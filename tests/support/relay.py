"""Between Remora and a node: a WebSocket that passes everything on, and breaks as a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

Edit = Callable[[dict[str, Any]], list[dict[str, Any]]]


class Relay:
    """A node's front, with faults."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.calls: list[dict[str, Any]] = []
        """Every request that came."""
        self.connections = 0
        self.open = 0
        self.refusal: web.Response | None = None
        """Given to whoever wants to connect, instead of a connection."""
        self.answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda call: None
        """The node's answer to a request, or None for the true one."""
        self.edit: Edit = lambda frame: [frame]
        """What is passed on in place of a frame of the node."""
        self.is_frozen = False
        """Whether nothing of the node is passed on, while the connection stays."""
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/v2/a-secret-key"

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.add_routes([web.get("/v2/a-secret-key", self._serve)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close everything and listen no more."""
        if self._runner is not None:
            await self.drop()
            await self._runner.cleanup()
            self._runner = None

    async def drop(self) -> None:
        """Close every connection."""
        for socket in list(self._sockets):
            await socket.close()

    async def tell(self, *frames: str) -> None:
        """Send frames that no node has sent."""
        for socket in list(self._sockets):
            for frame in frames:
                await socket.send_str(frame)

    def subscribed(self) -> list[dict[str, Any]]:
        """Return the filters of all log subscriptions asked for, in order."""
        asked = [call["params"] for call in self.calls if call["method"] == "eth_subscribe"]
        return [params[1] for params in asked if params[0] == "logs"]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.refusal is not None:
            return self.refusal
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self.open += 1
        self._sockets.add(socket)
        try:
            async with aiohttp.ClientSession() as session, session.ws_connect(self.upstream) as node:
                down = asyncio.create_task(self._pass_down(node, socket))
                try:
                    await self._pass_up(socket, node)
                finally:
                    down.cancel()
        finally:
            self.open -= 1
            self._sockets.discard(socket)
        return socket

    async def _pass_up(self, socket: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            call = json.loads(message.data)
            self.calls.append(call)
            answer = self.answer(call)
            if answer is None:
                await node.send_str(message.data)
            else:
                await socket.send_json({"jsonrpc": "2.0", "id": call["id"], **answer})

    async def _pass_down(self, node: aiohttp.ClientWebSocketResponse, socket: web.WebSocketResponse) -> None:
        async for message in node:
            if message.type is not WSMsgType.TEXT or self.is_frozen:
                continue
            for frame in self.edit(json.loads(message.data)):
                await socket.send_json(frame)
