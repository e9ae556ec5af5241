"""What a simulation did: the last messages handled, and a hash over all of them.

The hash stands for the whole run: equal ones mean that the same actors handled messages of the same types at
the same times in the same order. A deep one covers what the messages said as well.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from supervisor.abilities.pipes import Pipe
from supervisor.abilities.timers import Timer
from supervisor.address import CellAddress
from supervisor.core.cell import Cell
from supervisor.signals import Urgent

TRACE_MAX: Final = 10_000
BATCH: Final = 1024
"""Steps hashed together, which costs a fraction of hashing each."""


class Step(NamedTuple):
    """One message handled."""

    at_s: float
    path: str
    message_type: str


class Record:
    """Notes every step; the latest are kept, all are hashed."""

    def __init__(self, *, deep: bool) -> None:
        self.note: Callable[[float, Cell, Any], None] = self._note_content if deep else self._note
        self._last: deque[tuple[float, CellAddress, type]] = deque(maxlen=TRACE_MAX)
        self._batch: list[tuple[float, CellAddress, type]] = []
        self._contents: list[bytes] = []
        self._batches = 0
        self._hash = hashlib.blake2b(digest_size=16)
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_in_short, order="deterministic")

    def trace(self) -> list[Step]:
        """Return the last steps."""
        return [Step(at_s, address.path, kind.__name__) for at_s, address, kind in self._last]

    @property
    def steps(self) -> int:
        """How many messages were handled."""
        return self._batches * BATCH + len(self._batch)

    def digest(self) -> str:
        """Return the hash of all steps so far; asking changes nothing."""
        so_far = self._hash.copy()
        for part in self._parts():
            so_far.update(part)
        return so_far.hexdigest()

    def _note(self, now: float, cell: Cell, message: Any) -> None:
        step = (now, cell.address, type(message))
        self._last.append(step)
        batch = self._batch
        batch.append(step)
        if len(batch) == BATCH:
            for part in self._parts():
                self._hash.update(part)
            self._batches += 1
            batch.clear()
            self._contents.clear()

    def _note_content(self, now: float, cell: Cell, message: Any) -> None:
        try:
            self._contents.append(self._encoder.encode(_said(message)))
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._contents.append(type(error).__name__.encode())
        self._note(now, cell, message)

    def _parts(self) -> list[bytes]:
        if not self._batch:
            return []
        times, addresses, kinds = zip(*self._batch, strict=True)
        numbers = [address.number for address in addresses]
        paths = [address.path for address in {address.number: address for address in addresses}.values()]
        count = len(times)
        return [
            struct.pack(f"<{count}d{count}q", *times, *numbers),
            "\n".join([*paths, *[kind.__name__ for kind in kinds], ""]).encode(),
            *self._contents,
        ]


def _said(message: Any) -> Any:
    """Return what is in an envelope of the runtime: a message, or what came of a coroutine."""
    if isinstance(message, Timer | Urgent):
        return message.message
    if isinstance(message, Pipe):
        task = message.task
        return None if task.cancelled() else task.exception() or task.result()
    return message


def _in_short(value: Any) -> Any:
    """Return what stands for a value that cannot be encoded: an actor by its path, others by their type."""
    if isinstance(value, CellAddress):
        return f"{value.path}~{value.number}"
    return f"{type(value).__module__}.{type(value).__qualname__}"
