"""A leader's own shares per outcome, as far as Remora has followed them (L1).

What comes late belongs where it happened: a buy that the poller brings behind the sale of the same shares
must not leave a position that nobody has. So moves are folded in the order traded, buys first within a
moment, and again from their place on when one comes late or counts for something else than before.
"""

from __future__ import annotations

from bisect import insort_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from messages.ids import TokenId, TradeId
from messages.movements import LeaderMovement
from messages.store import LeaderPosition
from messages.trades import LeaderTrade, Side
from messages.units import Shares, Usdc


@dataclass(slots=True)
class Accepted:
    """A trade that was accepted, or another movement, and how much of it counts at present.

    `trade_id` is the movement's key where it is none.
    """

    trade_id: TradeId
    side: Side
    traded_at_ns: int
    size: Shares
    usdc: Usdc
    stands: Shares

    @property
    def usdc_standing(self) -> Usdc:
        """What the shares that count were worth."""
        return self.usdc * self.stands // self.size

    @classmethod
    def of(cls, trade: LeaderTrade) -> Accepted:
        """Return what a stored trade counts for."""
        stands = trade.size if trade.stands is None else trade.stands
        return cls(trade.trade_id, trade.side, trade.traded_at_ns, trade.size, trade.usdc, stands)


def after_trade(before: Shares, side: Side, size: Shares) -> Shares:
    """Return the position after a trade: a buy adds, a sale subtracts, never under 0.

    A sale can exceed what is known: the leader may have held shares from before being followed.
    """
    return before + size if side is Side.BUY else max(0, before - size)


def _place(move: Accepted) -> tuple[int, bool]:
    return move.traded_at_ns, move.side is Side.SELL


@dataclass(slots=True)
class _Outcome:
    opening: Shares = 0
    """The position before the first of `moves`."""
    shares: Shares = 0
    moves: list[Accepted] = field(default_factory=list)

    def fold(self, until: Accepted | None = None) -> Shares:
        """Return the position just before a move, or after all of them."""
        shares = self.opening
        for move in self.moves:
            if move is until:
                break
            shares = after_trade(shares, move.side, move.stands)
        return shares

    def end_at(self, shares: Shares) -> None:
        """Begin so that these are what is left: more came before the first move than was known then."""
        self.opening = max(0, self.opening + shares - self.fold())
        self.shares = shares


class Positions:
    """The shares of each outcome after everything that was accepted and still counts."""

    def __init__(self) -> None:
        self._outcomes: dict[TokenId, _Outcome] = {}

    def __len__(self) -> int:
        return sum(outcome.shares > 0 for outcome in self._outcomes.values())

    def shares(self, token: TokenId) -> Shares:
        """Return the present position."""
        outcome = self._outcomes.get(token)
        return 0 if outcome is None else outcome.shares

    def add(self, token: TokenId, move: Accepted) -> tuple[Shares, Shares]:
        """Take a trade into account where it happened and return the position before and after it there."""
        outcome = self._outcomes.get(token)
        if outcome is None:
            outcome = self._outcomes[token] = _Outcome()
        moves = outcome.moves
        if not moves or _place(move) >= _place(moves[-1]):
            before = outcome.shares
            moves.append(move)
            outcome.shares = after = after_trade(before, move.side, move.stands)
            return before, after
        insort_right(moves, move, key=_place)
        before = outcome.fold(move)
        outcome.shares = outcome.fold()
        return before, after_trade(before, move.side, move.stands)

    def fold_again(self, token: TokenId) -> Shares:
        """Return the position now that moves count for something else than before."""
        outcome = self._outcomes[token]
        outcome.shares = outcome.fold()
        return outcome.shares

    def restore(
        self,
        positions: Iterable[LeaderPosition],
        moves: Iterable[tuple[LeaderTrade | LeaderMovement, Accepted]],
    ) -> None:
        """Begin with the stored positions, and what recently led there (in the order accepted)."""
        stored = {row.token_id: row.shares for row in positions}
        moved: defaultdict[TokenId, list[tuple[LeaderTrade | LeaderMovement, Accepted]]] = defaultdict(list)
        for known, move in moves:
            moved[known.token_id].append((known, move))
        for token in stored.keys() | moved.keys():
            pairs = sorted(moved[token], key=lambda pair: _place(pair[1]))
            outcome = self._outcomes[token] = _Outcome(moves=[move for _, move in pairs])
            outcome.opening = pairs[0][0].position_before if pairs else 0
            outcome.end_at(stored.get(token, 0))

    def reset(self, positions: Iterable[LeaderPosition]) -> None:
        """Go on from these: more became known of what came before the recent moves."""
        stored = {row.token_id: row.shares for row in positions}
        for token in stored.keys() | self._outcomes.keys():
            outcome = self._outcomes.setdefault(token, _Outcome())
            outcome.end_at(stored.get(token, 0))

    def prune(self, before_ns: int) -> None:
        """Forget the single moves traded before `before_ns`: what they came to stays."""
        for token, outcome in list(self._outcomes.items()):
            old = 0
            for move in outcome.moves:
                if move.traded_at_ns >= before_ns:
                    break
                outcome.opening = after_trade(outcome.opening, move.side, move.stands)
                old += 1
            del outcome.moves[:old]
            if not outcome.moves and outcome.shares == 0:
                del self._outcomes[token]
