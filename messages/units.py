"""Fixed-point amounts: every price, share count and USDC amount is an integer of 1e-6, as on chain.

Nothing here, and nothing that imports it, may let a float near money: what arrives as a JSON number is
decoded to `Decimal` from its text and rounded once, here.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeAlias

MICROS: Final = 1_000_000
"""Units in one share, one USDC, and in a price of one USDC a share."""

AMOUNT_MAX: Final = 10**15 * MICROS
"""A larger amount is no trade but garbage: a thousand times all the USDC there is."""

Shares: TypeAlias = int
"""Outcome tokens in 1e-6."""
Usdc: TypeAlias = int
"""Collateral in 1e-6."""
Price: TypeAlias = int
"""USDC per share in 1e-6: 0 to 1,000,000."""
Rate: TypeAlias = int
"""A plain ratio in 1e-6: 0.05 is 50,000."""

_EXACT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""Digits enough that nothing is rounded before the one rounding to 1e-6."""

FEE_QUANTUM: Final = 10
"""The venue rounds fees to five decimals (polymarket-wire.md, fees)."""


class UnitError(ValueError):
    """A number from outside was no amount: says which field, what was seen and what was expected."""


def to_micros(value: Decimal | str | int, field: str) -> int:
    """Return `value` (in whole units) as an integer of 1e-6, half-even at the seventh decimal.

    Raises `UnitError` for text that is no number, for NaN and infinities, and for anything whose size is
    beyond `AMOUNT_MAX`; the bound is checked on the exponent first, so that `1e999999999` costs nothing.
    """
    try:
        number = value if isinstance(value, Decimal) else Decimal(value)
    except ArithmeticError:
        raise UnitError(f"{field} was {value!r:.40}, expected a decimal number") from None
    if not number.is_finite():
        raise UnitError(f"{field} was {number}, expected a finite number")
    if number != 0 and number.adjusted() > 15:
        raise UnitError(f"{field} was {number:.6E}, expected at most 1E+15")
    micros = int(_EXACT.quantize(number.scaleb(6, _EXACT), Decimal(1)))
    if abs(micros) > AMOUNT_MAX:
        raise UnitError(f"{field} was {number:.6E}, expected at most 1E+15")
    return micros


def positive(value: Decimal | str | int, field: str) -> int:
    """Return `to_micros`, refusing what is not above zero with `UnitError`."""
    micros = to_micros(value, field)
    if micros <= 0:
        raise UnitError(f"{field} was {value}, expected more than 0")
    return micros


def probability(value: Decimal | str | int, field: str) -> Price:
    """Return a price in 1e-6, refusing what is not within 0 and 1 with `UnitError`."""
    micros = to_micros(value, field)
    if not 0 <= micros <= MICROS:
        raise UnitError(f"{field} was {value}, expected a price from 0 to 1")
    return micros


def notional(shares: Shares, price: Price) -> Usdc:
    """Return what `shares` cost at `price`, rounded down to 1e-6."""
    return shares * price // MICROS


def notional_up(shares: Shares, price: Price) -> Usdc:
    """Return what `shares` cost at `price`, rounded up to 1e-6: for reservations and what we pay."""
    return -(-shares * price // MICROS)


def taker_fee(shares: Shares, price: Price, rate: Rate) -> Usdc:
    """Return the taker's fee: shares * rate * p * (1 - p), to five decimals, half up.

    Source: polymarket-wire.md, "Minimums, delays, fees" (fee exponent 1).
    """
    scale = MICROS**3 * FEE_QUANTUM
    return (2 * shares * rate * price * (MICROS - price) + scale) // (2 * scale) * FEE_QUANTUM


def decimal_text(micros: int) -> str:
    """Return the amount in whole units as the shortest exact decimal: 1500000 is `1.5`."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), MICROS)
    return f"{sign}{whole}.{part:06d}".rstrip("0").rstrip(".") if part else f"{sign}{whole}"
