"""Where the embedded server lives: `<state_dir>/postgres`, its owner, and the way there.

    postgres/
    ├── data/             the cluster and its socket; closed to everybody but the server's account
    ├── programs-18.x/    a copy of Postgres, only where the server's account cannot reach the installed one
    ├── server.log
    ├── starting.lock     held while somebody starts or stops the server
    └── users.lock        held, shared, by every process that uses the server

Nothing outside the state directory changes, but for one thing: where root's server has to pass a closed
directory (root's home), its account is let through it, alone (see `acl`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from actors.store import acl, programs
from actors.store.errors import EmbeddedError, UnusableError
from actors.store.programs import Account

_SHELL = Path("/bin/sh")


@dataclass(frozen=True)
class Place:
    """A prepared directory, the account that the server runs as, and the programs it runs."""

    root: Path
    account: Account
    programs: Path

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.root / "server.log"

    def own(self, path: Path) -> None:
        """Give `path` to the server's account."""
        if self.account.switched:
            os.chown(path, self.account.uid, self.account.gid)


def make(state_dir: Path) -> Path:
    """Make the directory where the server lives and return it. Raises `OSError` (see `explained`)."""
    root = state_dir / "postgres"
    missing = [path for path in (root, *root.parents) if not path.exists()]
    owner = (missing[-1].parent if missing else root).stat()
    for path in reversed(missing):
        # The state directory: others may walk through to what is theirs, and list nothing.
        mode = 0o700 if path == root else 0o711 if path == root.parent else 0o755
        _appear(path, mode, owner)
    return root.resolve()


def _appear(path: Path, mode: int, owner: os.stat_result) -> None:
    """Make a directory that is its owner's from the first moment it can be seen.

    Another process that starts now may give it to the server's account at once: that must not be undone.
    """
    fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        fresh.chmod(mode)
        if os.geteuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.rename(path)
    except (FileExistsError, NotADirectoryError):
        fresh.rmdir()  # another process was first, or it is no directory, which the next step finds
    except OSError as error:
        fresh.rmdir()
        if error.errno != errno.ENOTEMPTY:
            raise


def settle(root: Path) -> Place:
    """Find whom the server runs as there and see that this account can reach everything it needs.

    To be called by one process at a time. Raises `EmbeddedError` saying what is in the way, and `OSError`.
    """
    account = programs.account_for(root)
    if account.switched:
        for path in (root, *root.glob("*.lock")):
            if path.stat().st_uid != account.uid:
                os.chown(path, account.uid, account.gid)
        _open_way(root, account)
    installed = programs.installation()
    if not programs.runnable(installed, account, root):
        installed = programs.copy_for_all(installed, root / f"programs-{programs.version(installed)}")
    return Place(root, account, installed)


def explained(error: OSError, state: Path) -> EmbeddedError:
    """Return what went wrong in the state directory and what to do about it."""
    seen = f"{error.strerror or error} ({error.filename or state})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EmbeddedError(f"the disk of state_dir {state} is full: {seen}; free some space")
    if error.errno == errno.EROFS:
        return UnusableError(
            f"state_dir {state} is on a read-only file system: {seen}; set state_dir to a writable place"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnusableError(
            f"state_dir {state} is not writable for this user: {seen}; "
            "set state_dir to a directory of yours, or run as the user who owns it"
        )
    return UnusableError(f"state_dir {state} cannot be used: {seen}; set state_dir to a writable directory")


def _open_way(root: Path, account: Account) -> None:
    if _enters(root, account):
        return
    for directory in reversed(root.parents):
        if not _enters(directory, account):
            with contextlib.suppress(OSError, AttributeError):
                acl.grant_search(directory, account.uid)
        if not _enters(directory, account):
            raise UnusableError(
                f"Postgres does not run as root, and the account it runs as ({account.name}) may not pass "
                f"{directory}: set state_dir to a place that others may enter, such as /var/lib/remora, "
                "run Remora as an ordinary user, or set database.url to a server of your own"
            )


def _enters(directory: Path, account: Account) -> bool:
    try:
        programs.run(_SHELL, "-c", 'cd "$0"', str(directory), account=account, place=Path("/"), timeout_s=20)
    except EmbeddedError:
        return False
    return True
