"""What an actor's mailbox may hold and what happens to a message too many."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Overflow(enum.Enum):
    """What a full mailbox does. Every message lost or turned away is counted; none vanishes silently."""

    DROP_NEWEST = "drop-newest"
    DROP_OLDEST = "drop-oldest"
    COALESCE = "coalesce"
    """At most one waiting message per `message.coalesce_key`, full or not: the later replaces the earlier
    in its place. When full of different keys the oldest goes."""
    SHED = "shed"
    """The lowest `message.priority` goes first, the oldest among equals."""
    REFUSE = "refuse"
    """The sender is told by `Refused`, if it handles that."""
    HALT = "halt"
    """The actor stops and the failure escalates to its parent."""

    @property
    def is_lossy(self) -> bool:
        """Whether a message may be lost without its sender or a supervisor being told."""
        return self not in (Overflow.REFUSE, Overflow.HALT)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A bound and a policy; there is no unbounded mailbox.

    A producer that awaits `ready(address)` waits while the mailbox has passed `high_water` and not yet come
    back under `low_water`; they default to three quarters and a quarter of the capacity. What the runtime
    itself puts in (timers, results, notices) is never dropped and may exceed the capacity.
    """

    capacity: int
    overflow: Overflow
    high_water: int | None = None
    low_water: int | None = None
    high: int = field(init=False, repr=False)
    low: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("capacity", "high_water", "low_water"):
            value = getattr(self, name)
            if type(value) is not int and (value is not None or name == "capacity"):
                raise ValueError(
                    f"{name} was {value!r}, expected a whole number: every mailbox has a bound, and what "
                    "may not be lost is refused beyond it or halts the actor (Overflow.REFUSE, HALT)"
                )
        if self.capacity < 1:
            raise ValueError(f"capacity was {self.capacity}, expected at least 1")
        if not isinstance(self.overflow, Overflow):
            raise ValueError(f"overflow was {self.overflow!r}, expected a member of Overflow")
        high = self.high_water if self.high_water is not None else max(1, self.capacity * 3 // 4)
        low = self.low_water if self.low_water is not None else min(self.capacity // 4, high - 1)
        if not 0 <= low < high <= self.capacity:
            raise ValueError(
                f"water marks were low {low} and high {high}, "
                f"expected 0 <= low < high <= capacity {self.capacity}"
            )
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "low", low)
