"""The daemon as a process against the local venue: real sockets, real Postgres, nothing simulated."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))

from books import Books, assert_sound, played, read_books
from processes import Daemon, Venue
from small_tape import FILLS, write_tape


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory of this test's own that other users may enter; pytest's are closed to them."""
    path = Path(tempfile.mkdtemp(prefix="remora-e2e-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """Ends whatever a test started, however the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def start_venue(cleanup: ExitStack) -> Callable[..., Venue]:
    """Start venues; they end with the test."""

    def start(*args: str) -> Venue:
        venue = Venue(*args)
        cleanup.callback(venue.end)
        return venue

    return start


@pytest.fixture
def daemon_on(cleanup: ExitStack, home: Path) -> Callable[..., Daemon]:
    """Make daemons, not yet started; they and their database end with the test."""

    def make(venue: Venue, name: str = "remora", **changes: Any) -> Daemon:
        daemon = Daemon(home / name, venue.settings() | changes)
        cleanup.callback(daemon.end)
        return daemon

    return make


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small tape of `small_tape`."""
    return write_tape(tmp_path_factory.mktemp("tape") / "small.tape")


@pytest.fixture(scope="session")
def undisturbed(tape: Path) -> Iterator[Books]:
    """What an undisturbed run on the small tape ends in."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remora-e2e-")))
        home.chmod(0o755)
        venue = Venue("--tape", str(tape), "--fit-seconds", "3")
        stack.callback(venue.end)
        daemon = Daemon(home / "remora", venue.settings())
        stack.callback(daemon.end)
        daemon.start()
        venue.play()
        daemon.wait_settled(FILLS)
        assert daemon.stop() == 0
        daemon.assert_no_traceback()
        books = read_books(daemon)
        assert_sound(books)
        assert books.trades == played(venue.legs())
        yield books
