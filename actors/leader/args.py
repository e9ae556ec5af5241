"""What a leader is started with, and what it remembers over its own restarts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from messages.directory import Directory
from messages.ids import Wallet
from messages.trades import FillReported
from supervisor import Attempts


def content(report: FillReported) -> Hashable:
    """Return what a report says, whoever says it and whenever."""
    return report.tx, report.token_id, report.side, report.size, report.price


@dataclass(slots=True)
class Life:
    """What outlives an incarnation: how often it was loaded, in which mode, which reports it died of."""

    loads: int = 0
    chain_waits: bool = True
    """Whether fills that only the chain has shown wait for the others: not where it is alone."""
    attempts: Attempts[FillReported] = field(default_factory=lambda: Attempts(key=content))


@dataclass(frozen=True, slots=True)
class LeaderArgs:
    """What a leader needs: its wallet, who to tell, and from when on it is followed if seen first now.

    `backfill_s` is how much older a trade may be and still be recorded, as backfill; 0 is a flat start (D4).
    `settle_s` is how far behind the API may be. `chain_wait_s` is how long a fill that only the chain has
    seen waits for the others (D9).
    """

    wallet: Wallet
    directory: Directory
    identity_window_s: int
    followed_at_ns: int
    cursor_s: int
    backfill_s: int = 0
    settle_s: float = 6.0
    chain_wait_s: float = 0.0
    life: Life = field(default_factory=Life)
