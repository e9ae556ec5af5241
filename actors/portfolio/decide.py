"""Whether and how a portfolio wants to copy a trade: pure, before any price is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from actors.portfolio.account import Account
from actors.portfolio.caps import check_caps
from actors.portfolio.sizing import (
    buy_limit,
    buy_reservation,
    buy_size,
    catch_up_limit,
    lots,
    sell_limit,
    sell_share,
)
from config.settings import Caps, Guards
from messages.decisions import Check, Freshness, SkipReason
from messages.trades import LeaderTrade, Side
from messages.units import Price, Rate, Shares, Usdc

NS: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A copy worth proposing: the market's guards come next."""

    freshness: Freshness
    side: Side
    size: Shares
    reserved: Usdc
    price_limit: Price
    shortfall: Shares
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Declined:
    """No copy, and why."""

    reason: SkipReason
    checks: tuple[Check, ...]


Verdict: TypeAlias = Wanted | Declined


@dataclass(frozen=True, slots=True)
class Policy:
    """How this portfolio follows one leader."""

    ratio: Rate
    paused: bool
    caps: Caps
    guards: Guards


def freshness_of(trade: LeaderTrade, guards: Guards, now_ns: int) -> tuple[Freshness, Check]:
    """Return LIVE or CATCH_UP (L2) and the check that says why."""
    age_ns = now_ns - trade.traded_at_ns
    limit_ns = int(guards.max_live_lag_s * NS)
    live = age_ns <= limit_ns
    check = Check(name="live_lag_ms", value=age_ns // 1_000_000, limit=limit_ns // 1_000_000, passed=live)
    return (Freshness.LIVE if live else Freshness.CATCH_UP), check


def decide(
    trade: LeaderTrade, policy: Policy, account: Account, now_ns: int, *, may_buy: bool = True
) -> Verdict:
    """Return what this portfolio wants of a leader's trade, given what it holds and has reserved.

    `may_buy` is False while a source is away that the trigger mode does not do without (D10).
    """
    if trade.backfill:
        return Declined(SkipReason.BACKFILL, ())
    if trade.stands == 0:
        return Declined(SkipReason.RETRACTED, ())
    if policy.paused:
        return Declined(SkipReason.PAUSED, ())
    if trade.side is Side.BUY and not may_buy:
        return Declined(SkipReason.SOURCE_AWAY, ())
    freshness, age = freshness_of(trade, policy.guards, now_ns)
    if trade.side is Side.BUY:
        return _buy(trade, policy, account, now_ns, freshness, age)
    return _sell(trade, policy, account, freshness, age)


def _buy(
    trade: LeaderTrade, policy: Policy, account: Account, now_ns: int, freshness: Freshness, age: Check
) -> Verdict:
    guards = policy.guards
    checks = [age]
    if freshness is Freshness.LIVE:
        limit = buy_limit(trade.price, guards.max_price_move)
    else:
        age_ns = now_ns - trade.traded_at_ns
        age_max_ns = int(guards.catch_up_buy_max_age_s * NS)
        recent = age_ns <= age_max_ns
        checks.append(
            Check(
                name="catch_up_age_ms",
                value=age_ns // 1_000_000,
                limit=age_max_ns // 1_000_000,
                passed=recent,
            )
        )
        if not recent:
            return Declined(SkipReason.CATCH_UP_TOO_OLD, tuple(checks))
        limit = catch_up_limit(
            trade.price, guards.catch_up_buy_max_worse_bps, guards.catch_up_buy_require_better_price
        )
    size = buy_size(trade.size, policy.ratio)
    checks.append(Check(name="size_shares", value=size, limit=1, passed=size > 0))
    if size == 0:
        return Declined(SkipReason.BELOW_MINIMUM, tuple(checks))
    reserved = buy_reservation(size, limit)
    refused, caps = check_caps(
        account,
        policy.caps,
        amount=reserved,
        condition_id=trade.condition_id,
        event_slug=trade.event_slug,
        token_id=trade.token_id,
        now_ns=now_ns,
    )
    checks.extend(caps)
    if refused is not None:
        return Declined(refused, tuple(checks))
    return Wanted(freshness, Side.BUY, size, reserved, limit, 0, tuple(checks))


def _sell(trade: LeaderTrade, policy: Policy, account: Account, freshness: Freshness, age: Check) -> Verdict:
    guards = policy.guards
    held = account.held(trade.token_id)
    free = account.free(trade.token_id)
    checks = [age, Check(name="held_shares", value=free, limit=1, passed=free > 0)]
    if held == 0 or free == 0:
        return Declined(SkipReason.NOTHING_HELD, tuple(checks))
    if freshness is Freshness.CATCH_UP and not guards.sell_always_attempt:
        return Declined(SkipReason.SELL_DISABLED, tuple(checks))
    wanted = sell_share(free, trade.size, trade.position_before)
    size = lots(wanted)
    enough = size >= guards.dust_shares and size > 0
    checks.append(Check(name="dust_shares", value=size, limit=int(guards.dust_shares), passed=enough))
    if not enough:
        return Declined(SkipReason.DUST, tuple(checks))
    limit = sell_limit(trade.price, guards.sell_max_price_move)
    unmatched = max(0, trade.size - trade.position_before)
    return Wanted(freshness, Side.SELL, size, 0, limit, unmatched, tuple(checks))
