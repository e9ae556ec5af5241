"""A market's guards: may this proposal become an order, at which limit, at which expected price? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from config.settings import Guards
from messages.decisions import Check, CopyProposed, Freshness, SkipReason
from messages.markets import Book, Level, Market, Resolution
from messages.trades import Side
from messages.units import MICROS, Price, Shares, Usdc, notional

MARKETABLE_BUY_MIN: Final = MICROS
"""The venue takes no marketable buy under one USDC (polymarket-wire.md, minimums)."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The order to place: limit on the tick grid, average price to expect from the book."""

    price_limit: Price
    price_expected: Price
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """No order, and why."""

    reason: SkipReason
    checks: tuple[Check, ...]


Verdict: TypeAlias = Approved | Refused


def limit_on_tick(limit: Price, tick: Price, side: Side) -> Price:
    """Return the limit on the market's grid, never worse than asked: down for a buy, up for a sale."""
    if side is Side.BUY:
        return min(limit, MICROS - tick) // tick * tick
    return max(-(-limit // tick) * tick, tick)


def within_limit(levels: tuple[Level, ...], limit: Price, side: Side) -> tuple[Level, ...]:
    """Return the levels (best first) that an order with this limit may take."""
    if side is Side.BUY:
        return tuple(level for level in levels if level[0] <= limit)
    return tuple(level for level in levels if level[0] >= limit)


def take(levels: tuple[Level, ...], size: Shares) -> tuple[Shares, Usdc]:
    """Return how many shares `levels` (best first) give of `size`, and their notional, rounded down."""
    filled = usdc = 0
    for price, available in levels:
        part = min(available, size - filled)
        filled += part
        usdc += notional(part, price)
        if filled == size:
            break
    return filled, usdc


def evaluate(proposal: CopyProposed, market: Market, book: Book, guards: Guards) -> Verdict:
    """Return the order a proposal may become, or the first guard that refuses it.

    A sale has its own, wider limits (L6). Every guard looked at is in `checks`, in 1e-6.
    """
    checks = list(proposal.checks)
    if market.resolution is not Resolution.OPEN or not market.accepting_orders:
        return Refused(SkipReason.MARKET_CLOSED, tuple(checks))
    if proposal.trade.token_id not in market.token_ids:
        return Refused(SkipReason.UNKNOWN_OUTCOME, tuple(checks))
    buying = proposal.side is Side.BUY
    levels = book.asks if buying else book.bids
    if not levels:
        return Refused(SkipReason.NO_LIQUIDITY, tuple(checks))
    refused = _spread(book, guards, buying, checks)
    if refused is not None:
        return Refused(refused, tuple(checks))
    limit = limit_on_tick(proposal.price_limit, market.tick, proposal.side)
    refused = _price(levels[0][0], limit, proposal, checks)
    if refused is not None:
        return Refused(refused, tuple(checks))
    filled, usdc = take(within_limit(levels, limit, proposal.side), proposal.size)
    liquid = filled > 0 and (filled >= market.size_min or filled == proposal.size)
    checks.append(Check(name="depth_shares", value=filled, limit=market.size_min, passed=liquid))
    if not liquid:
        return Refused(SkipReason.NO_LIQUIDITY, tuple(checks))
    refused = _minimum(proposal, market, usdc, checks)
    if refused is not None:
        return Refused(refused, tuple(checks))
    return Approved(limit, usdc * MICROS // filled, tuple(checks))


def _spread(book: Book, guards: Guards, buying: bool, checks: list[Check]) -> SkipReason | None:
    limit = int(guards.max_spread if buying else guards.sell_max_spread)
    best_ask = book.asks[0][0] if book.asks else MICROS
    best_bid = book.bids[0][0] if book.bids else 0
    spread = best_ask - best_bid
    passed = spread <= limit
    checks.append(Check(name="spread", value=spread, limit=limit, passed=passed))
    return None if passed else SkipReason.SPREAD


def _price(best: Price, limit: Price, proposal: CopyProposed, checks: list[Check]) -> SkipReason | None:
    buying = proposal.side is Side.BUY
    leader = proposal.trade.price
    worse = best - leader if buying else leader - best
    allowed = limit - leader if buying else leader - limit
    passed = best <= limit if buying else best >= limit
    checks.append(Check(name="price_move", value=worse, limit=allowed, passed=passed))
    if passed:
        return None
    late_buy = buying and proposal.freshness is Freshness.CATCH_UP
    return SkipReason.CATCH_UP_PRICE if late_buy else SkipReason.PRICE_MOVED


def _minimum(proposal: CopyProposed, market: Market, usdc: Usdc, checks: list[Check]) -> SkipReason | None:
    enough = proposal.size >= market.size_min
    checks.append(Check(name="size_min_shares", value=proposal.size, limit=market.size_min, passed=enough))
    if not enough:
        return SkipReason.BELOW_MINIMUM
    if proposal.side is Side.BUY:
        enough = usdc >= MARKETABLE_BUY_MIN
        checks.append(Check(name="notional_min_usdc", value=usdc, limit=MARKETABLE_BUY_MIN, passed=enough))
    return None if enough else SkipReason.BELOW_MINIMUM
