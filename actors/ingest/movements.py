"""Decoder of the activity rows that move shares without being trades (polymarket-wire.md, section 5).

No recordings of them exist. What a row does not say in the one way that is understood is never guessed at:
it is `Unclear`, which is counted and told once. A conversion is always: what it gives depends on a whole
group of markets, which its row does not name.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from actors.ingest import fields
from actors.ingest.errors import INVALID, Malformed, Unclear
from messages import ids, units
from messages.ids import ConditionId, TokenId, TxHash, Wallet
from messages.movements import MovementKind
from messages.units import Shares

KINDS: Final = frozenset(MovementKind)
UNKNOWN: Final = frozenset({"CONVERSION", "MIGRATION"})
"""Types that move shares in a way that their rows do not tell."""
_SETS: Final = (MovementKind.SPLIT, MovementKind.MERGE)

Content: TypeAlias = tuple[TxHash, ConditionId, MovementKind, TokenId | None, Shares]


class _Row(msgspec.Struct, gc=False):
    proxy_wallet: str
    transaction_hash: str
    condition_id: str
    type: str
    size: Decimal
    timestamp: Decimal
    token_id: str | None = None


_row = msgspec.json.Decoder(_Row)


@dataclass(frozen=True, slots=True)
class Moved:
    """A row that is understood; `token_id` is None where complete sets came or went."""

    kind: MovementKind
    tx: TxHash
    condition_id: ConditionId
    token_id: TokenId | None
    size: Shares
    moved_at_ns: int
    occurrence: int
    raw: bytes

    @property
    def content(self) -> Content:
        """What makes two rows equal."""
        return (self.tx, self.condition_id, self.kind, self.token_id, self.size)


def moved(raw: bytes, kind: str, wallet: Wallet) -> Moved:
    """Return what a row of this type says. Raises `Unclear` or `ComboMarket`."""
    if kind in UNKNOWN:
        raise Unclear(kind, "the row does not say which outcomes it is about")
    try:
        row = _row.decode(raw)
        owner = ids.wallet(row.proxy_wallet)
        if owner != wallet:
            raise Unclear(kind, "it is of another wallet")
        token = ids.token(row.token_id) if row.token_id else None
        found = Moved(
            kind=MovementKind(kind),
            tx=ids.transaction(row.transaction_hash),
            condition_id=fields.condition(row.condition_id),
            token_id=token,
            size=units.positive(row.size, "size"),
            moved_at_ns=fields.epoch_ns(row.timestamp, "timestamp"),
            occurrence=1,
            raw=raw,
        )
    except (Malformed, *INVALID) as error:
        what = error if isinstance(error, Malformed) else Malformed.of(error, "row")
        # The field and not what was in it: an alarm is told once for each text.
        raise Unclear(kind, f"{what.field} was not {what.expected}") from error
    if found.kind in _SETS and token is not None:
        raise Unclear(kind, "it names one outcome, and complete sets have all")
    if found.kind is MovementKind.REDEEM and token is None:
        raise Unclear(kind, "it does not name the outcome")
    return found
