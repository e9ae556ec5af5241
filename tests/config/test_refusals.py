"""What is refused, where, and with which advice: nobody may have to guess what is wrong."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loading import load
from config.problems import ConfigError, ConfigInvalid, ConfigSyntaxError

WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"
OTHER = "0x" + "ab" * 20


def test_an_unknown_key_names_its_line_and_the_nearest_key(refused, file):
    (problem,) = refused("ingest:\n  sockts: 3\n")

    assert str(problem) == f"{file}:2: ingest.sockts is unknown (did you mean sockets?)"


def test_a_key_in_the_wrong_place_is_told_where_it_belongs(refused):
    (problem,) = refused("sockets: 3\n")

    assert problem.hint == "did you mean ingest.sockets?"


def test_a_key_like_no_other_is_answered_with_what_there_is(refused):
    (problem,) = refused("web: {zzz: 1}")

    assert problem.hint == "known here: host, port"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("ingest: {sockets: many}", 1, "ingest.sockets was 'many', expected a whole number"),
        ("ingest: {sockets: 2.5}", 1, "ingest.sockets was '2.5', expected a whole number"),
        ("ingest: {sockets: '3'}", 1, "ingest.sockets was the text '3', expected a whole number"),
        ("ingest: {sockets: [3]}", 1, "ingest.sockets was a list, expected a whole number"),
        ("ingest: {sockets: true}", 1, "ingest.sockets was 'true', expected a whole number"),
        ("ingest: {sockets: 0x10}", 1, "ingest.sockets was '0x10', expected a whole number"),
        ("ingest: {sockets: 1:30}", 1, "ingest.sockets was '1:30', expected a whole number"),
        ("ingest: {silence_s: .nan}", 1, "ingest.silence_s was '.nan', expected a number"),
        ("ingest: {silence_s: .inf}", 1, "ingest.silence_s was '.inf', expected a number"),
        ("recording:\n  enabled: 1", 2, "recording.enabled was '1', expected true or false"),
        ("state_dir: {a: b}", 1, "state_dir was a mapping, expected text"),
        ("ingest: 3", 1, "ingest was '3', expected `key: value` lines"),
        ("leaders: {a: b}", 1, "leaders was a mapping, expected a list"),
        (f"leaders: {WALLET}", 1, f"leaders was '{WALLET[:41]}, expected a list"),
        (
            "portfolios: [{id: a, cash: 0.1234567}]",
            1,
            "portfolios.0.cash was '0.1234567', expected at most 6 decimals",
        ),
        (
            "portfolios: [{id: a, cash: 1e40}]",
            1,
            "portfolios.0.cash was '1e40', expected at most 1000000000000000",
        ),
        (
            "portfolios: [{id: a, cash: '5'}]",
            1,
            "portfolios.0.cash was the text '5', expected a decimal number",
        ),
        (
            "portfolios: [{id: a, cash: 1e9999999}]",
            1,
            "portfolios.0.cash was '1e9999999', expected a decimal number",
        ),
        ("portfolios:\n- cash: 1", 2, "portfolios.0.id is missing"),
    ],
)
def test_a_wrong_type_names_what_was_seen_and_what_was_expected(refused, file, text, line, message):
    (problem,) = refused(text)

    assert (problem.line, str(problem).split(" (")[0]) == (line, f"{file}:{line}: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ingest: {sockets: 0}", "was 0, expected 1 to 16"),
        ("ingest: {sockets: 17}", "was 17, expected 1 to 16"),
        ("ingest: {start: hot}", "was 'hot', expected flat or warm"),
        ("ingest: {poll_interval_s: 0}", "was 0, expected more than 0 and at most 31536000"),
        ("ingest: {poll_interval_s: -1}", "was -1, expected more than 0 and at most 31536000"),
        ("ingest: {poll_interval_s: 1e300}", "was 1e+300, expected more than 0 and at most 31536000"),
        ("web: {port: 65536}", "was 65536, expected 0 to 65535"),
        ("web: {host: ''}", "was empty, expected text"),
        ("logs: {level: loud}", "was 'loud', expected debug or info or warning or error"),
        ("logs: {format: xml}", "was 'xml', expected auto or json or console"),
        ("portfolios: [{id: a, mode: live}]", "was 'live' (not in this version), expected paper"),
        ("portfolios: [{id: a, ratio: 0}]", "was 0, expected more than 0 and at most 1000"),
        ("portfolios: [{id: a, ratio: -0.5}]", "was -0.5, expected more than 0 and at most 1000"),
        ("portfolios: [{id: a, cash: -1}]", "was -1, expected 0 to 1000000000000000"),
        ("portfolios: [{id: a, guards: {max_spread: 1.5}}]", "was 1.5, expected 0 to 1"),
        ("leaders: [0x12]", "was no wallet: '0x12', expected 0x and 40 hex digits"),
        (
            "endpoints: {rtds_url: 'https://a'}",
            "was a url of scheme 'https', expected wss:// or ws:// and a host",
        ),
        (
            "endpoints: {clob_url: 'a.b'}",
            "was a url without a scheme, expected https:// or http:// and a host",
        ),
        (
            "endpoints: {clob_url: 'https://'}",
            "was a url without a host, expected https:// or http:// and a host",
        ),
        (
            "endpoints: {clob_url: 'https://a:port'}",
            "was a malformed url (host or port), expected https:// or http:// and a host",
        ),
    ],
)
def test_a_value_out_of_its_limits_names_them(refused, text, message):
    (problem,) = refused(text)

    assert problem.message == message


def test_an_id_that_could_not_be_a_label_is_refused(refused):
    (problem,) = refused("portfolios: [{id: My Book}]")

    assert "expected 1 to 32 of a-z, 0-9, - and _" in problem.message


def test_everything_wrong_is_told_at_once_and_in_the_order_of_the_file(refused):
    problems = refused(
        f"leaders: [{WALLET}]\n"
        "ingest:\n"
        "  sockts: 3\n"
        "  sockets: 99\n"
        "portfolios:\n"
        "  - id: a\n"
        f"    follow: ['{OTHER}']\n"
        "    mode: live\n"
        "  - id: a\n"
        "web: {port: x}\n"
    )

    assert [problem.line for problem in problems] == [3, 4, 7, 8, 9, 10]


def test_a_repeated_key_is_refused_not_overwritten(refused, file):
    (problem,) = refused("web: {port: 1}\nlogs: {level: info}\nweb: {port: 2}\n")

    assert str(problem) == f"{file}:3: web is there twice (first at {file}:1)"


def test_a_leader_listed_twice_in_different_case_is_refused(refused):
    (problem,) = refused(f"leaders:\n  - {WALLET}\n  - '0x{WALLET[2:].upper()}'\n")

    assert (problem.line, problem.hint) == (3, "first as leaders.0.wallet")


def test_two_portfolios_of_one_name_are_refused(refused):
    (problem,) = refused("portfolios:\n  - id: a\n  - id: a\n")

    assert (problem.line, problem.key) == (3, "portfolios.1.id")


def test_a_followed_wallet_must_be_a_leader(refused):
    slip = WALLET[:-1] + "e"

    (problem,) = refused(f"leaders: [{WALLET}]\nportfolios: [{{id: a, follow: ['{slip}']}}]")

    assert problem.message == f"was {slip}, which is none of leaders"
    assert problem.hint == f"did you mean {WALLET}?"


def test_a_first_wait_longer_than_the_longest_is_refused(refused):
    (problem,) = refused("prices: {backoff_first_s: 60}")

    assert problem.key == "prices.backoff_first_s"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1, 2\nb: 3\n", 2, 2),
        ("a:\n\t- b\n", 2, 1),
        ("a: *nope\n", 1, 4),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: 'x", 1, 6),
    ],
)
def test_broken_yaml_names_line_and_column(refused, text, line, column):
    (problem,) = refused(text)

    assert problem.line == line
    assert problem.message.startswith(f"column {column}: is not YAML: ")


@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 5_000, "- " * 5_000, "a: &x [*x]", "a: \x00"])
def test_a_document_made_to_hurt_is_refused(refused, text):
    (problem,) = refused(text)

    assert problem.message


def test_anchors_that_multiply_are_refused_before_they_fill_memory(refused):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]"
        for last, name in zip("abcdefg", "bcdefgh", strict=True)
    ]

    (problem,) = refused("\n".join(lines))

    assert "values" in problem.message


def test_a_tag_builds_no_object(refused):
    problems = refused("state_dir: !!python/object/apply:os.system [echo]\n")

    assert "is not supported" in problems[0].message


@pytest.mark.parametrize("text", ["- a\n", "just text", "3"])
def test_a_file_that_is_no_mapping_is_refused(refused, text):
    (problem,) = refused(text)

    assert problem.message == "was no mapping, expected `key: value` lines"


def test_a_password_never_stands_in_a_message(refused):
    problems = refused("database: {url: 'mysql://user:hunter2@host/db'}", {"REMORA_DATABASE__URL": "hunter2"})
    problems += refused("database: {url: ['postgresql://user:hunter2@host/db']}")

    assert "hunter2" not in str(problems)


def test_the_error_lists_every_problem_a_line_each(tmp_path):
    file = tmp_path / "remora.yaml"
    file.write_text("web: {port: x}\nlogs: {level: x}\n")

    with pytest.raises(ConfigInvalid) as caught:
        load(file, {})

    assert len(str(caught.value).splitlines()) == 2


def test_broken_yaml_is_an_error_of_its_own(tmp_path):
    file = tmp_path / "remora.yaml"
    file.write_text("a: [")

    with pytest.raises(ConfigSyntaxError):
        load(file, {})


_KEYS = st.sampled_from(["ingest", "leaders", "portfolios", "caps", "id", "web", "port", "follow", "x", "<<"])
_DOCUMENTS = st.recursive(
    st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=20,
)


@given(document=st.one_of(st.text(max_size=80), _DOCUMENTS.map(str)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_whatever_the_file_holds_the_answer_is_settings_or_a_config_error(tmp_path: Path, document: str):
    file = tmp_path / "remora.yaml"
    file.write_text(document, encoding="utf-8", errors="replace")

    with contextlib.suppress(ConfigError):
        load(file, {})


def test_the_chain_without_a_node_is_refused(refused):
    (problem,) = refused("ingest: {trigger: polygon}")

    assert problem.key == "ingest.trigger"
    assert problem.hint == "name a node, or use api"


@pytest.mark.parametrize(
    ("urls", "key"),
    [
        ("[wss://a.example/v2/s3cret, wss://a.example/v2/s3cret]", "endpoints.polygon_urls.1"),
        ("[https://a.example/v2/s3cret]", "endpoints.polygon_urls.0"),
        ("[wss:///v2/s3cret]", "endpoints.polygon_urls.0"),
    ],
)
def test_a_node_that_cannot_be_is_refused_and_its_key_shown_to_nobody(refused, urls, key):
    (problem,) = refused(f"endpoints: {{polygon_urls: {urls}}}")

    assert problem.key == key
    assert "s3cret" not in str(problem)
