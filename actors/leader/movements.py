"""Which movements are new, and what they leave of a leader's positions (L1). Pure.

A movement is known by its content in its transaction; of equal ones the greatest number that any reading
has counted is the truth, as with trades.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from messages.ids import TokenId, TxHash
from messages.movements import LeaderMovement, MovementKind, MovementReported, movement_key
from messages.units import Shares

_Content: TypeAlias = tuple[TxHash, TokenId, MovementKind, Shares]

_SIGNS: Final = {MovementKind.SPLIT: 1, MovementKind.MERGE: -1, MovementKind.REDEEM: -1}


class Movements:
    """The movements of one wallet that Remora knows."""

    def __init__(self) -> None:
        self._counts: dict[_Content, int] = {}
        self._moved_at_ns: dict[_Content, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def restore(self, movement: LeaderMovement) -> None:
        """Take a stored movement into account."""
        content = (movement.tx, movement.token_id, movement.kind, movement.size)
        self._counts[content] = max(self._counts.get(content, 0), movement.ordinal + 1)
        self._moved_at_ns[content] = movement.moved_at_ns

    def take(self, report: MovementReported, positions: Mapping[TokenId, Shares]) -> list[LeaderMovement]:
        """Return what is new in a report, in order, with what each leaves; nothing if all was known."""
        found: list[LeaderMovement] = []
        for token in report.token_ids:
            content = (report.tx, token, report.kind, report.size)
            before = positions.get(token, 0)
            for ordinal in range(self._counts.get(content, 0), report.occurrence):
                # More can go than is known of: shares from before the following.
                after = max(0, before + _SIGNS[report.kind] * report.size)
                found.append(_movement(report, token, ordinal, before, after))
                before = after
            self._counts[content] = max(self._counts.get(content, 0), report.occurrence)
            self._moved_at_ns[content] = report.moved_at_ns
        return found

    def prune(self, before_ns: int) -> None:
        """Forget what moved before `before_ns`."""
        for content in [one for one, at_ns in self._moved_at_ns.items() if at_ns < before_ns]:
            del self._counts[content], self._moved_at_ns[content]


def _movement(
    report: MovementReported, token: TokenId, ordinal: int, before: Shares, after: Shares
) -> LeaderMovement:
    return LeaderMovement(
        key=movement_key(report.wallet, report.tx, token, report.kind, report.size, ordinal),
        ordinal=ordinal,
        wallet=report.wallet,
        tx=report.tx,
        condition_id=report.condition_id,
        kind=report.kind,
        token_id=token,
        size=report.size,
        moved_at_ns=report.moved_at_ns,
        seen_at_ns=report.seen_at_ns,
        feed=report.feed,
        position_before=before,
        position_after=after,
        raw=report.raw,
    )
