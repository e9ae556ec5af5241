"""What a demo is asked to show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """`crashes` is how often the daemon is killed with -9 on the way; `deliveries` how often the venue
    sends each frame, the same bytes, on every socket."""

    seconds: float = 30.0
    seed: int = 1
    tape: Path | None = None
    crashes: int = 0
    deliveries: int = 1
    sockets: int = 3
    state_dir: Path | None = None
    json: bool = False
