"""The paper venue adapter: answers a venue's messages from the real book, and keeps its own books.

What it does to an order is written to tables of its own before anybody hears of it, so that an order's
identity asked for after any crash is answered truly: known with its fills, or never seen.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass

import structlog
from thespian.actors import ActorAddress

from actors.executor.fills import Depth, fills_of, match, outcome_of
from messages.base import Message
from messages.directory import Directory
from messages.ids import OrderId, PortfolioId
from messages.markets import Book, BookAnswer, BookQuery, Tier
from messages.orders import (
    CancelOrder,
    Fill,
    Holding,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderReport,
    OrderState,
    PlaceOrder,
    VenueAccount,
    VenueAccountQuery,
    VenueSettle,
    VenueSettled,
)
from messages.store import (
    LoadPaperAccount,
    LoadPaperOrder,
    PaperAccountLoaded,
    PaperOrder,
    PaperOrderLoaded,
    PaperOrderStored,
    PaperSettlementStored,
    StorePaperOrder,
    StorePaperSettlement,
)
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("paper")

DONE_MAX = 10_000
"""Finished orders remembered; older ones are looked up."""
BOOK_TRIES_MAX = 20
"""How often a book is asked for before the order is killed for want of one."""
BOOK_AGAIN_S = 0.25
BOOK_LOST_S = 5.0
"""After this without any answer the book is asked for again: whoever was asked may have been restarted."""


@dataclass(frozen=True, slots=True)
class PaperArgs:
    """Latency between sending and arrival, and how old the book on arrival may be."""

    latency_ms: int
    book_age_ms_max: int
    directory: Directory


@dataclass(slots=True)
class _UnderWay:
    """An order between its placing and its record; everybody who asked is told."""

    order: PlaceOrder
    waiting: list[ActorAddress]
    arrived: bool = False
    executed: bool = False
    book_tries: int = 0


class _Arrived(Message, frozen=True, kw_only=True):
    order_id: OrderId


class _AskBook(Message, frozen=True, kw_only=True):
    order_id: OrderId


class PaperVenue(SupervisedActor):
    """A venue whose counterparties are the real book's: depth, latency, fees, partial fills."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    args: PaperArgs

    def started(self) -> None:
        self.orders: dict[OrderId, _UnderWay] = {}
        self.done: OrderedDict[OrderId, PaperOrder] = OrderedDict()
        self.depth = Depth()
        self.lookups: dict[OrderId, list[ActorAddress]] = defaultdict(list)
        self.settling: dict[str, list[ActorAddress]] = defaultdict(list)
        self.accounts: dict[PortfolioId, list[ActorAddress]] = defaultdict(list)

    def snapshot(self) -> dict[str, object]:
        return {"under_way": len(self.orders), "remembered": len(self.done)}

    # -- orders ----------------------------------------------------------------------------------

    @handles(PlaceOrder)
    def on_place(self, order: PlaceOrder, sender: ActorAddress) -> None:
        done = self.done.get(order.order_id)
        if done is not None:
            self._report(sender, done)
            return
        under_way = self.orders.get(order.order_id)
        if under_way is not None:
            if sender not in under_way.waiting:
                under_way.waiting.append(sender)
            return
        self.orders[order.order_id] = _UnderWay(order, [sender])
        self.timer(f"arrive:{order.order_id}", self.args.latency_ms / 1000, _Arrived(order_id=order.order_id))

    @handles(_Arrived)
    def on_arrived(self, message: _Arrived, sender: ActorAddress) -> None:
        under_way = self.orders.get(message.order_id)
        if under_way is not None:
            under_way.arrived = True
            self._ask_book(under_way)

    @handles(_AskBook)
    def on_ask_book(self, message: _AskBook, sender: ActorAddress) -> None:
        under_way = self.orders.get(message.order_id)
        if under_way is None or under_way.executed:
            return
        if under_way.book_tries >= BOOK_TRIES_MAX:
            self._record(under_way, (), OrderState.CANCELLED, "no book at arrival: nobody answered")
        else:
            self._ask_book(under_way)

    def _ask_book(self, under_way: _UnderWay) -> None:
        under_way.book_tries += 1
        query = BookQuery(
            token_id=under_way.order.token_id, tier=Tier.T1, age_ms_max=self.args.book_age_ms_max
        )
        self.send(self.args.directory.prices, query)
        order_id = under_way.order.order_id
        self.timer(f"book:{order_id}", BOOK_LOST_S, _AskBook(order_id=order_id))

    @handles(BookAnswer)
    def on_book(self, answer: BookAnswer, sender: ActorAddress) -> None:
        """Execute, in order of arrival, every order of this outcome that was waiting for the book."""
        ready = [
            under_way
            for under_way in self.orders.values()
            if under_way.order.token_id == answer.token_id and under_way.arrived and not under_way.executed
        ]
        for under_way in ready:
            if answer.book is not None and not answer.stale:
                self._execute(under_way, answer.book)
            elif under_way.book_tries >= BOOK_TRIES_MAX:
                self._record(under_way, (), OrderState.CANCELLED, f"no book at arrival: {answer.error}")
            else:
                order_id = under_way.order.order_id
                self.timer(f"book:{order_id}", BOOK_AGAIN_S, _AskBook(order_id=order_id))

    def _execute(self, under_way: _UnderWay, book: Book) -> None:
        order = under_way.order
        parts = match(order, self.depth.levels(book, order.side))
        self.depth.take(book, order.side, parts)
        fills = fills_of(order, parts, self.clock.now_ns())
        self._record(under_way, fills, *outcome_of(order, fills))

    def _record(self, under_way: _UnderWay, fills: tuple[Fill, ...], state: OrderState, reason: str) -> None:
        under_way.executed = True
        self.cancel(f"book:{under_way.order.order_id}")
        paper = PaperOrder(
            order=under_way.order, state=state, reason=reason, fills=fills, at_ns=self.clock.now_ns()
        )
        self.send(self.args.directory.store, StorePaperOrder(paper=paper))

    @handles(PaperOrderStored)
    def on_stored(self, message: PaperOrderStored, sender: ActorAddress) -> None:
        paper = message.paper
        self.done[paper.order.order_id] = paper
        if len(self.done) > DONE_MAX:
            self.done.popitem(last=False)
        under_way = self.orders.pop(paper.order.order_id, None)
        if under_way is not None:
            self.cancel(f"arrive:{paper.order.order_id}")
            self.cancel(f"book:{paper.order.order_id}")
            for waiting in under_way.waiting:
                self._report(waiting, paper)

    def _report(self, to: ActorAddress, paper: PaperOrder) -> None:
        self.send(
            to,
            OrderReport(
                order_id=paper.order.order_id,
                known=True,
                state=paper.state,
                fills=paper.fills,
                reason=paper.reason,
                at_ns=paper.at_ns,
            ),
        )

    @handles(CancelOrder)
    def on_cancel(self, message: CancelOrder, sender: ActorAddress) -> None:
        """An immediate-or-cancel order rests nowhere: a cancel is answered with what became of it."""
        self._what_became(message.order_id, sender)

    @handles(OrderQuery)
    def on_query(self, message: OrderQuery, sender: ActorAddress) -> None:
        self._what_became(message.order_id, sender)

    def _what_became(self, order_id: OrderId, sender: ActorAddress) -> None:
        done = self.done.get(order_id)
        if done is not None:
            self._report(sender, done)
        elif order_id in self.orders:
            report = OrderReport(
                order_id=order_id, known=True, state=OrderState.PENDING, at_ns=self.clock.now_ns()
            )
            self.send(sender, report)
        elif order_id not in self.lookups:
            self.lookups[order_id].append(sender)
            self.send(self.args.directory.store, LoadPaperOrder(order_id=order_id))
        elif sender not in self.lookups[order_id]:
            self.lookups[order_id].append(sender)

    @handles(PaperOrderLoaded)
    def on_loaded(self, message: PaperOrderLoaded, sender: ActorAddress) -> None:
        for asker in self.lookups.pop(message.order_id, ()):
            if message.paper is not None:
                self._report(asker, message.paper)
            else:
                report = OrderReport(
                    order_id=message.order_id,
                    known=False,
                    state=OrderState.LOST,
                    at_ns=self.clock.now_ns(),
                )
                self.send(asker, report)

    # -- account ---------------------------------------------------------------------------------

    @handles(OpenOrdersQuery)
    def on_open_orders(self, message: OpenOrdersQuery, sender: ActorAddress) -> None:
        open_ids = tuple(
            order_id
            for order_id, under_way in self.orders.items()
            if under_way.order.portfolio_id == message.portfolio_id
        )
        self.send(sender, OpenOrders(portfolio_id=message.portfolio_id, order_ids=open_ids))

    @handles(VenueAccountQuery)
    def on_account(self, message: VenueAccountQuery, sender: ActorAddress) -> None:
        self.accounts[message.portfolio_id].append(sender)
        self.send(self.args.directory.store, LoadPaperAccount(portfolio_id=message.portfolio_id))

    @handles(PaperAccountLoaded)
    def on_account_loaded(self, message: PaperAccountLoaded, sender: ActorAddress) -> None:
        account = VenueAccount(
            portfolio_id=message.portfolio_id,
            holdings=tuple(Holding(row.token_id, row.shares) for row in message.holdings),
            cash=message.cash,
            complete=True,
        )
        for asker in self.accounts.pop(message.portfolio_id, ()):
            self.send(asker, account)

    @handles(VenueSettle)
    def on_settle(self, message: VenueSettle, sender: ActorAddress) -> None:
        self.settling[message.fill.fill_id].append(sender)
        self.send(self.args.directory.store, StorePaperSettlement(fill=message.fill))

    @handles(PaperSettlementStored)
    def on_settled(self, message: PaperSettlementStored, sender: ActorAddress) -> None:
        for asker in self.settling.pop(message.fill.fill_id, ()):
            self.send(asker, VenueSettled(fill=message.fill))
