"""Re-deliveries told from twins, on one connection of one socket.

The same bytes again are the same frame delivered again. Equal rows in frames that differ (another
envelope around the same content) are two fills that look the same, and are numbered. Both memories are
of one connection: on a new one the numbers start again from 1, which the leader's ledger understands,
while a server that replays after a reconnect must not turn into twins.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

import msgspec

from actors.ingest.recent import RecentCounts, RecentSet
from messages.trades import FillReported

FRAMES_KEPT: Final = 16_384
"""Leader frames whose re-delivery is recognised: hours of one leader, minutes of ten thousand."""

ROWS_KEPT: Final = 16_384
"""Contents that are counted at a time. One forgotten counts from 1 again: the poller knows better."""

TWINS_MAX: Final = 64
"""More equal rows in one transaction are a storm, not fills; the most ever recorded is five."""

Content: TypeAlias = tuple[str, str, str, str, int, int]


def content(report: FillReported) -> Content:
    """Return what makes two rows equal: wallet, transaction, token, side, size and price."""
    return (report.wallet, report.tx, report.token_id, report.side, report.size, report.price)


class Redelivery:
    """What one connection has delivered of the leaders' trades."""

    def __init__(self, frames_kept: int = FRAMES_KEPT, rows_kept: int = ROWS_KEPT) -> None:
        self._frames: RecentSet[bytes] = RecentSet(frames_kept)
        self._rows: RecentCounts[Content] = RecentCounts(rows_kept)

    def is_again(self, frame: bytes) -> bool:
        """Return whether these very bytes came before, and remember them."""
        return self._frames.seen(hashlib.blake2b(frame, digest_size=16).digest())

    def numbered(self, report: FillReported) -> FillReported:
        """Return the report with the number of its occurrence on this connection."""
        occurrence = self._rows.count(content(report))
        return report if occurrence == 1 else msgspec.structs.replace(report, occurrence=occurrence)
