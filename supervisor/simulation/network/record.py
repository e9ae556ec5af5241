"""What happened on a simulated network: every byte hashed, the last events and connections kept."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

EVENTS_KEPT: Final = 10_000
CONNECTIONS_KEPT: Final = 1_000


class NetworkEvent(NamedTuple):
    """One thing that happened. `connection` is its number, 0 for what concerns none."""

    at_s: float
    connection: int
    what: str
    """`opened`, `to server`, `to client`, `ended`, `reset`, `refused`, or a fault that began or was over."""
    detail: str
    """Who, or how many bytes; never which."""


@dataclass(slots=True)
class ConnectionRecord:
    """One connection: who with whom, and a digest of the bytes that arrived in each direction."""

    number: int
    client: str
    server: str
    port: int
    opened_s: float
    to_server: Stream
    to_client: Stream
    is_open: bool = True


class Stream:
    """The bytes of one direction that arrived so far."""

    __slots__ = ("_hash", "size")

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """A hash of the bytes, whatever pieces they came in."""
        return self._hash.hexdigest()

    def take(self, data: bytes) -> None:
        """Add what arrived."""
        self.size += len(data)
        self._hash.update(data)


class Record:
    """The memory of a network; equal digests mean the same bytes in the same pieces at the same times."""

    def __init__(self) -> None:
        self.events: deque[NetworkEvent] = deque(maxlen=EVENTS_KEPT)
        self.connections: deque[ConnectionRecord] = deque(maxlen=CONNECTIONS_KEPT)
        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def note(self, at_s: float, connection: int, what: str, detail: str = "", data: bytes = b"") -> None:
        """Remember an event, and hash it with the bytes it brought."""
        self.events.append(NetworkEvent(at_s, connection, what, detail))
        self._hash.update(f"{at_s!r} {connection} {what} {detail} {len(data)}\n".encode())
        self._hash.update(data)
