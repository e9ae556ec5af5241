"""What the chain has shown of leaders' fills, by block: repeats, twins, and what a reorganisation undoes.

The identity of a log is its place, (block hash, log index): the same place again is a re-delivery, equal
rows at two places of one block are twins. A transaction stands in one block; its rows in another block are
the same fills mined again, and are numbered from 1 again. Nodes say what a reorganisation undid in one of two
ways, or in both: the logs once more as removed, or just new heads in place of the blocks. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias, TypeVar

from actors.ingest.chain.wire import Head, Log
from messages.ids import TxHash, Wallet

KeyT = TypeVar("KeyT", int, str)
Content: TypeAlias = tuple[Wallet, TxHash, str, str, int, int]
"""What makes two rows equal: wallet, transaction, token, side, size, price."""

BLOCKS_KEPT: Final = 2_048
"""Blocks with leaders' fills: over an hour even if every block has some."""


class Undone(NamedTuple):
    """Whose fills of which transaction are in no block any more that is known to stand."""

    wallet: Wallet
    tx: TxHash


@dataclass(slots=True)
class _Row:
    content: Content
    occurrence: int
    is_removed: bool = False


@dataclass(slots=True)
class _Block:
    number: int
    rows: dict[int, _Row] = field(default_factory=dict)
    counts: dict[Content, int] = field(default_factory=dict)
    is_orphan: bool = False


class Sightings:
    """Leaders' fills by block, as far back as any node may still change its mind."""

    def __init__(self, blocks_kept: int = BLOCKS_KEPT) -> None:
        self._blocks_kept = blocks_kept
        self._blocks: dict[str, _Block] = {}
        self._heights: dict[int, list[str]] = {}
        self._places: dict[TxHash, list[str]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def take(self, log: Log, content: Content) -> int | None:
        """Remember a fill; return its number among its equals in its block, None if it stood there."""
        row = self._row(log)
        if row is None:
            row = self._new_row(log, content)
        elif not row.is_removed:
            return None
        row.is_removed = False
        return row.occurrence

    def removed(self, log: Log, content: Content) -> Undone | None:
        """Take note that a node took a log back; return whose transaction stands nowhere for that."""
        row = self._row(log)
        if row is None:
            row = self._new_row(log, content)
        elif row.is_removed:
            return None
        row.is_removed = True
        return None if self.stands(content[0], content[1]) else Undone(content[0], content[1])

    def head(self, head: Head) -> list[Undone]:
        """Take note of a new end of the chain; return what stood in blocks that it replaced, and only there.

        It speaks for its own height and its parent's alone: one below what is known may come from a node
        that lags, and a chain that replaces another grows at least as high in the end.
        """
        undone: dict[Undone, None] = {}
        for height, canonical in ((head.number, head.hash), (head.number - 1, head.parent)):
            for block_hash in self._heights.get(height, ()):
                block = self._blocks[block_hash]
                was_orphan, block.is_orphan = block.is_orphan, block_hash != canonical
                if block.is_orphan and not was_orphan:
                    undone.update((Undone(*row.content[:2]), None) for row in block.rows.values())
        return [one for one in undone if not self.stands(*one)]

    def heights(self, since: int) -> list[int]:
        """Return the heights of the blocks with leaders' fills from one on."""
        return sorted(height for height in self._heights if height >= since)

    def stands(self, wallet: Wallet, tx: TxHash) -> bool:
        """Return whether a fill of that wallet in that transaction is in a block that stands."""
        for place in self._places.get(tx, ()):
            block = self._blocks[place]
            if not block.is_orphan and any(
                row.content[0] == wallet and row.content[1] == tx and not row.is_removed
                for row in block.rows.values()
            ):
                return True
        return False

    def _row(self, log: Log) -> _Row | None:
        block_hash, _, index = _place(log)
        block = self._blocks.get(block_hash)
        return None if block is None else block.rows.get(index)

    def _new_row(self, log: Log, content: Content) -> _Row:
        block_hash, number, index = _place(log)
        block = self._blocks.get(block_hash)
        if block is None:
            if len(self._blocks) >= self._blocks_kept:
                self._forget(next(iter(self._blocks)))
            block = self._blocks[block_hash] = _Block(number)
            self._heights.setdefault(number, []).append(block_hash)
        occurrence = block.counts[content] = block.counts.get(content, 0) + 1
        row = block.rows[index] = _Row(content, occurrence)
        places = self._places.setdefault(content[1], [])
        if block_hash not in places:
            places.append(block_hash)
        return row

    def _forget(self, block_hash: str) -> None:
        block = self._blocks.pop(block_hash)
        _drop(self._heights, block.number, block_hash)
        for tx in {row.content[1] for row in block.rows.values()}:
            _drop(self._places, tx, block_hash)


def _place(log: Log) -> tuple[str, int, int]:
    """Return block hash, block number and index of a log that has them."""
    if log.block_hash is None or log.block_number is None or log.log_index is None:
        raise ValueError("a log without its place cannot be told from its repetition: look it up first")
    return log.block_hash, log.block_number, log.log_index


def _drop(index: dict[KeyT, list[str]], key: KeyT, block_hash: str) -> None:
    """Take a block out of an index, and its entry with it if it was the last one."""
    hashes = index.get(key, [])
    if block_hash in hashes:
        hashes.remove(block_hash)
    if not hashes:
        index.pop(key, None)
