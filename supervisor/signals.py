"""What the runtime itself puts into mailboxes: notices for actors, and envelopes it opens at delivery.

None of these is ever dropped by an overflow policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thespian.actors import ActorSystemMessage

from supervisor.abilities.circuit import BreakerState
from supervisor.errors import HandlerCrashed, NotHandled, Refused
from supervisor.policy import ExitReason


@dataclass(frozen=True, slots=True)
class Terminated:
    """A watched actor has ended for good; a restart is no end."""

    address: Any
    path: str
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """A circuit breaker of an actor went from one state to another; sent to it and to who watches it."""

    address: Any
    path: str
    key: str
    before: BreakerState
    after: BreakerState
    reason: str


class RuntimeItem:
    """A thing in a mailbox that is opened by the runtime and never seen by an actor."""

    __slots__ = ()


class Urgent(RuntimeItem):
    """Carries a message that overtakes what waits, in order with other urgent ones."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message


class Drained(RuntimeItem):
    """Marks the end of what an actor that is being stopped still handles."""

    __slots__ = ()


_KEPT = (RuntimeItem, Terminated, BreakerChanged, Refused, NotHandled, HandlerCrashed, ActorSystemMessage)


def is_kept(message: object) -> bool:
    """Whether no overflow policy may drop this."""
    return isinstance(message, _KEPT)
