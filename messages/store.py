"""What actors ask of the store, and what it answers.

Every `Store…` is a write: it joins the batch under way and is durable when its answer (where it has one)
arrives. Writes of one sender commit in the order sent. Every write is idempotent: repeated after a crash
it changes nothing.

Fencing: loading a portfolio raises its epoch in the database. An `Intent` or `Skip` that carries an
older epoch was decided on state that no longer exists: it is refused as FENCED and the portfolio's new
incarnation decides the trade again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from messages.base import Message, MoneyMessage
from messages.decisions import Intent, Skip
from messages.ids import ConditionId, IntentId, OrderId, PortfolioId, TokenId, TradeId, TxHash, Wallet
from messages.markets import Market
from messages.movements import LeaderMovement
from messages.orders import Fill, OrderRecord, OrderState, PlaceOrder
from messages.trades import LeaderTrade, Side, SourceKind
from messages.units import Shares, Usdc


class StoreAvailability(Message, frozen=True, kw_only=True, gc=False):
    """To subscribers, on change: whether writes become durable at present, and if not, why and what to do.

    `is_pressed` says that more of them wait than is healthy: what can wait should.
    """

    available: bool
    reason: str = ""
    is_pressed: bool = False


class SubscribeAvailability(Message, frozen=True, kw_only=True, gc=False):
    """Tell the sender `StoreAvailability` now and at each change."""


class LoadLeader(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `LeaderLoaded`. A leader seen first is recorded as followed from `followed_at_ns`."""

    wallet: Wallet
    followed_at_ns: int
    cursor_s: int
    trades_since_ns: int


class LeaderPosition(msgspec.Struct, frozen=True, gc=False):
    """A leader's shares of one outcome."""

    token_id: TokenId
    shares: Shares


class LeaderLoaded(Message, frozen=True, kw_only=True, gc=False):
    """A leader as stored: when the following began, how far polling got, positions, and recent trades
    (oldest first, traded since `trades_since_ns`) from which duplicates are told."""

    wallet: Wallet
    followed_at_ns: int
    cursor_s: int
    positions: tuple[LeaderPosition, ...]
    trades: tuple[LeaderTrade, ...]
    movements: tuple[LeaderMovement, ...] = ()
    """Those since `trades_since_ns`, in order."""


