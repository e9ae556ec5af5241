"""How often each wallet is polled when nothing is urgent: who traded lately often, others rarely.

All regular polls together stay within a share of the request budget: where there are too many wallets for
it, everybody's turn comes later by the same factor. Pure; times are whole seconds of wall time.
"""

from __future__ import annotations

import enum
from typing import Final

from messages.ids import Wallet

SHARE: Final = 0.7
"""Of the budget, for regular polls: the rest is for further pages, gaps and doubts."""
_NS_PER_S: Final = 1_000_000_000


class Warmth(enum.Enum):
    """How lately a wallet traded, and how many times the shortest interval lie between its polls."""

    HOT = ("hot", 3_600, 1)
    WARM = ("warm", 86_400, 5)
    COLD = ("cold", None, 30)

    def __init__(self, word: str, within_s: int | None, intervals: int) -> None:
        self.word = word
        self.within_s = within_s
        self.intervals = intervals


def warmth(active_s: int, now_s: int) -> Warmth:
    """Return how warm a wallet is whose last known activity was at `active_s`."""
    for one in (Warmth.HOT, Warmth.WARM):
        assert one.within_s is not None
        if now_s - active_s <= one.within_s:
            return one
    return Warmth.COLD


class Pace:
    """The intervals of all watched wallets."""

    def __init__(self, interval_s: float, requests_per_s: float) -> None:
        """`interval_s` is that of a hot wallet where the budget suffices."""
        self._interval_s = interval_s
        self._requests_per_s = requests_per_s * SHARE
        self._warmth: dict[Wallet, Warmth] = {}
        self._counts = dict.fromkeys(Warmth, 0)

    def set(self, wallet: Wallet, active_s: int, now_s: int) -> None:
        """Take note of a wallet's last known activity."""
        self.drop(wallet)
        now = warmth(active_s, now_s)
        self._warmth[wallet] = now
        self._counts[now] += 1

    def drop(self, wallet: Wallet) -> None:
        """Watch a wallet no more."""
        before = self._warmth.pop(wallet, None)
        if before is not None:
            self._counts[before] -= 1

    @property
    def counts(self) -> dict[str, int]:
        """How many wallets are how warm."""
        return {one.word: count for one, count in self._counts.items()}

    @property
    def requests_per_s(self) -> float:
        """What regular polls would cost if the budget did not matter."""
        return sum(count / one.intervals for one, count in self._counts.items()) / self._interval_s

    @property
    def stretch(self) -> float:
        """By how much every interval is longer than wanted because of the budget; 1 where it suffices."""
        return max(1.0, self.requests_per_s / self._requests_per_s)

    def warmth(self, wallet: Wallet) -> Warmth:
        """Return how warm a watched wallet is."""
        return self._warmth[wallet]

    def interval_ns(self, wallet: Wallet) -> int:
        """Return the time between two regular polls of a watched wallet."""
        return int(self._interval_s * self._warmth[wallet].intervals * self.stretch * _NS_PER_S)
