"""Which movements are new, and what they leave of a leader's positions (L1). Pure.

A movement is known by its content in its transaction; of equal ones the greatest number that any reading
has counted is the truth, as with trades.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from actors.leader.position import Accepted, Positions
from messages.ids import TokenId, TxHash
from messages.movements import LeaderMovement, MovementKind, MovementReported, movement_key
from messages.trades import Side
from messages.units import Shares

_Content: TypeAlias = tuple[TxHash, TokenId, MovementKind, Shares]

_SIDES: Final = {
    MovementKind.SPLIT: Side.BUY,
    MovementKind.MERGE: Side.SELL,
    MovementKind.REDEEM: Side.SELL,
}
"""What it is like for a position."""


class Movements:
    """The movements of one wallet that Remora knows."""

    def __init__(self) -> None:
        self._counts: dict[_Content, int] = {}
        self._moved_at_ns: dict[_Content, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def restore(self, movement: LeaderMovement) -> Accepted:
        """Take a stored movement into account and return what it moved."""
        content = (movement.tx, movement.token_id, movement.kind, movement.size)
        self._counts[content] = max(self._counts.get(content, 0), movement.ordinal + 1)
        self._moved_at_ns[content] = movement.moved_at_ns
        return _move(movement.key, movement.kind, movement.moved_at_ns, movement.size)

    def take(self, report: MovementReported, positions: Positions) -> list[LeaderMovement]:
        """Return what is new in a report, in order, and move the positions; nothing if all was known."""
        found: list[LeaderMovement] = []
        for token in report.token_ids:
            content = (report.tx, token, report.kind, report.size)
            for ordinal in range(self._counts.get(content, 0), report.occurrence):
                key = movement_key(report.wallet, report.tx, token, report.kind, report.size, ordinal)
                move = _move(key, report.kind, report.moved_at_ns, report.size)
                found.append(_movement(report, token, ordinal, *positions.add(token, move)))
            self._counts[content] = max(self._counts.get(content, 0), report.occurrence)
            self._moved_at_ns[content] = report.moved_at_ns
        return found

    def prune(self, before_ns: int) -> None:
        """Forget what moved before `before_ns`."""
        for content in [one for one, at_ns in self._moved_at_ns.items() if at_ns < before_ns]:
            del self._counts[content], self._moved_at_ns[content]


def _move(key: str, kind: MovementKind, at_ns: int, size: Shares) -> Accepted:
    return Accepted(key, _SIDES[kind], at_ns, size, 0, size)


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
