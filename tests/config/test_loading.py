"""From a file to settings: values, origins, the hash."""

from __future__ import annotations

import time

import pytest

from config.loading import digest
from config.origins import DEFAULT, OriginKind
from config.settings import LeaderSetting, Settings, micros

WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"
OTHER = "0x" + "ab" * 20


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# only a comment\n", "---\n", "{}", "null", "\ufeff", "ingest:\nleaders:\n"]
)
def test_nothing_written_is_all_defaults(loaded, text):
    result = loaded(text)

    assert result.settings == Settings()
    assert {origin for key, origin in result.origins.items()} == {DEFAULT}


def test_a_value_knows_its_line(loaded, file):
    result = loaded("# first\n\ningest:\n  sockets: 5\n")

    assert result.settings.ingest.sockets == 5
    origin = result.origins["ingest.sockets"]
    assert (origin.kind, origin.place) == (OriginKind.FILE, f"{file}:4")
    assert result.origins["ingest.silence_s"] == DEFAULT
    assert result.file == file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.000001", 1),
        ("250", 250_000_000),
        ("1_000.5", 1_000_500_000),
        (".5", 500_000),
        ("1e2", 100_000_000),
    ],
)
def test_an_amount_is_read_exactly_from_its_text(loaded, text, expected):
    result = loaded(f"portfolios: [{{id: a, cash: {text}}}]")

    assert result.settings.portfolios[0].cash == expected


def test_amounts_that_a_float_would_spoil_stay_exact(loaded):
    result = loaded("portfolios: [{id: a, cash: 123456789012345.654321}]")

    assert result.settings.portfolios[0].cash == 123456789012345654321


def test_a_leader_may_be_a_bare_wallet_and_is_normalised(loaded):
    result = loaded(
        f"leaders:\n  - {WALLET.upper().replace('X', 'x')}\n  - {{wallet: '{OTHER}', name: two}}\n"
    )

    assert result.settings.leaders == (LeaderSetting(wallet=WALLET), LeaderSetting(wallet=OTHER, name="two"))
    assert result.origins["leaders.0.wallet"].line == 2


def test_text_that_looks_like_something_else_stays_text(loaded):
    result = loaded(f"leaders: [{{wallet: {WALLET}, name: 2024-01-01}}, {{wallet: {OTHER}, name: yes}}]")

    assert [leader.name for leader in result.settings.leaders] == ["2024-01-01", "yes"]


def test_anchors_and_merges_are_written_out(loaded):
    result = loaded(
        "portfolios:\n"
        "  - id: a\n"
        "    caps: &caps {per_trade: 5, per_market: 6}\n"
        "  - id: b\n"
        "    caps: {<<: *caps, per_market: 7}\n"
    )

    first, second = result.settings.portfolios
    assert (first.caps.per_trade, first.caps.per_market) == (micros("5"), micros("6"))
    assert (second.caps.per_trade, second.caps.per_market) == (micros("5"), micros("7"))
    assert result.origins["portfolios.1.caps.per_trade"].line == 3


def test_the_hash_follows_values_not_their_writing(loaded):
    plain = loaded("ingest: {sockets: 5}\nweb: {port: 1}")
    again = loaded("web:\n  port: 1\n", {"REMORA_INGEST__SOCKETS": "5"})

    assert plain.hash == again.hash == digest(plain.settings)
    assert plain.hash != loaded("ingest: {sockets: 6}\nweb: {port: 1}").hash


def test_the_hash_does_not_depend_on_a_secret(loaded):
    first = loaded("database: {url: 'postgresql://u:one@host/db'}")
    second = loaded("database: {url: 'postgresql://u:two@host/db'}")

    assert first.hash == second.hash
    assert first.hash != loaded("database: {url: 'postgresql://u:one@other/db'}").hash


def test_thousands_of_leaders_load_in_seconds(loaded):
    text = "leaders:\n" + "".join(
        f"  - {{wallet: 0x{number:040x}, name: n{number}}}\n" for number in range(5000)
    )

    started = time.monotonic()
    result = loaded(text)

    assert len(result.settings.leaders) == 5000
    assert time.monotonic() - started < 20


def test_thousands_of_slips_are_told_in_seconds(refused):
    leaders = "".join(f"  - 0x{number:040x}\n" for number in range(3000))
    follow = "".join(f"      - 0x{number:040x}\n" for number in range(5000, 8000))

    started = time.monotonic()
    problems = refused(f"leaders:\n{leaders}portfolios:\n  - id: a\n    follow:\n{follow}")

    assert len(problems) == 3000
    assert time.monotonic() - started < 20
