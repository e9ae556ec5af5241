"""One WebSocket to a source: opening it, keeping it alive, and seeing that it is of no more use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

import aiohttp
from aiohttp import ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from actors.ingest import rtds
from actors.ingest.errors import SocketLost
from actors.ingest.reach import unreached

CLOSE_S: Final = 1.0
"""Longest wait for the other side's part in closing; a half-open connection has no other side."""

_WATCH_S_MIN: Final = 0.01
_TOO_BIG: Final = 1009


async def connect(
    session: aiohttp.ClientSession, url: str, *, timeout_s: float, frame_bytes_max: int, greeting: str = ""
) -> ClientWebSocketResponse:
    """Return a socket that has sent `greeting`, if any. Raises `SocketLost` naming the host and the cause."""
    socket: ClientWebSocketResponse | None = None
    try:
        async with asyncio.timeout(timeout_s):
            socket = await session.ws_connect(
                url, max_msg_size=frame_bytes_max, timeout=ClientWSTimeout(ws_close=CLOSE_S)
            )
            if greeting:
                await socket.send_str(greeting)
            return socket
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        if socket is not None:
            await socket.close()
        raise SocketLost(unreached(url, error, timeout_s)) from error


async def receive(socket: ClientWebSocketResponse) -> rtds.Frame:
    """Return the next frame. Raises `SocketLost` saying how the connection ended."""
    message = await socket.receive()
    if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
        frame: rtds.Frame = message.data
        return frame
    if message.type is WSMsgType.ERROR:
        code = getattr(message.data, "code", None)
        raise SocketLost(
            "a frame was too big" if code == _TOO_BIG else f"the connection broke: {message.data}"
        )
    code = socket.close_code
    raise SocketLost("a frame was too big" if code == _TOO_BIG else f"the connection was closed ({code})")


async def keep_alive(socket: ClientWebSocketResponse, ping_s: float) -> NoReturn:
    """Send the keep-alive for ever. Raises `SocketLost` when not even that can be sent.

    An answer is not waited for: a stalled stream answers, and a healthy one need not.
    """
    while True:
        await asyncio.sleep(ping_s)
        try:
            async with asyncio.timeout(ping_s):
                await socket.send_str(rtds.PING)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise SocketLost(f"the keep-alive could not be sent: {type(error).__name__}") from error


async def watch_silence(quiet_s: Callable[[], float], silence_s: float) -> NoReturn:
    """Raise `SocketLost` once `quiet_s` says that no data came for `silence_s`."""
    while True:
        left_s = silence_s - quiet_s()
        if left_s <= 0:
            raise SocketLost(f"no data for {silence_s:g} s")
        await asyncio.sleep(max(left_s, _WATCH_S_MIN))
