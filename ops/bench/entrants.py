"""Who takes part in the runtime bench, and why the others do not: a process each, spoken to by lines."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Final

from ops.bench.worker import UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Entrant:
    """One contestant, the command that runs it, and how much of the work it gets: the slow ones get less."""

    name: str
    command: tuple[str, ...]
    share: float = 1.0
    crowd_max: int = 1_000_000


def _python(name: str, module: str, share: float = 1.0, crowd_max: int = 1_000_000) -> Entrant:
    return Entrant(name, (sys.executable, "-m", "ops.bench.worker", module), share, crowd_max)


BARE: Final = _python("bare", "bare")
OURS: Final = _python("remora", "remora")
_PLAIN: Final = (
    BARE,
    OURS,
    _python("asyncio", "asyncio_queues", 0.5),
    _python("simple", "simple_system", 0.1),
)
_PYKKA: Final = _python("pykka", "pykka_threads", 0.02, crowd_max=1_000)


def entrants(directory: Path) -> tuple[list[Entrant], dict[str, str]]:
    """Return who takes part, and of the others why not; `directory` is for what has to be compiled."""
    found = list(_PLAIN)
    absent = {}
    if importlib.util.find_spec("pykka") is not None:
        found.append(_PYKKA)
    else:
        absent["pykka"] = "not installed; pip install -e '.[dev]'"
    if shutil.which("erl") and shutil.which("erlc"):
        source = resources.files("ops.bench.contestants") / "contestant.erl"
        subprocess.run(["erlc", "-o", str(directory), str(source)], check=True, capture_output=True)
        for name, schedulers in (("erlang", 0), ("erlang_one_core", 1)):
            limit = ("+S", f"{schedulers}:{schedulers}") if schedulers else ()
            run = ("-noshell", "-pa", str(directory), "-s", "contestant", "main")
            found.append(Entrant(name, ("erl", *limit, *run)))
    else:
        absent["erlang"] = "no erl and erlc on the path"
    return found, absent


class Worker:
    """The process of one entrant."""

    def __init__(self, entrant: Entrant) -> None:
        self.entrant = entrant
        self._process = subprocess.Popen(
            entrant.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def run(self, workload: str, sizes: tuple[int, ...]) -> tuple[float, ...] | None:
        """Return the figures of a workload, None if this entrant has no such thing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(workload, *sizes, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.entrant.name} ended in the middle of {workload}")
        return None if line == UNSUPPORTED else tuple(map(float, line.split()))
