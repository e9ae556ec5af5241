"""The decoder of Data API pages."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingest import activity
from actors.ingest.activity import OtherActivity
from actors.ingest.errors import ComboMarket, Malformed
from messages.trades import FillReported, SourceKind

Row = Callable[..., dict[str, Any]]
Body = Callable[..., bytes]


def read(raw: bytes | dict[str, Any], wallet: str) -> FillReported | OtherActivity:
    raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return activity.row(raw, wallet=wallet, feed="poller", seen_at_ns=7, seen_mono_ns=8)


def fill(raw: bytes | dict[str, Any], wallet: str) -> FillReported:
    found = read(raw, wallet)
    assert isinstance(found, FillReported)
    return found


@pytest.mark.samples
@pytest.mark.parametrize(
    "name", ["data_v2/activity_polyoxide_2026-09-14.json", "data_v2/activity_py-sdk_2026-09-08.json"]
)
def test_recorded_rows_go_through_unchanged(name: str, sample: Callable[[str], Path]) -> None:
    body = sample(name).read_bytes()
    if body.lstrip().startswith(b"["):
        body = b'{"data":' + body + b',"pagination":{"next_cursor":null}}'
    recorded = json.loads(body, parse_float=Decimal)["data"]
    page = activity.page(body)
    assert len(page.rows) == len(recorded) > 0
    for raw, expected in zip(page.rows, recorded, strict=True):
        report = fill(raw, expected["proxy_wallet"])
        assert Decimal(report.size) == expected["size"] * 1_000_000
        assert abs(Decimal(report.price) - expected["price"] * 1_000_000) <= Decimal("0.5")
        assert report.outcome_index == (
            None if expected["outcome_index"] == 999 else expected["outcome_index"]
        )


def test_a_row_becomes_a_report(row: Row, wallet: str) -> None:
    report = fill(row(), wallet)
    assert (report.size, report.price, report.usdc) == (12_500_000, 520_000, 6_500_000)
    assert (report.kind, report.seen_at_ns, report.seen_mono_ns) == (SourceKind.API, 7, 8)


def test_market_buy_fee_booked_as_part_of_the_price(row: Row, wallet: str) -> None:
    """The API's usdc_size has the taker fee in it; what the shares cost is size times price."""
    assert fill(row(size=22.84, price=0.52, usdc_size=12.16184), wallet).usdc == 11_876_800


def test_the_index_of_a_fresh_row_is_unknown(row: Row, wallet: str) -> None:
    report = fill(row(outcome_index=999, event_slug=""), wallet)
    assert (report.outcome_index, report.event_slug) == (None, "")


def test_other_types_are_counted_not_refused(row: Row, wallet: str) -> None:
    deposit = read({"type": "DEPOSIT", "timestamp": 1_790_272_257, "size": None}, wallet)
    assert deposit == OtherActivity("DEPOSIT", 1_790_272_257)
    assert read(row(type="SOMETHING_NEW"), wallet) == OtherActivity("SOMETHING_NEW", 1_790_272_257)


def test_a_row_of_somebody_else_is_not_handed_over(row: Row) -> None:
    with pytest.raises(Malformed, match="whose activity was asked for"):
        read(row(), "0x" + "d4" * 20)


def test_combo_rows_are_told_apart(row: Row, wallet: str) -> None:
    with pytest.raises(ComboMarket):
        read(row(condition_id="0x" + "c" * 62), wallet)


def test_one_bad_row_costs_no_other(row: Row, page: Body, wallet: str) -> None:
    found = activity.page(page([row(), {"type": 5}, "text", row(size=3)], "next"))
    assert found.next_cursor == "next"
    assert fill(found.rows[0], wallet).size == 12_500_000
    assert fill(found.rows[3], wallet).size == 3_000_000
    for bad in found.rows[1:3]:
        with pytest.raises(Malformed):
            read(bad, wallet)


def test_a_miss_is_an_empty_page(page: Body) -> None:
    assert activity.page(page(None)).rows == ()
    assert activity.page(page([])).rows == ()
    assert activity.page(b'{"data":[]}').next_cursor is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error":"x"}', b'{"data":7}', b"\xff", b'{"data":' + b"[" * 100_000]
)
def test_a_partial_or_foreign_answer_is_no_page(body: bytes) -> None:
    """Lessons: an empty or partial answer read as "nothing there"."""
    with pytest.raises(Malformed):
        activity.page(body)


def test_the_time_of_a_broken_row_is_still_read(row: Row) -> None:
    assert activity.timestamp_s(json.dumps(row(size="?")).encode()) == 1_790_272_257
    assert activity.timestamp_s(b'{"timestamp":"?"}') is None
    assert activity.timestamp_s(b"\xff") is None


@given(
    st.fixed_dictionaries(
        {},
        optional={
            field: st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
            for field in ["size", "price", "timestamp", "side", "type", "token_id", "outcome_index", "title"]
        },
    )
)
def test_any_value_in_any_field_is_a_row_or_malformed(changes: dict[str, Any]) -> None:
    wallet = "0x" + "a1" * 20
    row = {
        "proxy_wallet": wallet,
        "timestamp": 1_790_272_257,
        "condition_id": "0x" + "c3" * 32,
        "type": "TRADE",
        "size": 12.5,
        "transaction_hash": "0x" + "b2" * 32,
        "price": 0.52,
        "token_id": "12",
        "side": "BUY",
        **changes,
    }
    with contextlib.suppress(Malformed, ComboMarket):
        read(row, wallet)
