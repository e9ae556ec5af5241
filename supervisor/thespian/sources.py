"""Sources of actors: code that is handed to a running system as a zip file and known by its hash.

As in Thespian: a source counts only once the Source Authority, an actor that registered as such, has answered
`ValidateSource` with `ValidatedSource`; without one nothing is ever loaded. Importing is Thespian's own.
Code that is loaded can do whatever the process can, so a system does none of it unless it was told to.
"""

from __future__ import annotations

import hashlib
import io
import logging
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import (
    InvalidActorSourceHash,
    LoadedSource,
    UnloadedSource,
    ValidatedSource,
    ValidateSource,
)
from thespian.system.sourceLoader import loadModuleFromHashSource

from supervisor.core.cell import Cell
from supervisor.errors import SourcesOff, SupervisorError

if TYPE_CHECKING:
    from supervisor.core.system import System

log: Final = logging.getLogger("supervisor")

SOURCES_MAX: Final = 100
SOURCE_BYTES_MAX: Final = 64 * 1024 * 1024


class ActorSources:
    """The sources of one system, who validates them, and who is told of them. Used on the loop only."""

    def __init__(self, system: System, *, allowed: bool) -> None:
        self._system = system
        self._allowed = allowed
        self._archives: dict[str, bytes] = {}
        self._authority: Any = None
        self._watchers: dict[Cell, None] = {}

    def offer(self, data: bytes) -> str:
        """Ask the Source Authority to validate a source, and return its hash. Raises `SourcesOff`."""
        self.check_allowed()
        if len(data) > SOURCE_BYTES_MAX:
            raise SupervisorError(f"the source has {len(data)} bytes, expected {SOURCE_BYTES_MAX} at most")
        source_hash = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if self._authority is None:
            log.warning("source %s is not loaded: no actor is registered as Source Authority", source_hash)
        else:
            question = ValidateSource(source_hash, data)
            self._authority.cell.accept(question, self._system.systemAddress)
        return source_hash

    def validated(self, answer: ValidatedSource, sender: Any) -> None:
        """Take the answer of the Source Authority, and of nobody else."""
        if not self._allowed or self._authority is None or sender != self._authority:
            log.error("source %s is not loaded: validated by who is not its authority", answer.sourceHash)
        elif not answer.sourceZip:
            log.warning("source %s is not loaded: its authority rejected it", answer.sourceHash)
        elif len(self._archives) >= SOURCES_MAX and answer.sourceHash not in self._archives:
            log.error("source %s is not loaded: %s others are, unload some", answer.sourceHash, SOURCES_MAX)
        elif not _is_archive(answer.sourceZip):
            log.error("source %s is not loaded: what was validated is no zip file", answer.sourceHash)
        else:
            self._archives[answer.sourceHash] = answer.sourceZip
            self._tell(LoadedSource(answer.sourceHash, ""))

    def unload(self, source_hash: str) -> None:
        """Forget a source and what was imported of it; actors made of it live on."""
        if self._archives.pop(source_hash, None) is not None:
            self._tell(UnloadedSource(source_hash, ""))
            _forget_modules(source_hash)

    def unload_all(self) -> None:
        """Forget every source."""
        for source_hash in list(self._archives):
            self.unload(source_hash)

    def find_class(self, source_hash: str, module: str, name: str) -> Any:
        """Import a class of a source. Raises `InvalidActorSourceHash`, or what importing raises."""
        if source_hash not in self._archives:
            raise InvalidActorSourceHash(source_hash)
        return loadModuleFromHashSource(source_hash, self._archives, module, name)

    def set_authority(self, cell: Cell) -> None:
        """Ask this actor from now on whether a source may be loaded."""
        self.check_allowed()
        self._authority = cell.address

    def watch(self, cell: Cell, enable: bool) -> None:
        """Tell this actor what is loaded, and from now on what comes and goes; or no more."""
        self.check_allowed()
        self._watchers.pop(cell, None)
        if enable:
            self._watchers = {each: None for each in self._watchers if not each.is_dead}
            self._watchers[cell] = None
            for source_hash in self._archives:
                cell.accept(LoadedSource(source_hash, ""), self._system.systemAddress)

    def _tell(self, notice: Any) -> None:
        for cell in self._watchers:
            if not cell.is_dead:
                cell.accept(notice, self._system.systemAddress)

    def check_allowed(self) -> None:
        """Raise `SourcesOff` unless the system was told that sources may be loaded."""
        if not self._allowed:
            raise SourcesOff(
                "this base loads no actor sources, for they run with all rights of the process; "
                "AsyncioSystemBase(plain=PlainActors(load_sources=True)) allows it"
            )


def read(source: Any) -> bytes:
    """Return the content of a path or of an open binary file, which is closed as Thespian does."""
    if not hasattr(source, "read"):
        return Path(source).read_bytes()
    with source:
        data: bytes = source.read()
        return data


def _is_archive(data: Any) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.namelist()
    except (zipfile.BadZipFile, TypeError, ValueError):
        return False
    return True


def _forget_modules(source_hash: str) -> None:
    """Undo what Thespian's loader did: its finder, and the modules that are named by its root."""
    for index, finder in enumerate(sys.meta_path):
        if getattr(finder, "srcHash", None) == source_hash:
            root = finder.hashRoot()  # type: ignore[attr-defined]
            for name in [name for name in sys.modules if name.startswith(root)]:
                del sys.modules[name]
            del sys.meta_path[index]
            return
