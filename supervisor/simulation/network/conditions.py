"""What a way between two hosts is like when nothing is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How long bytes take, how many fit, and how they are cut. What is a range is drawn from the seed."""

    latency_s: tuple[float, float] = (0.0005, 0.005)
    """Shortest and longest time on the way; bytes never overtake earlier ones."""

    bytes_per_s: float = math.inf
    """How fast one connection's bytes leave in one direction."""

    cut_share: float = 0.25
    """The share of writes that arrive in pieces. What arrives together is always read together."""

    window_bytes: int = 262_144
    """How much of one direction may be unread: beyond it the sender's buffer fills."""

    def __post_init__(self) -> None:
        shortest, longest = self.latency_s
        if not 0 <= shortest <= longest:
            raise ValueError(f"latency_s was {self.latency_s}, expected (shortest, longest) from 0 up")
        if not self.bytes_per_s > 0:
            raise ValueError(f"bytes_per_s was {self.bytes_per_s}, expected more than 0")
        if not 0 <= self.cut_share <= 1:
            raise ValueError(f"cut_share was {self.cut_share}, expected 0 to 1")
        if self.window_bytes < 1:
            raise ValueError(f"window_bytes was {self.window_bytes}, expected at least 1")
