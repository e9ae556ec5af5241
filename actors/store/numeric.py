"""The NUMERIC codec: whole units in SQL, integers of 1e-6 in Python, nothing in between.

Works on Postgres' binary form (base 10,000 digits), so that neither float nor Decimal takes part. A
value that is no whole number of 1e-6 is an error and never rounded.
"""

from __future__ import annotations

import struct
from typing import Final

_BASE: Final = 10_000
_FRACTION_GROUPS: Final = 2
"""Groups of four digits behind the point: eight decimals, of which amounts use six."""
_SCALE: Final = 100
"""From 1e-6 to 1e-8."""
_SHOWN: Final = 6
_POSITIVE: Final = 0x0000
_NEGATIVE: Final = 0x4000
_HEADER: Final = struct.Struct("!HhHH")


def encode_micros(micros: int) -> bytes:
    """Return an integer of 1e-6 as a binary NUMERIC in whole units."""
    rest = abs(micros) * _SCALE
    groups: list[int] = []
    while rest:
        rest, group = divmod(rest, _BASE)
        groups.append(group)
    weight = len(groups) - 1 - _FRACTION_GROUPS
    groups.reverse()
    while groups and groups[-1] == 0:
        groups.pop()
    sign = _NEGATIVE if micros < 0 else _POSITIVE
    return struct.pack(f"!HhHH{len(groups)}H", len(groups), weight if groups else 0, sign, _SHOWN, *groups)


def decode_micros(data: bytes) -> int:
    """Return a binary NUMERIC in whole units as an integer of 1e-6.

    Raises `ValueError` for NaN, infinities, and values finer than 1e-6.
    """
    count: int
    weight: int
    count, weight, sign, _ = _HEADER.unpack_from(data)
    if sign not in (_POSITIVE, _NEGATIVE):
        raise ValueError(f"NUMERIC was not finite (sign {sign:#06x}), expected an amount")
    value: int = 0
    for group in struct.unpack_from(f"!{count}H", data, _HEADER.size):
        value = value * _BASE + group
    shift = weight + 1 + _FRACTION_GROUPS - count
    if shift >= 0:
        value *= pow(_BASE, shift)
        finer = 0
    else:
        value, finer = divmod(value, pow(_BASE, -shift))
    micros, finest = divmod(value, _SCALE)
    if finer or finest:
        raise ValueError("NUMERIC was finer than 0.000001, expected an amount in 1e-6")
    return -micros if sign == _NEGATIVE else micros
