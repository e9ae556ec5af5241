"""The network in memory against the kernel: the same programs run on both and must see the same callbacks."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.simulation import Simulation

_REAL_S_MAX = 20
"""A program that waits in vain is a deadlock in the simulation, and would hang on real sockets."""


class Recorder(asyncio.Protocol):
    """Writes down its callbacks, pieces of data joined, and lets a program wait for them."""

    def __init__(self, keeps_open: bool = False) -> None:
        self.keeps_open = keeps_open
        self.log: list[Any] = []
        self.received = 0
        self.waiters: list[asyncio.Future[None]] = []

    def note(self, event: Any) -> None:
        self.log.append(event)
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            await waiter

    async def saw(self, event: str) -> None:
        await self.until(lambda: any(each == event or each[0] == event for each in self.log))

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.note("made")

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.log[-1][0] == "data":
            data = self.log.pop()[1] + data
        self.note(("data", data))

    def eof_received(self) -> bool:
        self.note("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.note("pause")

    def resume_writing(self) -> None:
        self.note("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.note(("lost", type(error).__name__))


async def connected(client: Any, server: Any) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    await loop.create_connection(lambda: client, "127.0.0.1", port)
    await server.until(lambda: bool(server.log))
    return listening


def on_both(program: Callable[[], Coroutine[Any, Any, Any]], seed: int = 0) -> Any:
    """Run a program on the kernel's sockets and on those in memory, and return what both gave."""
    real = asyncio.run(asyncio.wait_for(program(), _REAL_S_MAX))
    with Simulation(seed) as sim:
        assert sim.await_(program()) == real
    return real


