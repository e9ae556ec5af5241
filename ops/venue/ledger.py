"""Every trade played so far: the exact legs, and the rows the Data API makes of them."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from ops.venue.decimals import ZERO
from ops.venue.leg import Leg, Role, Side

RowKey = tuple[str, str, str, Side]


class PlayedLeg(msgspec.Struct, frozen=True):
    """A leg and when it was played, in nanoseconds since the epoch."""

    seq: int
    leg: Leg
    played_at: int


class Row(msgspec.Struct, kw_only=True, eq=False):
    """What the Data API shows: all legs of one (transaction, wallet, token, side) in one row."""

    seq: int
    leg: Leg
    played_at: int
    size: Decimal = ZERO
    notional: Decimal = ZERO
    fee: Decimal = ZERO

    @property
    def timestamp(self) -> int:
        """Seconds since the epoch."""
        return self.played_at // 1_000_000_000

    @property
    def price(self) -> Decimal:
        """The volume-weighted price without fee, to ten decimals."""
        return round(self.notional / self.size, 10) if self.size else self.leg.price

    @property
    def usdc_size(self) -> Decimal:
        """The money that moved: a buy pays the fee on top, a sale has it deducted."""
        fee = self.fee if self.leg.side == "BUY" else -self.fee
        return round(self.notional + fee, 6)

    @property
    def role(self) -> Role:
        return self.leg.role


class Ledger:
    """Appends legs, aggregates rows, and forgets the oldest beyond its limit."""

    def __init__(self, rows_max: int) -> None:
        self._rows_max = rows_max
        self._rows: deque[Row] = deque()
        self._by_key: dict[RowKey, Row] = {}
        self._by_wallet: defaultdict[str, deque[Row]] = defaultdict(deque)
        self._legs: deque[PlayedLeg] = deque(maxlen=rows_max)
        self._legs_by_wallet: Counter[str] = Counter()
        self.legs_played = 0
        self.transactions_played = 0

    def add(self, legs: Iterable[Leg], played_at: int) -> None:
        """Record one transaction's legs."""
        self.transactions_played += 1
        for leg in legs:
            self.legs_played += 1
            self._legs.append(PlayedLeg(self.legs_played, leg, played_at))
            self._legs_by_wallet[leg.wallet] += 1
            row = self._row(leg, played_at)
            row.size += leg.size
            row.notional += leg.size * leg.price
            row.fee += leg.fee

    def legs(self) -> Iterable[PlayedLeg]:
        """Return the legs still remembered, oldest first."""
        return self._legs

    def busiest(self) -> list[str]:
        """Return every wallet that traded, busiest first."""
        return [wallet for wallet, _ in self._legs_by_wallet.most_common()]

    def rows(self, wallet: str | None = None) -> Iterable[Row]:
        """Return the rows of one wallet, or of all, oldest first."""
        return self._rows if wallet is None else self._by_wallet.get(wallet, ())

    def _row(self, leg: Leg, played_at: int) -> Row:
        key = _key(leg)
        row = self._by_key.get(key)
        if row is None:
            row = Row(seq=self.legs_played, leg=leg, played_at=played_at)
            self._by_key[key] = row
            self._rows.append(row)
            self._by_wallet[leg.wallet].append(row)
            if len(self._rows) > self._rows_max:
                self._forget(self._rows.popleft())
        return row

    def _forget(self, row: Row) -> None:
        del self._by_key[_key(row.leg)]
        mine = self._by_wallet[row.leg.wallet]
        mine.popleft()  # both queues are in order of arrival, so it is this row
        if not mine:
            del self._by_wallet[row.leg.wallet]


def _key(leg: Leg) -> RowKey:
    return (leg.transaction, leg.wallet, leg.token, leg.side)
