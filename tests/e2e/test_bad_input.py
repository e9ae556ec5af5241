"""What is wrong outside: each thing is named, with what to do, and costs nothing but itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from books import Books, assert_same, assert_sound, played, read_books
from processes import REMORA, Daemon, Venue, environment, remora
from small_tape import FILLS
from users import as_ordinary_user

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]


def run(config: str | Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a daemon that cannot start, and hold its message to what every message must be."""
    done = remora("run", "--config", str(config), *args)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("remora: ")
    return done


# -- from the venue ------------------------------------------------------------------------------


def test_garbage_between_good_frames_is_counted_and_harmless(
    start_venue: Starter, daemon_on: Maker, tape: Path, undisturbed: Books
) -> None:
    """Half of a JSON text, numbers of 400 digits, nests, binary, two megabytes, before nearly every frame."""
    venue = start_venue("--tape", str(tape), "--fit-seconds", "6")
    venue.faults(
        {"kind": "garbage", "rate": 0.8},
        {"kind": "blank", "rate": 0.3},
        {"kind": "oversized", "channel": "rtds", "limit": 4},
    )
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()
    venue.wait_finished()
    daemon.wait_settled(FILLS)
    assert max(feed["malformed"] for feed in daemon.feeds().values()) > 10
    assert daemon.stop() == 0
    daemon.assert_no_traceback()
    assert len(daemon.log_lines()) < 2_000, "garbage floods the log"
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())
    assert_same(books, undisturbed)


def test_refusals_failures_and_web_pages_for_answers_are_outlasted(
    start_venue: Starter, daemon_on: Maker, tape: Path
) -> None:
    venue = start_venue("--tape", str(tape), "--fit-seconds", "5")
    daemon = daemon_on(venue)
    venue.faults(
        {"kind": "throttle", "rate": 0.2},
        {"kind": "error", "status": 503, "rate": 0.2},
        {"kind": "malformed", "rate": 0.1},
        {"kind": "truncate", "rate": 0.1},
        {"kind": "disconnect", "channel": "rtds", "per_frame": True, "rate": 0.03},
    )
    daemon.start(wait=False)
    daemon.until(daemon.is_listening, "the daemon listens")
    venue.play()
    venue.wait_finished()
    venue.faults()
    daemon.wait_settled(FILLS)
    assert daemon.stop() == 0
    daemon.assert_no_traceback()
    books = read_books(daemon)
    assert_sound(books)
    assert books.trades == played(venue.legs())


# -- the configuration ---------------------------------------------------------------------------


def test_unknown_key_is_refused_with_its_place_and_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "remora.yaml"
    path.write_text("ingest:\n  sokets: 3\n")
    done = run(path)
    assert done.returncode == 3
    assert f"{path}:2: ingest.sokets is unknown (did you mean sockets?)" in done.stderr


def test_text_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "remora.yaml"
    path.write_text("state_dir: here\nleaders: [0x\n  portfolios: {\n")
    done = run(path)
    assert done.returncode == 3
    assert f"{path}:3" in done.stderr


def test_missing_configuration_file_is_named(tmp_path: Path) -> None:
    done = run(tmp_path / "none.yaml")
    assert done.returncode == 3
    assert f"{tmp_path / 'none.yaml'}: does not exist" in done.stderr


def test_empty_configuration_file_runs_on_the_defaults_and_says_that_nothing_is_copied(
    start_venue: Starter, daemon_on: Maker
) -> None:
    venue = start_venue()
    daemon = daemon_on(venue)
    urls = [f"endpoints.{name}_url={venue.urls[name]}" for name in ("rtds", "clob", "gamma", "data")]
    sets = [*urls, "web.port=0", f"state_dir={daemon.state}"]
    daemon.config.write_text("")
    with daemon.log.open("ab") as log:
        daemon.process = subprocess.Popen(
            [*REMORA, "run", "--config", str(daemon.config), *(f"--set={one}" for one in sets)],
            stderr=log,
            env=environment(),
        )
    daemon.until(daemon.is_listening, "the daemon listens")
    assert daemon.stop() == 0
    assert daemon.events("no leaders are configured: nothing will be copied; see config/example.yaml")
    daemon.assert_no_traceback()


# -- the machine ---------------------------------------------------------------------------------


