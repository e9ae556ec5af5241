"""Who is polled next: urgent ones first in the order they became urgent, then whoever is due.

Regular polls of a wallet keep their phase while its interval stays the same, and the phases of all wallets
are spread evenly. It decides nothing else and does no waiting. Times are monotonic nanoseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from messages.ids import Wallet

_GOLDEN: Final = 0.6180339887498949
"""Multiples of it, modulo 1, fill an interval evenly however many there are."""


@dataclass(slots=True)
class _Turn:
    regular_ns: int
    """When the next regular poll is due."""
    due_ns: int
    """When the next poll of any kind is due; what stands in the heap counts only if it equals this."""
    is_running: bool = False
    is_urgent: bool = False
    is_settling: bool = False
    """Whether another poll is to follow soon after the one to come."""
    settle_ns: int | None = None
    """When that other poll is due; a regular one before it does not stand in for it."""


class Schedule:
    """The turns of all watched wallets."""

    def __init__(self, settle_ns: int) -> None:
        self._settle_ns = settle_ns
        self._turns: dict[Wallet, _Turn] = {}
        self._urgent: dict[Wallet, None] = {}
        self._due: list[tuple[int, Wallet]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def urgent(self) -> int:
        """How many wait for an urgent poll."""
        return len(self._urgent)

    def add(self, wallet: Wallet, now_ns: int, interval_ns: int) -> None:
        """Watch a wallet; its first regular poll falls somewhere within one interval."""
        self._added += 1
        regular_ns = now_ns + int(interval_ns * (self._added * _GOLDEN % 1.0))
        self._turns[wallet] = _Turn(regular_ns=regular_ns, due_ns=regular_ns)
        heapq.heappush(self._due, (regular_ns, wallet))

    def drop(self, wallet: Wallet) -> None:
        """Watch a wallet no more."""
        self._turns.pop(wallet, None)
        self._urgent.pop(wallet, None)

    def sooner(self, wallet: Wallet, now_ns: int, interval_ns: int) -> None:
        """Let a regular turn that is further away than the wallet's interval, which is shorter now, be due
        within it."""
        turn = self._turns.get(wallet)
        if turn is None or turn.is_running or turn.regular_ns <= now_ns + interval_ns:
            return
        turn.regular_ns = now_ns + interval_ns
        if turn.regular_ns < turn.due_ns:
            turn.due_ns = turn.regular_ns
            heapq.heappush(self._due, (turn.due_ns, wallet))

    def hurry(self, wallets: Iterable[Wallet]) -> None:
        """Poll these as soon as possible, and once more when the API has had time to settle."""
        for wallet in wallets:
            turn = self._turns.get(wallet)
            if turn is None:
                continue
            turn.is_urgent = turn.is_settling = True
            if not turn.is_running:
                self._urgent.setdefault(wallet)

    def next(self, now_ns: int) -> Wallet | None:
        """Take the wallet whose turn it is; it has no other turn until `finished`."""
        wallet = self._next(now_ns)
        if wallet is not None:
            turn = self._turns[wallet]
            turn.is_running, turn.is_urgent = True, False
        return wallet

    def _next(self, now_ns: int) -> Wallet | None:
        if self._urgent:
            wallet = next(iter(self._urgent))
            del self._urgent[wallet]
            return wallet
        due_ns = self._first_due_ns()
        return heapq.heappop(self._due)[1] if due_ns is not None and due_ns <= now_ns else None

    def wait_ns(self, now_ns: int) -> int | None:
        """Return how long nobody is due, or None if nothing is waiting for a time."""
        if self._urgent:
            return 0
        due_ns = self._first_due_ns()
        return None if due_ns is None else max(0, due_ns - now_ns)

    def _first_due_ns(self) -> int | None:
        """Return the time of the first entry that still counts, and forget those before it."""
        while self._due:
            due_ns, wallet = self._due[0]
            turn = self._turns.get(wallet)
            if turn is not None and turn.due_ns == due_ns and not turn.is_running:
                return due_ns
            heapq.heappop(self._due)
        return None

    def finished(self, wallet: Wallet, now_ns: int, interval_ns: int) -> None:
        """Give the turn back after a complete poll; the next regular one is due within `interval_ns`."""
        turn = self._turns.get(wallet)
        if turn is None or not turn.is_running:
            return
        turn.is_running = False
        if turn.regular_ns <= now_ns:
            missed = (now_ns - turn.regular_ns) // interval_ns
            turn.regular_ns += (missed + 1) * interval_ns
        # A wallet that became warmer must not wait for the turn it had when it was cold.
        turn.regular_ns = min(turn.regular_ns, now_ns + interval_ns)
        if turn.is_urgent:
            self._urgent.setdefault(wallet)
        if turn.settle_ns is not None and turn.settle_ns <= now_ns:
            turn.settle_ns = None
        if turn.is_settling and not turn.is_urgent:
            turn.is_settling = False
            turn.settle_ns = now_ns + self._settle_ns
        due_ns = turn.regular_ns if turn.settle_ns is None else min(turn.regular_ns, turn.settle_ns)
        turn.due_ns = due_ns
        heapq.heappush(self._due, (due_ns, wallet))
