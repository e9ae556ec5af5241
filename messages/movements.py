"""What moves a leader's shares without being a trade (L1): splits, merges, redemptions. Never copied."""

from __future__ import annotations

from enum import StrEnum

from messages.base import MoneyMessage
from messages.ids import ConditionId, TokenId, TxHash, Wallet
from messages.units import Shares


class MovementKind(StrEnum):
    """How shares came or went."""

    SPLIT = "SPLIT"
    """Collateral became as many shares of each outcome."""
    MERGE = "MERGE"
    """As many shares of each outcome became collateral."""
    REDEEM = "REDEEM"
    """Shares of one outcome of a resolved market were paid out, or were worth nothing."""


class MovementReported(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """One row of the Data API: `size` shares of each of the `token_ids` came or went.

    `occurrence` is 1 for the first row with this content that a reading brought, 2 for the second, ….
    """

    wallet: Wallet
    tx: TxHash
    condition_id: ConditionId
    kind: MovementKind
    token_ids: tuple[TokenId, ...]
    size: Shares
    moved_at_ns: int
    feed: str
    seen_at_ns: int
    occurrence: int = 1
    raw: bytes = b""


class LeaderMovement(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """A movement of one outcome as Remora knows it: counted once, however often it is reported.

    `key` is its identity; `ordinal` counts equal ones of a transaction from 0.
    """

    key: str
    ordinal: int
    wallet: Wallet
    tx: TxHash
    condition_id: ConditionId
    kind: MovementKind
    token_id: TokenId
    size: Shares
    moved_at_ns: int
    seen_at_ns: int
    feed: str
    position_before: Shares
    position_after: Shares
    raw: bytes = b""


def movement_key(
    wallet: Wallet, tx: TxHash, token_id: TokenId, kind: MovementKind, size: Shares, ordinal: int
) -> str:
    """Return the identity of a movement: a token id stands for its condition too."""
    return f"{wallet}:{tx}:{token_id}:{kind}:{size}:{ordinal}"
