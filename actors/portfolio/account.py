"""A portfolio's account: cash, positions, PnL and reservations, folded from fills in exact integers.

What always holds: cash plus the cost of open positions minus realised PnL is the starting cash, to 1e-6.
Fees are part of what a buy costs and come off what a sale brings, so PnL is net of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from messages.ids import ConditionId, IntentId, TokenId
from messages.orders import Fill
from messages.trades import Side
from messages.units import Shares, Usdc

DAY_NS: Final = 86_400_000_000_000
BOOKED_MAX: Final = 4_096
"""Fills remembered one by one; what comes behind more later ones than this is taken for a repetition."""


class LedgerError(AssertionError):
    """A fill would break what must hold (shares below zero): the books are wrong, nothing may go on."""


@dataclass(slots=True)
class Position:
    """Shares of one outcome and what they cost, fees included."""

    condition_id: ConditionId
    token_id: TokenId
    event_slug: str
    shares: Shares = 0
    cost: Usdc = 0
    realised: Usdc = 0
    fees: Usdc = 0
    fill_seq: int = 0
    """The last fill that touched this position: with it, what it is now has a name of its own."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one proposal or open order may still take: USDC for a buy, shares for a sale."""

    side: Side
    condition_id: ConditionId
    token_id: TokenId
    event_slug: str
    usdc: Usdc
    shares: Shares


@dataclass(slots=True)
class Account:
    """The fold. `apply` takes fills in the order of their `seq` and ignores those it has had.

    A fill that comes behind a later one cannot be folded any more: `missed` tells it from one that comes
    twice, and then the account must be folded anew.
    """

    starting_cash: Usdc
    cash: Usdc = 0
    realised: Usdc = 0
    fees: Usdc = 0
    fill_seq: int = 0
    booked: deque[int] = field(default_factory=lambda: deque(maxlen=BOOKED_MAX))
    positions: dict[TokenId, Position] = field(default_factory=dict)
    reservations: dict[IntentId, Reservation] = field(default_factory=dict)
    day: int = 0
    realised_today: Usdc = 0

    def __post_init__(self) -> None:
        self.cash = self.starting_cash

    def apply(self, fill: Fill) -> bool:
        """Book a fill; False if it was booked before. Raises `LedgerError` for a sale beyond the holding."""
        if fill.seq <= self.fill_seq:
            return False
        position = self.positions.get(fill.token_id)
        if position is None:
            position = Position(fill.condition_id, fill.token_id, fill.event_slug)
            self.positions[fill.token_id] = position
        if fill.side is Side.BUY:
            position.shares += fill.size
            position.cost += fill.usdc + fill.fee
            self.cash -= fill.usdc + fill.fee
        else:
            self._sell(position, fill)
        position.fees += fill.fee
        position.fill_seq = fill.seq
        self.fees += fill.fee
        self.fill_seq = fill.seq
        self.booked.append(fill.seq)
        return True

    def missed(self, fill: Fill) -> bool:
        """Return whether a fill that `apply` ignores was in truth overtaken by a later one."""
        forgotten = self.booked[0] if len(self.booked) == BOOKED_MAX else 0
        return forgotten < fill.seq < self.fill_seq and fill.seq not in self.booked

    def _sell(self, position: Position, fill: Fill) -> None:
        if fill.size > position.shares:
            raise LedgerError(
                f"fill {fill.fill_id} sells {fill.size} of {position.shares} shares held of {fill.token_id}"
            )
        removed = (
            position.cost if fill.size == position.shares else position.cost * fill.size // position.shares
        )
        proceeds = fill.usdc - fill.fee
        position.shares -= fill.size
        position.cost -= removed
        position.realised += proceeds - removed
        self.cash += proceeds
        self.realised += proceeds - removed
        day = fill.filled_at_ns // DAY_NS
        if day > self.day:
            self.day, self.realised_today = day, 0
        if day == self.day:
            self.realised_today += proceeds - removed

    def reserve(self, intent: IntentId, reservation: Reservation) -> None:
        """Put aside what a proposal may take."""
        self.reservations[intent] = reservation

    def consume(self, intent: IntentId, fill: Fill) -> None:
        """Turn part of a reservation into the fill that took it."""
        held = self.reservations.get(intent)
        if held is None:
            return
        self.reservations[intent] = Reservation(
            held.side,
            held.condition_id,
            held.token_id,
            held.event_slug,
            max(0, held.usdc - fill.usdc - fill.fee) if fill.side is Side.BUY else 0,
            max(0, held.shares - fill.size) if fill.side is Side.SELL else 0,
        )

    def release(self, intent: IntentId) -> Reservation | None:
        """Free what is left of a reservation and return it."""
        return self.reservations.pop(intent, None)

    def held(self, token: TokenId) -> Shares:
        """Return the shares held, reserved ones included."""
        position = self.positions.get(token)
        return 0 if position is None else position.shares

    def free(self, token: TokenId) -> Shares:
        """Return the shares held that no open sale has reserved."""
        return self.held(token) - sum(r.shares for r in self.reservations.values() if r.token_id == token)

    def reserved_cash(self) -> Usdc:
        """Return the USDC put aside for buys."""
        return sum(r.usdc for r in self.reservations.values())

    def open_positions(self) -> Iterator[Position]:
        """Yield the positions with shares; a closed one never appears as open (F3)."""
        return (position for position in self.positions.values() if position.shares > 0)

    def realised_on(self, now_ns: int) -> Usdc:
        """Return the PnL realised since midnight UTC."""
        return self.realised_today if now_ns // DAY_NS == self.day else 0
