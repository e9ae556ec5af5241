"""A circuit breaker as states and counters: pure, with every time given by the caller.

Closed, calls go through and their outcomes are counted. Open, none go through. Half-open, a few go through as
trials: if they succeed it closes, if one fails it opens again for longer.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from supervisor.policy import Backoff

WINDOW_CALLS_MAX: Final = 10_000
_DELAY: Final = Backoff(first_s=1.0, max_s=60.0)


class BreakerState(enum.StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a breaker opens, for how long, and what closes it again.

    It opens after `opens_after` failures in a row, or once `window_calls` outcomes are known and at least
    `opens_at_share` of the last so many were failures; either may be None. It stays open for `delay`, longer
    each time it opens again before having been closed for `delay.reset_after_s`. Half-open it lets `trials`
    calls through and closes when they all succeeded; one without an outcome after `trial_s` has failed.
    `errors` are those that a call counts as failures; others say nothing about the other side.
    """

    opens_after: int | None = 5
    opens_at_share: float | None = None
    window_calls: int = 20
    delay: Backoff = _DELAY
    trials: int = 1
    trial_s: float = 30.0
    errors: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        if self.opens_after is None and self.opens_at_share is None:
            raise ValueError("opens_after and opens_at_share were both None; the breaker would never open")
        if self.opens_after is not None and self.opens_after < 1:
            raise ValueError(f"opens_after was {self.opens_after}, expected at least 1")
        if self.opens_at_share is not None and not 0 < self.opens_at_share <= 1:
            raise ValueError(f"opens_at_share was {self.opens_at_share}, expected above 0 and at most 1")
        if not 1 <= self.window_calls <= WINDOW_CALLS_MAX:
            raise ValueError(f"window_calls was {self.window_calls}, expected 1 to {WINDOW_CALLS_MAX}")
        if self.trials < 1:
            raise ValueError(f"trials was {self.trials}, expected at least 1")
        if not 0 < self.trial_s < math.inf:
            raise ValueError(f"trial_s was {self.trial_s}, expected a time above 0")
        if self.delay.first_s <= 0:
            raise ValueError("delay.first_s was 0, expected more: an open breaker must stay so for a while")


class Change(NamedTuple):
    """One transition, and why."""

    before: BreakerState
    after: BreakerState
    reason: str


class Circuit:
    """The state of one breaker. Times are seconds of one clock that never goes back.

    Methods that may change the state return the change, None for none. An outcome with the `generation` of
    its call is ignored if the state has changed since.
    """

    __slots__ = (
        "_closed_at_s",
        "_outcomes",
        "_random",
        "_seen",
        "_succeeded",
        "_trials_out",
        "due_s",
        "failures",
        "generation",
        "openings",
        "policy",
        "reason",
        "state",
    )

    def __init__(self, policy: BreakerPolicy, random: Random) -> None:
        self.policy = policy
        self.state = BreakerState.CLOSED
        self.reason = ""
        """Why it is in its state; empty if it never changed."""
        self.failures = 0
        """Failures in a row."""
        self.openings = 0
        """Openings in a row, each within the reset time of the last."""
        self.generation = 0
        self.due_s: float | None = None
        """When `due` has something to do."""
        self._random = random
        self._outcomes = 0  # one bit for each of the last outcomes, 1 for a failure
        self._seen = 0
        self._trials_out = 0
        self._succeeded = 0
        self._closed_at_s = -math.inf

    def allows(self, now_s: float) -> bool:
        """Return whether a call may go through; one that does must be followed by its outcome."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.state is BreakerState.OPEN or self._trials_out + self._succeeded >= self.policy.trials:
            return False
        self._trials_out += 1
        self.due_s = now_s + self.policy.trial_s
        return True

    def succeeded(self, now_s: float, generation: int | None = None) -> Change | None:
        """Count a call that went well."""
        if not self._counts(generation):
            return None
        if self.state is BreakerState.CLOSED:
            self.failures = 0
            self._note(failed=False)
            return None
        self._trials_out -= 1
        self._succeeded += 1
        if self._succeeded < self.policy.trials:
            self._forget_trial_time()
            return None
        return self._close(now_s, f"{_count(self.policy.trials, 'trial')} succeeded")

    def failed(self, now_s: float, generation: int | None = None) -> Change | None:
        """Count a call that failed."""
        if not self._counts(generation):
            return None
        self.failures += 1
        if self.state is BreakerState.HALF_OPEN:
            return self._open(now_s, "a trial failed")
        self._note(failed=True)
        policy = self.policy
        if policy.opens_after is not None and self.failures >= policy.opens_after:
            return self._open(now_s, f"{_count(self.failures, 'failure')} in a row")
        failures = self._outcomes.bit_count()
        wanted = policy.opens_at_share
        if wanted is not None and self._seen >= policy.window_calls and failures >= wanted * self._seen:
            return self._open(now_s, f"{failures} of the last {self._seen} calls failed")
        return None

    def gave_no_outcome(self, generation: int | None = None) -> None:
        """Take note that a call ended and said nothing about the other side; a trial may be made again."""
        if self._counts(generation) and self.state is BreakerState.HALF_OPEN:
            self._trials_out -= 1
            self._forget_trial_time()

    def trip(self, now_s: float, reason: str) -> Change | None:
        """Open at once; nothing changes if it is open."""
        return None if self.state is BreakerState.OPEN else self._open(now_s, reason)

    def reset(self, now_s: float, reason: str) -> Change | None:
        """Close at once and forget all openings; nothing changes if it is closed."""
        self.openings = 0
        return None if self.state is BreakerState.CLOSED else self._close(now_s, reason)

    def due(self, now_s: float) -> Change | None:
        """Do what time alone brings about, if it is time."""
        if self.due_s is None or now_s < self.due_s:
            return None
        if self.state is BreakerState.HALF_OPEN:
            return self._open(now_s, f"a trial had no outcome within {self.policy.trial_s:g} s")
        self._trials_out = self._succeeded = 0
        return self._become(BreakerState.HALF_OPEN, None, "its time to be open was over")

    def _counts(self, generation: int | None) -> bool:
        if generation is not None and generation != self.generation:
            return False
        # Half-open with no trial out, it is the outcome of a call from before.
        return self.state is BreakerState.CLOSED or self._trials_out > 0

    def _note(self, *, failed: bool) -> None:
        window = self.policy.window_calls
        self._outcomes = (self._outcomes << 1 | failed) & ((1 << window) - 1)
        self._seen = min(self._seen + 1, window)

    def _forget_trial_time(self) -> None:
        if not self._trials_out:
            self.due_s = None

    def _open(self, now_s: float, reason: str) -> Change:
        if self.state is BreakerState.CLOSED and now_s - self._closed_at_s >= self.policy.delay.reset_after_s:
            self.openings = 0
        self.openings += 1
        self._trials_out = 0
        delay_s = self.policy.delay.delay_s(self.openings, self._random)
        return self._become(BreakerState.OPEN, now_s + delay_s, reason)

    def _close(self, now_s: float, reason: str) -> Change:
        self.failures = 0
        self._outcomes = self._seen = 0
        self._trials_out = 0
        self._closed_at_s = now_s
        return self._become(BreakerState.CLOSED, None, reason)

    def _become(self, state: BreakerState, due_s: float | None, reason: str) -> Change:
        change = Change(self.state, state, reason)
        self.state = state
        self.due_s = due_s
        self.reason = reason
        self.generation += 1
        return change


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
