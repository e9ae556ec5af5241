"""What `remora config show` shows."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from config.origins import OriginKind
from config.show import rows, written

WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"


def test_every_setting_has_a_row_with_value_origin_and_meaning(loaded, file):
    result = loaded(
        f"ingest: {{sockets: 4}}\nleaders: [{WALLET}]\n"
        f"portfolios: [{{id: a, cash: 2.50}}, {{id: b, follow: [{WALLET}]}}]\n"
    )

    shown = {row.key: row for row in rows(result)}

    assert shown["ingest.sockets"].value == "4"
    assert shown["ingest.sockets"].place == f"{file}:1"
    assert shown["portfolios.0.cash"].value == "2.5"
    assert shown["leaders.0.wallet"].value == WALLET
    assert shown["ingest.silence_s"].value == "30"
    assert shown["recording.enabled"].value == "false"
    assert shown["database.url"].value == '""'
    assert shown["portfolios.0.follow"].value == "[]"
    assert {row.key for row in shown.values() if row.origin is OriginKind.DEFAULT} >= {
        "leaders.0.name",
        "web.port",
    }
    assert [row.key for row in shown.values() if not row.meaning] == []


def test_rows_and_origins_speak_of_the_same_keys(loaded):
    result = loaded(f"leaders: [{WALLET}]\nportfolios: [{{id: a, follow: [{WALLET}]}}]\n")

    assert {row.key for row in rows(result)} == set(result.origins) - {
        "leaders",
        "portfolios",
        "portfolios.0.follow",
    }


def test_the_key_of_a_node_is_not_shown(loaded):
    shown = rows(loaded("endpoints: {polygon_urls: [wss://node.example/v2/s3cret]}"))

    (node,) = [row.value for row in shown if row.key == "endpoints.polygon_urls.0"]
    assert node == "wss://node.example/***"


def test_a_password_is_not_shown(loaded):
    result = loaded("database: {url: 'postgresql://u:hunter2@host/db?sslpassword=hunter3'}")

    (row,) = [row for row in rows(result) if row.key == "database.url"]

    assert row.value == '"postgresql://u:***@host/db?sslpassword=***"'
    assert "hunter" not in str(list(rows(result)))


@given(
    sockets=st.integers(1, 16),
    silence=st.floats(0.001, 1e6),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20),
    cash=st.integers(0, 10**20),
    enabled=st.booleans(),
)
@example(sockets=1, silence=1.0, name="0?", cash=0, enabled=False)
@example(sockets=1, silence=1.0, name="a:", cash=0, enabled=False)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_is_shown_can_be_written_and_means_the_same(loaded, sockets, silence, name, cash, enabled):
    first = loaded(
        f"leaders: [{WALLET}]\nportfolios: [{{id: a, cash: {cash // 10**6}.{cash % 10**6:06d}}}]\n",
        {},
        [f"ingest.sockets={sockets}", f"ingest.silence_s={silence}", f"recording.enabled={enabled}"],
    )
    second = loaded(f"leaders: [{{wallet: {WALLET}}}]\n", {"REMORA_LEADERS__0__NAME": name})

    for result in (first, second):
        assert loaded(_as_yaml(rows(result))).settings == result.settings


def _as_yaml(shown) -> str:
    """Write rows as a file would: nested, entries of lists under their dash."""
    tree: dict = {}
    for row in shown:
        *way, last = row.key.split(".")
        node = tree
        for part in way:
            node = node.setdefault(part, {})
        node[last] = row.value
    return _lines(tree)


def _lines(tree: dict) -> str:
    if all(key.isdecimal() for key in tree):
        return "[" + ", ".join(_lines(value) for value in tree.values()) + "]"
    body = ", ".join(
        f"{key}: {value if isinstance(value, str) else _lines(value)}" for key, value in tree.items()
    )
    return "{" + body + "}"


@pytest.mark.parametrize("text", ["NULL", "null", "nULL", "~"])
def test_a_name_that_yaml_would_read_as_nothing_is_shown_quoted(text):
    assert written(text) == f'"{text}"'
