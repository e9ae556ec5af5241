"""Fixed-point amounts against exact arithmetic."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.units import (
    AMOUNT_MAX,
    MICROS,
    UnitError,
    decimal_text,
    notional,
    notional_up,
    positive,
    probability,
    taker_fee,
    to_micros,
)

AMOUNTS = st.integers(-AMOUNT_MAX, AMOUNT_MAX)
SHARES = st.integers(0, AMOUNT_MAX)
PRICES = st.integers(0, MICROS)
RATES = st.integers(0, MICROS)


@given(AMOUNTS)
def test_every_amount_survives_being_written_and_read(amount):
    assert to_micros(decimal_text(amount), "size") == amount


@given(st.decimals("-1e15", "1e15", places=12))
def test_more_than_six_decimals_are_rounded_half_to_even(number):
    exact = Fraction(number) * MICROS

    assert to_micros(number, "size") == round(exact)


@given(st.one_of(st.text(max_size=12), st.from_regex(r"[+-]?[0-9]{1,12}(\.[0-9]{0,8})?", fullmatch=True)))
def test_text_is_an_amount_or_a_unit_error(text):
    try:
        exact = Fraction(Decimal(text)) * MICROS
    except (ArithmeticError, ValueError):
        with pytest.raises(UnitError, match=r"^size was "):
            to_micros(text, "size")
    else:
        assert to_micros(text, "size") == round(exact)


@pytest.mark.parametrize("text", ["1e999999999", "-1e999999999", "9" * 20, "1e16"])
def test_a_number_beyond_all_money_is_refused_at_no_cost(text):
    started = time.perf_counter()

    with pytest.raises(UnitError, match="expected at most"):
        to_micros(text, "size")

    assert time.perf_counter() - started < 0.1


def test_a_number_next_to_nothing_is_nothing_at_no_cost():
    started = time.perf_counter()

    assert to_micros("1e-999999999", "size") == 0
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize("text", ["nan", "sNaN", "inf", "-Infinity"])
def test_what_is_not_finite_is_refused(text):
    with pytest.raises(UnitError, match="expected a finite number"):
        to_micros(text, "price")


@pytest.mark.parametrize("text", ["", "abc", "1,5", "0x10", "--1", "1.2.3"])
def test_what_is_no_number_names_the_field_and_the_text(text):
    with pytest.raises(UnitError, match=r"^price was .*, expected a decimal number$"):
        to_micros(text, "price")


@pytest.mark.parametrize("text", ["0", "-0", "-1", "0.0000001"])
def test_positive_refuses_what_rounds_to_nothing(text):
    with pytest.raises(UnitError, match="expected more than 0"):
        positive(text, "size")


@given(AMOUNTS)
def test_a_probability_lies_within_zero_and_one(amount):
    text = decimal_text(amount)
    if 0 <= amount <= MICROS:
        assert probability(text, "price") == amount
    else:
        with pytest.raises(UnitError, match="expected a price from 0 to 1"):
            probability(text, "price")


@given(SHARES, PRICES)
def test_notional_brackets_the_exact_cost_within_one_unit(shares, price):
    exact = Fraction(shares * price, MICROS)

    assert notional(shares, price) <= exact <= notional_up(shares, price)
    assert notional_up(shares, price) - notional(shares, price) == (exact.denominator != 1)


@given(SHARES, PRICES)
def test_nothing_costs_more_than_one_usdc_a_share(shares, price):
    assert 0 <= notional(shares, price) <= notional_up(shares, price) <= shares


@given(SHARES, PRICES, RATES)
def test_the_taker_fee_is_the_exact_one_to_five_decimals_half_up(shares, price, rate):
    p = Fraction(price, MICROS)
    exact = Fraction(shares, MICROS) * Fraction(rate, MICROS) * p * (1 - p)
    hundred_thousandths = exact * 10**5

    fee = taker_fee(shares, price, rate)

    assert fee == (hundred_thousandths + Fraction(1, 2)).__floor__() * 10


@given(SHARES, PRICES, RATES)
def test_the_taker_fee_is_the_same_for_both_outcomes(shares, price, rate):
    assert taker_fee(shares, price, rate) == taker_fee(shares, MICROS - price, rate)


@pytest.mark.parametrize(
    ("shares", "price", "rate", "fee"),
    [
        (100_000_000, 500_000, 50_000, 1_250_000),
        (100_000_000, 0, 50_000, 0),
        (100_000_000, 1_000_000, 50_000, 0),
        (1_000_000, 10_000, 1_000, 10),
        (1_000_000, 500_000, 20, 10),
        (1_000_000, 500_000, 19, 0),
    ],
)
def test_taker_fees_worked_by_hand(shares, price, rate, fee):
    assert taker_fee(shares, price, rate) == fee


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (1, "0.000001"),
        (-1, "-0.000001"),
        (1_500_000, "1.5"),
        (-2_000_000, "-2"),
        (10_000_000, "10"),
    ],
)
def test_an_amount_is_written_as_briefly_as_it_can_be(amount, text):
    assert decimal_text(amount) == text


def test_a_long_number_is_rounded_once():
    assert to_micros("100000000000000.0000005000000000000000000001", "size") == 10**20 + 1


def test_nothing_above_the_largest_amount_is_let_through():
    with pytest.raises(UnitError, match=r"1E\+15"):
        to_micros("9990000000000000", "size")
