"""Sockets in memory: what an event loop's transports do with a socket, these can.

They are non-blocking stream sockets with TCP's meaning, and nothing else: the transports above them are
asyncio's own.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from supervisor.simulation.network.flow import Flow, Mark

if TYPE_CHECKING:
    from supervisor.simulation.network.connection import Connection
    from supervisor.simulation.network.network import Network

Address = tuple[str, int]

_READ: Final = selectors.EVENT_READ
_WRITE: Final = selectors.EVENT_WRITE


class MemorySocket:
    """What both kinds of socket have in common."""

    family: ClassVar[int] = socket.AF_INET
    type: ClassVar[int] = socket.SOCK_STREAM
    proto: ClassVar[int] = socket.IPPROTO_TCP

    def __init__(self, network: Network, name: Address) -> None:
        self._network = network
        self._name = name
        self._options: dict[tuple[int, int], Any] = {}
        self.is_closed = False
        self._descriptor = network.opened(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name[0]}:{self._name[1]}>"

    def fileno(self) -> int:
        return -1 if self.is_closed else self._descriptor

    def ready(self) -> int:
        """Return the selector's events that would not block now."""
        raise NotImplementedError

    def getsockname(self) -> Address:
        return self._name

    def setblocking(self, flag: bool) -> None:
        """Do nothing: these never block."""

    def gettimeout(self) -> float:
        return 0.0

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Remember an option; none changes anything."""
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int) -> Any:
        return self._options.get((level, option), 0)

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._network.closed(self._descriptor)


class StreamSocket(MemorySocket):
    """One end of a connection."""

    outgoing: Flow
    incoming: Flow

    def __init__(self, network: Network, connection: Connection, name: Address, peer: Address) -> None:
        super().__init__(network, name)
        self._connection = connection
        self._peer = peer
        self._error: OSError | None = None
        self._is_broken = False
        self._is_shut = False
        self.is_tls: bool | None = None
        """Whether this end speaks TLS; None until it has a transport."""

    def speaks(self, is_tls: bool) -> None:
        """Be given a transport, which does or does not speak TLS."""
        self.is_tls = is_tls
        self._connection.met()

    def getpeername(self) -> Address:
        return self._peer

    def ready(self) -> int:
        if self._is_broken:
            return _READ | _WRITE
        readable = _READ if self.incoming.arrived or self.incoming.has_ended else 0
        return readable | (0 if self.outgoing.is_blocked else _WRITE)

    def send(self, data: Any) -> int:
        """Return how many bytes were taken. Raises `BlockingIOError`, or how the connection ended."""
        self._raise_error()
        if self._is_broken or self._is_shut:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        try:
            return self.outgoing.offer(bytes(data))
        finally:
            if self.outgoing.is_blocked:
                self._network.changed(self)

    def sendmsg(self, buffers: Iterable[Any]) -> int:
        return self.send(b"".join(buffers))

    def recv(self, size: int) -> bytes:
        """Return what has arrived, nothing at the end. Raises `BlockingIOError`, or how it ended."""
        data = self.incoming.read(size)
        if data:
            self._network.changed(self)
            return data
        self._raise_error()
        if self._is_broken or self.incoming.has_ended:
            return b""
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def recv_into(self, buffer: Any) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def shutdown(self, how: int) -> None:
        """Send nothing more; what was sent still arrives."""
        if how in (socket.SHUT_WR, socket.SHUT_RDWR) and not (self._is_shut or self._is_broken):
            self._is_shut = True
            self.outgoing.mark(Mark.END)

    def fail(self, error: OSError) -> None:
        """Break: what arrived can still be read, then the error comes, once."""
        if self._is_broken or self.is_closed:
            return
        self._is_broken = True
        if self.incoming.has_ended and isinstance(error, ConnectionResetError):
            error = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._error = error
        self.outgoing.discard()
        self._network.changed(self)

    def close(self) -> None:
        if self.is_closed:
            return
        unread = bool(self.incoming.arrived)
        super().close()
        if not self._is_broken and self._network.is_running:
            if unread:
                self.outgoing.reject()
            else:
                self.shutdown(socket.SHUT_WR)
        self._connection.end_closed()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error


class ListeningSocket(MemorySocket):
    """Where connections come in."""

    def __init__(self, network: Network, host: str, name: Address) -> None:
        super().__init__(network, name)
        self.host = host
        self._waiting: deque[tuple[StreamSocket, Address]] = deque()
        self._backlog = 0
        self.is_listening = False

    def ready(self) -> int:
        return _READ if self._waiting else 0

    def listen(self, backlog: int) -> None:
        """Take connections from now on, of which so many may wait."""
        self.is_listening = True
        self._backlog = backlog

    @property
    def is_full(self) -> bool:
        """Whether a connection attempt would be dropped."""
        return len(self._waiting) > self._backlog

    def accept(self) -> tuple[StreamSocket, Address]:
        """Return the next connection and who it is from. Raises `BlockingIOError`."""
        if not self._waiting:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        connection = self._waiting.popleft()
        self._network.changed(self)
        return connection

    def offer(self, end: StreamSocket) -> None:
        """Put a connection in front of whoever accepts."""
        self._waiting.append((end, end.getpeername()))
        self._network.changed(self)

    def close(self) -> None:
        if not self.is_closed:
            super().close()
            self._network.stopped_listening(self)
            for end, _ in self._waiting:
                end.outgoing.reject()
                end.close()
            self._waiting.clear()
