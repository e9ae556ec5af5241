"""The command line as it is used: what it prints, where, and what it ends with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from processes import Daemon, Venue, environment, remora
from small_tape import FILLS, rows, write_rows

from messages.decisions import SkipReason
from ops.exits import MEANINGS

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def daemon(tape: Path) -> Iterator[Daemon]:
    """A daemon that has copied the small tape and goes on running."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="remora-e2e-")))
        home.chmod(0o755)
        venue = Venue("--tape", str(tape), "--fit-seconds", "4")
        stack.callback(venue.end)
        daemon = Daemon(home / "remora", venue.settings())
        stack.callback(daemon.end)
        daemon.start()
        venue.play()
        daemon.wait_settled(FILLS)
        yield daemon


def one_object(text: str) -> dict[str, Any]:
    """What `--json` promises: one JSON object on stdout and nothing else."""
    (line,) = text.splitlines()
    document: dict[str, Any] = json.loads(line)
    assert isinstance(document, dict)
    return document


def of(daemon: Daemon, *args: str) -> Any:
    """Run a command against this daemon."""
    done = remora(*args, "--config", str(daemon.config))
    assert "Traceback" not in done.stderr
    return done


def test_version() -> None:
    done = remora("--version")
    assert done.returncode == 0
    assert version("remora") in done.stdout


def test_help_names_every_command_and_every_exit_code() -> None:
    done = remora("--help")
    assert done.returncode == 0
    for command in ("run", "demo", "venue", "status", "why", "config", "tape"):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    assert "Usage: remora " in done.stdout
    assert not re.search(r"^  \w+ .*\.\.\.$", done.stdout, re.MULTILINE), "a command's line is cut off"
    said = " ".join(done.stdout.split())
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in said


def test_readme_documents_the_exit_codes_there_are() -> None:
    documented = dict(re.findall(r"^\| (\d) \| (.+) \|$", README.read_text(), re.MULTILINE))
    assert documented == {str(code.value): meaning for code, meaning in MEANINGS.items()}


@pytest.mark.parametrize("args", [("runn",), ("run", "--confg", "x"), ("demo", "--seconds", "soon")])
def test_command_line_that_is_not_understood(args: tuple[str, ...]) -> None:
    done = remora(*args)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "args", [("--seconds", "-3"), ("--crashes", "-1"), ("--deliveries", "0"), ("--seconds", "1e9")]
)
def test_figures_that_no_demo_can_be_run_with(args: tuple[str, ...]) -> None:
    done = remora("demo", *args)
    assert done.returncode == 2
    assert args[0] in done.stderr


def test_config_show_tells_where_each_value_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "remora.yaml"
    path.write_text("ingest:\n  sockets: 2\n")
    changed = environment(REMORA_WEB__PORT="1234")
    done = remora("config", "show", "--config", str(path), "--set", "logs.level=debug", env=changed)
    assert done.returncode == 0
    assert re.search(rf"^ingest\.sockets = 2  # file {re.escape(str(path))}:2; ", done.stdout, re.MULTILINE)
    assert re.search(r"^web\.port = 1234  # environment REMORA_WEB__PORT; ", done.stdout, re.MULTILINE)
    assert re.search(r"^logs\.level = '?debug'?  # command line ", done.stdout, re.MULTILINE)
    assert re.search(r"^ingest\.silence_s = 30(\.0)?  # default; ", done.stdout, re.MULTILINE)


def test_config_show_as_json(tmp_path: Path) -> None:
    path = tmp_path / "remora.yaml"
    path.write_text("")
    done = remora("config", "show", "--json", "--config", str(path))
    assert done.returncode == 0
    document = one_object(done.stdout)
    assert document["file"] == str(path)
    assert "ingest.sockets" in {row["key"] for row in document["settings"]}


def test_config_show_keeps_the_database_password_to_itself(tmp_path: Path) -> None:
    url = "postgresql://me:hunter2@db/remora"
    for extra in ((), ("--json",)):
        done = remora("config", "show", "--set", f"database.url={url}", *extra, cwd=tmp_path)
        assert done.returncode == 0
        assert "hunter2" not in done.stdout + done.stderr


def test_status_of_a_running_daemon(daemon: Daemon) -> None:
    done = of(daemon, "status")
    assert done.returncode == 0
    for said in (
        "paper mode",
        "store: available",
        "suspended 0",
        "stream-0",
        "poller",
        "bold",
        "timid",
        f"trades {FILLS}",
    ):
        assert said in done.stdout
    assert done.stderr == ""


def test_status_as_json(daemon: Daemon) -> None:
    document = one_object(of(daemon, "status", "--json").stdout)
    assert document["store"] == {"available": True, "reason": "", "pressed": False}
    assert document["counts"]["leader_trades"] == FILLS


