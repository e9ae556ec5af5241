"""A leader's own shares per outcome, as far as Remora has followed them (L1)."""

from __future__ import annotations

from messages.trades import Side
from messages.units import Shares


def after_trade(before: Shares, side: Side, size: Shares) -> Shares:
    """Return the position after a trade: a buy adds, a sale subtracts, never under 0.

    A sale can exceed what is known: the leader may have held shares from before being followed.
    """
    return before + size if side is Side.BUY else max(0, before - size)
