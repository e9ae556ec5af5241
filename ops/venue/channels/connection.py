"""One open socket of a channel, and the register of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from aiohttp import WSMsgType, web

from ops.venue.channels.outbox import Outbox
from ops.venue.faults.line import FrameLine
from ops.venue.faults.plan import FaultPlan

_CLOSING_SECONDS_MAX: Final = 0.5


class Connection:
    """A socket's identity, its outbox, and what the client has been asking."""

    def __init__(self, ordinal: int, outbox: Outbox) -> None:
        self.ordinal = ordinal
        self.outbox = outbox
        self.pings = 0

    def status(self) -> dict[str, object]:
        """Return the figures that `/control/status` shows."""
        return {
            "connection": self.ordinal,
            "frames_sent": self.outbox.frames_sent,
            "waiting": self.outbox.waiting,
            "pings": self.pings,
        }


ConnectionT = TypeVar("ConnectionT", bound=Connection)


class Connections(Generic[ConnectionT]):
    """Opens sockets, keeps count of them, and reads what clients say until they leave."""

    def __init__(
        self,
        channel: str,
        plan: FaultPlan,
        frames_max: int,
        make: Callable[[int, Outbox], ConnectionT],
    ) -> None:
        self._channel = channel
        self._plan = plan
        self._frames_max = frames_max
        self._make = make
        self._open: dict[int, ConnectionT] = {}
        self._frames_sent_by_closed = 0
        self.opened = 0

    def __iter__(self) -> Iterator[ConnectionT]:
        return iter(self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    @property
    def frames_sent(self) -> int:
        """Frames sent by all connections, those that are gone included."""
        return self._frames_sent_by_closed + sum(one.outbox.frames_sent for one in self)

    @property
    def have_room(self) -> bool:
        return not any(one.outbox.is_full for one in self)

    async def serve(
        self, request: web.Request, on_text: Callable[[ConnectionT, str], None]
    ) -> web.WebSocketResponse:
        """Run one connection from its opening to its end. PING is answered whatever else is silent."""
        socket = web.WebSocketResponse(max_msg_size=1_000_000, compress=False)
        await socket.prepare(request)
        self.opened += 1
        line = FrameLine(self._plan, self._channel, self.opened)
        outbox = Outbox(socket, request, line, frames_max=self._frames_max)
        connection = self._make(self.opened, outbox)
        self._open[connection.ordinal] = connection
        sender = asyncio.create_task(outbox.run(), name=f"venue-{self._channel}-{connection.ordinal}")
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                if message.data.strip().upper() == "PING":
                    connection.pings += 1
                    await socket.send_str("PONG")
                    continue
                on_text(connection, message.data)
        except ConnectionError:
            pass  # the client left in the middle of an answer
        finally:
            if outbox.is_closing:
                await asyncio.wait({sender}, timeout=_CLOSING_SECONDS_MAX)
            sender.cancel()
            self._open.pop(connection.ordinal, None)
            self._frames_sent_by_closed += outbox.frames_sent
        return socket

    def status(self) -> dict[str, object]:
        """Return the figures that `/control/status` shows."""
        return {
            "opened": self.opened,
            "open": len(self._open),
            "frames_sent": self.frames_sent,
            "connections": [one.status() for one in self],
        }