def test_status_asks_no_proxy_for_a_daemon_on_this_machine(daemon: Daemon) -> None:
    proxied = environment(http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1")
    assert remora("status", "--config", str(daemon.config), env=proxied).returncode == 0


def test_status_without_a_daemon(tmp_path: Path) -> None:
    done = remora("status", "--set", f"state_dir={tmp_path / 'none'}")
    assert done.returncode == 6
    assert f"no daemon runs on {tmp_path / 'none'}" in done.stderr
    assert done.stdout == ""


def test_status_of_a_daemon_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "web.json").write_text('{"url": "http://127.0.0.1:1", "pid": 1, "run_id": "x"}')
    done = remora("status", "--set", f"state_dir={tmp_path}")
    assert done.returncode == 6
    assert "does not answer" in done.stderr
    assert "start it again with `remora run`" in done.stderr


def trade_ids(daemon: Daemon) -> list[str]:
    """Every trade that the log tells of."""
    return sorted({line["trace_id"] for line in daemon.events("leader trade")})


def test_why_tells_the_whole_way_of_a_trade(daemon: Daemon) -> None:
    stories = {}
    for trade_id in trade_ids(daemon)[:5]:
        done = of(daemon, "why", trade_id)
        assert done.returncode == 0
        stories[trade_id] = done.stdout
    everything = "\n".join(stories.values())
    for said in (
        "portfolio bold",
        "portfolio timid",
        "guard",
        "limit",
        "order 0x",
        "FILLED",
        "fill BUY",
        "fee",
    ):
        assert said in everything
    assert any(reason in everything for reason in SkipReason)


def test_why_takes_the_beginning_of_an_id(daemon: Daemon) -> None:
    trade_id = trade_ids(daemon)[0]
    document = one_object(of(daemon, "why", trade_id[:12], "--json").stdout)
    assert document["trade"]["trade_id"] == trade_id
    assert {decision["portfolio_id"] for decision in document["decisions"]} == {"bold", "timid"}


def test_why_lists_the_trades_that_an_ambiguous_beginning_may_mean(daemon: Daemon) -> None:
    firsts = [trade_id[0] for trade_id in trade_ids(daemon)]
    prefix = max(firsts, key=firsts.count)
    done = of(daemon, "why", prefix)
    assert done.returncode == 2
    assert f"several trades begin with '{prefix}'" in done.stderr
    assert sum(trade_id in done.stderr for trade_id in trade_ids(daemon)) == firsts.count(prefix)


def test_why_of_a_trade_that_nobody_knows(daemon: Daemon) -> None:
    done = of(daemon, "why", "zzzz")
    assert done.returncode == 2
    assert "no trade's id begins with 'zzzz'" in done.stderr


def test_why_where_nothing_was_ever_recorded(tmp_path: Path) -> None:
    done = remora("why", "1234", "--set", f"state_dir={tmp_path}")
    assert done.returncode == 7
    assert "no daemon has run there yet" in done.stderr
    assert list(tmp_path.iterdir()) == [], "looking creates nothing"


def test_why_with_a_database_that_is_not_there(tmp_path: Path) -> None:
    url = "postgresql://me@127.0.0.1:1/remora"
    done = remora("why", "1234", "--set", f"state_dir={tmp_path}", "--set", f"database.url={url}")
    assert done.returncode == 7
    assert "start it, or check database.url" in done.stderr
    assert "Traceback" not in done.stderr


def test_tape_import_says_what_it_made(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "fills.jsonl", rows())
    done = remora("tape", "import", "--from", "leader-fills", str(source), "--out", str(tmp_path / "tape"))
    assert done.returncode == 0
    assert f"{FILLS} fills of 3 wallets" in done.stdout
    assert "made up" in done.stdout
    again = remora(
        "tape", "import", "--from", "leader-fills", str(source), "--out", str(tmp_path / "tape"), "--json"
    )
    assert one_object(again.stdout)["fills"] == FILLS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no rows"),
        ("{}\n", ":1: not a row of the leader-fills format"),
        ("not json\n", ":1: not a row of the leader-fills format"),
    ],
)
def test_tape_import_of_something_else(tmp_path: Path, text: str | None, said: str) -> None:
    source, out = tmp_path / "fills.jsonl", tmp_path / "tape"
    if text is not None:
        source.write_text(text)
    done = remora("tape", "import", "--from", "leader-fills", str(source), "--out", str(out))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_tape_import_from_an_unknown_kind(tmp_path: Path) -> None:
    done = remora("tape", "import", "--from", "rumours", "x", "--out", str(tmp_path / "tape"))
    assert done.returncode == 2
    assert "there are: leader-fills" in done.stderr


def test_venue_that_cannot_be_started(tmp_path: Path) -> None:
    for args, code in (
        (("--tape", str(tmp_path / "none")), 2),
        (("--faults", "{"), 2),
        (("--host", "host.invalid"), 5),
    ):
        done = remora("venue", "--port", "0", *args)
        assert done.returncode == code
        assert done.stderr.startswith("remora: ")
        assert "Traceback" not in done.stderr
