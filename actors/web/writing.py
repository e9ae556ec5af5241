"""Values as they stand in documents: amounts as exact decimals, moments as ISO-8601 in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Final, TypeAlias

import msgspec

from messages.ids import ConditionId
from messages.units import decimal_text

DecimalText: TypeAlias = Annotated[
    str,
    msgspec.Meta(pattern=r"^-?[0-9]+(\.[0-9]{1,6})?$", description="An exact decimal.", examples=["0.52"]),
]
TimeText: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        description="A moment in UTC, to the millisecond.",
        extra_json_schema={"format": "date-time"},
        examples=["2026-01-31T12:00:00.250Z"],
    ),
]
ConditionText: TypeAlias = Annotated[
    ConditionId, msgspec.Meta(pattern="^0x([0-9a-f]{64}|0[12][0-9a-f]{60})$", description="A market.")
]
AgeMs: TypeAlias = Annotated[
    int, msgspec.Meta(description="How old it was when it was answered, in milliseconds.", ge=0)
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_MS: Final = 1_000_000

decimal = lru_cache(maxsize=8_192)(decimal_text)
"""Prices are few: there are no more than a million, and most markets use a hundred of them."""


def time(at_ns: int) -> str | None:
    """Return a wall time in nanoseconds as text, None for the 0 that means never."""
    return _time(at_ns // _NS_PER_MS) if at_ns > 0 else None


@lru_cache(maxsize=4_096)
def _time(at_ms: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(milliseconds=at_ms)
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def decimals(amounts: Sequence[int]) -> list[str]:
    """Return amounts of 1e-6 as exact decimals."""
    return [decimal(amount) for amount in amounts]
