"""Numbers and times read from text, exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices.decoding import date_ns, micros
from messages.units import UnitError, to_micros

plain = st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,9})?", fullmatch=True)
odd = st.one_of(st.text(max_size=12), st.decimals().map(str), st.floats().map(repr))


@given(st.one_of(plain, odd))
def test_fast_reading_equals_the_exact_one(text):
    try:
        expected = to_micros(text, "size") if len(text) <= 64 else -1
    except UnitError:
        expected = -1
    if expected < 0:
        with pytest.raises(UnitError, match=r"^size was .*, expected "):
            micros(text, "size")
    else:
        assert micros(text, "size") == expected


@given(st.datetimes(timezones=st.timezones()))
def test_any_date_is_read_to_the_microsecond(moment):
    seen = date_ns(moment.isoformat(), "endDate")
    assert abs(seen / 1e9 - moment.timestamp()) < 1e-4
