"""asyncio's own selector loop with sockets in memory: `create_server`, `create_connection` and all that is
built on them, aiohttp included, run unchanged and never reach the machine's network.

Transports, servers and name resolution above the sockets are asyncio's. TLS is not: its bytes would differ
from run to run. An end that asks for TLS gets a plain connection, which breaks if the other end did not.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from supervisor.errors import NotSimulated
from supervisor.simulation.network.network import Network
from supervisor.simulation.network.selector import VirtualSelector
from supervisor.simulation.network.sockets import MemorySocket, StreamSocket

_STREAM: Final = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")


class NetworkedLoop(asyncio.SelectorEventLoop):
    """A loop whose network is `network`; its subclass says how time passes."""

    def __init__(self, seed: int | str = 0) -> None:
        selector = VirtualSelector(self.pass_time)
        super().__init__(selector)
        self.network = Network(self, selector, seed)
        self._stood_for: weakref.WeakKeyDictionary[Any, StreamSocket] = weakref.WeakKeyDictionary()

    def pass_time(self) -> None:
        """Move the time; called where a real loop would wait."""
        raise NotImplementedError

    def wall_s(self) -> float:
        """Return the simulated seconds since the epoch."""
        raise NotImplementedError

    # --- names ---

    async def getaddrinfo(  # type: ignore[override]
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """Return the one address of a name of the simulation. Raises `gaierror`."""
        if family not in (socket.AF_UNSPEC, socket.AF_INET) or type not in (0, socket.SOCK_STREAM):
            raise socket.gaierror(socket.EAI_FAMILY, "only TCP over IPv4 is simulated")
        name = host.decode() if isinstance(host, bytes) else host
        number = port.decode() if isinstance(port, bytes) else str(port or 0)
        if not number.isdecimal():
            raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported")
        return [(*_STREAM, (self.network.look_up(name or ""), int(number)))]

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return self.network.hosts.reach(sockaddr[0]), str(sockaddr[1])

    # --- connections ---

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Connect in memory. A socket of the operating system is not touched: it stands for one in memory."""
        if isinstance(sock, MemorySocket):
            raise NotSimulated("the socket is connected already, expected a new one")
        if sock.family != socket.AF_INET or sock.type != socket.SOCK_STREAM:
            raise NotSimulated(f"{sock.family.name} {sock.type.name} is not simulated, only TCP over IPv4 is")
        reached = (self.network.look_up(address[0]), int(address[1]))
        self._stood_for[sock] = await self.network.connect(reached)

    async def create_server(
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | Iterable[str] | None = None,
        port: int | None = None,
        *,
        sock: Any = None,
        backlog: int = 100,
        ssl: Any = None,
        start_serving: bool = True,
        **options: Any,
    ) -> asyncio.Server:
        """Listen in memory: on the present host, or on the one that is named, which then exists."""
        if sock is not None:
            raise NotSimulated("a socket of the operating system cannot listen here; give host and port")
        if port is None:
            raise ValueError("Neither host/port nor sock were specified")
        name = _only(host)
        listening: Any = self.network.listen(name, port)
        return await super().create_server(
            protocol_factory, sock=listening, backlog=backlog, ssl=ssl, start_serving=start_serving
        )

    def _make_socket_transport(self, sock: Any, *args: Any, **kwargs: Any) -> asyncio.Transport:
        made = self._in_memory(sock, is_tls=False)
        transport: asyncio.Transport = super()._make_socket_transport(made, *args, **kwargs)  # type: ignore[misc]
        return transport

    def _make_ssl_transport(
        self,
        rawsock: Any,
        protocol: asyncio.BaseProtocol,
        sslcontext: Any,
        waiter: Any = None,
        *,
        extra: dict[str, Any] | None = None,
        server: Any = None,
        **options: Any,
    ) -> asyncio.Transport:
        made = self._in_memory(rawsock, is_tls=True)
        extra = {**(extra or {}), "sslcontext": sslcontext}
        transport: asyncio.Transport = super()._make_socket_transport(  # type: ignore[misc]
            made, protocol, waiter, extra=extra, server=server
        )
        return transport

    def _in_memory(self, sock: Any, is_tls: bool) -> StreamSocket:
        made = sock if isinstance(sock, StreamSocket) else self._stood_for.pop(sock, None)
        if made is None:
            raise NotSimulated("the socket is the operating system's, expected one connected by this loop")
        if made is not sock:
            sock.close()
        made.speaks(is_tls)
        return made

    # --- what there is not ---

    async def _refuse(self, what: str) -> NoReturn:
        raise NotSimulated(f"{what} is not simulated; only TCP over IPv4 is")

    def create_datagram_endpoint(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("a datagram endpoint")

    def create_unix_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("a Unix socket")

    def create_unix_server(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("a Unix socket")

    def start_tls(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("TLS begun in the midst of a connection")

    def subprocess_exec(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("a subprocess")

    def subprocess_shell(self, *args: Any, **kwargs: Any) -> Any:
        """Raise `NotSimulated`."""
        return self._refuse("a subprocess")

    def _make_self_pipe(self) -> None:
        """Make none: this loop never sleeps, so nobody has to wake it."""

    def _close_self_pipe(self) -> None:
        """Do nothing: there is none."""

    def _write_to_self(self) -> None:
        """Do nothing: there is no self-pipe."""


def _only(host: str | Iterable[str] | None) -> str | None:
    if host is None or isinstance(host, str):
        return host
    names = list(host)
    if len(names) != 1:
        raise NotSimulated(f"{len(names)} hosts to listen on were named, expected one for each server")
    return names[0]
