"""A client that keeps connections busy with one GET: a process of its own, so that the server is the slower.

    python -m ops.bench.http_load PORT PATH CONNECTIONS DEPTH

For each line with a count on its standard input it asks that many times and prints how many seconds that took
and how many answers were no 200. Each connection is kept open, with `DEPTH` requests on it under way.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final, cast

import uvloop

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_GOOD: Final = b" 200 "


class Turn:
    """The requests of one turn, shared by all connections."""

    def __init__(self, count: int) -> None:
        self.unasked = count
        self.unanswered = count
        self.failed = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, *, good: bool) -> None:
        """Count an answer."""
        self.failed += not good
        self.unanswered -= 1
        if not self.unanswered:
            self.done.set_result(None)


class Connection(asyncio.Protocol):
    """Asks as long as there is something to ask, and reads just enough HTTP to tell answers apart."""

    transport: asyncio.Transport

    def __init__(self, request: bytes, depth: int) -> None:
        self._request = request
        self._depth = depth
        self._turn: Turn | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are not derived from it

    def begin(self, turn: Turn) -> None:
        """Take part in a turn."""
        self._turn = turn
        self._ask(self._depth)

    def _ask(self, count: int) -> None:
        assert self._turn is not None
        count = min(count, self._turn.unasked)
        self._turn.unasked -= count
        if count:
            self.transport.write(self._request * count)

    def data_received(self, data: bytes) -> None:
        assert self._turn is not None
        self._read += data
        at = answers = 0
        while (body := self._read.find(_END, at)) >= 0:
            head = self._read[at:body].lower()
            begins = head.index(_LENGTH) + len(_LENGTH)
            line, _, _ = head[begins:].partition(b"\r\n")
            end = body + len(_END) + int(line)
            if end > len(self._read):
                break
            self._turn.answered(good=_GOOD in head[:16])
            answers += 1
            at = end
        self._read = self._read[at:]
        self._ask(answers)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._turn is not None and not self._turn.done.done():
            self._turn.done.set_exception(ConnectionError(f"the server closed a connection: {exc}"))


async def _main(port: int, path: str, connections: int, depth: int) -> None:
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n\r\n".encode()
    opened = [
        (await loop.create_connection(lambda: Connection(request, depth), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        turn = Turn(int(line))
        began_s = time.perf_counter()
        for connection in opened:
            connection.begin(turn)
        await turn.done
        print(time.perf_counter() - began_s, turn.failed, flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
