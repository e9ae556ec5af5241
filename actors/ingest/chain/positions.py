"""Outcome-token ids computed from condition ids, so that a token which is none of a market's can be told.

Conditional Tokens puts each (condition, outcome) on the curve alt_bn128: the first x at or behind a hash for
which y² = x³ + 3 has a solution, and a bit for which of the two (there always are two: y is never 0). The
token's id is the hash of that and of the collateral. Positions inside positions, which would need the curve's
addition, do not occur here: the parent is always nothing. Protocol V2 needs no hash: an id is its condition
and a byte for the outcome.

Source: polymarket-wire.md, section 10, where the formula was checked against 24 recorded pairs.
"""

from __future__ import annotations

from typing import Final

from eth_utils.crypto import keccak

from actors.ingest.chain.generations import USDC_E, WRAPPED_COLLATERAL
from messages.ids import ConditionId, TokenId

OUTCOMES: Final = 2
"""Every market of the platform has two."""

_P: Final = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""The field of alt_bn128; 3 modulo 4, so a root of z is z to the power of (P + 1) / 4."""
_B: Final = 3
_ODD: Final = 1 << 254
"""Says in an id that y is odd."""
_RESERVED: Final = ((1 << 64) - 1) << 40
"""Bits that are 0 in every id of Protocol V2."""
_ID_DIGITS: Final = 64
_MARKETS: Final = ("01", "02")
_COMBOS: Final = "03"
"""First bytes of the ids of Protocol V2: binary and negative-risk markets, and combinations of markets."""


def collection_id(condition_id: ConditionId, outcome: int) -> bytes:
    """Return the id of one outcome (0 is the first) of a condition, before any collateral."""
    seed = keccak(bytes.fromhex(condition_id[2:]) + (1 << outcome).to_bytes(32))
    x = int.from_bytes(seed)
    wants_odd = bool(x >> 255)
    while True:
        x = (x + 1) % _P
        square = (x * x * x + _B) % _P
        y = pow(square, (_P + 1) // 4, _P)
        if y * y % _P == square:
            break
    return (x ^ _ODD if wants_odd else x).to_bytes(32)


def token_id(collateral: str, condition_id: ConditionId, outcome: int) -> TokenId:
    """Return the id of an outcome token backed by `collateral`."""
    packed = bytes.fromhex(collateral[2:]) + collection_id(condition_id, outcome)
    return str(int.from_bytes(keccak(packed)))


def split(token: TokenId) -> tuple[ConditionId, int] | None:
    """Return the condition and outcome that an id of Protocol V2 consists of, or None for another id."""
    digits = _v2_digits(token)
    if digits is None or digits[:2] not in _MARKETS:
        return None
    outcome = int(digits[-2:], 16)
    return (f"0x{digits[:-2]}", outcome) if outcome < OUTCOMES else None


def is_combo(token: TokenId) -> bool:
    """Return whether the token is one of a combination of markets."""
    digits = _v2_digits(token)
    return digits is not None and digits[:2] == _COMBOS


def _v2_digits(token: TokenId) -> str | None:
    value = int(token)
    return None if value & _RESERVED else f"{value:0{_ID_DIGITS}x}"


def outcome_of(condition_id: ConditionId, token: TokenId) -> int | None:
    """Return which outcome of the condition the token is, or None: then it is none of them, for certain."""
    parts = split(token)
    if parts is not None:
        return parts[1] if parts[0] == condition_id else None
    if len(condition_id) != 2 + _ID_DIGITS:
        return None
    for collateral in (USDC_E, WRAPPED_COLLATERAL):
        for outcome in range(OUTCOMES):
            if token_id(collateral, condition_id, outcome) == token:
                return outcome
    return None