def test_no_network_names_every_host_and_the_demo(tmp_path: Path) -> None:
    path = tmp_path / "remora.yaml"
    path.write_text(
        f"state_dir: {tmp_path / 'state'}\n"
        "web: {port: 0}\n"
        "endpoints:\n"
        "  rtds_url: ws://stream.invalid\n"
        "  data_url: http://127.0.0.1:1\n"
        "  gamma_url: http://127.0.0.1:2\n"
        "  clob_url: http://books.invalid\n"
        "  market_ws_url: ws://books.invalid\n"
    )
    done = run(path)
    assert done.returncode == 6
    for host in ("stream.invalid port 80", "books.invalid port 80", "127.0.0.1 port 1", "127.0.0.1 port 2"):
        assert f"  {host}: " in done.stderr
    assert "`remora demo` works offline" in done.stderr


def test_one_upstream_that_is_up_is_enough_to_start(start_venue: Starter, daemon_on: Maker) -> None:
    """Even on the same host as one that is down: they are told apart by port."""
    venue = start_venue()
    dead = {"data_url": "http://127.0.0.1:1", "gamma_url": "http://127.0.0.1:1"}
    daemon = daemon_on(venue, endpoints=venue.settings()["endpoints"] | dead)
    daemon.start()
    assert daemon.stop() == 0
    (warning,) = daemon.events("upstream unreachable, going on without it")
    assert warning["host"] == "127.0.0.1 port 1"


def test_taken_web_port_is_named(start_venue: Starter, daemon_on: Maker) -> None:
    daemon = daemon_on(start_venue())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(daemon.config, "--set", f"web.port={port}")
    assert done.returncode == 5
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Set web.port to a free port" in done.stderr


def test_second_daemon_on_a_state_directory_is_refused(start_venue: Starter, daemon_on: Maker) -> None:
    daemon = daemon_on(start_venue())
    daemon.start()
    assert daemon.process is not None
    done = run(daemon.config)
    assert done.returncode == 4
    assert f"another Remora (pid {daemon.process.pid}) runs on {daemon.state}" in done.stderr
    assert daemon.is_listening()


def test_file_where_the_state_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    path = tmp_path / "remora.yaml"
    path.write_text(f"state_dir: {tmp_path / 'file' / 'state'}\n")
    done = run(path)
    assert done.returncode == 4
    assert f"{tmp_path / 'file'} is a file, not a directory" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_state_directory_that_this_user_may_not_write(home: Path) -> None:
    state = home / "state"
    state.mkdir(mode=0o555)
    path = home / "remora.yaml"
    path.write_text(f"state_dir: {state}\nweb: {{port: 0}}\n")
    done = as_ordinary_user("run", "--config", str(path), home=home)
    assert done.returncode == 4
    assert f"the state directory {state} cannot be written: Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_lock_of_another_user_is_named(home: Path) -> None:
    """Somebody ran it here as root once; the directory is everybody's, the lock is not."""
    if os.geteuid() != 0:
        pytest.skip("only root can leave a lock that belongs to somebody else")
    state = home / "state"
    state.mkdir()
    state.chmod(0o777)
    (state / "remora.lock").touch(mode=0o600)
    path = home / "remora.yaml"
    path.write_text(f"state_dir: {state}\nweb: {{port: 0}}\n")
    done = as_ordinary_user("run", "--config", str(path), home=home)
    assert done.returncode == 4
    assert "remora.lock" in done.stderr
    assert "Traceback" not in done.stderr


def test_read_only_file_system_is_named(home: Path) -> None:
    """Permissions do not keep root out; a read-only mount does."""
    state = home / "state"
    state.mkdir()
    path = home / "remora.yaml"
    path.write_text(f"state_dir: {state}\nweb: {{port: 0}}\n")
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("mounting takes root and unshare")
    mounted = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs -o ro none {state}"],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    script = f'mount -t tmpfs -o ro none {state} && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *REMORA, "run", "--config", str(path)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


def test_signal_before_anything_runs_is_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C while it is still looking for hosts that do not answer."""
    path = tmp_path / "remora.yaml"
    # 192.0.2.0/24 is for documentation; nobody answers there, if there is a way there at all.
    path.write_text(
        f"state_dir: {tmp_path / 'state'}\nweb: {{port: 0}}\nendpoints: {{rtds_url: 'ws://192.0.2.1',"
        " data_url: 'http://192.0.2.2', gamma_url: 'http://192.0.2.3', clob_url: 'http://192.0.2.4',"
        " market_ws_url: 'ws://192.0.2.5'}\n"
    )
    process = subprocess.Popen(
        [*REMORA, "run", "--config", str(path)], stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        process.wait(1.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode in (0, 1, 6)
    assert "Traceback" not in said
