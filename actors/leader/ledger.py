"""Which reports are new trades: the multiset of a leader's fills, reconciled over all sources (D8).

What counts is how many shares of an outcome one transaction bought or sold, the *group* of (transaction,
token, side). Each kind of source has its own view of a group; the greatest view is the truth until a better
kind has finally spoken. Then its view is, and what had been accepted beyond it is taken away again,
visibly.

| kind | grain of its rows | equal rows | its view | final |
|---|---|---|---|---|
| stream | a leg, or a whole taker order | two envelopes are two fills; the same bytes on one socket are a \
re-delivery; between sockets the greater number counts | the greatest number of each content that one feed \
counted, together | never |
| API | one row per (transaction, wallet, token, side), at its average price | as many as one sweep finds | \
what one sweep found; the next sweep begins afresh | a complete sweep that began `settle_ns` or more after \
the trade, for the transactions that it found |
| chain | one log per order and match, the owner as maker | two places in one block | as for the stream, of \
one block | `FillsConfirmed`: deep enough, and every log of the wallet seen since before it; \
`FillsRetracted`: it never happened |

The facts behind them (polymarket-wire.md, sections 4, 5 and 10):

- One transaction carries many fills of one wallet, at times byte-identical ones: a hash is no identity, and
  a row that comes twice need not be a repetition. Only the feed can tell, so it counts
  (`FillReported.occurrence`).
- The API's price of a taker order that swept several makers is an average: one row where the stream may
  have sent legs. Their shares add up alike, to the rounding of what is printed. So a row is matched with
  an accepted trade of its size where there is one, and only what then remains on both sides is summed. As
  long as the matching rows of a transaction may still be on their way, that is in doubt and can wait.
- The API indexes a trade 2 to 5 seconds behind the chain, 23 at the worst ever measured: that it lacks a
  transaction says nothing. What it serves of one is read from its logs, all of which are in one block.
- The stream promises nothing: it stalls, repeats and comes late. It can raise what no better kind has
  settled, and never what one has.
- A reorganisation takes a transaction back whole; nearly always it is mined again, with the same hash. What
  comes back is what was there, so trades that had been taken away count again before any is new.

After a restart only accepted trades are known, and one of them may be what remained of a row that is
reported whole again. It says so (`LeaderTrade.is_remainder`); what its kind must have reported until then
is kept as a number of shares (`_View.unattributed`), which the next unknown rows of that kind explain
before they count as new.

Nothing here may forget a transaction while any source can still report it: `prune` drops what is older than
the identity window, and the poller never looks further back than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from actors.leader.position import Accepted
from messages.ids import TokenId, TxHash, trade_id, trade_key
from messages.store import Correction, CorrectionReason
from messages.trades import FillReported, FillTotal, LeaderTrade, Side, SourceKind
from messages.units import MICROS, Price, Shares, Usdc, notional

Content: TypeAlias = tuple[Shares, Price]
"""(size, price) of a row."""

Row: TypeAlias = tuple[Shares, Price, Usdc]

CENT: Final = 10_000
"""One cent in 1e-6 USDC."""
DUST: Final = 100
"""Shares (1e-4 of one) by which two kinds' totals may differ through rounding of what they print."""
ROUNDED: Final = 10_000
"""Shares (1e-2 of one) up to which less is no correction: some legs are printed with two decimals."""
TWINS_MAX: Final = 64
"""More equal rows of one group are a storm, not fills; the most ever recorded is five."""

_RANK: Final = {SourceKind.STREAM: 0, SourceKind.API: 1, SourceKind.CHAIN: 2}
"""Whom to believe where they differ in the end."""


@dataclass(frozen=True, slots=True)
class NewTrade:
    """What a report added: this much, under this key. `move` is what positions are folded from."""

    report: FillReported
    key: str
    ordinal: int
    size: Shares
    usdc: Usdc
    price: Price
    is_remainder: bool
    move: Accepted


@dataclass(frozen=True, slots=True)
class Corrected:
    """Accepted trades of one outcome count for something else now."""

    token_id: TokenId
    corrections: tuple[Correction, ...]


