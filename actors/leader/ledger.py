"""Which reports are new trades: the multiset of a leader's fills, reconciled over all sources (D8).

Per-source rules and the facts behind them:

- A source *kind* reports rows of one granularity. Feeds of one kind (three sockets of the trade stream)
  see the same rows, so for equal content the greatest number any one feed has counted is the truth,
  never the sum. The feed counts (`FillReported.occurrence`), because only it can tell the same bytes
  again from a twin.
- Between kinds granularity may differ: the stream can send a taker order as several legs where the Data
  API sends one row with the average price. Rows cannot be matched then, but shares add up: per
  (transaction, outcome, side) the greatest total that any kind has reported is the truth, and only what
  exceeds the total accepted so far is a new trade.

Nothing here may forget a transaction while any source can still report it: `prune` drops what is older
than the identity window, and the poller never looks further back than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from messages.ids import trade_key
from messages.trades import FillReported, LeaderTrade, SourceKind
from messages.units import Shares, Usdc, notional

Group: TypeAlias = tuple[str, str, str]
"""(transaction, token, side)."""
Content: TypeAlias = tuple[Shares, int]
"""(size, price) of a row."""

CENT: Final = 10_000
"""One cent in 1e-6 USDC."""
DUST: Final = 100
"""Shares (1e-4 of one) by which two kinds' totals may differ through rounding of what they print."""


@dataclass(frozen=True, slots=True)
class NewTrade:
    """What a report added: this much, under this key."""

    key: str
    ordinal: int
    size: Shares
    usdc: Usdc
    price: int


@dataclass(slots=True)
class _View:
    """What one kind has reported of a group."""

    rows: dict[Content, int] = field(default_factory=dict)
    size: Shares = 0
    usdc: Usdc = 0

    def count(self, content: Content, occurrence: int, usdc: Usdc) -> bool:
        """Take note of the `occurrence`-th row with this content; False if it was known."""
        known = self.rows.get(content, 0)
        if occurrence <= known:
            return False
        self.rows[content] = occurrence
        self.size += content[0] * (occurrence - known)
        self.usdc += usdc * (occurrence - known)
        return True


@dataclass(slots=True)
class _Group:
    """One transaction's movement of one outcome in one direction."""

    traded_at_ns: int
    size: Shares = 0
    usdc: Usdc = 0
    views: dict[SourceKind, _View] = field(default_factory=dict)
    ordinals: dict[int, int] = field(default_factory=dict)

    def accept(self, size: Shares, usdc: Usdc) -> int:
        """Add to what was accepted and return the ordinal among trades of the same amount in cents."""
        cents = usdc // CENT
        ordinal = self.ordinals.get(cents, 0)
        self.ordinals[cents] = ordinal + 1
        self.size += size
        self.usdc += usdc
        return ordinal


class TradeLedger:
    """The fills of one wallet that Remora knows, by transaction, and the test whether a report is new."""

    def __init__(self) -> None:
        self._groups: dict[Group, _Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def restore(self, trade: LeaderTrade) -> None:
        """Take a stored trade into account, as if its source had just reported it."""
        group = self._group((trade.tx, trade.token_id, trade.side), trade.traded_at_ns)
        view = group.views.setdefault(trade.kind, _View())
        content = (trade.size, trade.price)
        view.count(content, view.rows.get(content, 0) + 1, trade.usdc)
        group.accept(trade.size, trade.usdc)

    def observe(self, report: FillReported) -> NewTrade | None:
        """Return what is new in a report, or None if all of it was known."""
        group = self._group((report.tx, report.token_id, report.side), report.traded_at_ns)
        view = group.views.setdefault(report.kind, _View())
        if not view.count((report.size, report.price), report.occurrence, report.usdc):
            return None
        excess = view.size - group.size
        if excess <= DUST:
            return None
        size, usdc, price = report.size, report.usdc, report.price
        if abs(excess - size) > DUST:
            # The kinds cut this order differently, or a feed counted rows that it never delivered here:
            # the rest is worth what this kind's total is above what was accepted.
            size = excess
            usdc = view.usdc - group.usdc
            if not 0 < usdc <= size:
                usdc = notional(size, price)
            price = usdc * 1_000_000 // size
        ordinal = group.accept(size, usdc)
        key = trade_key(
            report.wallet, report.tx, report.condition_id, report.token_id, report.side, usdc // CENT, ordinal
        )
        return NewTrade(key, ordinal, size, usdc, price)

    def prune(self, before_ns: int) -> int:
        """Forget transactions traded before `before_ns` and return how many."""
        old = [key for key, group in self._groups.items() if group.traded_at_ns < before_ns]
        for key in old:
            del self._groups[key]
        return len(old)

    def _group(self, key: Group, traded_at_ns: int) -> _Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(traded_at_ns)
        return group
