"""Exact numbers on their way to the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

numbers: Final = msgspec.json.Encoder(decimal_format="number")
"""Encodes decimals as JSON numbers, digit for digit, as the Data API and the trade stream send them."""


def plain(value: Decimal) -> str:
    """Return the decimal without exponent and without trailing zeros, as the CLOB sends prices and sizes."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def neat(value: Decimal) -> Decimal:
    """Return the same value such that its JSON number has neither exponent nor trailing zeros."""
    return Decimal(plain(value))