@dataclass(slots=True)
class _View:
    """What one kind has reported of a group."""

    sweep_ns: int = 0
    rows: dict[Content, tuple[int, Usdc]] = field(default_factory=dict)
    """How many of each content, and what one of them was worth."""
    size: Shares = 0
    usdc: Usdc = 0
    unattributed: Shares = 0
    """Of `size`, what was reported in rows that are not known any more."""

    def count(self, content: Content, occurrence: int, usdc: Usdc) -> int:
        """Take note of the `occurrence`-th row with this content and return how many were not known."""
        known = self.rows.get(content)
        rows = occurrence if known is None else occurrence - known[0]
        if rows <= 0:
            return 0
        self.rows[content] = occurrence, usdc
        size = content[0] * rows
        again = min(size, self.unattributed)
        self.unattributed -= again
        self.size += size - again
        self.usdc += usdc * rows * (size - again) // size
        return rows

    def add(self, content: Content, usdc: Usdc) -> None:
        """Take note of one more row that is known to be whole."""
        known = self.rows.get(content)
        self.rows[content] = (1 if known is None else known[0] + 1), usdc
        self.size += content[0]
        self.usdc += usdc

    def rebuild(self, size: Shares, usdc: Usdc) -> None:
        """Take note that this kind has reported `size` in all, in rows that are not known."""
        self.unattributed += size - self.size
        self.size, self.usdc = size, usdc

    def begin(self, sweep_ns: int) -> None:
        """Begin afresh: what was said before is void."""
        self.sweep_ns = sweep_ns
        self.rows.clear()
        self.size = self.usdc = self.unattributed = 0

    def unmatched(self, trades: Iterable[Accepted]) -> tuple[list[Row], Shares]:
        """Return the rows that no accepted trade is like, and the shares of trades that no row is like.

        Alike is what has the same size: at the same price rather than at another, for prices are printed with
        different care.
        """
        left = Counter((trade.size, trade.usdc) for trade in trades)
        rows: list[Row] = []
        for (size, price), (count, usdc) in self.rows.items():
            matched = min(count, left[size, usdc])
            left[size, usdc] -= matched
            rows += [(size, price, usdc)] * (count - matched)
        sizes: Counter[Shares] = Counter()
        for (size, _), count in left.items():
            sizes[size] += count
        unlike: list[Row] = []
        for row in rows:
            if sizes[row[0]] > 0:
                sizes[row[0]] -= 1
            else:
                unlike.append(row)
        return unlike, sum(size * count for size, count in sizes.items())


@dataclass(slots=True)
class _Group:
    """One transaction's movement of one outcome in one direction."""

    token_id: TokenId
    side: Side
    traded_at_ns: int
    views: dict[SourceKind, _View] = field(default_factory=dict)
    trades: list[Accepted] = field(default_factory=list)
    size: Shares = 0
    """What counts of the trades."""
    ordinals: dict[int, int] = field(default_factory=dict)
    final: SourceKind | None = None
    """The best kind that has finally spoken."""
    gone_ns: int = 0
    """When the chain took the transaction back, 0 where it stands."""

    @property
    def usdc(self) -> Usdc:
        """What was paid for the shares that count."""
        return sum(trade.usdc_standing for trade in self.trades)

    def add(self, move: Accepted, ordinal: int) -> None:
        """Add what was accepted under an ordinal. The ones before it need not be there: a write can fail."""
        cents = move.usdc // CENT
        self.ordinals[cents] = max(self.ordinals.get(cents, 0), ordinal + 1)
        self.trades.append(move)
        self.size += move.stands

    def lower(self, size: Shares, reason: CorrectionReason) -> tuple[Correction, ...]:
        """Let no more than `size` count; what was accepted last goes first."""
        surplus = self.size - size
        if surplus <= (ROUNDED if size else 0):
            return ()
        corrections = []
        for trade in reversed(self.trades):
            taken = min(surplus, trade.stands)
            if taken > 0:
                corrections.append(self._count(trade, trade.stands - taken, reason))
                surplus -= taken
        return tuple(corrections)

    def raise_again(self, size: Shares) -> tuple[Correction, ...]:
        """Let trades that had been taken away count again, up to `size` in all; the first go first."""
        lacking = size - self.size
        corrections = []
        for trade in self.trades:
            given = min(lacking, trade.size - trade.stands)
            if given > 0:
                corrections.append(self._count(trade, trade.stands + given, CorrectionReason.REPORTED_AGAIN))
                lacking -= given
        return tuple(corrections)

    def _count(self, trade: Accepted, now: Shares, reason: CorrectionReason) -> Correction:
        was, trade.stands = trade.stands, now
        self.size += now - was
        return Correction(trade_id=trade.trade_id, was=was, now=now, reason=reason)


