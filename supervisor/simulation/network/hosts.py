"""The hosts of a simulated network: their names, their addresses, and on which of them code runs.

Nothing is looked up outside. A host exists once something listens under its name or code ran on it.
"""

from __future__ import annotations

import contextlib
import contextvars
import ipaddress
import socket
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

LOCALHOST: Final = "localhost"
"""The host of all code that was not told another one."""

LOOPBACK: Final = "127.0.0.1"
_FIRST: Final = int(ipaddress.IPv4Address("10.0.0.1"))
_HOSTS_MAX: Final = 65_536
_PORTS_ASSIGNED: Final = range(32_768, 61_000)
EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})
ITSELF: Final = frozenset({LOCALHOST, LOOPBACK, "::1"})

_here: contextvars.ContextVar[str] = contextvars.ContextVar("simulated host", default=LOCALHOST)


def here() -> str:
    """Return the name of the host that the current code runs on."""
    return _here.get()


@contextlib.contextmanager
def running_on(name: str) -> Iterator[None]:
    """Run the code of the block, and all tasks and servers it starts, on that host."""
    token = _here.set(name)
    try:
        yield
    finally:
        _here.reset(token)


class Hosts:
    """Names and addresses. Several names may be one host's; each is a way of its own to reach it."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._ports: defaultdict[str, int] = defaultdict(lambda: _PORTS_ASSIGNED.start)

    def add(self, name: str, owner: str | None = None) -> str:
        """Return the address of a name, which from now on is known; `owner` is the host it leads to."""
        if name not in self._addresses:
            if len(self._addresses) >= _HOSTS_MAX:
                raise ValueError(f"there are {_HOSTS_MAX} hosts already, expected no more")
            address = str(ipaddress.IPv4Address(_FIRST + len(self._addresses)))
            self._addresses[name] = address
            self._names[address] = name
            self._owners[name] = name if owner is None else self.owner(owner)
        return self._addresses[name]

    def owner(self, name: str) -> str:
        """Return the host that a name belongs to."""
        return self._owners.get(name, name)

    def reach(self, address: str) -> str:
        """Return the name that an address or a name stands for, seen from here. Raises `gaierror`."""
        if address in ITSELF or address in EVERYWHERE:
            return here()
        name = self._names.get(address, address)
        if name not in self._addresses and name != here():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return name

    def named(self, host: str) -> str:
        """Return the name to listen under, which is known from now on. Raises `gaierror` for an address that
        is nobody's."""
        if host in self._names:
            return self._names[host]
        if host.replace(".", "").isdecimal():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        self.add(host)
        return host

    def address(self, name: str) -> str:
        """Return the address by which code here reaches a name; its own host's is the loopback."""
        return LOOPBACK if name == here() else self.add(name)

    def free_port(self, host: str, taken: Any) -> int:
        """Return the next port of a host that is not `taken`."""
        for _ in _PORTS_ASSIGNED:
            port = self._ports[host]
            self._ports[host] = port + 1 if port + 1 < _PORTS_ASSIGNED.stop else _PORTS_ASSIGNED.start
            if port not in taken:
                return port
        raise OSError(f"no free port on {host}, expected one of {_PORTS_ASSIGNED}")
