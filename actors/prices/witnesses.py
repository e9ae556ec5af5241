"""What each witness said last of markets that are at or past their end. Pure."""

from __future__ import annotations

from typing import Final

from actors.prices.resolution import Judged, Statement, judge
from messages.ids import ConditionId
from messages.markets import Source

MARKETS_MAX: Final = 10_000
"""Markets between their end and their payout; the ones heard of longest ago go first."""


class Witnesses:
    """Hears statements and judges them by the rule in `resolution`."""

    def __init__(self) -> None:
        self._said: dict[ConditionId, dict[Source, Statement]] = {}

    def __len__(self) -> int:
        return len(self._said)

    def hear(self, condition_id: ConditionId, witness: Source, statement: Statement) -> Judged:
        """Take what a witness says now in place of what it said before; return the judgement on all."""
        said = self._said.pop(condition_id, None) or {}
        said[witness] = statement
        judged = judge(said)
        if judged.verdict[1]:
            return judged  # it is over: nobody is asked again
        if any(each.closed or each.oracle for each in said.values()):
            self._said[condition_id] = said
            if len(self._said) > MARKETS_MAX:
                del self._said[next(iter(self._said))]
        return judged
