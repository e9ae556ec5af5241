"""One stream of log lines, whoever writes them, and no secret in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import structlog

from config.settings import Database, Settings
from ops import logs

SECRET_URL = "postgresql://user:hunter2@host/db"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave logging to the next test as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Callable[[], list[dict[str, object]]]:
    """Log as JSON at info; what was written so far."""
    stream = io.StringIO()
    logs.configure("info", "json", "run-1", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_both_ways_of_logging_give_the_same_line(lines):
    structlog.get_logger("remora").info("started", pid=7)
    logging.getLogger("remora").info("started", extra={"pid": 7})

    first, second = ({key: value for key, value in line.items() if key != "timestamp"} for line in lines())
    assert (
        first
        == second
        == {"event": "started", "pid": 7, "level": "info", "logger": "remora", "run_id": "run-1"}
    )


def test_the_time_is_utc_in_iso_form(lines):
    structlog.get_logger().info("now")

    assert datetime.fromisoformat(str(lines()[0]["timestamp"])).utcoffset() == timedelta(0)


def test_what_was_bound_at_the_edge_stands_on_every_line_below_it(lines):
    async def task() -> None:
        structlog.contextvars.bind_contextvars(trace_id="t-1")
        structlog.get_logger().info("decided")
        logging.getLogger("supervisor").warning("restarted")

    asyncio.run(task())

    assert [line["trace_id"] for line in lines()] == ["t-1", "t-1"]


def test_the_run_is_named_on_threads_too(lines):
    thread = threading.Thread(target=structlog.get_logger().info, args=("from a thread",))
    thread.start()
    thread.join()

    assert lines()[0]["run_id"] == "run-1"


def test_what_is_below_the_level_is_not_written(lines):
    structlog.get_logger().debug("detail")
    logging.getLogger("supervisor").debug("detail")
    logging.getLogger("aiohttp.access").info("GET /metrics")

    assert lines() == []


def test_configuring_again_replaces_and_does_not_double(lines):
    log = structlog.get_logger("early")
    log.info("first")
    second = io.StringIO()

    logs.configure("debug", "json", "run-2", second)
    log.debug("second")

    assert [line["event"] for line in lines()] == ["first"]
    assert json.loads(second.getvalue())["run_id"] == "run-2"


def test_a_failure_is_logged_with_its_traceback(lines):
    try:
        raise ValueError(f"cannot reach {SECRET_URL}")
    except ValueError:
        structlog.get_logger().exception("failed")

    assert "ValueError: cannot reach postgresql://user:***@host/db" in str(lines()[0]["exception"])


@pytest.mark.parametrize(
    "event",
    [
        {"url": SECRET_URL},
        {"private_key": "hunter2"},
        {"Clob-Api-Key": "hunter2"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"many": [{"password": "hunter2"}, (SECRET_URL,)]},
        {"error": ConnectionError(SECRET_URL)},
        {"settings": Settings(database=Database(url=SECRET_URL))},
        {"deep": [[[[[[{"password": SECRET_URL}]]]]]]},
    ],
)
@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_reaches_the_log(format, event):
    stream = io.StringIO()
    logs.configure("info", format, "run-1", stream)

    structlog.get_logger().info("connecting", **event)
    structlog.get_logger().info("connecting to %s", SECRET_URL)
    logging.getLogger("plain").warning("connecting to %s", SECRET_URL)

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("***") >= 3


def test_ids_that_look_like_keys_are_shown(lines):
    structlog.get_logger().info("filled", token_id="123", condition_id="0x" + "ab" * 32, key="k")

    assert (lines()[0]["token_id"], lines()[0]["key"]) == ("123", "k")


@pytest.mark.parametrize(("stream", "is_json"), [(io.StringIO(), True), (Terminal(), False)])
def test_auto_writes_json_except_on_a_terminal(stream, is_json):
    logs.configure("info", "auto", "run-1", stream)

    structlog.get_logger().info("started")

    assert stream.getvalue().startswith("{") == is_json


def test_logging_goes_to_stderr_so_that_stdout_stays_a_result(capsys):
    logs.configure("info", "json", "run-1")

    structlog.get_logger().info("started")

    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["event"] == "started"
