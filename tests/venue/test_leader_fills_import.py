"""Importing leaders' fills, with rows of our own."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from messages import envelope
from ops.tape import ImportFailed, find_importer, import_leader_fills

WALLET = "0x" + "ab" * 20


def row(**changes):
    return {
        "wallet_address": WALLET,
        "timestamp": "2025-02-03T10:00:00+00:00",
        "side": "BUY",
        "shares_normalized": "100.5",
        "price": "0.41000003",
        "token_id": "11",
        "token_label": "Yes",
        "condition_id": "0x" + "0c" * 32,
        "market_slug": "rain-tomorrow",
        "title": "Rain tomorrow?",
        "tx_hash": "0x" + "0d" * 32,
        "order_hash": "0x" + "0e" * 32,
        "taker": "0x" + "0f" * 20,
        "market_side_a": {"id": "11", "label": "Yes"},
        "market_side_b": {"id": "22", "label": "No"},
        "raw": {"block_number": 7, "log_index": 1, "anything": None},
    } | changes


@pytest.fixture
def convert(tmp_path):
    """Imports rows and returns (summary, records by source)."""

    def run(*rows):
        source, out = tmp_path / "fills.jsonl", tmp_path / "fills.tape.jsonl"
        source.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows))
        summary = import_leader_fills(source, out)
        records = {"gamma.market": [], "clob.book": [], "rtds.activity": []}
        for record in envelope.read(out):
            records[record.source].append((record, json.loads(bytes(record.payload))))
        return summary, records

    return run


def _book(records, token):
    return next(book for _, book in records["clob.book"] if book["asset_id"] == token)


def _best(book):
    return book["bids"][-1]["price"], book["asks"][-1]["price"]


def test_a_fill_becomes_a_frame_exact_to_the_digit(convert):
    _, records = convert(row(shares_normalized="13667.740001"))
    ((record, frame),) = records["rtds.activity"]
    assert b'"price":0.41000003,' in bytes(record.payload)
    assert b'"size":13667.740001,' in bytes(record.payload)
    payload = frame["payload"]
    assert payload["proxyWallet"].lower() == WALLET
    assert payload["proxyWallet"] != WALLET
    assert (payload["asset"], payload["outcome"], payload["outcomeIndex"]) == ("11", "Yes", 0)
    assert payload["timestamp"] * 1_000_000_000 == record.at


def test_frames_are_in_order_of_time_then_of_the_chain(convert):
    late = row(timestamp="2025-02-03T10:05:00+00:00", shares_normalized="3")
    second = row(raw={"block_number": 7, "log_index": 9}, shares_normalized="2")
    first = row(raw={"block_number": 7, "log_index": 2}, shares_normalized="1")
    _, records = convert(late, second, first)
    assert [frame["payload"]["size"] for _, frame in records["rtds.activity"]] == [1, 2, 3]
    assert [record.seq for record, _ in records["rtds.activity"]] == [4, 5, 6]


def test_the_best_ask_is_at_or_one_tick_above_the_weighted_median(convert):
    cheap = row(price="0.30", shares_normalized="10")
    usual = row(price="0.41", shares_normalized="500")
    dear = row(price="0.45", shares_normalized="10")
    _, records = convert(cheap, usual, dear)
    assert _best(_book(records, "11")) == ("0.4", "0.41")


@pytest.mark.parametrize(
    ("price", "best"),
    [
        ("0.41000003", ("0.4", "0.41")),
        ("0.415", ("0.41", "0.42")),
        ("0.001", ("0.01", "0.02")),
        ("0.999", ("0.98", "0.99")),
    ],
)
def test_made_up_prices_stay_on_the_grid(convert, price, best):
    _, records = convert(row(price=price))
    assert _best(_book(records, "11")) == best


def test_the_token_nobody_traded_has_the_mirror_image(convert):
    _, records = convert(row(price="0.41"))
    mine, other = _book(records, "11"), _book(records, "22")
    assert _best(other) == ("0.59", "0.6")
    mirrored = [str((1 - Decimal(level["price"])).normalize()) for level in mine["asks"]]
    assert [level["price"] for level in other["bids"]] == mirrored


def test_books_are_several_times_the_largest_fill_deep_and_worst_first(convert):
    _, records = convert(row(shares_normalized="7000"), row(shares_normalized="1"))
    book = _book(records, "11")
    prices = [Decimal(level["price"]) for level in book["asks"]]
    assert prices == sorted(prices, reverse=True)
    assert sum(Decimal(level["size"]) for level in book["asks"][-2:]) >= 3 * 7000


def test_made_up_records_are_marked_and_counted(convert):
    summary, records = convert(row(), row(condition_id="0x" + "1c" * 32))
    assert summary.made_up == {"gamma.market": 2, "clob.book": 4}
    assert (summary.fills, summary.markets, summary.wallets) == (2, 2, {WALLET: 2})
    for source, found in records.items():
        assert {record.run_id == "made-up" for record, _ in found} == {source != "rtds.activity"}


def test_a_neg_risk_market_is_known_as_one(convert):
    _, records = convert(row(market_negative_risk_id="0x" + "2c" * 32))
    assert records["gamma.market"][0][1]["negRisk"] is True


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ("not json", "leader-fills format"),
        ('{"wallet_address": "0x1"}', "missing required field"),
        (row(side="HOLD"), "side"),
        (row(price="1.2"), "price lies between 0 and 1, but was 1.2"),
        (row(price="NaN"), "price"),
        (row(shares_normalized="0"), "shares_normalized"),
        (row(shares_normalized="many"), "shares_normalized"),
        (row(timestamp="2025-02-03T10:00:00"), "offset"),
        (row(wallet_address="somebody"), "40 hex digits"),
        (row(tx_hash="0x12"), "tx_hash"),
        (row(token_id="33"), "market_side_a or market_side_b"),
    ],
)
def test_a_malformed_row_names_file_line_and_what_was_expected(convert, tmp_path, bad, word):
    with pytest.raises(ImportFailed, match=rf"fills\.jsonl:2: .*{word}"):
        convert(row(), bad)
    assert list(tmp_path.glob("*tape*")) == []


def test_an_empty_source_a_missing_one_and_an_unwritable_tape(convert, tmp_path):
    with pytest.raises(ImportFailed, match="no rows"):
        convert()
    with pytest.raises(ImportFailed, match="cannot be read"):
        import_leader_fills(tmp_path / "none.jsonl", tmp_path / "out.jsonl")
    source = tmp_path / "one.jsonl"
    source.write_text(json.dumps(row()))
    with pytest.raises(ImportFailed, match="cannot be written"):
        import_leader_fills(source, tmp_path / "no such folder" / "out.jsonl")
    with pytest.raises(ImportFailed, match="source itself"):
        import_leader_fills(source, source)
    assert json.loads(source.read_text()) == row()


def test_importers_are_found_by_name():
    assert find_importer("leader-fills") is import_leader_fills
    with pytest.raises(ImportFailed, match="leader-fills"):
        find_importer("tea-leaves")


async def test_the_tape_plays(convert, start_venue, connect, subscribe, get):
    summary, _ = convert(row(), row(tx_hash="0x" + "1d" * 32, token_id="22", token_label="No", price="0.6"))
    venue = await start_venue(tape=Path(summary.out), fit_seconds=0.1)
    socket = await connect(venue.urls["rtds"], subscribe)
    assert len(await socket.texts(2)) == 2
    (market,) = await get(venue.urls["gamma"] + "/markets", condition_ids="0x" + "0c" * 32)
    assert json.loads(market["outcomePrices"]) == ["0.405", "0.595"]
    assert len((await get(venue.urls["data"] + "/v2/activity", user=WALLET))["data"]) == 2
