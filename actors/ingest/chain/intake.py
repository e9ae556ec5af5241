"""What one node has shown: every log counted, a leader's turned into something to report.

It holds no connection, knows no actor, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from actors.ingest import metrics
from actors.ingest.chain import fills, positions
from actors.ingest.chain.fills import ChainFill
from actors.ingest.chain.sightings import Content, Sightings, Undone
from actors.ingest.chain.wire import Head, Log
from actors.ingest.errors import ComboMarket, Drift, Malformed, TradeUnread
from messages.ids import TxHash, Wallet
from messages.trades import SourceKind

TIMES_KEPT: Final = 256
"""Blocks whose time is remembered from their heads, for nodes that leave it out of their logs."""

_NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sighted:
    """A leader's fill that was not known, with its number among its equals."""

    log: Log
    fill: ChainFill
    occurrence: int
    at_ns: int
    mono_ns: int


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A leader's fill in a log that leaves out where it stands; the transaction's receipt says it."""

    wallet: Wallet
    tx: TxHash


class ChainIntake:
    """The figures of the feed and its memory of the chain, which outlives connections: the chain is the same
    whichever node tells of it."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self.frames = 0
        self.leader_fills = 0
        self.malformed = 0
        self.redelivered = 0
        self.drifts = 0
        self.last_event_at_ns = 0
        self.last_event_mono_ns = 0
        self.lag_ms = 0
        self.block_number = 0
        self.sightings = Sightings()
        self._times: dict[str, int] = {}
        self._lag = metrics.LAG.labels(SourceKind.CHAIN)

    def head(self, head: Head, at_ns: int, mono_ns: int) -> list[Undone]:
        """Take note of a block; return what it undid."""
        self.frames += 1
        self.last_event_at_ns, self.last_event_mono_ns = at_ns, mono_ns
        self.lag_ms = max(0, (at_ns - head.made_s * _NS_PER_S) // 1_000_000)
        self.block_number = head.number
        self._times[head.hash] = head.made_s
        if len(self._times) > TIMES_KEPT:
            del self._times[next(iter(self._times))]
        return self.sightings.head(head)

    def block_s(self, log: Log) -> int | None:
        """Return when a log's block was made, as far as it is known."""
        if log.block_s is not None or log.block_hash is None:
            return log.block_s
        return self._times.get(log.block_hash)

    def learn_time(self, block_hash: str, made_s: int) -> None:
        """Take note of when a block was made."""
        self._times[block_hash] = made_s

    def take(
        self, log: Log, leaders: Container[Wallet], at_ns: int, mono_ns: int
    ) -> Sighted | Undone | Unplaced | None:
        """Count a log and return the new fill in it, or whose transaction it takes back, if either.

        Raises `Drift`, and `TradeUnread` for a leader's log that cannot be read.
        """
        self.frames += 1
        owner = fills.owner_of(log)
        if owner is None or owner not in leaders:
            self._ignored("not a leader's")
            return None
        try:
            fill = self._fill(log)
        except Drift as drift:
            self.drifts += 1
            metrics.DRIFT.labels(drift.kind).inc()
            raise
        except ComboMarket:
            self._ignored("combo")
            return None
        except Malformed as error:
            raise self.unread(owner, str(error)) from error
        if fill is None:
            self._ignored("beside a fill")
            return None
        if not log.is_placed:
            return Unplaced(owner, log.tx)
        return self._placed(log, fill, at_ns, mono_ns)

    def unread(self, wallet: Wallet | None, reason: str) -> TradeUnread:
        """Count something that may be a leader's fill and could not be taken, and return the error for it."""
        self.malformed += 1
        metrics.MALFORMED.labels(self.feed).inc()
        return TradeUnread(wallet, reason)

    def reported(self, traded_s: int, seen_at_ns: int) -> None:
        """Count a fill that is handed to its leader."""
        self.leader_fills += 1
        metrics.LEADER_FILLS.labels(self.feed).inc()
        self._lag.observe(max(0, (seen_at_ns - traded_s * _NS_PER_S) // 1_000_000))

    def _fill(self, log: Log) -> ChainFill | None:
        fill = fills.decode(log)
        if fill is not None and positions.is_combo(fill.token_id):
            raise ComboMarket(f"token {fill.token_id} is of a combo market")
        return fill

    def _placed(self, log: Log, fill: ChainFill, at_ns: int, mono_ns: int) -> Sighted | Undone | None:
        content = content_of(fill, log)
        if log.removed:
            return self.sightings.removed(log, content)
        occurrence = self.sightings.take(log, content)
        if occurrence is None:
            self.redelivered += 1
            metrics.REDELIVERED.labels(self.feed).inc()
            return None
        return Sighted(log, fill, occurrence, at_ns, mono_ns)

    def _ignored(self, kind: str) -> None:
        metrics.IGNORED.labels(self.feed, kind).inc()


def content_of(fill: ChainFill, log: Log) -> Content:
    """Return what makes two fills equal."""
    return (fill.owner, log.tx, fill.token_id, fill.side, fill.size, fill.price)
