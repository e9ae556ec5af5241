"""What becomes of an actor that failed or ended: restarted by its parent's policy, or escalated.

The bookkeeping of a restart costs the same however many came before. Nothing here calls into an actor
while another one is handling a message.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from supervisor.core import lifecycle
from supervisor.core.cell import OUT, PARKED, START, WAITS, Cell
from supervisor.errors import Escalated, MailboxOverflow, SupervisorError
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
    policy = parent.supervision
    limit = f"beyond its restart limit ({policy.restarts_max} in {policy.period_s:g} s)"
    if isinstance(error, MailboxOverflow):
        limit = "and is not restarted"
    escalated = Escalated(cell.path, error, limit)
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
        group, doomed = _affected(parent, cell, policy.strategy)
        Recovery(group, delay_s, f"{because} in {cell.path}", doomed=doomed).begin()


def renew(cell: SupervisedCell, because: str, begun: Callable[[], None]) -> None:
    """Give an actor a fresh incarnation by order: as after a failure, but at once and counted as none.

    `begun` is called when all that restart with it have begun, or will not. Takes over a restart that is
    waiting for its delay, and waits for no budget.
    """
    parent = cell.parent
    assert parent is not None
    strategy = parent.supervision.strategy
    group, doomed = ([cell], []) if strategy is Strategy.ONE_FOR_ONE else _affected(parent, cell, strategy)
    Recovery(group, 0.0, because, begun, doomed=doomed).begin()


def _affected(
    parent: Cell, cell: SupervisedCell, strategy: Strategy
) -> tuple[list[SupervisedCell], list[Cell]]:
    """Return who is restarted along with the cell, and who ends without coming back, in start order.

    One that waits for the end of an earlier actor of its name has not begun, so there is nothing to restart.
    """
    siblings = list((parent.children or {}).values())
    if strategy is Strategy.REST_FOR_ONE:
        siblings = siblings[siblings.index(cell) :]
    group: list[SupervisedCell] = []
    doomed: list[Cell] = []
    for sibling in siblings:
        member = sibling.as_supervised()
        if member is None or (member is not cell and member.restart is Restart.TEMPORARY):
            doomed.append(sibling)
        elif member.closing is None and not member.attention & WAITS:
            group.append(member)
    return group, doomed


class Recovery:
    """One restart of one actor or of a group: all end in reverse order, wait, and begin in order.

    A later recovery, or a stop, takes members over by `SupervisedCell.leave_recovery`; this one then lets
    them be. The doomed end along with the group and do not come back.
    """

    __slots__ = ("_because", "_begun", "_delay_s", "_doomed", "_group", "left")

    def __init__(
        self,
        group: list[SupervisedCell],
        delay_s: float,
        because: str,
        begun: Callable[[], None] | None = None,
        *,
        doomed: list[Cell] | None = None,
    ) -> None:
        self._group = group
        self._doomed = doomed
        self._delay_s = delay_s
        self._because = because
        self._begun = begun
        self.left = len(group)
        """Members that nobody else has taken over."""

    def begin(self) -> None:
        """Park the group and end its incarnations, the last started first."""
        at_rest = not self._doomed
        for member in self._group:
            member.leave_recovery()
            member.park()
            member.recovery = self
            at_rest = at_rest and member.at_rest
        if at_rest:
            for member in reversed(self._group):
                lifecycle.finish(member)
            self._wait()
        else:
            self._group[0].system.run(self._end_all())

    def lose(self) -> None:
        """Take note that another recovery or a stop has taken a member over."""
        self.left -= 1
        if not self.left:
            self._group[0].system.restarts.forget(self)

    async def _end_all(self) -> None:
        for cell in self._in_reverse():
            member = cell.as_supervised()
            if member is not None and member.recovery is self:
                await lifecycle.end(member)
            elif self._doomed and cell in self._doomed:
                await asyncio.shield(cell.begin_stop(drain=False))
        self._wait()

    def _in_reverse(self) -> list[Cell]:
        """Return the group and the doomed, the last started first."""
        for cell in self._doomed or ():
            if cell.as_supervised() is not None:  # a plain actor ends by handling its exit request
                cell.park()
        together = [*self._group, *(self._doomed or ())]
        return sorted(together, key=lambda cell: -cell.address.number)

    def _wait(self) -> None:
        loop = self._group[0].scheduler.loop
        if self._delay_s:
            loop.call_later(self._delay_s, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        """Begin as soon as the budget of the whole system has room; what an operator orders needs none."""
        system = self._group[0].system
        if self._begun is None and self.left and not system.restarts.take(self):
            return
        if len(self._group) == 1 and self._begun is None:
            self.begin_all()
        else:
            system.scheduler.loop.call_soon(self.begin_all)

    def begin_all(self) -> None:
        """Begin all members that are left, until the failure of one makes their parent fail."""
        scheduler = self._group[0].scheduler
        scheduler.now = scheduler.clock()  # nobody else may have looked for as long as the delay
        alone = len(self._group) == 1 and self._begun is None
        for member in self._group:
            if member.recovery is not self:
                continue
            parent = member.parent
            if parent is None or parent.is_leaving or parent.attention & PARKED:
                break  # it has failed, or is on its way out, and stops them in its turn
            member.recovery = None
            self.left -= 1
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
