"""What the environment and the command line lay over the file, and what is said about it."""

from __future__ import annotations

import pytest

from config.origins import OriginKind

WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"
OTHER = "0x" + "ab" * 20


def test_the_command_line_beats_the_environment_which_beats_the_file(loaded):
    text = "ingest: {sockets: 2}\nweb: {port: 1}\n"

    result = loaded(text, {"REMORA_INGEST__SOCKETS": "3", "REMORA_WEB__PORT": "2"}, ["web.port=3"])

    assert (result.settings.ingest.sockets, result.settings.web.port) == (3, 3)
    assert result.origins["ingest.sockets"].place == "REMORA_INGEST__SOCKETS"
    assert result.origins["web.port"].place == "--set web.port"
    assert result.origins["web.port"].kind is OriginKind.COMMAND_LINE


def test_an_environment_that_overrides_the_file_is_worth_a_warning(loaded, file):
    result = loaded("\ningest: {sockets: 2}\n", {"REMORA_INGEST__SOCKETS": "3"})

    assert result.warnings == (
        f"ingest.sockets is '3' by REMORA_INGEST__SOCKETS, which overrides '2' of {file}:2",
    )


def test_neither_an_environment_without_a_file_value_nor_an_option_warns(loaded):
    result = loaded("ingest: {sockets: 2}", {"REMORA_WEB__PORT": "3"}, ["ingest.sockets=4"])

    assert result.warnings == ()


def test_an_environment_that_an_option_overrides_in_turn_does_not_warn(loaded):
    result = loaded("ingest: {sockets: 2}", {"REMORA_INGEST__SOCKETS": "3"}, ["ingest.sockets=4"])

    assert (result.settings.ingest.sockets, result.warnings) == (4, ())


def test_a_warning_shows_no_password(loaded):
    result = loaded(
        "database: {url: 'postgresql://u:first@a/db'}", {"REMORA_DATABASE__URL": "postgresql://u:second@b/db"}
    )

    assert result.settings.database.url == "postgresql://u:second@b/db"
    assert "postgresql://u:***@a/db" in result.warnings[0]
    assert "first" not in result.warnings[0]
    assert "second" not in result.warnings[0]


@pytest.mark.parametrize("text", ["", "yes", "null", "{a: b}", "[", "a: b", "#1"])
def test_text_from_outside_the_file_needs_no_quotes(loaded, text):
    result = loaded(f"leaders: [{{wallet: {WALLET}}}]", {"REMORA_LEADERS__0__NAME": text})

    assert result.settings.leaders[0].name == text


def test_an_entry_of_a_list_goes_by_its_number(loaded):
    text = "portfolios:\n  - id: a\n    cash: 1\n  - id: b\n"

    result = loaded(text, {"REMORA_PORTFOLIOS__0__CASH": "2.5"}, ["portfolios.1.caps.per_trade=7"])

    assert result.settings.portfolios[0].cash == 2_500_000
    assert result.settings.portfolios[1].caps.per_trade == 7_000_000


def test_a_list_and_an_entry_of_one_are_written_as_yaml(loaded):
    result = loaded(
        "",
        {"REMORA_LEADERS": f"[{WALLET}]"},
        [
            f"leaders.1={{wallet: '{OTHER}', name: two}}",
            "portfolios.0.id=a",
            f"portfolios.0.follow.0.wallet={OTHER}",
        ],
    )

    assert [leader.wallet for leader in result.settings.leaders] == [WALLET, OTHER]
    assert result.settings.portfolios[0].follow[0].wallet == OTHER


def test_a_list_given_as_nothing_takes_the_files_away(loaded):
    result = loaded(f"leaders: [{WALLET}]", {"REMORA_LEADERS": "[]"})

    assert result.settings.leaders == ()
    assert len(result.warnings) == 1


def test_the_variable_that_names_the_file_is_no_setting(loaded):
    assert loaded("", {"REMORA_CONFIG": "elsewhere.yaml", "REMORAX": "1"}).settings.leaders == ()


@pytest.mark.parametrize(
    ("environ", "sets", "said"),
    [
        ({"REMORA_LOGS_LEVEL": "info"}, [], "names no setting; did you mean REMORA_LOGS__LEVEL?"),
        ({"REMORA_QQQ": "1"}, [], "names no setting"),
        ({"REMORA_": "1"}, [], "names no setting"),
        (
            {"REMORA_WEB": "{port: 1}"},
            [],
            "names a group of settings; name one of them, such as REMORA_WEB__HOST",
        ),
        ({"REMORA_WEB__PORT__X": "1"}, [], "names no setting; did you mean REMORA_WEB__PORT?"),
        ({"REMORA_LEADERS__X": "1"}, [], "names no setting; did you mean REMORA_LEADERS?"),
        ({"REMORA_LEADERS__3": "1"}, [], "names entry 3 of a list of 0 (the first is 0)"),
        ({}, ["web.prt=1"], "names no setting; did you mean web.port?"),
        ({}, ["web=1"], "names a group of settings; name one of them, such as web.host"),
        ({}, ["web.port"], "has no value"),
        ({}, ["=1"], "names no setting"),
    ],
)
def test_an_override_of_nothing_is_refused_where_it_would_be_lost(refused, environ, sets, said):
    (problem,) = refused("", environ, sets)

    assert problem.message == said
    assert problem.line == 0


def test_a_wrong_value_names_the_variable(refused):
    (problem,) = refused("web: {port: 3}", {"REMORA_WEB__PORT": "http"})

    assert str(problem) == "REMORA_WEB__PORT: web.port was 'http', expected a whole number"


def test_a_broken_list_names_the_variable(refused):
    (problem,) = refused("", {"REMORA_LEADERS": "[1,"})

    assert (problem.file, problem.line) == ("REMORA_LEADERS", 0)
    assert "is not YAML" in problem.message


def test_a_bare_wallet_of_the_file_cannot_be_given_a_name_from_outside(refused, file):
    (problem,) = refused(f"leaders: [{WALLET}]", {"REMORA_LEADERS__0__NAME": "n"})

    assert f"leads into a single value at {file}:1" in problem.message
