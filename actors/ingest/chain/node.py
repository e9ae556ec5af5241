"""One connection to a node: requests with answers, and what its subscriptions tell.

Written on aiohttp because web3's own persistent provider waits for each answer by spinning on the event loop
(one second of waiting is one second of a core, and virtual time cannot pass), and may lose the news that its
connection ended when its queue is full. Of web3, its codec is used.

Who calls `receive` is the only reader; an answer reaches its caller through it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import ClientWebSocketResponse

from actors.ingest import connection
from actors.ingest.budget import Budget
from actors.ingest.chain import wire
from actors.ingest.chain.wire import Head, Log, Reply
from actors.ingest.errors import Malformed, RpcRefused, SocketLost
from supervisor import Clock

REQUESTS_MAX: Final = 64
"""Requests under way; a further one waits."""
_NS_PER_S: Final = 1_000_000_000


class Node:
    """Requests to, and notices from, a node."""

    def __init__(
        self, socket: ClientWebSocketResponse, budget: Budget, clock: Clock, *, timeout_s: float
    ) -> None:
        self._socket = socket
        self._budget = budget
        self._clock = clock
        self._timeout_s = timeout_s
        self._next = 0
        self._calls: dict[int, tuple[str, asyncio.Future[msgspec.Raw]]] = {}
        self._room = asyncio.Semaphore(REQUESTS_MAX)

    async def call(self, method: str, *params: Any) -> msgspec.Raw:
        """Return the undecoded result of a request. Raises `RpcRefused`, and `SocketLost` for no answer."""
        async with self._room:
            wait_ns = self._budget.reserve(self._clock.monotonic_ns())
            if wait_ns:
                await asyncio.sleep(wait_ns / _NS_PER_S)
            self._next += 1
            number = self._next
            answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
            self._calls[number] = (method, answer)
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._socket.send_str(wire.request(number, method, *params))
                    return await answer
            except TimeoutError:
                raise SocketLost(f"no answer to {method} within {self._timeout_s:g} s") from None
            except (aiohttp.ClientError, OSError) as error:
                raise SocketLost(f"{method} could not be sent: {type(error).__name__}") from error
            finally:
                del self._calls[number]

    async def text(self, method: str, *params: Any) -> str:
        """Return the result of a request that is answered with text. Raises as `call`, and `Malformed`."""
        result = await self.call(method, *params)
        try:
            return msgspec.json.decode(result, type=str)
        except msgspec.MsgspecError as error:
            raise Malformed.of(error, method) from error

    async def receive(self) -> Log | Head | None:
        """Return the next notice, or None after an answer. Raises `Malformed` and `SocketLost`."""
        raw = await connection.receive(self._socket)
        told = wire.frame(raw.encode() if isinstance(raw, str) else raw)
        if not isinstance(told, Reply):
            return told
        method, answer = self._calls.get(told.id, ("", None))
        if answer is None or answer.done():
            return None  # it came after its caller had given up
        if told.error is None:
            answer.set_result(told.result)
        else:
            answer.set_exception(RpcRefused(method, told.error.code, told.error.message))
        return None
