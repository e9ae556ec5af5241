"""A trade-stream server that sends a list of frames, at a rate or as fast as it can, in its own process.

It speaks just enough WebSocket to send many frames with one write, so that the reader is what takes time.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import multiprocessing
import struct
import time
from asyncio import StreamReader, StreamWriter
from multiprocessing.connection import Connection
from typing import Any, Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FINAL_TEXT: Final = 0x81
_TWO_BYTES_OF_LENGTH: Final = 126
_TOGETHER: Final = 64
"""Frames in one write where there is no rate."""


async def _serve(port_to: Connection, frames: list[bytes], per_s: float | None) -> None:
    async def blast(reader: StreamReader, writer: StreamWriter) -> None:
        await _shake_hands(reader, writer)
        await reader.read(1)  # the subscription
        began = time.monotonic()
        together = _TOGETHER if per_s is None else 1
        for start in range(0, len(frames), together):
            if per_s is not None:
                await asyncio.sleep(max(0.0, began + start / per_s - time.monotonic()))
            writer.write(b"".join(map(_framed, frames[start : start + together])))
            await writer.drain()
        await reader.read()

    server = await asyncio.start_server(blast, "127.0.0.1", 0)
    port_to.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _shake_hands(reader: StreamReader, writer: StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = (line.partition(b":") for line in head.split(b"\r\n"))
    key = next(value.strip() for name, _, value in fields if name.lower() == b"sec-websocket-key")
    accepted = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
    )


def _framed(text: bytes) -> bytes:
    """Return the WebSocket frame of a text from 126 bytes to 64 KB."""
    return struct.pack("!BBH", _FINAL_TEXT, _TWO_BYTES_OF_LENGTH, len(text)) + text


def _main(port_to: Connection, frames: list[bytes], per_s: float | None) -> None:
    asyncio.run(_serve(port_to, frames, per_s))


class Blaster:
    """Starts the server process; `url` is where a subscriber gets every frame once."""

    def __init__(self, frames: list[bytes], per_s: float | None = None) -> None:
        context: Any = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_main, args=(sender, frames, per_s), daemon=True)
        self._process.start()
        self.url = f"ws://127.0.0.1:{receiver.recv()}/rtds"

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
