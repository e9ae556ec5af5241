"""The faults a simulation can inject, each a frozen value that says what it hits and when.

Paths are patterns: `*` and `?` within a name, `**` for any names. What an actor sends to itself, and what the
runtime itself sends, passes no transport: only crashes and pauses hit it. The network has faults of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from supervisor.errors import BadFaultPlan
from supervisor.paths import matches
from supervisor.simulation.network import faults as network
from supervisor.simulation.network.faults import NetworkFault

ANY: Final = "**"
"""Every path, and every type."""


def word(name: str, default: Any) -> Any:
    """Declare a field that the text form writes behind a word, and leaves out at its default."""
    return field(default=default, metadata={"word": name})


@dataclass(frozen=True, slots=True)
class Counted:
    """Hits the `nth` message that matches, and those after it up to `count`, seen from `from_s` on."""

    verb: ClassVar[str]

    def __post_init__(self) -> None:
        for name in ("nth", "count", "behind"):
            value = getattr(self, name, 1)
            if value < 1:
                raise BadFaultPlan(f"{name} of {self.verb!r} was {value}, expected 1 or more")
        for name in ("from_s", "by_s"):
            check_seconds(f"{name} of {self.verb!r}", getattr(self, name, 0.0))


@dataclass(frozen=True, slots=True)
class Crash(Counted):
    """The actor crashes: in place of handling the message, or once it has handled it."""

    verb: ClassVar[str] = "crash"
    path: str
    message: str = word("on", ANY)
    nth: int = word("nth", 1)
    count: int = word("count", 1)
    from_s: float = word("from", 0.0)
    handled: bool = word("handled", False)

    def matches(self, path: str, message_type: str) -> bool:
        """Whether a message about to be handled counts."""
        return matches(self.path, path) and matches(self.message, message_type)


@dataclass(frozen=True, slots=True)
class Transport(Counted):
    """Hits messages on their way from one actor to another."""

    sender: str
    target: str
    message: str = word("on", ANY)
    nth: int = word("nth", 1)
    count: int = word("count", 1)
    from_s: float = word("from", 0.0)

    def matches(self, sender: str, target: str, message_type: str) -> bool:
        """Whether a message being sent counts."""
        return (
            matches(self.target, target)
            and matches(self.sender, sender)
            and matches(self.message, message_type)
        )


@dataclass(frozen=True, slots=True)
class Delay(Transport):
    """The message is late; what the same sender sends there afterwards stays behind it."""

    verb: ClassVar[str] = "delay"
    by_s: float = word("by", 1.0)


@dataclass(frozen=True, slots=True)
class Reorder(Transport):
    """The message lets messages of other senders pass, `behind` of them or a virtual second's."""

    verb: ClassVar[str] = "reorder"
    behind: int = word("behind", 1)


@dataclass(frozen=True, slots=True)
class Drop(Transport):
    """The message is lost, and its sender not told; in one process a defect, between hosts a fact."""

    verb: ClassVar[str] = "drop"


@dataclass(frozen=True, slots=True)
class Duplicate(Transport):
    """The message arrives twice, the second time right behind the first."""

    verb: ClassVar[str] = "duplicate"


@dataclass(frozen=True, slots=True)
class Pause:
    """The actors handle nothing for a while; messages keep coming in, timers and coroutines go on."""

    verb: ClassVar[str] = "pause"
    path: str
    at_s: float = word("at", 0.0)
    for_s: float = word("for", 1.0)

    def __post_init__(self) -> None:
        check_seconds("at_s of 'pause'", self.at_s)
        check_seconds("for_s of 'pause'", self.for_s)

    def matches(self, path: str) -> bool:
        """Whether this actor is paused."""
        return matches(self.path, path)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock jumps, ahead or back; monotonic time goes on as ever."""

    verb: ClassVar[str] = "step"
    by_s: float = word("by", 1.0)
    at_s: float = word("at", 0.0)

    def __post_init__(self) -> None:
        check_seconds("at_s of 'step'", self.at_s)
        if not math.isfinite(self.by_s):
            raise BadFaultPlan(f"by_s of 'step' was {self.by_s}, expected a finite number")


Fault = Crash | Delay | Reorder | Drop | Duplicate | Pause | ClockStep | NetworkFault
KINDS: tuple[type[Fault], ...] = (
    *(Crash, Delay, Reorder, Drop, Duplicate, Pause, ClockStep),
    *(network.Cut, network.Slow, network.Refuse, network.Nameless),
    *(network.Reset, network.Truncate, network.Orphan),
)


def check_seconds(what: str, seconds: float) -> None:
    """Raise `BadFaultPlan` unless this is a time or a duration within a simulation."""
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadFaultPlan(f"{what} was {seconds}, expected a finite number, 0 or more")
