"""A connection: two ends, two flows, and what befell it."""

from __future__ import annotations

import errno
import os
from random import Random
from typing import TYPE_CHECKING

from supervisor.simulation.network.flow import Flow
from supervisor.simulation.network.record import ConnectionRecord, Stream
from supervisor.simulation.network.sockets import Address, StreamSocket

if TYPE_CHECKING:
    from supervisor.simulation.network.breaking import Breaking
    from supervisor.simulation.network.network import Network
    from supervisor.simulation.network.way import Way


class Connection:
    """From a client's host to a server's name. All chance in it is its own."""

    def __init__(
        self,
        network: Network,
        number: int,
        ways: tuple[Way, Way],
        addresses: tuple[Address, Address],
        random: Random,
    ) -> None:
        there, back = ways
        self._network = network
        self.client_host, self.server_name = there.source, there.target
        self.record = ConnectionRecord(
            number=number,
            client=there.source,
            server=there.target,
            port=addresses[1][1],
            opened_s=network.loop.time(),
            to_server=Stream(),
            to_client=Stream(),
        )
        self.breaking: Breaking | None = None
        """What ends it after so many bytes, if anything is to."""
        self.to_server = Flow(network, self, there, "to server", self.record.to_server, random)
        self.to_client = Flow(network, self, back, "to client", self.record.to_client, random)
        self.client = StreamSocket(network, self, addresses[0], addresses[1])
        self.server = StreamSocket(network, self, addresses[1], addresses[0])
        self._join(self.to_server, self.client, self.server)
        self._join(self.to_client, self.server, self.client)

    def _join(self, flow: Flow, source: StreamSocket, target: StreamSocket) -> None:
        flow.source, flow.target = source, target
        source.outgoing = target.incoming = flow

    def end_closed(self) -> None:
        """Take note that one end was closed."""
        if self.client.is_closed and self.server.is_closed:
            self.record.is_open = False
            self._network.ended(self)

    def met(self) -> None:
        """Break it if one end speaks TLS and the other does not."""
        kinds = {self.client.is_tls, self.server.is_tls}
        if kinds == {True, False}:
            self.reset()

    # --- what a network does to connections ---

    def reset(self) -> None:
        """Both ends are told that the other is gone."""
        for end, flow in ((self.client, self.to_client), (self.server, self.to_server)):
            flow.discard()
            end.fail(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))

    def truncate(self) -> None:
        """Both ends are told that the other has said all, though it has not."""
        self.to_client.sever()
        self.to_server.sever()

    def orphan(self) -> None:
        """Nothing more gets through, and nobody is told."""
        self.to_client.is_orphaned = self.to_server.is_orphaned = True
