"""One pass over one wallet's activity, page after page, oldest first: what to hand over and how far it got.

What it says to have reached never passes a row of a later page. It holds no connection and knows no time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from actors.ingest import activity, movements
from actors.ingest.activity import OtherActivity, Page
from actors.ingest.errors import ComboMarket, Malformed, Unclear
from actors.ingest.movements import Moved
from actors.ingest.recent import RecentCounts
from actors.ingest.redelivery import ROWS_KEPT, Content, content
from messages.ids import Wallet
from messages.trades import FillReported


@dataclass(slots=True)
class Taken:
    """What a page came to."""

    rows: list[FillReported | Moved] = field(default_factory=list)
    """What to hand over, in order."""
    others: list[OtherActivity] = field(default_factory=list)
    combos: int = 0
    malformed: list[Malformed] = field(default_factory=list)
    unclear: list[Unclear] = field(default_factory=list)
    reached_s: int | None = None
    """Up to when everything readable has been handed over once `rows` are, if that can be told."""

    @property
    def fills(self) -> list[FillReported]:
        """The trades among the rows."""
        return [row for row in self.rows if isinstance(row, FillReported)]


class Sweep:
    """A pass over what happened from `start_s` on."""

    def __init__(self, wallet: Wallet, feed: str, start_s: int, began_at_ns: int = 0) -> None:
        self._began_at_ns = began_at_ns
        self._wallet = wallet
        self._feed = feed
        self._start_s = start_s
        self._newest_s: int | None = None
        self._is_ordered = True
        self._rows: RecentCounts[Content] = RecentCounts(ROWS_KEPT)
        self._moves: RecentCounts[movements.Content] = RecentCounts(ROWS_KEPT)
        self.broken_s: int | None = None
        """The time of the oldest row that could not be read."""
        self._held_s: int | None = None

    def take(self, page: Page, *, seen_at_ns: int, seen_mono_ns: int) -> Taken:
        """Read the next page."""
        taken = Taken()
        for raw in page.rows:
            try:
                row = activity.row(
                    raw,
                    wallet=self._wallet,
                    feed=self._feed,
                    seen_at_ns=seen_at_ns,
                    seen_mono_ns=seen_mono_ns,
                )
            except ComboMarket:
                taken.combos += 1
                self._reach(activity.timestamp_s(raw))
                continue
            except Unclear as unclear:
                # Reading it again would not make it clearer: the cursor goes on.
                taken.unclear.append(unclear)
                self._reach(activity.timestamp_s(raw))
                continue
            except Malformed as error:
                taken.malformed.append(error)
                self._break(activity.timestamp_s(raw))
                continue
            if isinstance(row, OtherActivity):
                taken.others.append(row)
                self._reach(row.timestamp_s)
                continue
            if isinstance(row, Moved):
                taken.rows.append(replace(row, occurrence=self._moves.count(row.content)))
                self._reach(row.moved_at_ns // 1_000_000_000)
                continue
            occurrence = self._rows.count(content(row))
            taken.rows.append(msgspec.structs.replace(row, occurrence=occurrence, sweep_ns=self._began_at_ns))
            self._reach(row.traded_at_ns // 1_000_000_000)
        taken.reached_s = self._reached(is_last=page.next_cursor is None, now_s=seen_at_ns // 1_000_000_000)
        return taken

    def hold(self, row: FillReported | Moved) -> None:
        """Take note of a row that cannot be handed over yet: a later sweep is to read it again."""
        at_ns = row.moved_at_ns if isinstance(row, Moved) else row.traded_at_ns
        at_s = at_ns // 1_000_000_000
        self._held_s = at_s if self._held_s is None else min(self._held_s, at_s)

    def held(self, reached_s: int | None) -> int | None:
        """Return how far that is without passing a row that is to be read again."""
        if reached_s is None or self._held_s is None:
            return reached_s
        return min(reached_s, self._held_s - 1)

    def _reach(self, at_s: int | None) -> None:
        if at_s is None:
            return
        if self._newest_s is None or at_s > self._newest_s:
            self._newest_s = at_s
        elif at_s < self._newest_s:
            self._is_ordered = False

    def _break(self, at_s: int | None) -> None:
        """Rows come oldest first, so a row whose time cannot be read is not older than the one before."""
        known_s = next(one for one in (at_s, self._newest_s, self._start_s) if one is not None)
        self.broken_s = known_s if self.broken_s is None else min(self.broken_s, known_s)

    def _reached(self, *, is_last: bool, now_s: int) -> int | None:
        if self._newest_s is None or not (is_last or self._is_ordered):
            return None
        # The next page may go on within the newest second of this one. A time in the future is the venue's
        # mistake, and going there would skip what happens until then.
        return min(self._newest_s if is_last else self._newest_s - 1, now_s)
