"""Amounts go through NUMERIC unchanged, to the last millionth."""

from __future__ import annotations

import struct
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.store.connection import Connection, connect
from actors.store.numeric import decode_micros, encode_micros
from messages.units import AMOUNT_MAX

amounts = st.integers(-AMOUNT_MAX, AMOUNT_MAX)


@given(amounts)
def test_encoding_and_decoding_is_the_identity(micros: int) -> None:
    assert decode_micros(encode_micros(micros)) == micros


@pytest.fixture
async def connection(url: str) -> Connection:
    return await connect(url, {})


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(amounts, min_size=1, max_size=20))
async def test_postgres_reads_and_writes_the_same_amounts(connection: Connection, micros: list[int]) -> None:
    row = await connection.fetchrow(
        "SELECT $1::numeric[] AS amounts, $1::numeric[]::text[] AS texts, ($1::numeric[])[1] + 0 AS first",
        micros,
    )
    assert row is not None
    assert row["amounts"] == micros
    assert row["first"] == micros[0]
    assert [Decimal(text) for text in row["texts"]] == [Decimal(one).scaleb(-6) for one in micros]


@pytest.mark.parametrize(
    "literal", ["0", "1", "-1", "0.000001", "10000", "10000.5", "99999999.999999", "0.1", "1e15", "100000000"]
)
async def test_literals_come_out_as_millionths(connection: Connection, literal: str) -> None:
    assert await connection.fetchval(f"SELECT {literal}::numeric(40,6)") == int(Decimal(literal) * 1_000_000)
    assert await connection.fetchval(f"SELECT {literal}::numeric") == int(Decimal(literal) * 1_000_000)


@pytest.mark.parametrize("literal", ["'NaN'", "'Infinity'", "0.0000001", "1.0000005", "1e-12"])
async def test_what_is_no_amount_is_refused_and_not_rounded(connection: Connection, literal: str) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        await connection.fetchval(f"SELECT {literal}::numeric")


def test_the_scale_shown_is_six_digits() -> None:
    assert struct.unpack_from("!HhHH", encode_micros(1_500_000))[3] == 6
