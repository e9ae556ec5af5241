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
- The chain may take a transaction back, and is the last word on it: then none of it happened, whoever else
  reported it. Its trades keep their keys, so that it is the same trades which count again if the chain, or a
  source that had not spoken before, reports it later.
- After a restart only accepted trades are known, and one of them may be what remained of a row that is
  reported whole again. What a kind must have reported for such a trade is kept as a number of shares
  (`_View.unattributed`), which the next unknown rows of that kind explain before they count as new.

Nothing here may forget a transaction while any source can still report it: `prune` drops what is older
than the identity window, and the poller never looks further back than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from messages.ids import TokenId, TxHash, trade_key
from messages.trades import FillReported, LeaderTrade, Side, SourceKind
from messages.units import MICROS, Price, Shares, Usdc, notional

Group: TypeAlias = tuple[str, str, str]
"""(transaction, token, side)."""
Content: TypeAlias = tuple[Shares, Price]
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
    price: Price


@dataclass(frozen=True, slots=True)
class Reversal:
    """What becomes of a leader's position when trades of one outcome turn out otherwise."""

    token_id: TokenId
    side: Side
    shares: Shares
    """To be added to it."""


@dataclass(slots=True)
class _View:
    """What one kind has reported of a group."""

    rows: dict[Content, int] = field(default_factory=dict)
    size: Shares = 0
    usdc: Usdc = 0
    unattributed: Shares = 0
    """Of `size`, what was reported in rows that are not known any more."""

    def count(self, content: Content, occurrence: int, usdc: Usdc) -> int:
        """Take note of the `occurrence`-th row with this content and return how many were not known."""
        rows = occurrence - self.rows.get(content, 0)
        if rows <= 0:
            return 0
        self.rows[content] = occurrence
        size = content[0] * rows
        again = min(size, self.unattributed)
        self.unattributed -= again
        self.size += size - again
        self.usdc += usdc * rows * (size - again) // size
        return rows

    def add(self, content: Content, usdc: Usdc) -> None:
        """Take note of one more row that is known to be whole."""
        self.rows[content] = self.rows.get(content, 0) + 1
        self.size += content[0]
        self.usdc += usdc

    def rebuild(self, size: Shares, usdc: Usdc) -> None:
        """Take note that this kind has reported `size` in all, in rows that are not known."""
        self.unattributed += size - self.size
        self.size, self.usdc = size, usdc


@dataclass(slots=True)
class _Group:
    """One transaction's movement of one outcome in one direction."""

    traded_at_ns: int
    size: Shares = 0
    usdc: Usdc = 0
    views: dict[SourceKind, _View] = field(default_factory=dict)
    ordinals: dict[int, int] = field(default_factory=dict)
    moved: Shares = 0
    """What it did to the leader's position, sales negative."""
    is_lost: bool = False
    """Whether the chain took it back."""

    def lose(self) -> None:
        """Take note that the chain took it back: what the chain says next of it is news."""
        self.is_lost = True
        self.views.pop(SourceKind.CHAIN, None)

    def accept(self, size: Shares, usdc: Usdc) -> int:
        """Add to what was accepted and return the ordinal among trades of the same amount in cents."""
        cents = usdc // CENT
        ordinal = self.ordinals.get(cents, 0)
        self.add(size, usdc, ordinal)
        return ordinal

    def add(self, size: Shares, usdc: Usdc, ordinal: int) -> None:
        """Add what was accepted under an ordinal. The ones before it need not be there: a write can fail."""
        cents = usdc // CENT
        self.ordinals[cents] = max(self.ordinals.get(cents, 0), ordinal + 1)
        self.size += size
        self.usdc += usdc


class TradeLedger:
    """The fills of one wallet that Remora knows, by transaction, and the test whether a report is new."""

    def __init__(self) -> None:
        self._groups: dict[Group, _Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def restore(self, trade: LeaderTrade) -> None:
        """Take a stored trade into account; the trades of a wallet come in their order of acceptance."""
        group = self._group((trade.tx, trade.token_id, trade.side), trade.traded_at_ns)
        view = group.views.setdefault(trade.kind, _View())
        whole_row = view.unattributed == 0 and abs(view.size - group.size) <= DUST
        group.add(trade.size, trade.usdc, trade.ordinal)
        if whole_row:
            view.add((trade.size, trade.price), trade.usdc)
        else:
            # Its kind lagged behind another, now or earlier: the trade may be the rest of what that kind had
            # reported by then.
            view.rebuild(group.size, group.usdc)
        group.moved += trade.position_after - trade.position_before
        if trade.retracted_at_ns:
            group.lose()

    def moved(self, report: FillReported, shares: Shares) -> None:
        """Take note of what an accepted trade did to the leader's position."""
        self._group((report.tx, report.token_id, report.side), report.traded_at_ns).moved += shares

    def retract(self, tx: TxHash) -> list[Reversal]:
        """The chain took a transaction back: return what that does to positions."""
        reversals = []
        for (of_tx, token_id, side), group in self._groups.items():
            if of_tx == tx and group.size > 0 and not group.is_lost:
                group.lose()
                reversals.append(Reversal(token_id, Side(side), -group.moved))
        return reversals

    def put_back(self, report: FillReported) -> Reversal | None:
        """Return what it does to the position that a report speaks of a trade which the chain took back and
        which its kind had not reported before: it stands after all. None for every other report."""
        group = self._groups.get((report.tx, report.token_id, report.side))
        if group is None or not group.is_lost:
            return None
        view = group.views.get(report.kind)
        known = 0 if view is None else view.rows.get((report.size, report.price), 0)
        if report.occurrence <= known:
            return None
        group.is_lost = False
        return Reversal(report.token_id, report.side, group.moved)

    def observe(self, report: FillReported) -> tuple[NewTrade, ...]:
        """Return what is new in a report: nothing if all of it was known.

        It is more than one trade where the feed counts rows before this one that never arrived here.
        """
        group = self._group((report.tx, report.token_id, report.side), report.traded_at_ns)
        view = group.views.setdefault(report.kind, _View())
        rows = view.count((report.size, report.price), report.occurrence, report.usdc)
        excess = view.size - group.size
        if rows == 0 or excess <= DUST:
            return ()
        if abs(excess - rows * report.size) <= DUST:
            return tuple(
                [_accepted(group, report, report.size, report.usdc, report.price) for _ in range(rows)]
            )
        # The kinds cut this order differently: the rest is worth what this kind's total is above what was
        # accepted.
        usdc = view.usdc - group.usdc
        if not 0 < usdc <= excess:
            usdc = notional(excess, report.price)
        return (_accepted(group, report, excess, usdc, usdc * MICROS // excess),)

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


def _accepted(group: _Group, report: FillReported, size: Shares, usdc: Usdc, price: Price) -> NewTrade:
    ordinal = group.accept(size, usdc)
    key = trade_key(
        report.wallet, report.tx, report.condition_id, report.token_id, report.side, usdc // CENT, ordinal
    )
    return NewTrade(key, ordinal, size, usdc, price)
