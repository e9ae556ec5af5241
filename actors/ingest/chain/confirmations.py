"""What transactions did for leaders, once their blocks are deep enough to stay and nothing was missed.

Said of a fill only if its connection was subscribed for the wallet since before its block and delivered every
log of it: then the rows are all there are, and their sum is the chain's last word. What may be incomplete is
never confirmed, for a fill less than there was would take one from the record. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from actors.ingest.chain.intake import Sighted
from actors.ingest.chain.sightings import Undone
from messages.ids import TokenId, TxHash, Wallet
from messages.trades import FillTotal, Side

CONFIRM_BLOCKS: Final = 64
"""Two minutes; no reorganisation of late went half as deep."""
PENDING_MAX: Final = 10_000
"""Transactions that wait at a time; of more the oldest go without."""


@dataclass(slots=True)
class _Pending:
    number: int
    block_hash: str | None
    totals: Counter[tuple[TokenId, Side]] = field(default_factory=Counter)


class Confirmations:
    """The transactions of a connection that wait for their depth."""

    def __init__(self) -> None:
        self._since: dict[Wallet, int] = {}
        self._from = 0
        self._pending: dict[Undone, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def subscribed(self, wallets: Iterable[Wallet], block_number: int) -> None:
        """Take note that nothing of these is missed from the block after the next on."""
        kept = frozenset(wallets)
        self._since = {wallet: self._since.get(wallet, block_number + 1) for wallet in kept}

    def lost(self) -> None:
        """The connection ended: nothing is certain any more."""
        self._since.clear()
        self._pending.clear()

    def saw(self, sighted: Sighted) -> None:
        """Take note of a fill that is handed over."""
        fill, log = sighted.fill, sighted.log
        since = self._since.get(fill.owner)
        if since is None or log.block_number is None or log.block_number <= max(since, self._from):
            return
        place = Undone(fill.owner, log.tx)
        pending = self._pending.get(place)
        if pending is None or pending.block_hash != log.block_hash:
            self._pending.pop(place, None)
            pending = self._pending[place] = _Pending(log.block_number, log.block_hash)
            if len(self._pending) > PENDING_MAX:
                del self._pending[next(iter(self._pending))]
        pending.totals[fill.token_id, fill.side] += fill.size

    def undone(self, one: Undone) -> None:
        """A transaction lost its block: if it gets another, its fills are sighted again."""
        self._pending.pop(one, None)

    def doubt(self, wallet: Wallet | None, block_number: int) -> None:
        """Something of a wallet, or of nobody knows whom, was not taken: what waits stays unconfirmed."""
        if wallet is None:
            self._from = block_number + 1
            self._pending.clear()
        elif wallet in self._since:
            self._since[wallet] = block_number + 1
            for place in [one for one in self._pending if one.wallet == wallet]:
                del self._pending[place]

    def head(self, number: int) -> list[tuple[Wallet, TxHash, tuple[FillTotal, ...]]]:
        """Return what is deep enough now that this block is the newest."""
        ready = []
        while self._pending:
            place, pending = next(iter(self._pending.items()))
            if pending.number + CONFIRM_BLOCKS > number:
                break
            del self._pending[place]
            totals = tuple(FillTotal(token, side, size) for (token, side), size in pending.totals.items())
            ready.append((place.wallet, place.tx, totals))
        return ready
