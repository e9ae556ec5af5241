"""Amounts in settings: exact integers of 1e-6 from decimal text, never by way of a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from messages.units import AMOUNT_MAX, MICROS

DECIMALS: Final = 6

_ADJUSTED_MAX: Final = Decimal(AMOUNT_MAX // MICROS).adjusted()


class Micros(int):
    """An amount, price or ratio in 1e-6; in YAML a decimal number such as `0.02`."""


class AmountError(ValueError):
    """A number that 1e-6 cannot hold exactly: says what was expected."""


def exact(number: Decimal) -> Micros:
    """Return `number` (whole units) as 1e-6. Raises `AmountError` rather than round.

    The exponent is looked at before any arithmetic, so that `1e999999` costs nothing.
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise AmountError("expected a finite number")
    if exponent < -DECIMALS:
        raise AmountError(f"expected at most {DECIMALS} decimals")
    if number.adjusted() > _ADJUSTED_MAX and number != 0:
        raise AmountError(f"expected at most {AMOUNT_MAX // MICROS}")
    amount = Micros(int(number.scaleb(DECIMALS)))
    if abs(amount) > AMOUNT_MAX:
        raise AmountError(f"expected at most {AMOUNT_MAX // MICROS}")
    return amount


def micros(text: str) -> Micros:
    """Return the default that `text` (a decimal number) stands for."""
    return exact(Decimal(text))
