"""The way of frames from the venue to one socket, with whatever goes wrong on it."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable
from typing import Final

from ops.venue.faults.plan import FaultPlan, Strikes
from ops.venue.faults.spec import (
    Backdate,
    Blank,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Garbage,
    Oversized,
    Reorder,
    Silence,
)

Frame = str | bytes

_GARBAGE: Final[tuple[Frame, ...]] = (
    "not json",
    '{"connection_id":"x","payload":{"asset":',
    "[]",
    "null",
    "17",
    '{"topic":"activity","type":"trades","payload":null,"timestamp":0}',
    '{"topic":"activity","type":"trades","payload":{"price":"NaN","size":{}},"timestamp":"soon"}',
    '{"topic":"activity","type":"trades","payload":{"asset":1,"price":1e400,"size":-1},"timestamp":1e30}',
    '{"event_type":"book","bids":"none","asks":[{"price":null}]}',
    "[" * 300 + "]" * 300,
    "\u0000\ufffd",
    b"\x00\xff\xfe\x80binary",
)

_PADDED: Final = {
    "rtds": '{"topic":"activity","type":"trades","padding":"',
    "market": '{"event_type":"book","padding":"',
}
"""How an oversized frame of each channel begins."""

_REORDER_IDLE_S: Final = 0.25
"""How long a frame is held for the sake of disorder when no other frame comes."""

_TIMESTAMP: Final = re.compile(r'("timestamp":"?)(\d+)')


class FrameLine:
    """Turns each frame into what really goes out on one connection, in order."""

    def __init__(self, plan: FaultPlan, channel: str, ordinal: int) -> None:
        self._plan = plan
        self._channel = channel
        self._ordinal = ordinal
        self._opened = self._plan.now_s()
        self._held: list[Frame] = []
        self._late: deque[tuple[float, Frame]] = deque()
        self._disconnect: Disconnect | None = None
        self._load()

    @property
    def is_restless(self) -> bool:
        """Whether something may become due although no frame comes."""
        return bool(self._timed_disconnects or self._held or self._late)

    def watch(self, told: Callable[[], None]) -> None:
        """Have somebody told when other faults are in force."""
        self._plan.watchers[told] = None

    def unwatch(self, told: Callable[[], None]) -> None:
        """Have them told no more."""
        self._plan.watchers.pop(told, None)

    @property
    def age_s(self) -> float:
        return self._plan.now_s() - self._opened

    def deliver(self, frame: Frame) -> list[Frame]:
        """Return the frames to send now that this one is due."""
        if self._version != self._plan.version:
            self._load()
        if not self._strikes:
            return [*self._take_all(), frame] if self._held or self._late else [frame]
        frames = [frame]
        for strikes in self._strikes:
            frames = self._strike(strikes, frames)
        return frames

    def flush(self, idle_s: float) -> list[Frame]:
        """Return what was held back and is due although no further frame came for so long."""
        due = self._take_late()
        if idle_s >= _REORDER_IDLE_S:
            due += self._take_held()
        return due

    def disconnect_due(self) -> Disconnect | None:
        """Return the disconnect whose time has come."""
        if self._version != self._plan.version:
            self._load()
        age = self.age_s
        for strikes in self._timed_disconnects:
            if strikes.in_window(age) and strikes.spend():
                assert isinstance(strikes.fault, Disconnect)
                return strikes.fault
        due, self._disconnect = self._disconnect, None
        return due

    def _load(self) -> None:
        self._version = self._plan.version
        strikes = self._plan.for_socket(self._channel, self._ordinal)
        self._timed_disconnects = [
            one
            for one in strikes
            if isinstance(one.fault, Disconnect) and not one.fault.per_frame and one.is_chosen()
        ]
        self._strikes = [
            one
            for one in strikes
            if not (isinstance(one.fault, Disconnect) and not one.fault.per_frame)
            and (not isinstance(one.fault, Silence) or one.is_chosen())
        ]
        self._disconnect = None

    def _strike(self, strikes: Strikes, frames: list[Frame]) -> list[Frame]:
        fault, age = strikes.fault, self.age_s
        if isinstance(fault, Silence):
            return [] if frames and strikes.in_window(age) and strikes.spend() else frames
        if isinstance(fault, Reorder):
            return self._reordered(fault, strikes, frames)
        if isinstance(fault, Delay):
            return self._delayed(fault, strikes, frames)
        out: list[Frame] = []
        for frame in frames:
            out.extend(self._struck(strikes, frame) if strikes.hits(age) else (frame,))
        return out

    def _struck(self, strikes: Strikes, frame: Frame) -> list[Frame]:
        fault = strikes.fault
        if isinstance(fault, Duplicate):
            return [frame] * fault.times
        if isinstance(fault, Drop):
            return []
        if isinstance(fault, Garbage):
            return [strikes.chance.choice(_GARBAGE), frame]
        if isinstance(fault, Oversized):
            return [_PADDED[self._channel] + "x" * fault.size_bytes + '"}', frame]
        if isinstance(fault, Blank):
            return ["", frame]
        if isinstance(fault, Backdate) and isinstance(frame, str):
            return [_backdated(frame, fault.seconds)]
        if isinstance(fault, Disconnect):
            self._disconnect = fault
        return [frame]

    def _reordered(self, fault: Reorder, strikes: Strikes, frames: list[Frame]) -> list[Frame]:
        if not strikes.in_window(self.age_s):
            return [*self._take_held(), *frames]
        out: list[Frame] = []
        for frame in frames:
            self._held.append(frame)
            if len(self._held) >= fault.window and strikes.spend():
                out.append(_pop_any(self._held, strikes.chance))
        return out

    def _delayed(self, fault: Delay, strikes: Strikes, frames: list[Frame]) -> list[Frame]:
        now = self._plan.now_s()
        if strikes.in_window(self.age_s):
            for frame in frames:
                strikes.spend()
                self._late.append((now + fault.seconds, frame))
            frames = []
        return self._take_late() + frames

    def _take_late(self) -> list[Frame]:
        now = self._plan.now_s()
        due: list[Frame] = []
        while self._late and self._late[0][0] <= now:
            due.append(self._late.popleft()[1])
        return due

    def _take_all(self) -> list[Frame]:
        late = [frame for _, frame in self._late]
        self._late.clear()
        return late + self._take_held()

    def _take_held(self) -> list[Frame]:
        held, self._held = self._held, []
        return held


def _pop_any(frames: list[Frame], chance: random.Random) -> Frame:
    return frames.pop(chance.randrange(len(frames)))


def _backdated(frame: str, seconds: float) -> str:
    def earlier(match: re.Match[str]) -> str:
        value = int(match[2])
        unit = 1000 if value > 100_000_000_000 else 1
        return f"{match[1]}{value - int(seconds * unit)}"

    return _TIMESTAMP.sub(earlier, frame)
