"""Orders and fills, and the interface of a venue adapter: an actor that answers these messages."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from messages.base import Message, MoneyMessage
from messages.decisions import Intent
from messages.ids import ConditionId, IntentId, OrderId, PortfolioId, TokenId
from messages.trades import Side
from messages.units import Price, Rate, Shares, Usdc


class OrderState(StrEnum):
    """The life of an order (E4). CREATED: durable, not known to be at the venue."""

    CREATED = "CREATED"
    PLACED = "PLACED"
    PENDING = "PENDING"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    LOST = "LOST"

    @property
    def terminal(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.LOST})


class FillKind(StrEnum):
    """What moved shares and cash."""

    TRADE = "TRADE"
    SETTLEMENT = "SETTLEMENT"
    """The market paid out: shares go at the payout, without an order or a fee."""


class Fill(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """One movement of a portfolio: shares against USDC. `usdc` is without the fee; `fill_id` is unique.

    A SETTLEMENT is a SELL with an empty `order_id` at the market's payout.
    """

    fill_id: str
    portfolio_id: PortfolioId
    order_id: OrderId
    condition_id: ConditionId
    token_id: TokenId
    event_slug: str
    kind: FillKind
    side: Side
    size: Shares
    price: Price
    usdc: Usdc
    fee: Usdc
    filled_at_ns: int
    seq: int = 0


class PlaceOrder(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To a venue adapter: an immediate-or-cancel order under an identity fixed beforehand.

    Sent again with the same `order_id` it is answered with what became of the first, never executed twice.
    """

    order_id: OrderId
    portfolio_id: PortfolioId
    condition_id: ConditionId
    token_id: TokenId
    event_slug: str
    side: Side
    size: Shares
    price_limit: Price
    fee_rate: Rate


class CancelOrder(Message, frozen=True, kw_only=True, gc=False):
    """To a venue adapter: cancel what rests of an order; answered with `OrderReport`."""

    order_id: OrderId


class OrderQuery(Message, frozen=True, kw_only=True, gc=False):
    """To a venue adapter: what became of this identity? Answered with `OrderReport`."""

    order_id: OrderId


class OrderReport(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """From a venue adapter: an order's state and all its fills; `known` is False for an unknown id."""

    order_id: OrderId
    known: bool
    state: OrderState
    fills: tuple[Fill, ...] = ()
    reason: str = ""
    at_ns: int = 0


class OpenOrdersQuery(Message, frozen=True, kw_only=True, gc=False):
    """To a venue adapter; answered with `OpenOrders`."""

    portfolio_id: PortfolioId


class OpenOrders(Message, frozen=True, kw_only=True, gc=False):
    """The order ids that a venue still has in its book for a portfolio."""

    portfolio_id: PortfolioId
    order_ids: tuple[OrderId, ...]


class VenueAccountQuery(Message, frozen=True, kw_only=True, gc=False):
    """To a venue adapter; answered with `VenueAccount`."""

    portfolio_id: PortfolioId


class Holding(msgspec.Struct, frozen=True, gc=False):
    """Shares of one outcome."""

    token_id: TokenId
    shares: Shares


class VenueAccount(Message, frozen=True, kw_only=True, gc=False):
    """What the venue says a portfolio holds. `complete` is False when the answer must not be read as flat."""

    portfolio_id: PortfolioId
    holdings: tuple[Holding, ...]
    cash: Usdc
    complete: bool
    error: str = ""


class VenueSettle(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To a venue adapter: the market paid; book this settlement once. Answered with `VenueSettled`."""

    fill: Fill


class VenueSettled(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The settlement is in the venue's own books."""

    fill: Fill


class OrderRecord(Message, frozen=True, kw_only=True, gc=False):
    """An order as the store has it: the intent it came from, and how far it got."""

    intent: Intent
    state: OrderState
    filled: Shares
    sent_at_ns: int = 0
    reason: str = ""


class FillBooked(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To the portfolio: this fill is durable."""

    intent_id: IntentId
    fill: Fill


class OrderClosed(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """To the portfolio: the order reached its end; whatever of the reservation is left is free again."""

    intent_id: IntentId
    portfolio_id: PortfolioId
    order_id: OrderId
    token_id: TokenId
    state: OrderState
    reason: str


class MarketOutcomeReported(Message, frozen=True, kw_only=True, gc=False):
    """To the market's actor: how an order there ended, for its breaker."""

    condition_id: ConditionId
    state: OrderState
    elapsed_ms: int
    reason: str = ""
