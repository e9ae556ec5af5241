"""The decoder of trade-stream frames."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.ingest import rtds
from actors.ingest.errors import ComboMarket, Malformed, SubscriptionRefused
from actors.ingest.rtds import Head, Ignored
from messages.trades import FillReported, Side, SourceKind

Frame = Callable[..., bytes]


def fill(frame: bytes | str) -> FillReported:
    return rtds.fill(frame, feed="stream-0", seen_at_ns=7, seen_mono_ns=8)


@pytest.mark.samples
def test_recorded_frames_go_through_unchanged(sample: Callable[[str], Path]) -> None:
    lines = sample("rtds/activity_trades_frames.jsonl").read_text().splitlines()
    for line in lines:
        head = rtds.head(line)
        report = fill(line)
        recorded = json.loads(line, parse_float=Decimal)
        assert isinstance(head, Head)
        assert head.payload.proxyWallet == recorded["payload"]["proxyWallet"]
        assert report.wallet == recorded["payload"]["proxyWallet"].lower()
        assert Decimal(report.size) == recorded["payload"]["size"] * 1_000_000
        assert Decimal(report.price) == recorded["payload"]["price"] * 1_000_000
        assert report.traded_at_ns == recorded["payload"]["timestamp"] * 1_000_000_000
        assert report.raw.decode() == line
    assert len(lines) == 6


def test_a_frame_becomes_a_report_in_canonical_units(frame: Frame, wallet: str) -> None:
    report = fill(frame(size=0.1, price=0.07, proxyWallet=wallet.upper().replace("X", "x")))

    assert (report.wallet, report.size, report.price, report.usdc) == (wallet, 100_000, 70_000, 7_000)
    assert (report.side, report.kind, report.occurrence) == (Side.BUY, SourceKind.STREAM, 1)
    assert (report.seen_at_ns, report.seen_mono_ns, report.feed) == (7, 8, "stream-0")
    assert (report.title, report.slug, report.event_slug, report.outcome) == (
        "Will it?",
        "a-market",
        "an-event",
        "Yes",
    )


@pytest.mark.parametrize(
    "stamp", [1_790_272_257, "1790272257", 1_790_272_257_000, "1790272257000", 1790272257.0]
)
def test_orders_from_the_year_57000_when_seconds_and_milliseconds_are_mixed(frame: Frame, stamp: Any) -> None:
    assert fill(frame(timestamp=stamp)).traded_at_ns == 1_790_272_257 * 10**9


@pytest.mark.parametrize(
    "stamp", [0, 1, -1_790_272_257, 10**18, 200 * 31_557_600, 1e300, "soon", None, "NaN"]
)
def test_a_trade_of_the_year_2170_is_refused(frame: Frame, stamp: Any) -> None:
    with pytest.raises(Malformed, match="timestamp"):
        fill(frame(timestamp=stamp))


@pytest.mark.parametrize(("size", "price"), [("12.5", "0.52"), (12.5, 0.52), ("12.500", "5.2e-1")])
def test_numbers_or_strings(frame: Frame, size: Any, price: Any) -> None:
    report = fill(frame(size=size, price=price))
    assert (report.size, report.price, report.usdc) == (12_500_000, 520_000, 6_500_000)


def test_a_price_is_never_a_float(frame: Frame) -> None:
    """0.1 + 0.2 is not 0.3 in floats; digits beyond a float's are kept until the one rounding."""
    written = frame(price="#").replace(b'"#"', b"0.30000049999999999999999999")
    assert fill(written).price == 300_000


@pytest.mark.parametrize(
    ("field", "value", "seen"),
    [
        ("size", 0, "0"),
        ("size", -3, "-3"),
        ("size", "much", "Invalid decimal"),
        ("size", "1e999999999", "1.0"),
        ("size", "Infinity", "Infinity"),
        ("size", "NaN", "NaN"),
        ("size", True, "bool"),
        ("size", [1], "array"),
        ("price", 1.01, "1.01"),
        ("price", -0.01, "-0.01"),
        ("side", "HOLD", "HOLD"),
        ("side", 1, "int"),
        ("asset", "0x12", "0x12"),
        ("asset", "9" * 79, "9"),
        ("transactionHash", "0x12", "0x12"),
        ("conditionId", "0x12", "0x12"),
        ("proxyWallet", "0x12", "0x12"),
        ("proxyWallet", None, "null"),
    ],
)
def test_a_wrong_value_names_field_seen_and_expected(frame: Frame, field: str, value: Any, seen: str) -> None:
    with pytest.raises(Malformed) as caught:
        fill(frame(**{field: value}))
    assert seen in caught.value.seen
    assert caught.value.expected
    assert caught.value.field


def test_a_missing_field_is_named(frame: Frame) -> None:
    document = json.loads(frame())
    del document["payload"]["price"]
    with pytest.raises(Malformed, match=r"payload\.price was missing"):
        fill(json.dumps(document))


def test_combo_condition_ids_of_62_digits_are_refused(frame: Frame) -> None:
    with pytest.raises(ComboMarket):
        fill(frame(conditionId="0x" + "c3" * 31))


@pytest.mark.parametrize(
    ("index", "trusted"), [(0, 0), (1, 1), (999, None), (-1, None), ("0", None), (True, None), (None, None)]
)
def test_an_outcome_index_is_not_trusted(frame: Frame, index: Any, trusted: int | None) -> None:
    assert fill(frame(outcomeIndex=index)).outcome_index == trusted


