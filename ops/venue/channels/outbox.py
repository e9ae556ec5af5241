"""The bounded queue of frames to one socket, and the task that sends them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from aiohttp import ClientConnectionResetError, web

from ops.venue.faults.line import Frame, FrameLine
from ops.venue.faults.spec import Disconnect

_TICK_SECONDS: Final = 0.02
"""How late a time-based fault may strike an idle socket."""

_CLOSED_FOR_SLOWNESS: Final = 4002


class Outbox:
    """Frames wait here, never in the socket's own buffer; a socket too slow for its bound is closed."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, line: FrameLine, *, frames_max: int
    ) -> None:
        self._socket = socket
        self._request = request
        self._line = line
        self._frames_max = frames_max
        self._queue: deque[str] = deque()
        self._wake = asyncio.Event()
        self._is_too_slow = False
        self.is_closing = False
        """Whether a close frame is on its way, which needs a moment more."""
        self.frames_sent = 0

    @property
    def is_full(self) -> bool:
        return len(self._queue) >= self._frames_max

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    def put(self, frame: str) -> None:
        """Queue a frame; over the bound the socket is given up, and nothing more is queued."""
        if self._is_too_slow:
            return
        if self.is_full:
            self._is_too_slow = True
            self._queue.clear()
        else:
            self._queue.append(frame)
        self._wake.set()

    async def run(self) -> None:
        """Send until the socket closes; faults are applied here, after queueing."""
        self._line.watch(self._wake.set)
        try:
            await self._run()
        except (ClientConnectionResetError, ConnectionError):
            return  # the client went away, which is its right
        finally:
            self._line.unwatch(self._wake.set)

    async def _run(self) -> None:
        last = self._line.age_s
        while not self._socket.closed:
            if self._is_too_slow:
                self.is_closing = True
                await self._socket.close(code=_CLOSED_FOR_SLOWNESS, message=b"slow consumer")
                return
            disconnect = self._line.disconnect_due()
            if disconnect is not None:
                await self._disconnect(disconnect)
                return
            if self._queue:
                await self._deliver(self._queue.popleft())
                last = self._line.age_s
                continue
            await self._send(self._line.flush(self._line.age_s - last))
            await self._sleep()

    async def _deliver(self, frame: str) -> None:
        await self._send(self._line.deliver(frame))

    async def _send(self, frames: list[Frame]) -> None:
        for frame in frames:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
            self.frames_sent += 1

    async def _sleep(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(_TICK_SECONDS if self._line.is_restless else None):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _disconnect(self, fault: Disconnect) -> None:
        if fault.code is not None:
            self.is_closing = True
            await self._socket.close(code=fault.code)
        elif self._request.transport is not None:
            self._request.transport.abort()
