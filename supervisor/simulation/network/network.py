"""The network of a simulation: hosts, connections between them, and what goes wrong.

    with Simulation(seed=1) as sim:
        sim.network.play([Cut("localhost", "venue", at_s=10, for_s=5)])

Code takes part through the loop's own `create_server` and `create_connection`.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import math
import socket
from collections.abc import Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, Final

from supervisor.simulation.network import hosts
from supervisor.simulation.network.breaking import Breaking
from supervisor.simulation.network.conditions import Conditions
from supervisor.simulation.network.connection import Connection
from supervisor.simulation.network.faults import (
    LastingFault,
    Nameless,
    NetworkFault,
    Refuse,
    SuddenFault,
)
from supervisor.simulation.network.record import ConnectionRecord, NetworkEvent, Record
from supervisor.simulation.network.sockets import Address, ListeningSocket, MemorySocket, StreamSocket
from supervisor.simulation.network.way import InForce, Way, Ways

if TYPE_CHECKING:
    from supervisor.simulation.network.selector import VirtualSelector

_DESCRIPTORS_FROM: Final = 1 << 20
"""Far above the operating system's file descriptors."""
_REPEATS_S: Final = (1, 2, 4, 8, 16, 32, 64)
"""When Linux repeats a connection attempt that nobody answers; then it gives up."""


