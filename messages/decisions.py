"""Decisions on trades: the closed list of reasons, the proposal, the intent, the recorded skip."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from messages.base import Message, MoneyMessage
from messages.ids import ConditionId, IntentId, OrderId, PortfolioId, TokenId, TradeId
from messages.trades import LeaderTrade, Side
from messages.units import Price, Rate, Shares, Usdc


class SkipReason(StrEnum):
    """Why a trade was not copied (L7). Closed: metrics labels, page texts and docs are made from it."""

    BACKFILL = "SKIP_BACKFILL"
    RETRACTED = "SKIP_RETRACTED"
    PAUSED = "SKIP_PAUSED"
    SOURCE_AWAY = "SKIP_SOURCE_AWAY"
    CATCH_UP_TOO_OLD = "SKIP_CATCH_UP_TOO_OLD"
    CATCH_UP_PRICE = "SKIP_CATCH_UP_PRICE"
    SPREAD = "SKIP_SPREAD"
    PRICE_MOVED = "SKIP_PRICE_MOVED"
    NO_LIQUIDITY = "SKIP_NO_LIQUIDITY"
    NO_PRICE = "SKIP_NO_PRICE"
    MARKET_CLOSED = "SKIP_MARKET_CLOSED"
    MARKET_HALTED = "SKIP_MARKET_HALTED"
    UNKNOWN_OUTCOME = "SKIP_UNKNOWN_OUTCOME"
    BELOW_MINIMUM = "SKIP_BELOW_MINIMUM"
    DUST = "SKIP_DUST"
    NOTHING_HELD = "SKIP_NOTHING_HELD"
    SELL_DISABLED = "SKIP_SELL_DISABLED"
    CASH = "SKIP_CASH"
    CAP_TRADE = "SKIP_CAP_TRADE"
    CAP_MARKET = "SKIP_CAP_MARKET"
    CAP_EVENT = "SKIP_CAP_EVENT"
    CAP_PORTFOLIO = "SKIP_CAP_PORTFOLIO"
    CAP_POSITIONS = "SKIP_CAP_POSITIONS"
    CAP_DAILY_LOSS = "SKIP_CAP_DAILY_LOSS"
    ERROR = "SKIP_ERROR"


SKIP_MEANINGS: dict[SkipReason, str] = {
    SkipReason.BACKFILL: "history from before the leader was followed; it never trades",
    SkipReason.RETRACTED: "the chain or the API said in the meantime that the trade never happened",
    SkipReason.PAUSED: "the portfolio or this leader is paused",
    SkipReason.SOURCE_AWAY: "the chain was away, which the trigger mode does not do without",
    SkipReason.CATCH_UP_TOO_OLD: "seen later than catch_up_buy_max_age_s after it happened",
    SkipReason.CATCH_UP_PRICE: "seen late, and the price was worse than the catch-up rule allows",
    SkipReason.SPREAD: "best ask minus best bid was over the limit",
    SkipReason.PRICE_MOVED: "the price had moved too far from the leader's",
    SkipReason.NO_LIQUIDITY: "nothing on the book within the price limit",
    SkipReason.NO_PRICE: "no market data fresh enough to decide on",
    SkipReason.MARKET_CLOSED: "the market takes no orders any more",
    SkipReason.MARKET_HALTED: "the market's breaker is open",
    SkipReason.UNKNOWN_OUTCOME: "the traded token is none of the market's outcomes",
    SkipReason.BELOW_MINIMUM: "the size is under the venue's minimum order",
    SkipReason.DUST: "the share to sell is under the dust threshold",
    SkipReason.NOTHING_HELD: "the leader sold what this portfolio does not hold",
    SkipReason.SELL_DISABLED: "a late sale while sell_always_attempt is off",
    SkipReason.CASH: "not enough free cash",
    SkipReason.CAP_TRADE: "over the cap per trade",
    SkipReason.CAP_MARKET: "over the cap per market",
    SkipReason.CAP_EVENT: "over the cap per event",
    SkipReason.CAP_PORTFOLIO: "over the cap of the portfolio",
    SkipReason.CAP_POSITIONS: "over the number of open positions",
    SkipReason.CAP_DAILY_LOSS: "the daily loss limit is reached",
    SkipReason.ERROR: "deciding on it failed again and again; the log has the traceback",
}


class Freshness(StrEnum):
    """How late a trade was when it was decided on (L2)."""

    LIVE = "LIVE"
    CATCH_UP = "CATCH_UP"


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One guard's value and limit at the moment of decision, in the unit its name says."""

    name: str
    value: int
    limit: int
    passed: bool


class CopyProposed(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """A portfolio's wish to copy a trade, its caps reserved: the market is to apply its guards.

    `size` is ours, in shares. `reserved` is the USDC put aside for a buy and 0 for a sale. `shortfall` is
    how much more the leader sold than Remora knew them to hold (L5): the sale then counted as one of
    everything. `epoch` fences out an earlier incarnation of the portfolio (see `messages.store`).
    """

    intent_id: IntentId
    portfolio_id: PortfolioId
    epoch: int
    trade: LeaderTrade
    freshness: Freshness
    side: Side
    size: Shares
    reserved: Usdc
    price_limit: Price
    checks: tuple[Check, ...]
    settings_hash: str
    shortfall: Shares = 0


class Intent(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The decision to copy: what to order, and on which figures. One at most per portfolio and trade."""

    intent_id: IntentId
    portfolio_id: PortfolioId
    epoch: int
    trade_id: TradeId
    order_id: OrderId
    condition_id: ConditionId
    token_id: TokenId
    event_slug: str
    side: Side
    size: Shares
    price_limit: Price
    price_expected: Price
    reserved: Usdc
    fee_rate: Rate
    tick: Price
    freshness: Freshness
    checks: tuple[Check, ...]
    settings_hash: str
    traded_at_ns: int
    seen_at_ns: int
    seen_mono_ns: int
    decided_at_ns: int
    shortfall: Shares = 0


class Skip(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The decision not to copy, with its reason and the guards looked at until then."""

    intent_id: IntentId
    portfolio_id: PortfolioId
    epoch: int
    trade_id: TradeId
    reason: SkipReason
    checks: tuple[Check, ...]
    settings_hash: str
    decided_at_ns: int


class CopySkipped(Message, frozen=True, kw_only=True, gc=False):
    """To the portfolio: its proposal was skipped further down; what it reserved is free again."""

    skip: Skip


class CopyTaken(Message, frozen=True, kw_only=True, gc=False):
    """To the portfolio: the intent is durable and its order is under way; `OrderClosed` will end it."""

    intent_id: IntentId
    portfolio_id: PortfolioId


class CopyDropped(Message, frozen=True, kw_only=True, gc=False):
    """To the portfolio: the store did not take this intent (`reason` says why); nothing was or will be sent.

    Carries the epoch it was decided in: an incarnation that reserved anew for the same trade ignores it.
    """

    intent_id: IntentId
    portfolio_id: PortfolioId
    epoch: int
    token_id: TokenId
    reason: str


class ExecuteIntent(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To the executor: make this intent durable, then place its order."""

    intent: Intent
