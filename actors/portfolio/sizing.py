"""How much of a leader's trade is ours: pure functions of the trade, the ratio and what is held."""

from __future__ import annotations

from typing import Final

from messages.units import MICROS, Price, Rate, Shares, Usdc, notional_up

LOT: Final = 10_000
"""Immediate-or-cancel orders go to two decimals of a share (polymarket-wire.md, order rounding)."""
FEE_RATE_MAX: Final = 70_000
"""The highest taker rate the venue charges (crypto, 0.07): what a reservation allows for."""


LEVELS_MAX: Final = 10_000
"""Prices on the finest grid there is (0.0001): an order cannot be filled at more of them."""
ROUNDING: Final = 6
"""What one level's rounding adds at most, in 1e-6 USDC: up to one for the notional, half a fee quantum."""


def buy_size(leader_size: Shares, ratio: Rate) -> Shares:
    """Return our shares for a leader's buy, down to whole lots."""
    return leader_size * ratio // MICROS // LOT * LOT


def buy_reservation(size: Shares, price_limit: Price) -> Usdc:
    """Return the most a buy can take: every share at the limit, with the highest fee at its worst price,
    and the rounding of as many partial fills as there can be."""
    fee = -(-size * FEE_RATE_MAX // (4 * MICROS))
    rounding = ROUNDING * min(LEVELS_MAX, size // LOT)
    return notional_up(size, price_limit) + fee + rounding


def sell_share(held: Shares, sold: Shares, leader_before: Shares) -> Shares:
    """Return our part of a leader's sale: `held * min(1, sold / leader_before)` (L5), not rounded to lots.

    `leader_before` is the leader's position just before the sale; a sale of more than is known of, or of
    a position never seen, counts as a sale of everything.
    """
    if sold >= leader_before:
        return held
    return held * sold // leader_before


def lots(shares: Shares) -> Shares:
    """Return `shares` down to whole lots."""
    return shares // LOT * LOT


def buy_limit(leader_price: Price, move_max: Price) -> Price:
    """Return the worst price for a live buy."""
    return min(MICROS, leader_price + move_max)


def catch_up_limit(leader_price: Price, worse_bps: int, better_only: bool) -> Price:
    """Return the worst price for a late buy: `worse_bps` above the leader's, or strictly below it."""
    if better_only:
        return leader_price - 1
    return min(MICROS, leader_price + leader_price * worse_bps // 10_000)


def sell_limit(leader_price: Price, move_max: Price) -> Price:
    """Return the worst price for a sale."""
    return max(0, leader_price - move_max)
