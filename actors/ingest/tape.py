"""Files of recorded frames: appended in batches, rotated by size, the oldest removed beyond a number.

Blocking; it is used on a thread and by one caller at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from messages import envelope
from messages.envelope import Envelope

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
FILES_MAX: Final = 16
"""Recordings of all runs together; one gigabyte at the most."""

_SUFFIX: Final = ".jsonl"


class Tape:
    """The recording of one run, over as many files as it takes."""

    def __init__(
        self, folder: Path, run_id: str, *, file_bytes_max: int = FILE_BYTES_MAX, files_max: int = FILES_MAX
    ) -> None:
        self._folder = folder
        self._run_id = run_id
        self._file_bytes_max = file_bytes_max
        self._files_max = files_max
        self._file: IO[bytes] | None = None
        self._number = 0

    def write(self, envelopes: Sequence[Envelope]) -> None:
        """Append envelopes and see them into the file. Raises `OSError`."""
        if self._file is not None and self._file.tell() >= self._file_bytes_max:
            self.close()
        if self._file is None:
            self._file = self._next()
        envelope.write(envelopes, self._file)
        self._file.flush()

    def close(self) -> None:
        """Close the present file. Raises `OSError`."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _next(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = sorted(self._folder.glob(f"rtds-*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[: max(0, len(kept) - self._files_max + 1)]:
            path.unlink(missing_ok=True)
        while True:
            self._number += 1
            try:
                return (self._folder / f"rtds-{self._run_id}-{self._number:06d}{_SUFFIX}").open("xb")
            except FileExistsError:  # of this run's recorder before it was restarted
                continue
