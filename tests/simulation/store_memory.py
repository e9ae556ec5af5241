"""The store's messages answered from memory: what `actors.store` does with Postgres, without it.

`Books` is what is durable and outlives any crash; `MemoryStore` is the actor, which loses what it had not
committed. It is held to the same contract as the real one (`test_store_memory.py`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from messages.base import Message
from messages.decisions import Intent, Skip
from messages.markets import Resolution
from messages.movements import LeaderMovement
from messages.orders import Fill, OrderRecord, OrderState
from messages.store import (
    DecisionOutcome,
    DecisionStored,
    LeaderLoaded,
    LeaderPosition,
    LoadLeader,
    LoadMarkets,
    LoadOpenOrders,
    LoadPaperAccount,
    LoadPaperOrder,
    LoadPortfolio,
    MarketRow,
    MarketsLoaded,
    OpenOrdersLoaded,
    OrderStored,
    PaperAccountLoaded,
    PaperOrder,
    PaperOrderLoaded,
    PaperOrderStored,
    PaperSettlementStored,
    PortfolioLoaded,
    PositionRow,
    Sighting,
    StoreAvailability,
    StoreCorrection,
    StoreCursor,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreMismatch,
    StoreMovement,
    StoreOrder,
    StorePaperOrder,
    StorePaperSettlement,
    StorePositions,
    StoreSettlement,
    StoreSightings,
    StoreTrade,
    SubscribeAvailability,
)
from messages.trades import LeaderTrade, Side
from supervisor import Mailbox, Overflow, SupervisedActor, handles

changed = msgspec.structs.replace


@dataclass(slots=True)
class PortfolioBooks:
    """A portfolio's row: its epoch, whom it follows since which trade, and its last snapshot."""

    starting_cash: int
    epoch: int = 0
    since_seq: dict[str, int] = field(default_factory=dict)
    cash: int = 0
    fill_seq: int = 0
    positions: dict[str, tuple[PositionRow, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Books:
    """What is durable."""

    leaders: dict[str, tuple[int, int]] = field(default_factory=dict)
    leader_positions: dict[tuple[str, str], int] = field(default_factory=dict)
    trades: dict[str, LeaderTrade] = field(default_factory=dict)
    movements: dict[str, LeaderMovement] = field(default_factory=dict)
    duplicates: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    portfolios: dict[str, PortfolioBooks] = field(default_factory=dict)
    decisions: dict[tuple[str, str], Intent | Skip] = field(default_factory=dict)
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    fills: dict[str, Fill] = field(default_factory=dict)
    paper_orders: dict[str, PaperOrder] = field(default_factory=dict)
    paper_fills: dict[str, Fill] = field(default_factory=dict)
    markets: dict[str, MarketRow] = field(default_factory=dict)
    mismatches: list[StoreMismatch] = field(default_factory=list)
    corrections: list[StoreCorrection] = field(default_factory=list)
    sightings: dict[tuple[str, str, str, str, str], Sighting] = field(default_factory=dict)
    unfinished: dict[str, None] = field(default_factory=dict)
    """The orders that are not terminal."""

    def apply(self, message: Message) -> Message | None:
        """Make a write durable or run a load, and return the answer to it, None for none."""
        answer: Message | None = _APPLY[type(message)](self, message)
        return answer

    # -- leaders ---------------------------------------------------------------------------------

    def load_leader(self, load: LoadLeader) -> LeaderLoaded:
        followed_at_ns, cursor_s = self.leaders.setdefault(load.wallet, (load.followed_at_ns, load.cursor_s))
        return LeaderLoaded(
            wallet=load.wallet,
            followed_at_ns=followed_at_ns,
            cursor_s=cursor_s,
            positions=tuple(
                LeaderPosition(token, shares)
                for (wallet, token), shares in self.leader_positions.items()
                if wallet == load.wallet and shares
            ),
            trades=tuple(
                trade
                for trade in self.trades.values()
                if trade.wallet == load.wallet and trade.traded_at_ns >= load.trades_since_ns
            ),
            movements=tuple(
                moved
                for moved in self.movements.values()
                if moved.wallet == load.wallet and moved.moved_at_ns >= load.trades_since_ns
            ),
        )

    def store_trade(self, write: StoreTrade) -> None:
        trade = write.trade
        if trade.trade_id not in self.trades:
            self.trades[trade.trade_id] = changed(trade, seq=len(self.trades) + 1, seen_mono_ns=0)
            self.leader_positions[trade.wallet, trade.token_id] = write.position

    def store_correction(self, write: StoreCorrection) -> None:
        self.corrections.append(write)
        for each in write.corrections:
            self.trades[each.trade_id] = changed(self.trades[each.trade_id], stands=each.now)
        self.leader_positions[write.wallet, write.token_id] = write.position

    def store_sightings(self, write: StoreSightings) -> None:
        for one in write.sightings:
            self.sightings.setdefault((one.wallet, one.tx, one.token_id, one.side, one.kind), one)

    def store_movement(self, write: StoreMovement) -> None:
        moved = write.movement
        if moved.key not in self.movements:
            self.movements[moved.key] = changed(moved, raw=b"")
            self.leader_positions[moved.wallet, moved.token_id] = write.position

    def store_cursor(self, write: StoreCursor) -> None:
        followed_at_ns, cursor_s = self.leaders[write.wallet]
        self.leaders[write.wallet] = followed_at_ns, max(cursor_s, write.cursor_s)

    def store_duplicates(self, write: StoreDuplicates) -> None:
        self.duplicates[write.wallet] += write.count

    # -- portfolios ------------------------------------------------------------------------------

    def load_portfolio(self, load: LoadPortfolio) -> PortfolioLoaded:
        books = self.portfolios.setdefault(load.portfolio_id, PortfolioBooks(load.starting_cash))
        books.epoch += 1
        for follow in load.follows:
            books.since_seq.setdefault(follow.wallet, len(self.trades))
        return PortfolioLoaded(
            portfolio_id=load.portfolio_id,
            epoch=books.epoch,
            starting_cash=books.starting_cash,
            fills=tuple(fill for fill in self.fills.values() if fill.portfolio_id == load.portfolio_id),
            open_orders=tuple(
                order for order in self.open_orders() if order.intent.portfolio_id == load.portfolio_id
            ),
            undecided=tuple(
                trade
                for trade in self.trades.values()
                if trade.seq > books.since_seq.get(trade.wallet, len(self.trades))
                and (load.portfolio_id, trade.trade_id) not in self.decisions
            ),
        )

    def store_positions(self, write: StorePositions) -> None:
        books = self.portfolios[write.portfolio_id]
        if books.fill_seq <= write.fill_seq:
            books.cash, books.fill_seq = write.cash, write.fill_seq
        for row in write.positions:
            known = books.positions.get(row.token_id)
            if known is None or known[1] <= write.fill_seq:
                books.positions[row.token_id] = row, write.fill_seq

    # -- decisions and orders --------------------------------------------------------------------

    def store_decision(self, write: StoreDecision) -> DecisionStored:
        decision = write.decision
        outcome = self._judge(decision)
        if outcome is DecisionOutcome.STORED:
            self.decisions[decision.portfolio_id, decision.trade_id] = decision
            if isinstance(decision, Intent):
                assert decision.order_id not in self.orders, "two intents with one order identity"
                stored = changed(decision, seen_mono_ns=0)
                self.orders[decision.order_id] = OrderRecord(
                    intent=stored, state=OrderState.CREATED, filled=0
                )
                self.unfinished[decision.order_id] = None
        return DecisionStored(intent_id=decision.intent_id, outcome=outcome)

    def _judge(self, decision: Intent | Skip) -> DecisionOutcome:
        if (decision.portfolio_id, decision.trade_id) in self.decisions:
            return DecisionOutcome.DUPLICATE
        books, trade = self.portfolios.get(decision.portfolio_id), self.trades.get(decision.trade_id)
        if books is not None and books.epoch != decision.epoch:
            return DecisionOutcome.FENCED
        if books is None or trade is None or (trade.backfill and isinstance(decision, Intent)):
            return DecisionOutcome.REFUSED
        return DecisionOutcome.STORED

    def store_order(self, write: StoreOrder) -> OrderStored:
        order = self.orders[write.order_id]
        fresh = sum(fill.size for fill in write.fills if fill.fill_id not in self.fills)
        fills = tuple(self._book(fill) for fill in write.fills)
        state = order.state if order.state.terminal else write.state
        self.orders[write.order_id] = changed(
            order,
            state=state,
            filled=order.filled + fresh,
            sent_at_ns=order.sent_at_ns or write.sent_at_ns,
            reason=order.reason if order.state.terminal or not write.reason else write.reason,
        )
        if state.terminal:
            self.unfinished.pop(write.order_id, None)
        return OrderStored(order_id=write.order_id, state=state, fills=fills)

    def store_settlement(self, write: StoreSettlement) -> OrderStored:
        return OrderStored(order_id="", state=OrderState.FILLED, fills=(self._book(write.fill),))

    def _book(self, fill: Fill) -> Fill:
        return self.fills.setdefault(fill.fill_id, changed(fill, seq=len(self.fills) + 1))

    def load_open_orders(self, load: LoadOpenOrders) -> OpenOrdersLoaded:
        return OpenOrdersLoaded(orders=self.open_orders())

    def open_orders(self) -> tuple[OrderRecord, ...]:
        """Return every order that is not terminal."""
        return tuple(self.orders[order_id] for order_id in self.unfinished)

    # -- the paper venue's own books -------------------------------------------------------------

    def store_paper_order(self, write: StorePaperOrder) -> PaperOrderStored:
        order_id = write.paper.order.order_id
        if order_id not in self.paper_orders:
            self.paper_orders[order_id] = write.paper
            self.paper_fills.update({fill.fill_id: fill for fill in write.paper.fills})
        return PaperOrderStored(paper=self.paper_orders[order_id])

    def store_paper_settlement(self, write: StorePaperSettlement) -> PaperSettlementStored:
        return PaperSettlementStored(fill=self.paper_fills.setdefault(write.fill.fill_id, write.fill))

    def load_paper_order(self, load: LoadPaperOrder) -> PaperOrderLoaded:
        return PaperOrderLoaded(order_id=load.order_id, paper=self.paper_orders.get(load.order_id))

    def load_paper_account(self, load: LoadPaperAccount) -> PaperAccountLoaded:
        books = self.portfolios.get(load.portfolio_id)
        cash = books.starting_cash if books is not None else 0
        shares: defaultdict[str, int] = defaultdict(int)
        for fill in self.paper_fills.values():
            if fill.portfolio_id == load.portfolio_id:
                buying = fill.side is Side.BUY
                shares[fill.token_id] += fill.size if buying else -fill.size
                cash -= fill.usdc + fill.fee if buying else fill.fee - fill.usdc
        holdings = tuple(LeaderPosition(token, held) for token, held in sorted(shares.items()) if held)
        return PaperAccountLoaded(portfolio_id=load.portfolio_id, holdings=holdings, cash=cash)

    # -- what else is known ----------------------------------------------------------------------

    def store_markets(self, write: StoreMarkets) -> None:
        for row in map(as_kept, write.rows):
            known = self.markets.get(row.market.condition_id, row)
            pays, paid = (one.market.resolution is Resolution.RESOLVED for one in (row, known))
            is_older = row.as_of_ns < known.as_of_ns
            stands = known if (paid and not pays) or (paid == pays and is_older) else row
            requested_at_ns = max(row.last_requested_at_ns, known.last_requested_at_ns)
            self.markets[row.market.condition_id] = changed(stands, last_requested_at_ns=requested_at_ns)

    def load_markets(self, load: LoadMarkets) -> MarketsLoaded:
        found = (self.markets.get(one) for one in dict.fromkeys(load.condition_ids))
        return MarketsLoaded(asked=load.condition_ids, rows=tuple(row for row in found if row is not None))

    def store_mismatch(self, write: StoreMismatch) -> None:
        self.mismatches.append(write)


def as_kept(row: MarketRow) -> MarketRow:
    """Return a row with its texts as Postgres can hold them."""
    market = row.market
    texts = {name: kept(getattr(market, name)) for name in ("question", "slug", "event_slug", "oracle")}
    outcomes = tuple(map(kept, market.outcomes))
    return changed(row, market=changed(market, **texts, outcomes=outcomes), source=kept(row.source))


def kept(text: str) -> str:
    """Return text without NUL, and with a question mark for half a surrogate pair."""
    return "".join("?" if "\ud800" <= each <= "\udfff" else each for each in text if each != "\0")


_APPLY: dict[type, Any] = {
    LoadLeader: Books.load_leader,
    StoreTrade: Books.store_trade,
    StoreCorrection: Books.store_correction,
    StoreMovement: Books.store_movement,
    StoreSightings: Books.store_sightings,
    StoreCursor: Books.store_cursor,
    StoreDuplicates: Books.store_duplicates,
    LoadPortfolio: Books.load_portfolio,
    StorePositions: Books.store_positions,
    StoreDecision: Books.store_decision,
    StoreOrder: Books.store_order,
    StoreSettlement: Books.store_settlement,
    LoadOpenOrders: Books.load_open_orders,
    StorePaperOrder: Books.store_paper_order,
    StorePaperSettlement: Books.store_paper_settlement,
    LoadPaperOrder: Books.load_paper_order,
    LoadPaperAccount: Books.load_paper_account,
    StoreMarkets: Books.store_markets,
    LoadMarkets: Books.load_markets,
    StoreMismatch: Books.store_mismatch,
}


class _Commit(Message, frozen=True):
    pass


class _Awake(Message, frozen=True):
    pass


class MemoryStore(SupervisedActor):
    """Commits what came within a moment together, in its order; a crash loses all that was not committed.

    Never a part of it: the writes of one sender become durable in the order sent, and whoever sent what is
    lost is started over. `args` is a `Books`, or a pair of it and a function called with each message
    applied and its answer.
    """

    mailbox = Mailbox(capacity=1_000_000, overflow=Overflow.HALT)

    args: Any

    def started(self) -> None:
        self.books, self.check = self.args if isinstance(self.args, tuple) else (self.args, None)
        self.batch: list[tuple[Message, Any]] = []
        self.awake = False
        self.send(self.myAddress, _Awake())  # behind what an earlier house had sent

    @handles(_Awake)
    def on_awake(self, message: _Awake, sender: Any) -> None:
        self.awake = True

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: SubscribeAvailability, sender: Any) -> None:
        self.send(sender, StoreAvailability(available=True))

    @handles(LoadMarkets)
    def on_lookup(self, message: LoadMarkets, sender: Any) -> None:
        """Answer from what is durable, beside the writes that wait."""
        if self.awake:
            self.send(sender, self.books.apply(message))

    @handles(*(kind for kind in _APPLY if kind is not LoadMarkets))
    def on_message(self, message: Message, sender: Any) -> None:
        if not self.awake:
            return
        if not self.batch:
            self.timer("commit", self.random.uniform(0.0005, 0.02), _Commit())
        self.batch.append((message, sender))

    @handles(_Commit)
    def on_commit(self, message: _Commit, sender: Any) -> None:
        batch, self.batch = self.batch, []
        for write, asker in batch:
            answer = self.books.apply(write)
            if self.check is not None:
                self.check(write, answer)
            if answer is not None:
                self.send(asker, answer)
