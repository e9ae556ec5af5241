"""Amounts from decimal text: exact or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.amounts import AmountError, exact, micros
from messages.units import AMOUNT_MAX, MICROS, decimal_text


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_every_amount_survives_being_written(amount):
    assert micros(decimal_text(amount)) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_is_exact_or_refused(number):
    try:
        amount = exact(number)
    except AmountError:
        digits = number.as_tuple()
        assert digits.exponent < -6 or abs(number) > AMOUNT_MAX // MICROS
    else:
        assert Decimal(amount).scaleb(-6) == number


@pytest.mark.parametrize(
    "text",
    ["0.0000001", "1e16", "1000000000000000.000001", "1e999999", "-1e999999", "nan", "inf", "1e-999999"],
)
def test_what_1e_6_cannot_hold_is_refused(text):
    with pytest.raises(AmountError):
        exact(Decimal(text))
