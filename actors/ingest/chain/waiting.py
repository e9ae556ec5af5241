"""Leaders' fills on the way to them: in order for each wallet, whatever one of them has to wait for.

A fill waits for what its log does not say: which market its token is of, or when its block was made. The
fills of its wallet behind it wait with it, and no other wallet does. Pure.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from actors.ingest.chain.intake import Sighted
from messages.ids import TokenId, Wallet
from messages.trades import FillsConfirmed, FillsRetracted

WAITING_MAX: Final = 2_000
"""With more fills waiting, nothing is read from the node."""


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The market of a token is not known."""

    token_id: TokenId


@dataclass(frozen=True, slots=True)
class TimeNeeded:
    """The time of a block is not known."""

    block_hash: str


Need: TypeAlias = TokenNeeded | TimeNeeded
Item: TypeAlias = Sighted | FillsRetracted | FillsConfirmed


class Waiting:
    """A queue for each wallet, and who waits for what."""

    def __init__(self) -> None:
        self._queues: dict[Wallet, deque[Item]] = {}
        self._needs: defaultdict[Need, set[Wallet]] = defaultdict(set)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, wallet: Wallet, item: Item) -> None:
        """Add to the end of a wallet's queue."""
        self._queues.setdefault(wallet, deque()).append(item)
        self._size += 1

    def first(self, wallet: Wallet) -> Item | None:
        """Return what is next for a wallet."""
        queue = self._queues.get(wallet)
        return queue[0] if queue else None

    def pop(self, wallet: Wallet) -> Item:
        """Take what is next for a wallet."""
        queue = self._queues[wallet]
        item = queue.popleft()
        self._size -= 1
        if not queue:
            del self._queues[wallet]
        return item

    def needs(self, wallet: Wallet, need: Need) -> bool:
        """Take note of what the first of a wallet waits for; return whether nobody else did yet."""
        is_first = need not in self._needs
        self._needs[need].add(wallet)
        return is_first

    def settled(self, need: Need) -> list[Wallet]:
        """Return whose first waited for this: they can go on now."""
        return sorted(self._needs.pop(need, ()))
