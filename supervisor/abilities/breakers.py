"""The circuit breakers of an actor: local to an incarnation, seen from outside, each transition a message."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from supervisor.abilities import timers
from supervisor.abilities.circuit import BreakerPolicy, BreakerState, Change, Circuit
from supervisor.errors import BreakerOpen, LimitReached
from supervisor.signals import BreakerChanged, RuntimeItem

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell

_Value = TypeVar("_Value")

BREAKERS_MAX: Final = 1_000
"""Breakers of one actor: one for each other side it calls, not for each call."""


@dataclass(frozen=True, slots=True)
class BreakerInfo:
    """One breaker as it was at the moment of asking."""

    key: str
    state: BreakerState
    failures: int
    """In a row, up to now."""
    openings: int
    """In a row, each soon after the one before."""
    reason: str
    """Why it is in its state; empty if it never changed."""


class Breaker(RuntimeItem):
    """One circuit breaker of an actor.

    Ask `allow()` before each call and say `succeeded()` or `failed()` after it; or let `call` do all three.
    Each transition is sent to the actor, and to those who watch it, as `BreakerChanged`, if they handle that.
    """

    __slots__ = ("_armed_s", "_cell", "_circuit", "_epoch", "key")

    def __init__(self, cell: SupervisedCell, key: str, circuit: Circuit) -> None:
        self._cell = cell
        self._epoch = cell.epoch
        self._circuit = circuit
        self._armed_s: float | None = None
        self.key = key

    @property
    def state(self) -> BreakerState:
        """Whether calls go through; half-open once it is time, even before the message of that."""
        self._pass_time()
        return self._circuit.state

    @property
    def policy(self) -> BreakerPolicy:
        """What it was made with."""
        return self._circuit.policy

    @property
    def retry_after_s(self) -> float:
        """How long it will stay open, 0 if it is not."""
        due_s = self._circuit.due_s
        if self.state is not BreakerState.OPEN or due_s is None:
            return 0.0
        return max(0.0, due_s - self._now_s())

    def allow(self) -> bool:
        """Return whether a call may be made now. Half-open, True takes one of its trials."""
        self._pass_time()
        allowed = self._lives and self._circuit.allows(self._now_s())
        self._arm()
        return allowed

    def succeeded(self) -> None:
        """Take note that a call went well."""
        if self._lives:
            self._changed(self._circuit.succeeded(self._now_s()))

    def failed(self) -> None:
        """Take note that a call failed."""
        if self._lives:
            self._changed(self._circuit.failed(self._now_s()))

    def trip(self, reason: str) -> None:
        """Open at once. The reason is shown and sent: no content of messages."""
        if self._lives:
            self._changed(self._circuit.trip(self._now_s(), reason))

    def reset(self, reason: str) -> None:
        """Close at once."""
        if self._lives:
            self._changed(self._circuit.reset(self._now_s(), reason))

    async def call(self, awaitable: Awaitable[_Value]) -> _Value:
        """Await something if it may be called now, and count its outcome; for a coroutine given to `pipe`.

        Raises `BreakerOpen` at once if not, else whatever the awaited raises. Only the policy's `errors`
        count as failures; a cancellation or another error leaves a trial to be made again.
        """
        if not self.allow():
            if hasattr(awaitable, "close"):
                awaitable.close()
            raise BreakerOpen(self._cell.path, self.key, self.retry_after_s)
        generation = self._circuit.generation
        try:
            value = await awaitable
        except self.policy.errors:
            if self._lives:
                self._changed(self._circuit.failed(self._now_s(), generation))
            raise
        except BaseException:
            if self._lives:
                self._circuit.gave_no_outcome(generation)
                self._arm()
            raise
        if self._lives:
            self._changed(self._circuit.succeeded(self._now_s(), generation))
        return value

    def info(self) -> BreakerInfo:
        """Return what is shown of it; changes nothing."""
        circuit = self._circuit
        return BreakerInfo(self.key, circuit.state, circuit.failures, circuit.openings, circuit.reason)

    def come_due(self) -> None:
        """Do what its timer was set for."""
        self._armed_s = None
        if self._circuit.due_s is not None:
            # A timer may fire a tick of the clock early.
            self._changed(self._circuit.due(max(self._now_s(), self._circuit.due_s)))

    @property
    def _lives(self) -> bool:
        return self._cell.epoch == self._epoch

    def _now_s(self) -> float:
        return self._cell.scheduler.loop.time()

    def _pass_time(self) -> None:
        if self._lives:
            self._changed(self._circuit.due(self._now_s()))

    def _changed(self, change: Change | None) -> None:
        self._arm()
        if change is not None:
            cell = self._cell
            message = BreakerChanged(cell.address, cell.path, self.key, *change)
            cell.notify(self._epoch, message)
            for watcher, epoch in (cell.watchers or {}).items():
                if watcher is not cell:
                    watcher.notify(epoch, message)

    def _arm(self) -> None:
        """Have the timer agree with when there is something to do."""
        due_s = self._circuit.due_s
        if due_s == self._armed_s or not self._lives:
            return
        self._armed_s = due_s
        key = _TimerKey(self.key)
        if due_s is None:
            timers.cancel_timer(self._cell, key)
        else:
            timers.set_timer(self._cell, key, max(0.0, due_s - self._now_s()), self, every=False)


@dataclass(frozen=True, slots=True)
class _TimerKey:
    breaker: str


def breaker(cell: SupervisedCell, key: str, policy: BreakerPolicy | None) -> Breaker:
    """Return the incarnation's breaker of that key, made if there is none."""
    found = (cell.breakers or {}).get(key)
    if found is not None:
        if policy is not None and policy != found.policy:
            raise ValueError(f"{cell.path}: breaker {key!r} exists with another policy")
        return found
    if cell.breakers is None:
        cell.breakers = {}
    if len(cell.breakers) == BREAKERS_MAX:
        raise LimitReached(f"{cell.path}: it has {BREAKERS_MAX} breakers, as many as an actor may")
    made = Breaker(cell, key, Circuit(policy or BreakerPolicy(), cell.system.random))
    cell.breakers[key] = made
    return made


def deliver(actor: Any, due: Breaker, sender: Any) -> None:
    """Open the envelope of a breaker's timer."""
    due.come_due()
