"""The order: one intent's way through the venue, from durable to its end.

Its identity is fixed before it starts, and both the venue and the store take the same thing twice
without harm: whatever happens to this actor, starting over is safe.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Histogram
from thespian.actors import ActorAddress

from config.settings import Execution
from messages.base import Message
from messages.decisions import Intent
from messages.directory import Directory
from messages.orders import (
    Fill,
    FillBooked,
    MarketOutcomeReported,
    OrderClosed,
    OrderQuery,
    OrderReport,
    OrderState,
    PlaceOrder,
)
from messages.store import OrderStored, StoreOrder
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("order")

PLACED = Counter("remora_orders_placed_total", "Orders sent to a venue adapter", ["side"])
ENDED = Counter("remora_orders_ended_total", "Orders by terminal state", ["state"])
FRAME_TO_ORDER = Histogram(
    "remora_frame_to_order_ms",
    "From the frame's arrival at the socket to the order's sending",
    buckets=(0.5, 1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 5000),
)
PLACE_LATENCY = Histogram(
    "order_place_latency_ms",
    "From sending an order to its end as the venue reported it",
    buckets=(10, 25, 50, 100, 150, 200, 300, 500, 1000, 2500, 5000, 10000),
)

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class OrderArgs:
    """The intent, and how old it may be when it is sent for the first time by this process."""

    intent: Intent
    age_s_max: float
    age_from_ns: int
    execution: Execution
    directory: Directory


class _AskVenue(Message, frozen=True):
    pass


class Order(SupervisedActor):
    """Places its intent, follows it to a terminal state, tells the portfolio, and is gone."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    args: OrderArgs

    def started(self) -> None:
        self.state = OrderState.CREATED
        self.unknown = 0
        self.asked = False
        self.unbooked: set[str] = set()
        self.sent_at_ns = 0
        self.elapsed_ms = 0
        self.began_mono_ns = self.clock.monotonic_ns()
        self.log = log.bind(
            trace_id=self.args.intent.trade_id,
            intent_id=self.args.intent.intent_id,
            order_id=self.args.intent.order_id,
            market_id=self.args.intent.condition_id,
            portfolio=self.args.intent.portfolio_id,
        )
        if self._too_old():
            # It may have been sent by an earlier process: only the venue knows.
            self._ask_venue()
        else:
            self._place()

    def snapshot(self) -> dict[str, object]:
        return {"order_id": self.args.intent.order_id, "state": self.state, "unknown": self.unknown}

    def _too_old(self) -> bool:
        return self.clock.now_ns() - self.args.age_from_ns > int(self.args.age_s_max * NS)

    def _place(self) -> None:
        intent = self.args.intent
        self.send(
            self.args.directory.venue,
            PlaceOrder(
                order_id=intent.order_id,
                portfolio_id=intent.portfolio_id,
                condition_id=intent.condition_id,
                token_id=intent.token_id,
                event_slug=intent.event_slug,
                side=intent.side,
                size=intent.size,
                price_limit=intent.price_limit,
                fee_rate=intent.fee_rate,
            ),
        )
        latency_ns = self.clock.monotonic_ns() - intent.seen_mono_ns if intent.seen_mono_ns else 0
        self.sent_at_ns = self.clock.now_ns()
        self.state = OrderState.PLACED
        PLACED.labels(intent.side).inc()
        if latency_ns:
            FRAME_TO_ORDER.observe(latency_ns / 1e6)
        self._store((), "", "sent", (self.sent_at_ns - intent.decided_at_ns) // 1_000_000, latency_ns)
        self.log.info("order placed", latency_us=latency_ns // 1000)
        self.timer("ask", self.args.execution.order_timeout_s, _AskVenue())

    def _ask_venue(self) -> None:
        self.asked = True
        self.send(self.args.directory.venue, OrderQuery(order_id=self.args.intent.order_id))
        self.timer("ask", self.args.execution.order_timeout_s, _AskVenue())

    @handles(_AskVenue)
    def on_ask(self, message: _AskVenue, sender: ActorAddress) -> None:
        self._ask_venue()

    @handles(OrderReport)
    def on_report(self, report: OrderReport, sender: ActorAddress) -> None:
        if self.state.terminal:
            return
        if not report.known:
            # A slow venue may answer one look several times; only the first answer is evidence.
            if self.asked:
                self.asked = False
                self._not_found()
            return
        self.unknown = 0
        self.state = report.state
        self.unbooked = {fill.fill_id for fill in report.fills}
        self.elapsed_ms = self._venue_took_ms(report)
        self._store(report.fills, report.reason, "report", self.elapsed_ms)

    def _venue_took_ms(self, report: OrderReport) -> int:
        """Return how long the venue took. What our own database takes is not the market's fault."""
        if self.sent_at_ns:
            return max(0, (report.at_ns - self.sent_at_ns) // 1_000_000)
        return (self.clock.monotonic_ns() - self.began_mono_ns) // 1_000_000

    def _not_found(self) -> None:
        """The venue never saw this identity. Young enough, it is sent (again, the same); too old, it ends."""
        if self._too_old():
            self.state = OrderState.CANCELLED
            self._store((), "too old to send", "expired", 0)
            return
        self.unknown += 1
        if self.unknown >= self.args.execution.ask_attempts_max:
            self.state = OrderState.LOST
            self._store((), f"not found {self.unknown} times", "lost", 0)
            return
        self._place()

    def _store(
        self, fills: tuple[Fill, ...], reason: str, stage: str, elapsed_ms: int, latency_ns: int = 0
    ) -> None:
        self.send(
            self.args.directory.store,
            StoreOrder(
                order_id=self.args.intent.order_id,
                state=self.state,
                fills=fills,
                reason=reason,
                sent_at_ns=self.sent_at_ns,
                at_ns=self.clock.now_ns(),
                stage=stage,
                elapsed_ms=elapsed_ms,
                latency_ns=latency_ns,
            ),
        )

    @handles(OrderStored)
    def on_stored(self, message: OrderStored, sender: ActorAddress) -> None:
        """The state is durable: only now may anybody count on it."""
        for fill in message.fills:
            booked = FillBooked(intent_id=self.args.intent.intent_id, fill=fill)
            self.send(self.args.directory.portfolios, booked)
            self.unbooked.discard(fill.fill_id)
        # What an incarnation before this one stored may have ended the order already: then the record of its
        # sending is answered with that end, but its fills are yet to be told.
        if message.state.terminal and self.state.terminal and not self.unbooked:
            self._end(message)

    def _end(self, message: OrderStored) -> None:
        intent = self.args.intent
        ENDED.labels(message.state).inc()
        PLACE_LATENCY.observe(self.elapsed_ms)
        self.send(
            self.args.directory.portfolios,
            OrderClosed(
                intent_id=intent.intent_id,
                portfolio_id=intent.portfolio_id,
                order_id=intent.order_id,
                token_id=intent.token_id,
                state=message.state,
                reason="",
            ),
        )
        self.send(
            self.args.directory.markets,
            MarketOutcomeReported(
                condition_id=intent.condition_id, state=message.state, elapsed_ms=self.elapsed_ms
            ),
        )
        self.log.info("order ended", state=message.state, elapsed_ms=self.elapsed_ms)
        self.cancel("ask")
        self.stop()
