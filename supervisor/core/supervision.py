"""What becomes of an actor that failed or ended: restarted by its parent's policy, or escalated.

The bookkeeping of a restart costs the same however many came before. Nothing here calls into an actor
while another one is handling a message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from supervisor.core import lifecycle
from supervisor.core.cell import OUT, PARKED, START, Cell
from supervisor.errors import Escalated, SupervisorError
from supervisor.policy import ExitReason, Restart, Strategy

if TYPE_CHECKING:
    from supervisor.core.supervised import SupervisedCell


def failed(cell: SupervisedCell, error: BaseException, *, escalate: bool) -> None:
    """Decide about an actor that crashed and handles nothing any more."""
    parent = cell.parent
    assert parent is not None
    if cell.closing is not None:
        _release(cell)
    elif parent.is_leaving:
        pass  # the parent stops it in its turn
    elif cell.restart is Restart.TEMPORARY and not escalate:
        retire(cell, ExitReason.FAILED)
    elif escalate or not _may_restart(parent, cell):
        _escalate(parent, cell, error)
    elif isinstance(error, Escalated) and parent.parent is None:
        # Its own supervision has given up on what is under it; there is nobody above to try again.
        parent.escalate(cell, error)
    else:
        _recover(parent, cell, type(error).__name__)


def finished(cell: SupervisedCell) -> None:
    """Decide about an actor that asked for its own end."""
    parent = cell.parent
    assert parent is not None
    cell.attention |= PARKED | OUT
    if cell.closing is not None:
        _release(cell)
    elif parent.is_leaving:
        pass
    elif cell.restart is not Restart.PERMANENT:
        retire(cell, ExitReason.STOPPED)
    elif _may_restart(parent, cell):
        _recover(parent, cell, "its own stop()")
    else:
        _escalate(
            parent, cell, SupervisorError(f"{cell.path} is permanent and kept ending by its own stop()")
        )


def retire(cell: SupervisedCell, reason: ExitReason) -> None:
    """End an actor for good without handling what still waits."""
    cell.park()
    if cell.at_rest and cell.closing is None:
        lifecycle.kill(cell, reason)
    else:
        lifecycle.begin_stop(cell, drain=False, reason=reason)


def _release(cell: SupervisedCell) -> None:
    if cell.drained is not None and not cell.drained.done():
        cell.drained.set_result(None)


def _may_restart(parent: Cell, cell: SupervisedCell) -> bool:
    """Count one more restart; False if that is more than the policy allows in its period."""
    policy = parent.supervision
    times = cell.own_restart_times if policy.per_child else parent.restart_times
    if times is None:
        times = deque(maxlen=policy.restarts_max)
        if policy.per_child:
            cell.own_restart_times = times
        else:
            parent.restart_times = times
    now = cell.scheduler.now
    if len(times) == policy.restarts_max and (not times or now - times[0] < policy.period_s):
        return False
    times.append(now)
    return True


def _escalate(parent: Cell, cell: SupervisedCell, error: BaseException) -> None:
    escalated = Escalated(cell.path, error)
    escalated.__cause__ = error
    parent.escalate(cell, escalated)


def _recover(parent: Cell, cell: SupervisedCell, because: str) -> None:
    policy = parent.supervision
    now = cell.scheduler.now
    if cell.running and now - cell.started_at >= policy.backoff.reset_after_s:
        cell.failures = 0
    cell.failures += 1
    delay_s = policy.backoff.delay_s(cell.failures, cell.system.random)
    if policy.strategy is Strategy.ONE_FOR_ONE:
        Recovery([cell], delay_s, because).begin()
    else:
        Recovery(_group(parent, cell, policy.strategy), delay_s, f"{because} in {cell.path}").begin()


def renew(cell: SupervisedCell, because: str, begun: Callable[[], None]) -> None:
    """Give an actor a fresh incarnation by order: as after a failure, but at once and counted as none.

    `begun` is called when all that restart with it have begun, or will not. Takes over a restart that is
    waiting for its delay.
    """
    parent = cell.parent
    assert parent is not None
    strategy = parent.supervision.strategy
    group = [cell] if strategy is Strategy.ONE_FOR_ONE else _group(parent, cell, strategy)
    Recovery(group, 0.0, because, begun).begin()


def _group(parent: Cell, cell: SupervisedCell, strategy: Strategy) -> list[SupervisedCell]:
    """Return who is restarted along with the cell, in start order; end those who never come back."""
    siblings = list((parent.children or {}).values())
    if strategy is Strategy.REST_FOR_ONE:
        siblings = siblings[siblings.index(cell) :]
    group: list[SupervisedCell] = []
    ended: list[Cell] = []
    for sibling in siblings:
        member = sibling.as_supervised()
        if member is None or (member is not cell and member.restart is Restart.TEMPORARY):
            ended.append(sibling)
        elif member.closing is None:
            group.append(member)
    for sibling in reversed(ended):
        sibling.park()
        sibling.begin_stop(drain=False)
    return group


class Recovery:
    """One restart of one actor or of a group: all end in reverse order, wait, and begin in order.

    A later recovery, or a stop, takes members over by setting their `recovery`; this one then lets them be.
    """

    __slots__ = ("_because", "_begun", "_delay_s", "_group")

    def __init__(
        self,
        group: list[SupervisedCell],
        delay_s: float,
        because: str,
        begun: Callable[[], None] | None = None,
    ) -> None:
        self._group = group
        self._delay_s = delay_s
        self._because = because
        self._begun = begun

    def begin(self) -> None:
        """Park the group and end its incarnations, the last started first."""
        for member in self._group:
            member.park()
            member.recovery = self
        if all(member.at_rest for member in self._group):
            for member in reversed(self._group):
                lifecycle.finish(member)
            self._wait()
        else:
            self._group[0].system.run(self._end_all())

    async def _end_all(self) -> None:
        for member in reversed(self._group):
            if member.recovery is self:
                await lifecycle.end(member)
        self._wait()

    def _wait(self) -> None:
        loop = self._group[0].scheduler.loop
        if self._delay_s:
            loop.call_later(self._delay_s, self._begin_all)
        elif len(self._group) == 1 and self._begun is None:
            self._begin_all()
        else:
            loop.call_soon(self._begin_all)

    def _begin_all(self) -> None:
        alone = len(self._group) == 1 and self._begun is None
        for member in self._group:
            if member.recovery is not self:
                continue
            member.recovery = None
            member.note_restart(self._because)
            member.unstash()
            if alone:
                member.attention |= START
                member.unpark()
                continue
            member.attention &= ~START  # it may not have begun even once
            if lifecycle.start(member):
                member.unpark()
        if self._begun is not None:
            self._begun()
