"""How a parent treats its children: strategy, restart kinds, limits and backoff, as frozen values.

The words and their meaning are OTP's, except that a restarted actor keeps its address and mailbox.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from random import Random
from typing import Final


class Strategy(enum.Enum):
    """Who is restarted when one child fails."""

    ONE_FOR_ONE = "one-for-one"
    ONE_FOR_ALL = "one-for-all"
    REST_FOR_ONE = "rest-for-one"
    """The failed child and those started after it."""


class Restart(enum.Enum):
    """When a child comes back."""

    PERMANENT = "permanent"
    """Always, also after ending by its own `stop()`; only its parent or an exit request ends it for good."""
    TRANSIENT = "transient"
    """After a failure only."""
    TEMPORARY = "temporary"
    """Never."""


class ExitReason(enum.StrEnum):
    """Why an actor is gone."""

    STOPPED = "stopped"
    FAILED = "failed"
    KILLED = "killed"
    """It did not end within its shutdown time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a restart waits: growing with each failure in a row, forgotten after a healthy while."""

    first_s: float = 0.1
    max_s: float = 30.0
    factor: float = 2.0
    jitter: float = 0.2
    """The share by which a delay may vary either way, so that what fell together does not rise together."""
    reset_after_s: float = 60.0

    def __post_init__(self) -> None:
        if self.first_s < 0 or self.max_s < 0:
            raise ValueError(f"delays were {self.first_s} and {self.max_s} s, expected none below 0")
        if self.factor < 1:
            raise ValueError(f"factor was {self.factor}, expected at least 1")
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter was {self.jitter}, expected from 0 to below 1")

    def delay_s(self, failures: int, random: Random) -> float:
        """Return the delay before the restart after the given number of failures in a row, from 1 on."""
        if self.first_s == 0:
            return 0.0
        grown = self.first_s
        for _ in range(min(failures - 1, _DOUBLINGS_MAX)):
            grown *= self.factor
            if grown >= self.max_s:
                break
        delay = min(grown, self.max_s)
        if self.jitter:
            delay *= 1 + self.jitter * (2 * random.random() - 1)
        return delay


_DOUBLINGS_MAX: Final = 64
"""Beyond this many failures in a row the delay has long met any maximum worth setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """How an actor treats its children.

    More than `restarts_max` restarts within `period_s` make the actor itself fail. As in OTP the limit is
    one for all children; `per_child` counts each child on its own, right for crowds of independent ones.
    """

    strategy: Strategy = Strategy.ONE_FOR_ONE
    restarts_max: int = 5
    period_s: float = 60.0
    per_child: bool = False
    backoff: Backoff = Backoff()

    def __post_init__(self) -> None:
        if self.restarts_max < 0:
            raise ValueError(f"restarts_max was {self.restarts_max}, expected 0 or more")
        if self.period_s <= 0:
            raise ValueError(f"period_s was {self.period_s}, expected more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartBudget:
    """How many restarts all actors of a system together may make: `burst` at once, then a steady rate.

    Beyond it restarts are delayed, first come first served, and none is refused: thousands of actors that
    lost the same database neither take the whole loop nor end the process. A group that restarts as one
    counts as its members. What a restarted actor spawns anew is no restart.
    """

    restarts_per_s: float = 1_000.0
    burst: int = 2_000

    def __post_init__(self) -> None:
        if not 0 < self.restarts_per_s < math.inf:
            raise ValueError(f"restarts_per_s was {self.restarts_per_s}, expected a number above 0")
        if self.burst < 1:
            raise ValueError(f"burst was {self.burst}, expected at least 1")
