"""One direction of a connection: what one end sent and the other has not read yet.

Bytes arrive in their order, after a latency, in pieces that the seed cuts and joins. What a way does not let
through is held, as TCP holds what nobody acknowledges, until the way is open again or the sender gives up.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from supervisor.simulation.network.connection import Connection
    from supervisor.simulation.network.network import Network
    from supervisor.simulation.network.record import Stream
    from supervisor.simulation.network.sockets import StreamSocket
    from supervisor.simulation.network.way import Way

GIVE_UP_S: Final = 924.6
"""How long Linux repeats what nobody acknowledges, before the sender is told `ETIMEDOUT`."""
REPEAT_S_MAX: Final = 120.0
"""The longest pause between two repetitions, and so between the end of a cut and the next byte."""

_PIECES_MAX: Final = 4
_PIECE_GAP_S: Final = 0.0005


class Mark(Enum):
    """What follows the bytes."""

    END = "ended"
    RESET = "reset"


class Flow:
    """From `source` to `target`; knows nothing of protocols."""

    source: StreamSocket
    target: StreamSocket

    def __init__(
        self, network: Network, connection: Connection, way: Way, name: str, stream: Stream, random: Random
    ) -> None:
        self._network = network
        self._connection = connection
        self._way = way
        self._name = name
        self._stream = stream
        self._random = random
        self._loop = network.loop
        self._flying: deque[tuple[float, bytes | Mark]] = deque()
        self._flying_bytes = 0
        self._last_at = 0.0
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._giving_up: asyncio.TimerHandle | None = None
        self._is_held = False
        self._is_easing = False
        self.arrived = bytearray()
        self.has_ended = False
        """Whether the target has all there will be."""
        self.is_blocked = False
        """Whether the source has to wait until the target has read."""
        self.is_orphaned = False
        """Whether nothing gets through any more, and nobody is told."""
        self._is_severed = False
        self._has_rejected = False

    # --- the sending end ---

    def offer(self, data: bytes) -> int:
        """Take as much as there is room for and return how much. Raises `BlockingIOError` for none."""
        room = self._way.conditions.window_bytes - self._flying_bytes - len(self.arrived)
        if room < len(data):
            self.is_blocked = True
            if room <= 0:
                raise BlockingIOError(errno.EAGAIN, "no room in the window")
            data = data[:room]
        self._flying_bytes += len(data)
        for number, piece in enumerate(self._pieces(data)):
            self._fly(piece, self._random.uniform(0, _PIECE_GAP_S) if number else 0.0)
        return len(data)

    def mark(self, mark: Mark) -> None:
        """Send what is no byte."""
        self._fly(mark, 0.0)

    def discard(self) -> None:
        """Lose what is on its way."""
        self._flying.clear()
        self._flying_bytes = 0

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        if len(data) == 1 or self._random.random() >= self._way.conditions.cut_share:
            yield data
            return
        count = self._random.randint(2, min(_PIECES_MAX, len(data)))
        cuts = sorted(self._random.sample(range(1, len(data)), count - 1))
        for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
            yield data[start:stop]

    def _fly(self, what: bytes | Mark, gap_s: float) -> None:
        conditions, leaves_at = self._way.conditions, self._loop.time()
        if isinstance(what, bytes):
            self._free_at = leaves_at = max(leaves_at, self._free_at) + len(what) / conditions.bytes_per_s
        at = max(self._last_at, leaves_at + self._random.uniform(*conditions.latency_s)) + gap_s
        self._last_at = at
        self._flying.append((at, what))
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._flying and not self._is_held:
            self._timer = self._loop.call_at(self._flying[0][0], self._arrive)

    # --- the way ---

    def _arrive(self) -> None:
        self._timer = None
        if self.is_orphaned or self._way.is_cut:
            self._hold()
            return
        now = self._loop.time()
        while self._flying and self._flying[0][0] <= now:
            _, what = self._flying.popleft()
            if isinstance(what, bytes):
                self._bytes_arrive(what)
            elif not self.target.is_closed:
                self._network.note(self._connection, what.value, self._name)
                self._mark_arrives(what)
        self._arm()

    def _bytes_arrive(self, data: bytes) -> None:
        self._flying_bytes -= len(data)
        if self._is_severed or self.target.is_closed:
            self.target.outgoing.reject()
            return
        breaking = self._connection.breaking
        if breaking is not None and self is self._connection.to_client:
            data = data[: max(0, breaking.fault.after_bytes - self._stream.size)]
        if data:
            self.arrived += data
            self._stream.take(data)
            self._network.note(self._connection, self._name, str(len(data)), data)
            self._network.changed(self.target)
        if breaking is not None and self._stream.size >= breaking.fault.after_bytes:
            self._network.strike(breaking, self._connection)

    def _mark_arrives(self, mark: Mark) -> None:
        if mark is Mark.RESET:
            self.target.fail(ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)))
        else:
            self.has_ended = True
            self._network.changed(self.target)

    def reject(self) -> None:
        """Tell the target that nobody is here for what it sends."""
        if not self._has_rejected:
            self._has_rejected = True
            self.discard()
            self.mark(Mark.RESET)

    def sever(self) -> None:
        """End in the midst: what is on its way is lost, and the target believes that this was all."""
        self.discard()
        self._is_severed = self.has_ended = True
        self._network.changed(self.target)

    # --- a way that lets nothing through ---

    def _hold(self) -> None:
        self._is_held = True
        self._way.held[self] = None
        if self._giving_up is None:
            self._giving_up = self._loop.call_later(GIVE_UP_S, self._give_up)

    def release(self, held_s: float) -> None:
        """Let through again what was held: with the next repetition, the later the longer it took."""
        if self.is_orphaned:
            return
        self._is_held = False
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        at = self._loop.time() + self._random.uniform(0, min(held_s, REPEAT_S_MAX))
        self._flying = deque((max(at, due), what) for due, what in self._flying)
        self._last_at = max(at, self._last_at)
        self._arm()

    def _give_up(self) -> None:
        self._giving_up = None
        self._way.held.pop(self, None)
        self._is_held = False
        self.discard()
        self.source.fail(TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))

    # --- the receiving end ---

    def read(self, size: int) -> bytes:
        """Return what has arrived, up to a size; nothing if nothing has."""
        data = bytes(self.arrived[:size])
        del self.arrived[:size]
        if data and self.is_blocked and not self._is_easing:
            self._is_easing = True
            self._loop.call_later(self._random.uniform(*self._way.conditions.latency_s), self._ease)
        return data

    def _ease(self) -> None:
        self._is_easing = False
        self.is_blocked = False
        self._network.changed(self.source)