class StoreMovement(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record a movement of a leader's shares and the present position in its outcome. No answer."""

    movement: LeaderMovement
    position: Shares


class StoreTrade(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record an accepted trade and the leader's present position in its outcome. No answer.

    The position is not always the trade's `position_after`: a trade can come behind later ones.
    """

    trade: LeaderTrade
    position: Shares


class CorrectionReason(StrEnum):
    """Why an accepted trade counts for less, or for more again."""

    REPORTED_LESS = "REPORTED_LESS"
    """A better source finally reports fewer shares than were accepted."""
    TAKEN_BACK = "TAKEN_BACK"
    """The chain took the transaction back."""
    REPORTED_AGAIN = "REPORTED_AGAIN"
    """What had been taken away was reported after all."""


CORRECTION_MEANINGS: Final = {
    CorrectionReason.REPORTED_LESS: "a better source finally reports less",
    CorrectionReason.TAKEN_BACK: "the chain took its transaction back",
    CorrectionReason.REPORTED_AGAIN: "it was reported after all",
}


class Correction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change of how much of an accepted trade counts."""

    trade_id: TradeId
    was: Shares
    now: Shares
    reason: CorrectionReason


class StoreCorrection(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record that accepted trades of one outcome count for something else, and the position. No answer.

    `kind` and `feed` are the source's that said so. Copies that were made stay made.
    """

    wallet: Wallet
    token_id: TokenId
    corrections: tuple[Correction, ...]
    position: Shares
    kind: SourceKind
    feed: str
    at_ns: int


class Sighting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When a kind of source first told of what a transaction did to an outcome."""

    wallet: Wallet
    tx: TxHash
    token_id: TokenId
    side: Side
    kind: SourceKind
    feed: str
    traded_at_ns: int
    seen_at_ns: int


class StoreSightings(Message, frozen=True, kw_only=True, gc=False):
    """Record who saw what when; the first of each kind stands. No answer."""

    sightings: tuple[Sighting, ...]


class StoreCursor(Message, frozen=True, kw_only=True, gc=False):
    """Move a leader's polling cursor (epoch seconds), never backwards. No answer."""

    wallet: Wallet
    cursor_s: int


class StoreDuplicates(Message, frozen=True, kw_only=True, gc=False):
    """Add to the count of re-deliveries recognised for a leader. No answer."""

    wallet: Wallet
    count: int


class FollowSpec(msgspec.Struct, frozen=True, gc=False):
    """A leader that a portfolio follows; `ratio` in 1e-6."""

    wallet: Wallet
    ratio: int


class LoadPortfolio(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Answered with `PortfolioLoaded`. Creates the portfolio on first sight and raises its epoch."""

    portfolio_id: PortfolioId
    mode: str
    starting_cash: Usdc
    follows: tuple[FollowSpec, ...]
    at_ns: int


class PortfolioLoaded(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """A portfolio as stored: its fills in order, its orders that are not terminal, and the trades of
    followed leaders (in order of acceptance, since each was followed) that it has not decided on."""

    portfolio_id: PortfolioId
    epoch: int
    starting_cash: Usdc
    fills: tuple[Fill, ...]
    open_orders: tuple[OrderRecord, ...]
    undecided: tuple[LeaderTrade, ...]


class DecisionOutcome(StrEnum):
    """What became of a decision that was to be stored."""

    STORED = "STORED"
    DUPLICATE = "DUPLICATE"
    """This portfolio had already decided on this trade; the earlier decision stands."""
    FENCED = "FENCED"
    REFUSED = "REFUSED"
    """The store's own guard said no (a backfilled trade must not be copied)."""


class StoreDecision(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record an intent (with its order in state CREATED) or a skip; answered with `DecisionStored`."""

    decision: Intent | Skip


class DecisionStored(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The decision is durable, or was not taken; `detail` says why in words."""

    intent_id: IntentId
    outcome: DecisionOutcome
    detail: str = ""


class StoreOrder(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record an order's state and its new fills in one transaction; answered with `OrderStored`.

    A fill that is already there is not counted twice; a terminal state is never left.
    """

    order_id: OrderId
    state: OrderState
    fills: tuple[Fill, ...]
    reason: str
    sent_at_ns: int
    at_ns: int
    stage: str
    elapsed_ms: int
    latency_ns: int = 0
    """Monotonic time from the frame's arrival to the order's sending, 0 where unknown."""


class OrderStored(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The order's new state and fills are durable; `fills` carry their `seq`."""

    order_id: OrderId
    state: OrderState
    fills: tuple[Fill, ...]


class StoreSettlement(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record a SETTLEMENT fill; answered with `OrderStored` (empty order id)."""

    fill: Fill


class PositionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A portfolio's position in one outcome: a fold of its fills, kept so that looking is cheap."""

    portfolio_id: PortfolioId
    condition_id: str
    token_id: TokenId
    shares: Shares
    cost: Usdc
    realised: Usdc
    fees: Usdc


class StorePositions(Message, frozen=True, kw_only=True, gc=False):
    """Write position snapshots, cash and realised PnL, folded through `fill_seq`. No answer."""

    portfolio_id: PortfolioId
    cash: Usdc
    realised: Usdc
    fees: Usdc
    fill_seq: int
    positions: tuple[PositionRow, ...]


class MarketRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market as it was last known: its prices as of `as_of_ns`, from `source`."""

    market: Market
    as_of_ns: int
    source: str
    last_requested_at_ns: int = 0
    """When somebody asked for it last, 0 for never since the daemon started: then what is stored stays."""


class StoreMarkets(Message, frozen=True, kw_only=True, gc=False):
    """Write back markets, each once: metadata, prices, closed, outcome, in one statement. No answer.

    What is stored of a market is never replaced by something older, except by what it pays; and what it pays
    never by not knowing that.
    """

    rows: tuple[MarketRow, ...]


class LoadMarkets(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `MarketsLoaded`, from one read: what is stored of these markets."""

    condition_ids: tuple[ConditionId, ...]


class MarketsLoaded(Message, frozen=True, kw_only=True, gc=False):
    """The markets among those asked for that are stored, in no order. `asked` repeats the question."""

    asked: tuple[ConditionId, ...]
    rows: tuple[MarketRow, ...]


class LoadOpenOrders(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `OpenOrdersLoaded`: what the executor must bring to an end after a restart."""


class OpenOrdersLoaded(Message, frozen=True, kw_only=True, gc=False):
    """Every order that is not terminal."""

    orders: tuple[OrderRecord, ...]


class PaperOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order in the paper venue's own books, apart from ours."""

    order: PlaceOrder
    state: OrderState
    reason: str
    fills: tuple[Fill, ...]
    at_ns: int


class StorePaperOrder(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Record what the paper venue did with an order, once; answered with `PaperOrderStored`."""

    paper: PaperOrder


class PaperOrderStored(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """What the paper venue's books now say of the order: the first record of it, whoever wrote it."""

    paper: PaperOrder


class LoadPaperOrder(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `PaperOrderLoaded`."""

    order_id: OrderId


class PaperOrderLoaded(Message, frozen=True, kw_only=True, gc=False):
    """The paper venue's record of an order, or None if it never saw it."""

    order_id: OrderId
    paper: PaperOrder | None


class StorePaperSettlement(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """Book a settlement in the paper venue's books, once; answered with `PaperSettlementStored`."""

    fill: Fill


class PaperSettlementStored(MoneyMessage, frozen=True, kw_only=True, gc=False):
    """The settlement stands in the paper venue's books."""

    fill: Fill


class LoadPaperAccount(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `PaperAccountLoaded`: the account folded from the paper venue's own books."""

    portfolio_id: PortfolioId


class PaperAccountLoaded(Message, frozen=True, kw_only=True, gc=False):
    """Shares per outcome (zero ones left out) and cash, by the paper venue's own books."""

    portfolio_id: PortfolioId
    holdings: tuple[LeaderPosition, ...]
    cash: Usdc


class StoreMismatch(Message, frozen=True, kw_only=True, gc=False):
    """Record that expected and actual differed. No answer."""

    portfolio_id: PortfolioId
    what: str
    expected: str
    actual: str
    at_ns: int


class CountsQuery(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `Counts`: the figures of status, page and summary."""


class PortfolioCounts(msgspec.Struct, frozen=True, kw_only=True):
    """A portfolio in figures, from its snapshot and the last known prices (USDC in 1e-6)."""

    portfolio_id: PortfolioId
    mode: str
    cash: Usdc
    realised: Usdc
    unrealised: Usdc
    fees: Usdc
    positions_open: int
    intents: int
    skips: int


class Counts(Message, frozen=True, kw_only=True, gc=False):
    """What the database holds, counted."""

    leader_trades: int
    duplicates: int
    intents: int
    skips: Mapping[str, int]
    orders: Mapping[str, int]
    fills: int
    portfolios: tuple[PortfolioCounts, ...]
    latency_p50_ms: float | None
    latency_p99_ms: float | None