class Network:
    """What the sockets of one simulated loop are joined to."""

    def __init__(self, loop: asyncio.AbstractEventLoop, selector: VirtualSelector, seed: int | str) -> None:
        self.loop = loop
        self.hosts = hosts.Hosts()
        self.random = Random(f"{seed}:/network")
        """The chance of what is no connection's own."""
        self._seed = seed
        self._selector = selector
        self._descriptors = itertools.count(_DESCRIPTORS_FROM)
        self._numbers = itertools.count(1)
        self._ways = Ways(loop.time)
        self._listening: dict[Address, ListeningSocket] = {}
        self._open: dict[int, Connection] = {}
        self._breaking: list[Breaking] = []
        self._record = Record()

    # --- hosts ---

    running_on = staticmethod(hosts.running_on)
    """`with network.running_on("venue"):` the code of the block, and what it starts, is on that host."""

    def alias(self, name: str, host: str) -> None:
        """Let a host be reached by another name too; faults tell the names apart."""
        self.hosts.add(name, owner=host)
        if self.hosts.owner(name) != self.hosts.owner(host):
            raise ValueError(f"{name!r} is a name of {self.hosts.owner(name)!r} already, not of {host!r}")

    @property
    def conditions(self) -> Conditions:
        """What every way is like where no fault says otherwise."""
        return self._ways.conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._ways.conditions = conditions

    # --- what goes wrong ---

    def play(self, faults: Iterable[NetworkFault]) -> None:
        """Let each fault begin at its time, counted from now, and end after its own."""
        for fault in faults:
            self.loop.call_later(fault.at_s, self.begin, fault)

    def begin(self, fault: NetworkFault, struck: Callable[[], object] = lambda: None) -> None:
        """Let a fault begin now, whatever its `at_s`; `struck` is called each time that it does harm."""
        self._note_fault(fault, "begins")
        if isinstance(fault, LastingFault):
            struck()
            begun = self._ways.begin(fault)
            if math.isfinite(fault.for_s):
                begun.ending = self.loop.call_later(fault.for_s, self._end, begun)
        elif isinstance(fault, SuddenFault):
            self._befall(Breaking(fault, struck))

    def _befall(self, breaking: Breaking) -> None:
        concerned = self._concerned(breaking.fault)
        if not breaking.fault.after_bytes:
            for connection in concerned:
                breaking.strike(connection)
            return
        self._breaking.append(breaking)
        for connection in concerned:
            connection.breaking = connection.breaking or breaking

    def strike(self, breaking: Breaking, connection: Connection) -> None:
        """Break the connection that came to the fault's byte first, and spare the others."""
        self._disarm(breaking)
        breaking.strike(connection)

    def end(self, fault: LastingFault) -> None:
        """Lift a fault, of equal ones the earliest; one that is over already is none."""
        begun = next((each for each in self._ways.in_force if each.fault == fault), None)
        if begun is not None:
            self._end(begun)

    def _end(self, begun: InForce) -> None:
        self._ways.end(begun)
        self._note_fault(begun.fault, "ends")

    def heal(self) -> None:
        """Lift everything. What broke stays broken, and what is still to begin begins."""
        for begun in list(self._ways.in_force):
            self._end(begun)
        for breaking in list(self._breaking):
            self._disarm(breaking)

    def _concerned(self, fault: NetworkFault) -> list[Connection]:
        return [each for each in self._open.values() if fault.concerns(each.client_host, each.server_name)]

    def _disarm(self, breaking: Breaking) -> None:
        self._breaking.remove(breaking)
        for connection in self._open.values():
            if connection.breaking is breaking:
                connection.breaking = self._breaking_of(connection)

    def _breaking_of(self, connection: Connection) -> Breaking | None:
        ends = connection.client_host, connection.server_name
        return next((each for each in self._breaking if each.fault.concerns(*ends)), None)

    # --- what happened ---

    @property
    def digest(self) -> str:
        """A hash over all that arrived anywhere and when; the same seed and code give the same."""
        return self._record.digest

    @property
    def trace(self) -> list[NetworkEvent]:
        """The last events: what arrived when, on which connection, and how it ended."""
        return list(self._record.events)

    @property
    def connections(self) -> list[ConnectionRecord]:
        """The last connections, open or not, with a digest of the bytes in each direction."""
        return list(self._record.connections)

    def note(self, connection: Connection, what: str, detail: str, data: bytes = b"") -> None:
        """Remember what happened to a connection."""
        self._record.note(self.loop.time(), connection.record.number, what, detail, data)

    def _note_fault(self, fault: NetworkFault, what: str) -> None:
        ends = f"{fault.verb} {fault.client} {fault.server}"
        self._record.note(self.loop.time(), 0, what, ends)

    # --- what the loop asks for ---

    def look_up(self, name: str) -> str:
        """Return the address of a name, seen from here. Raises `gaierror`."""
        found = self.hosts.reach(name)
        if self._ways.active(Nameless, hosts.here(), found) is not None:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.hosts.address(found)

    def listen(self, host: str | None, port: int) -> ListeningSocket:
        """Return a socket that is bound on the present host, or on the one named. Raises `OSError`."""
        if host is None or host in hosts.EVERYWHERE:
            name, address = hosts.here(), "0.0.0.0"
        elif host in hosts.ITSELF:
            name, address = hosts.here(), hosts.LOOPBACK
        else:
            named = self.hosts.named(host)
            name, address = self.hosts.owner(named), self.hosts.add(named)
        self.hosts.add(name)
        taken = {number for owner, number in self._listening if owner == name}
        port = port or self.hosts.free_port(name, taken)
        if port in taken:
            text = f"error while attempting to bind on address ({host!r}, {port}): address already in use"
            raise OSError(errno.EADDRINUSE, text)
        listening = ListeningSocket(self, name, (address, port))
        self._listening[name, port] = listening
        return listening

    async def connect(self, address: Address) -> StreamSocket:
        """Return the client's end of a new connection. Raises `ConnectionRefusedError`, `TimeoutError`."""
        client, server = hosts.here(), self.hosts.reach(address[0])
        number = next(self._numbers)
        random = Random(f"{self._seed}:/network/{number}")
        there, back = self._ways.between(client, server), self._ways.between(server, client)
        for repeat_s in _REPEATS_S:
            if not (there.is_cut or back.is_cut):
                await asyncio.sleep(random.uniform(*there.conditions.latency_s))
                listening = self._listening_for(client, server, address[1])
                if listening is None or self._ways.active(Refuse, client, server) is not None:
                    self._record.note(self.loop.time(), number, "refused", f"{client} {server}:{address[1]}")
                    await asyncio.sleep(random.uniform(*back.conditions.latency_s))
                    raise ConnectionRefusedError(errno.ECONNREFUSED, f"Connect call failed {address}")
                if not listening.is_full:
                    break
            await asyncio.sleep(repeat_s)
        else:
            raise TimeoutError(errno.ETIMEDOUT, f"Connect call failed {address}")
        connection = self._join(number, (there, back), address[1], random)
        listening.offer(connection.server)
        try:
            await asyncio.sleep(random.uniform(*back.conditions.latency_s))
        except asyncio.CancelledError:
            connection.client.close()
            raise
        return connection.client

    def _listening_for(self, client: str, server: str, port: int) -> ListeningSocket | None:
        host = self.hosts.owner(server)
        listening = self._listening.get((host, port))
        if listening is None or not listening.is_listening:
            return None
        is_private = listening.getsockname()[0] == hosts.LOOPBACK
        return None if is_private and self.hosts.owner(client) != host else listening

    def _join(self, number: int, ways: tuple[Way, Way], port: int, random: Random) -> Connection:
        there, _ = ways
        own = self.hosts.add(there.source), self.hosts.free_port(there.source, ())
        connection = Connection(self, number, ways, (own, (self.hosts.add(there.target), port)), random)
        connection.breaking = self._breaking_of(connection)
        self._open[number] = connection
        self._record.connections.append(connection.record)
        self.note(connection, "opened", f"{there.source} {there.target}:{port}")
        return connection

    # --- what the sockets tell ---

    @property
    def is_running(self) -> bool:
        """Whether anything can still happen."""
        return not self.loop.is_closed()

    def opened(self, sock: MemorySocket) -> int:
        """Return the descriptor of a new socket."""
        descriptor = next(self._descriptors)
        self._selector.opened(sock, descriptor)
        return descriptor

    def changed(self, sock: MemorySocket) -> None:
        """Look again at whether a socket is ready."""
        self._selector.changed(sock.fileno())

    def closed(self, descriptor: int) -> None:
        """Forget a descriptor."""
        self._selector.closed(descriptor)

    def stopped_listening(self, sock: ListeningSocket) -> None:
        """Refuse connections from now on."""
        self._listening.pop((sock.host, sock.getsockname()[1]), None)

    def ended(self, connection: Connection) -> None:
        """Forget a connection that is closed at both ends."""
        self._open.pop(connection.record.number, None)
