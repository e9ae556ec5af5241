"""The budget of restarts that all actors of a system share, as a token bucket with a queue.

A storm of restarts neither melts the process nor ends it: those beyond the budget wait their turn, the first
that asked first. A restart that nobody wants any more leaves the queue and costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supervisor.policy import RestartBudget

if TYPE_CHECKING:
    from supervisor.core.supervision import Recovery

log: Final = logging.getLogger("supervisor")

_ROUNDING: Final = 1e-6
"""A share of a token by which time, being a float, may fall short of what it should have brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartBudgetState:
    """The budget as it was at the moment of asking."""

    budget: RestartBudget | None
    """None if restarts are not limited across the tree."""
    available: float
    """Restarts that may be made at once; below 0 after a group larger than the burst."""
    waiting: int
    """Actors whose restart waits for its turn."""
    delayed: int
    """Restarts that had to wait since the system began."""
    storms: int
    """How many times it ran out after it had been full."""


class Restarts:
    """Lets restarts begin at the rate of the budget. At most one waits per actor, so the queue is bounded."""

    def __init__(self, loop: asyncio.AbstractEventLoop, budget: RestartBudget | None) -> None:
        self._loop = loop
        self._budget = budget
        self._tokens = float(budget.burst) if budget is not None else 0.0
        self._counted_at = loop.time()
        self._queue: dict[Recovery, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._storming = False
        self._delayed = 0
        self._storms = 0

    def take(self, recovery: Recovery) -> bool:
        """Whether a restart may begin now; otherwise its `begin_all` is called when its turn has come."""
        budget = self._budget
        if budget is None:
            return True
        if not self._queue:
            self._fill(budget)
            if self._covers(recovery, budget):
                self._tokens -= recovery.left
                return True
            self._storm(budget)
        self._queue[recovery] = None
        self._delayed += recovery.left
        if len(self._queue) == 1:
            self._wait(budget)
        return False

    def forget(self, recovery: Recovery) -> None:
        """Take out a restart of which no actor is left."""
        self._queue.pop(recovery, None)

    def close(self) -> None:
        """Let nothing begin any more."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def state(self) -> RestartBudgetState:
        """Return how much is left and what waits."""
        if self._budget is not None:
            self._fill(self._budget)
        return RestartBudgetState(
            budget=self._budget,
            available=self._tokens,
            waiting=sum(recovery.left for recovery in self._queue),
            delayed=self._delayed,
            storms=self._storms,
        )

    def _fill(self, budget: RestartBudget) -> None:
        now = self._loop.time()
        self._tokens = min(
            float(budget.burst), self._tokens + (now - self._counted_at) * budget.restarts_per_s
        )
        self._counted_at = now

    def _covers(self, recovery: Recovery, budget: RestartBudget) -> bool:
        # A group larger than the burst begins when the bucket is full, and leaves a debt.
        return self._tokens + _ROUNDING >= min(recovery.left, budget.burst)

    def _wait(self, budget: RestartBudget) -> None:
        """Look again when there is enough for the first in the queue; without one, when all is saved up."""
        first = next(iter(self._queue), None)
        enough = budget.burst if first is None else min(first.left, budget.burst)
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, (enough - self._tokens) / budget.restarts_per_s)
        self._timer = self._loop.call_later(delay_s, self._let_in)

    def _let_in(self) -> None:
        self._timer = None
        budget = self._budget
        assert budget is not None
        self._fill(budget)
        while self._queue:
            first = next(iter(self._queue))
            if not self._covers(first, budget):
                break
            self._tokens -= first.left
            del self._queue[first]
            first.begin_all()
        if self._queue or self._tokens + _ROUNDING < budget.burst:
            self._wait(budget)
        else:
            self.close()
            self._storming = False
            log.warning("the storm of restarts is over: %d had to wait so far", self._delayed)

    def _storm(self, budget: RestartBudget) -> None:
        """Note a storm once, however often the queue empties before all is saved up again."""
        if self._storming:
            return
        self._storming = True
        self._storms += 1
        log.error(
            "more restarts than the budget of %s a second after %s at once: the rest wait their turn",
            budget.restarts_per_s,
            budget.burst,
        )
