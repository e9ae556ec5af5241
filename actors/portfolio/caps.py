"""Caps: may this much more be put at stake? Reservations count as if they were spent (I4)."""

from __future__ import annotations

from actors.portfolio.account import Account
from config.settings import Caps
from messages.decisions import Check, SkipReason
from messages.ids import ConditionId, TokenId
from messages.units import Usdc


def check_caps(
    account: Account,
    caps: Caps,
    *,
    amount: Usdc,
    condition_id: ConditionId,
    event_slug: str,
    token_id: TokenId,
    now_ns: int,
) -> tuple[SkipReason | None, tuple[Check, ...]]:
    """Return the first cap that a buy of `amount` would break, or None, and every check up to there.

    Exposure is cost of open positions plus reservations. All values and limits are USDC in 1e-6, but
    `positions_max`, a count.
    """
    market = event = portfolio = 0
    tokens: set[TokenId] = {token_id}
    for position in account.open_positions():
        tokens.add(position.token_id)
        portfolio += position.cost
        market += position.cost if position.condition_id == condition_id else 0
        event += position.cost if event_slug and position.event_slug == event_slug else 0
    for held in account.reservations.values():
        if held.usdc:
            tokens.add(held.token_id)
        portfolio += held.usdc
        market += held.usdc if held.condition_id == condition_id else 0
        event += held.usdc if event_slug and held.event_slug == event_slug else 0
    asked = (
        (SkipReason.CAP_TRADE, "per_trade_usdc", amount, caps.per_trade),
        (SkipReason.CAP_MARKET, "per_market_usdc", market + amount, caps.per_market),
        (SkipReason.CAP_EVENT, "per_event_usdc", event + amount, caps.per_event),
        (SkipReason.CAP_PORTFOLIO, "per_portfolio_usdc", portfolio + amount, caps.per_portfolio),
        (SkipReason.CAP_POSITIONS, "positions", len(tokens), caps.positions_max),
        (SkipReason.CAP_DAILY_LOSS, "daily_loss_usdc", -account.realised_on(now_ns), caps.daily_loss),
        (SkipReason.CASH, "cash_usdc", amount, account.cash - account.reserved_cash()),
    )
    checks: list[Check] = []
    for reason, name, value, limit in asked:
        passed = value <= limit
        checks.append(Check(name=name, value=value, limit=int(limit), passed=passed))
        if not passed:
            return reason, tuple(checks)
    return None, tuple(checks)