def test_descriptions_never_cost_a_trade(frame: Frame) -> None:
    report = fill(frame(title=None, slug=7, eventSlug=["x"], outcome="A\x00B" + "ü" * 900))
    assert (report.title, report.slug, report.event_slug) == ("", "", "")
    assert report.outcome.startswith("ABü")
    assert len(report.outcome) < 600


def test_unknown_fields_are_ignored(frame: Frame) -> None:
    assert fill(frame(envelope={"new": {"deep": [1]}}, fee=1.5, badge=None)).size == 12_500_000


@pytest.mark.parametrize("blank", ["", " ", "\n", b"", b"  "])
def test_blank_frames_are_ignored(blank: str | bytes) -> None:
    assert rtds.head(blank) is Ignored.BLANK


def test_other_topics_and_types_are_ignored_whatever_their_payload(frame: Frame) -> None:
    assert rtds.head("PONG") is Ignored.PONG
    assert rtds.head(frame(envelope={"type": "orders_matched"})) is Ignored.OTHER
    assert rtds.head(frame(envelope={"topic": "comments"})) is Ignored.OTHER
    assert rtds.head(b'{"topic":"crypto_prices","type":"update","payload":[1,2]}') is Ignored.OTHER
    assert rtds.head(b'{"topic":"activity","type":5,"payload":{}}') is Ignored.OTHER
    assert rtds.head(b"{}") is Ignored.OTHER


def test_a_refused_subscription_is_told_apart() -> None:
    answer = '{"body":{"message":"leger GetTopics error: topic not found"},"statusCode":401}'
    with pytest.raises(SubscriptionRefused, match=r"401.*topic not found"):
        rtds.head(answer)


@pytest.mark.parametrize(
    "garbage",
    [
        b"nope",
        b"[1,2]",
        b'"text"',
        b"12",
        b"\xff\xfe",
        b'{"topic":"activity","type":"trades"}',
        b'{"topic":"activity","type":"trades","payload":null}',
        b'{"topic":"activity","type":"trades","payload":{"proxyWallet":12}}',
        b'{"topic":"activity","type":"trades","payload":{"proxyWallet":"0x',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_garbage_is_malformed_and_nothing_worse(garbage: bytes) -> None:
    with pytest.raises(Malformed):
        rtds.head(garbage)
    with pytest.raises(Malformed):
        fill(garbage)


def test_lag_counts_from_the_earlier_of_frame_and_trade(frame: Frame) -> None:
    """A stream that runs an hour late may stamp its frames with the hour it sends them."""
    now_ms = 1_790_272_257_115

    def event_ms(**stamps: Any) -> int | None:
        envelope = {"timestamp": stamps["frame"]}
        head = rtds.head(frame(envelope=envelope, timestamp=stamps["trade"]))
        assert isinstance(head, Head)
        return head.event_ms()

    assert event_ms(frame=now_ms, trade=now_ms // 1000) == now_ms
    assert event_ms(frame=now_ms, trade=now_ms // 1000 - 3600) == (now_ms // 1000 - 3600) * 1000 + 999
    assert event_ms(frame=str(now_ms), trade=None) == now_ms
    assert event_ms(frame={"what": 1}, trade="never") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "asset",
    "conditionId",
    "price",
    "proxyWallet",
    "side",
    "size",
    "timestamp",
    "transactionHash",
    "title",
]


@given(field=st.sampled_from(FIELDS), value=json_values)
@settings(max_examples=400)
def test_any_value_in_any_field_is_a_report_or_malformed(field: str, value: Any) -> None:
    document = json.loads(GOOD)
    document["payload"][field] = value
    text = json.dumps(document, allow_nan=True)
    try:
        report = fill(text)
    except (Malformed, ComboMarket):
        return
    assert report.size > 0
    assert 0 <= report.price <= 1_000_000
    assert report.usdc <= report.size


@given(st.binary(max_size=200) | st.text(max_size=200))
@settings(max_examples=400)
def test_any_bytes_are_ignored_or_malformed(data: bytes | str) -> None:
    try:
        found = rtds.head(data)
    except (Malformed, SubscriptionRefused):
        return
    assert isinstance(found, Ignored)


@given(digits=st.integers(0, 10**40), exponent=st.integers(-60, 10**12), sign=st.sampled_from(["", "-"]))
def test_huge_numbers_cost_nothing(digits: int, exponent: int, sign: str) -> None:
    text = GOOD.replace(b"12.5", f"{sign}{digits}e{exponent}".encode())
    with contextlib.suppress(Malformed):
        assert 0 < fill(text).size <= 10**22


@given(cut=st.integers(0, 400))
def test_a_frame_cut_short_is_malformed(cut: int) -> None:
    data = GOOD[: min(cut, len(GOOD) - 1)]
    with pytest.raises(Malformed):
        fill(data)


GOOD = json.dumps(
    {
        "payload": {
            "asset": "1" * 70,
            "conditionId": "0x" + "c3" * 32,
            "price": 0.52,
            "proxyWallet": "0x" + "a1" * 20,
            "side": "SELL",
            "size": 12.5,
            "timestamp": 1_790_272_257,
            "title": "t",
            "transactionHash": "0x" + "b2" * 32,
        },
        "topic": "activity",
        "type": "trades",
    }
).encode()