class TradeLedger:
    """The fills of one wallet that Remora knows, by transaction, and the test whether a report is new.

    `sighted` gathers the first report of each kind on each group, for whoever takes them away.
    """

    def __init__(self, settle_ns: int = 0) -> None:
        self._settle_ns = settle_ns
        self._groups: dict[TxHash, list[_Group]] = {}
        self._doubted: dict[tuple[TxHash, TokenId, Side], FillReported] = {}
        self._sweep_ns = 0
        self._found: list[_Group] = []
        """What the sweep under way has found."""
        self.sighted: list[FillReported] = []
        self.storms = 0
        """Reports beyond `TWINS_MAX`."""

    def __len__(self) -> int:
        return len(self._groups)

    # -- reports ---------------------------------------------------------------------------------

    def sight(self, report: FillReported) -> None:
        """Take note that a kind has told of a group, without counting what it said yet."""
        self._view(self._group(report.tx, report.token_id, report.side, report.traded_at_ns), report)

    def observe(self, report: FillReported) -> tuple[NewTrade | Corrected, ...]:
        """Return what is new in a report: nothing if all of it was known.

        It is more than one trade where the feed counts rows before this one that never arrived here.
        """
        group = self._group(report.tx, report.token_id, report.side, report.traded_at_ns)
        view = self._view(group, report)
        if report.sweep_ns != view.sweep_ns:
            self._swept_over(group, view, report.sweep_ns)
        occurrence = report.occurrence
        if occurrence > TWINS_MAX:
            self.storms += 1
            occurrence = TWINS_MAX
        rows = view.count((report.size, report.price), occurrence, report.usdc)
        if rows == 0 or (group.final is not None and self._is_overruled(group, report)):
            return ()
        if view.size - group.size <= DUST:
            return ()
        changed: list[NewTrade | Corrected] = []
        _note(changed, group, group.raise_again(view.size))
        excess = view.size - group.size
        if excess > DUST:
            known = _whole_rows(group, view, excess)
            place = report.tx, report.token_id, report.side
            if known is None:
                self._doubted[place] = report
            else:
                before = self._doubted.pop(place, report)
                for row in known:
                    changed.append(_accepted(group, before if before.size == row[0] else report, *row))
        return tuple(changed)

    @property
    def is_in_doubt(self) -> bool:
        """Whether something was reported of which it is not clear yet how much of it is new."""
        return bool(self._doubted)

    def decided(self) -> list[NewTrade]:
        """End all doubts by what was reported until now: return what is new."""
        doubted, self._doubted = self._doubted, {}
        return [new for report in doubted.values() for new in self._decide(report)]

    def _decide(self, report: FillReported) -> list[NewTrade]:
        group = self._group(report.tx, report.token_id, report.side, report.traded_at_ns)
        view = group.views.get(report.kind, _View())
        excess = view.size - group.size
        if excess <= DUST or (group.final is not None and _RANK[report.kind] < _RANK[group.final]):
            return []
        if any(trade.stands < trade.size for trade in group.trades):
            return []  # corrected meanwhile: whoever reports it next says what counts again
        rows = _whole_rows(group, view, excess)
        if rows is not None:
            return [_accepted(group, report, *row) for row in rows]
        # The kinds cut this order differently: the rest is worth what this kind's total is above what was
        # accepted.
        usdc = view.usdc - group.usdc
        if not 0 < usdc <= excess:
            usdc = notional(excess, report.price)
        return [_accepted(group, report, excess, usdc * MICROS // excess, usdc, is_remainder=True)]

    def _is_overruled(self, group: _Group, report: FillReported) -> bool:
        """Return whether a better kind has finally spoken, and this one cannot add to it."""
        kind = report.kind
        if group.gone_ns and (
            kind is SourceKind.CHAIN
            or (kind is SourceKind.API and report.sweep_ns >= group.gone_ns + self._settle_ns)
        ):
            # It was mined again after all.
            group.gone_ns, group.final = 0, None
            return False
        return group.final is not None and _RANK[kind] < _RANK[group.final]

    def _swept_over(self, group: _Group, view: _View, sweep_ns: int) -> None:
        if sweep_ns != self._sweep_ns:
            self._sweep_ns = sweep_ns
            self._found.clear()
        view.begin(sweep_ns)
        self._found.append(group)

    # -- what is final ---------------------------------------------------------------------------

    def swept(self, began_ns: int, *, is_whole: bool = True) -> list[Corrected]:
        """A sweep that began then has reached its end: return what it corrects.

        With rows that could not be read (`is_whole` is False) it is final for nothing.
        """
        found, self._found = self._found, []
        corrected: list[Corrected] = []
        if not is_whole or began_ns != self._sweep_ns:
            return corrected
        for group in found:
            if group.traded_at_ns + self._settle_ns > began_ns or group.final is SourceKind.CHAIN:
                continue
            group.final = SourceKind.API
            chain = group.views.get(SourceKind.CHAIN)
            size = max(group.views[SourceKind.API].size, 0 if chain is None else chain.size)
            _note(corrected, group, group.lower(size, CorrectionReason.REPORTED_LESS))
        return corrected

    def confirmed(self, tx: TxHash, totals: Iterable[FillTotal]) -> list[Corrected]:
        """The chain will not change what it says of a transaction: return what that corrects."""
        corrected: list[Corrected] = []
        shares = {(total.token_id, total.side): total.shares for total in totals}
        for group in self._groups.get(tx, ()):
            size = shares.get((group.token_id, group.side))
            if size is None or group.gone_ns:
                continue
            group.final = SourceKind.CHAIN
            _note(corrected, group, group.lower(size, CorrectionReason.REPORTED_LESS))
        return corrected

    def retracted(self, tx: TxHash, at_ns: int) -> list[Corrected]:
        """The chain took a transaction back: return what that corrects."""
        corrected: list[Corrected] = []
        for group in self._groups.get(tx, ()):
            group.final, group.gone_ns = SourceKind.CHAIN, at_ns
            for kind, view in group.views.items():
                if kind is not SourceKind.STREAM:
                    view.begin(0)
            _note(corrected, group, group.lower(0, CorrectionReason.TAKEN_BACK))
        return corrected

    # -- memory ----------------------------------------------------------------------------------

    def restore(self, trade: LeaderTrade) -> Accepted:
        """Take a stored trade into account; the trades of a wallet come in their order of acceptance."""
        group = self._group(trade.tx, trade.token_id, trade.side, trade.traded_at_ns)
        view = group.views.setdefault(trade.kind, _View())
        known = group.size
        move = Accepted.of(trade)
        group.add(move, trade.ordinal)
        if move.stands < move.size:
            # Whoever corrected it had the last word over the stream. What does not count any more was not
            # reported either, or whoever reports it once more would say nothing new.
            group.final = SourceKind.API
            view.rebuild(group.size, group.usdc)
        elif not trade.is_remainder and view.unattributed == 0 and abs(view.size - known) <= DUST:
            view.add((trade.size, trade.price), trade.usdc)
        else:
            # Its kind lagged behind another, now or earlier: the trade may be the rest of what that kind had
            # reported by then.
            view.rebuild(group.size, group.usdc)
        return move

    def prune(self, before_ns: int) -> int:
        """Forget transactions traded before `before_ns` and return how many."""
        old = [tx for tx, groups in self._groups.items() if groups[0].traded_at_ns < before_ns]
        for tx in old:
            del self._groups[tx]
        return len(old)

    def _group(self, tx: TxHash, token: TokenId, side: Side, traded_at_ns: int) -> _Group:
        groups = self._groups.get(tx)
        if groups is None:
            groups = self._groups[tx] = []
        for group in groups:
            if group.token_id == token and group.side == side:
                return group
        group = _Group(token, side, traded_at_ns)
        groups.append(group)
        return group

    def _view(self, group: _Group, report: FillReported) -> _View:
        view = group.views.get(report.kind)
        if view is None:
            view = group.views[report.kind] = _View()
            self.sighted.append(report)
        return view


def _note(
    corrected: list[Corrected] | list[NewTrade | Corrected],
    group: _Group,
    corrections: tuple[Correction, ...],
) -> None:
    if corrections:
        corrected.append(Corrected(group.token_id, corrections))


def _whole_rows(group: _Group, view: _View, excess: Shares) -> list[Row] | None:
    """Return the rows that make up the excess if that is plain: all that was accepted has a row like it, or
    one row is just as much."""
    rows, lacking = view.unmatched(group.trades)
    if lacking <= DUST and abs(sum(row[0] for row in rows) - excess) <= DUST:
        return rows
    worth = view.usdc - group.usdc
    for row in rows:
        if abs(row[0] - excess) <= DUST and abs(row[2] - worth) < CENT:
            return [row]
    return None


def _accepted(
    group: _Group, report: FillReported, size: Shares, price: Price, usdc: Usdc, *, is_remainder: bool = False
) -> NewTrade:
    """Accept a trade under the next ordinal among those of the same amount in cents."""
    cents = usdc // CENT
    ordinal = group.ordinals.get(cents, 0)
    key = trade_key(
        report.wallet, report.tx, report.condition_id, report.token_id, report.side, cents, ordinal
    )
    move = Accepted(trade_id(key), report.side, report.traded_at_ns, size, usdc, size)
    group.add(move, ordinal)
    return NewTrade(report, key, ordinal, size, usdc, price, is_remainder, move)
