"""File locks that the kernel lets go of when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from actors.store.errors import EmbeddedError

_RETRY_S: Final = 0.02


class FileLock:
    """A lock on a file, shared or exclusive; held until `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Hold it together with others; waits for nobody, as the exclusive holders are brief."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def take(self) -> bool:
        """Return whether it is now held exclusively."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def wait(self, timeout_s: float) -> None:
        """Hold it exclusively. Raises `EmbeddedError` when somebody else keeps it longer."""
        deadline = time.monotonic() + timeout_s
        while not self.take():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"another process has held {self._path} for {timeout_s:.0f} s: "
                    "another Remora is starting or stopping its database there; wait for it or end it"
                )
            time.sleep(_RETRY_S)

    def close(self) -> None:
        """Let go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