STEPS = st.lists(
    st.tuples(
        st.sampled_from("cs"), st.sampled_from(["write", "write", "write", "write_eof", "close", "abort"])
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans(), st.booleans(), st.integers(0, 1000))
def test_any_sequence_of_writes_and_ends_is_seen_as_on_real_sockets(
    steps: list[tuple[str, str]], client_keeps: bool, server_keeps: bool, seed: int
) -> None:
    on_both(lambda: Program(client_keeps, server_keeps).run(steps), seed)


class Program:
    """Plays steps on two ends, and waits after each for all that must follow from it."""

    def __init__(self, client_keeps: bool, server_keeps: bool) -> None:
        self.ends = {"c": Recorder(client_keeps), "s": Recorder(server_keeps)}
        self.sent = {"c": 0, "s": 0}
        self.said_end: set[str] = set()
        self.closed: set[str] = set()
        self.saw_end: set[str] = set()

    async def run(self, steps: list[tuple[str, str]]) -> list[list[Any]]:
        listening = await connected(self.ends["c"], self.ends["s"])
        for number, (who, what) in enumerate(steps):
            other = "s" if who == "c" else "c"
            if what == "write" and other in self.closed and who not in self.closed:
                continue  # answered by a reset; when it is seen depends on the machine
            self.act(who, other, what, number)
            await self.settle()
        for who in "cs":
            self.act(who, "s" if who == "c" else "c", "close", 0)
            await self.settle()
        listening.close()
        await listening.wait_closed()
        return [each.log for each in self.ends.values()]

    def act(self, who: str, other: str, what: str, number: int) -> None:
        end = self.ends[who]
        if what == "write":
            try:
                end.transport.write(bytes([number]) * (number * 37 + 1))
            except RuntimeError as error:
                end.note(("refused", str(error)))
            else:
                self.sent[who] += 0 if who in self.closed else number * 37 + 1
            return
        getattr(end.transport, what)()
        end.note((what, end.transport.is_closing(), end.transport.is_reading()))
        self.said_end.add(who)
        if what != "write_eof":
            self.closed.add(who)
        self.follow(other, who)

    def follow(self, hearer: str, sayer: str) -> None:
        """Work out what an end that was said leads to."""
        if hearer in self.closed or hearer in self.saw_end:
            return
        self.saw_end.add(hearer)
        if not self.ends[hearer].keeps_open:
            self.closed.add(hearer)
            if hearer not in self.said_end:
                self.said_end.add(hearer)
                self.follow(sayer, hearer)

    async def settle(self) -> None:
        for who, other in (("c", "s"), ("s", "c")):
            if other not in self.closed or other in self.saw_end:
                await self.ends[other].until(lambda w=who, o=other: self.ends[o].received >= self.sent[w])
            if who in self.saw_end:
                await self.ends[who].saw("eof")
            if who in self.closed:
                await self.ends[who].saw("lost")


def test_a_reader_who_pauses_stops_the_writer_and_loses_nothing() -> None:
    async def program() -> list[Any]:
        client, server = Recorder(), Recorder()
        listening = await connected(client, server)
        server.transport.pause_reading()
        written = 0
        while "pause" not in client.log:
            client.transport.write(bytes(100_000))
            written += 100_000
        assert client.transport.get_write_buffer_size() > 65_536
        server.transport.resume_reading()
        await client.saw("resume")
        await server.until(lambda: server.received == written)
        client.transport.close()
        await server.saw("lost")
        listening.close()
        return [client.log, [each if each[0] != "data" else "data" for each in server.log]]

    assert on_both(program)[0] == ["made", "pause", "resume", ("lost", "NoneType")]


def test_writing_to_who_has_left_ends_with_an_error() -> None:
    async def program() -> list[Any]:
        client, server = Recorder(keeps_open=True), Recorder()
        listening = await connected(client, server)
        server.transport.close()
        await client.saw("eof")
        while client.log[-1] == "eof":
            client.transport.write(b"anybody there?")
            await asyncio.sleep(0.001)  # the answer is on its way
        listening.close()
        return client.log

    assert on_both(program) == ["made", "eof", ("lost", "BrokenPipeError")]


def test_who_leaves_without_reading_resets_the_other() -> None:
    async def program() -> list[Any]:
        client, server = Recorder(), Recorder()
        listening = await connected(client, server)
        server.transport.pause_reading()
        client.transport.write(b"unread")
        await asyncio.sleep(0.05)  # nobody can tell when it has come to a reader who does not read
        server.transport.close()
        await client.saw("lost")
        listening.close()
        return client.log

    assert on_both(program) == ["made", ("lost", "ConnectionResetError")]


def test_what_is_written_before_the_close_still_arrives() -> None:
    async def program() -> Any:
        client, server = Recorder(), Recorder()
        listening = await connected(client, server)
        for _ in range(50):
            client.transport.write(bytes(100_000))
        client.transport.close()
        await server.saw("lost")
        listening.close()
        return server.received, client.log[-1]

    assert on_both(program) == (5_000_000, ("lost", "NoneType"))


def test_a_buffered_protocol_gets_its_bytes() -> None:
    class Buffered(asyncio.BufferedProtocol):
        def __init__(self) -> None:
            self.buffer = bytearray(7)
            self.taken = b""
            self.done = asyncio.get_running_loop().create_future()

        def get_buffer(self, sizehint: int) -> bytearray:
            return self.buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.taken += self.buffer[:nbytes]

        def connection_lost(self, error: Exception | None) -> None:
            self.done.set_result(self.taken)

    async def program() -> bytes:
        loop = asyncio.get_running_loop()
        server = Buffered()
        listening = await loop.create_server(lambda: server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        transport.writelines([b"one, ", b"two, ", b"three"])
        transport.close()
        taken: bytes = await server.done
        listening.close()
        return taken

    assert on_both(program) == b"one, two, three"


def test_streams_work_both_ways() -> None:
    async def program() -> list[bytes]:
        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async for line in reader:
                writer.write(line.upper())
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"one\ntwo\n")
        lines = [await reader.readline(), await reader.readline()]
        writer.write_eof()
        lines.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        server.close()
        return lines

    assert on_both(program) == [b"ONE\n", b"TWO\n", b""]


@pytest.mark.parametrize("attempt", ["nobody listens", "address in use", "name unknown"])
def test_what_cannot_be_done_fails_in_the_same_way(attempt: str) -> None:
    async def program() -> tuple[str, int | None]:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            await refused(loop, listening, port)
        except OSError as error:
            return type(error).__name__, error.errno
        finally:
            listening.close()
        raise AssertionError("expected an error")

    async def refused(loop: Any, listening: Any, port: int) -> Any:
        doing: Awaitable[Any]
        if attempt == "nobody listens":
            listening.close()
            doing = loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        elif attempt == "address in use":
            doing = loop.create_server(asyncio.Protocol, "127.0.0.1", port)
        else:
            doing = loop.create_connection(asyncio.Protocol, "nowhere.invalid", port)
        return await doing

    with Simulation() as sim:
        seen = sim.await_(program())
    assert seen[0] in ("ConnectionRefusedError", "OSError", "gaierror")
    if attempt != "name unknown":  # whom a machine without a network asks is its own affair
        assert seen == asyncio.run(program())
        assert seen[1] in (errno.ECONNREFUSED, errno.EADDRINUSE)
