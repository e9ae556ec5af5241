"""Which wallets stand in which filter: lists of bounded size, changed one at a time and as few as possible.

A filter cannot be changed at the node, only replaced: the new one must be confirmed before the old one is
dropped, and what both bring is told apart by its place in the chain. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

from actors.ingest.chain.generations import ADDRESSES, ORDER_FILLED_TOPICS
from actors.ingest.chain.wire import topic_of
from messages.ids import Wallet

SPARSE: Final = 2
"""Filters are packed anew when there are this many times as many as there need be."""


@dataclass(frozen=True, slots=True)
class Change:
    """A filter to be replaced: `number` stands for it, and without wallets it is to go."""

    number: int
    wallets: tuple[Wallet, ...]


class Roster:
    """The wallets of each filter that is in force."""

    def __init__(self, wallets_max: int) -> None:
        self.wallets_max = wallets_max
        self._filters: dict[int, tuple[Wallet, ...]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._filters)

    @property
    def wallets(self) -> frozenset[Wallet]:
        """All wallets that are watched for."""
        return frozenset().union(*self._filters.values())

    def forget(self) -> None:
        """No filter is in force any more: the connection is a new one."""
        self._filters.clear()

    def done(self, change: Change) -> None:
        """Take note that a change is in force."""
        if change.wallets:
            self._filters[change.number] = change.wallets
        else:
            self._filters.pop(change.number, None)

    def changes(self, wanted: Set[Wallet]) -> list[Change]:
        """Return what it takes to watch for exactly these; fillers first, so that nobody is left out while
        filters are packed anew."""
        needed = math.ceil(len(wanted) / self.wallets_max)
        if len(self._filters) > SPARSE * needed + 1 or self._is_over():
            packed = self._fresh(sorted(wanted))
            return packed + [Change(number, ()) for number in self._filters]
        kept = {
            number: [wallet for wallet in wallets if wallet in wanted]
            for number, wallets in self._filters.items()
        }
        added = sorted(wanted - self.wallets)
        changed = {number for number, wallets in kept.items() if len(wallets) < len(self._filters[number])}
        # Where a filter is replaced anyway, or the last one has room, the new wallets cost nothing more.
        for number in [*sorted(changed), *[one for one in reversed(kept) if one not in changed]]:
            room = self.wallets_max - len(kept[number])
            if not added or room <= 0:
                continue
            taken, added = added[:room], added[room:]
            kept[number] += taken
            changed.add(number)
        return [Change(number, tuple(kept[number])) for number in sorted(changed)] + self._fresh(added)

    def _is_over(self) -> bool:
        return any(len(wallets) > self.wallets_max for wallets in self._filters.values())

    def _fresh(self, wallets: list[Wallet]) -> list[Change]:
        changes = []
        for first in range(0, len(wallets), self.wallets_max):
            changes.append(Change(self._next, tuple(wallets[first : first + self.wallets_max])))
            self._next += 1
        return changes


def fills_filter(wallets: tuple[Wallet, ...]) -> dict[str, Any]:
    """Return the filter for whatever the known exchanges say of orders of these wallets.

    The kind of event is left open: one that the table lacks must show.
    """
    return {"address": list(ADDRESSES), "topics": [None, None, [topic_of(wallet) for wallet in wallets]]}


def drift_filter(wallets: tuple[Wallet, ...]) -> dict[str, Any]:
    """Return the filter for fills of these wallets by any contract: an exchange that the table lacks must
    show. It brings the known exchanges' fills once more."""
    topics = ["0x" + topic.hex() for topic in ORDER_FILLED_TOPICS]
    return {"topics": [topics, None, [topic_of(wallet) for wallet in wallets]]}
