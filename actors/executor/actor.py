"""The executor: makes intents durable, then starts an order for each; brings unfinished ones to an end.

No order leaves before its intent is durable (I2): the order's actor exists only once the store has said
so.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.executor.order import Order, OrderArgs
from actors.executor.paper import PaperArgs, PaperVenue
from config.settings import Execution
from messages.base import Message
from messages.decisions import CopyDropped, CopyTaken, ExecuteIntent, Intent
from messages.directory import Directory
from messages.ids import IntentId
from messages.store import (
    DecisionOutcome,
    DecisionStored,
    LoadOpenOrders,
    OpenOrdersLoaded,
    StoreDecision,
)
from supervisor import Mailbox, Overflow, Restart, SupervisedActor, Supervision, handles

log = structlog.get_logger("executor")

INTENTS = Counter("remora_intents_total", "Intents by what the store said", ["outcome"])

LOAD_TIMEOUT_S = 30.0
LOAD_AGAIN_S = 0.5
"""Pause before a failed load is tried again."""


@dataclass(frozen=True, slots=True)
class ExecutorArgs:
    """How to execute, and whom to tell."""

    execution: Execution
    directory: Directory


class _LoadFailed(Message, frozen=True, kw_only=True):
    reason: str


class _LoadAgain(Message, frozen=True):
    pass


class Executor(SupervisedActor):
    """Supervisor of the orders and of the venue adapter."""

    mailbox = Mailbox(capacity=200_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: ExecutorArgs

    def started(self) -> None:
        self.pending: dict[IntentId, list[Intent]] = {}
        """By identity, in the order sent to the store, which answers in that order: a portfolio that was
        loaded anew may decide on a trade again while its earlier decision is still on its way."""
        self.placed = 0
        execution = self.args.execution
        self.args.directory.venue = self.spawn(
            PaperVenue,
            "paper",
            PaperArgs(
                latency_ms=execution.paper_latency_ms,
                book_age_ms_max=execution.paper_book_age_ms_max,
                directory=self.args.directory,
            ),
        )
        self._load_open_orders()

    def snapshot(self) -> dict[str, object]:
        return {"becoming_durable": len(self.pending), "placed": self.placed}

    def _load_open_orders(self) -> None:
        self.pipe(
            self.ask(self.args.directory.store, LoadOpenOrders(), timeout_s=LOAD_TIMEOUT_S),
            into=lambda answer: answer,
            failed=lambda error: _LoadFailed(reason=repr(error)),
        )

    @handles(_LoadFailed)
    def on_load_failed(self, message: _LoadFailed, sender: ActorAddress) -> None:
        log.warning("open orders not loaded yet, asking again", reason=message.reason)
        self.timer("load", LOAD_AGAIN_S, _LoadAgain())

    @handles(_LoadAgain)
    def on_load_again(self, message: _LoadAgain, sender: ActorAddress) -> None:
        self._load_open_orders()

    @handles(OpenOrdersLoaded)
    def on_open_orders(self, message: OpenOrdersLoaded, sender: ActorAddress) -> None:
        """After a restart: every order that was under way is brought to its end, none is forgotten."""
        for order in message.orders:
            intent = order.intent
            taken = CopyTaken(intent_id=intent.intent_id, portfolio_id=intent.portfolio_id)
            self.send(self.args.directory.portfolios, taken)
            if self.child(intent.order_id) is None and intent.intent_id not in self.pending:
                log.info(
                    "order resumed", order_id=intent.order_id, intent_id=intent.intent_id, state=order.state
                )
                self._start(intent, self.args.execution.resume_age_s_max, intent.traded_at_ns)

    @handles(ExecuteIntent)
    def on_execute(self, message: ExecuteIntent, sender: ActorAddress) -> None:
        self.pending.setdefault(message.intent.intent_id, []).append(message.intent)
        self.send(self.args.directory.store, StoreDecision(decision=message.intent))

    @handles(DecisionStored)
    def on_decision_stored(self, message: DecisionStored, sender: ActorAddress) -> None:
        INTENTS.labels(message.outcome).inc()
        intent = self._answered(message.intent_id)
        if intent is None:
            # Asked by an incarnation before this one: whatever became durable is found in the store.
            self._load_open_orders()
        elif message.outcome is DecisionOutcome.STORED:
            taken = CopyTaken(intent_id=intent.intent_id, portfolio_id=intent.portfolio_id)
            self.send(self.args.directory.portfolios, taken)
            self._start(intent, self.args.execution.intent_age_s_max, intent.decided_at_ns)
        else:
            log.warning(
                "intent not taken", intent_id=intent.intent_id, outcome=message.outcome, detail=message.detail
            )
            dropped = CopyDropped(
                intent_id=intent.intent_id,
                portfolio_id=intent.portfolio_id,
                epoch=intent.epoch,
                token_id=intent.token_id,
                reason=message.outcome,
            )
            self.send(self.args.directory.portfolios, dropped)

    def _answered(self, intent_id: IntentId) -> Intent | None:
        """Return the intent that the store's answer is about, None if this incarnation did not send it."""
        waiting = self.pending.get(intent_id)
        if waiting is None:
            return None
        intent = waiting.pop(0)
        if not waiting:
            del self.pending[intent_id]
        return intent

    def _start(self, intent: Intent, age_s_max: float, age_from_ns: int) -> None:
        self.placed += 1
        self.spawn(
            Order,
            intent.order_id,
            OrderArgs(
                intent=intent,
                age_s_max=age_s_max,
                age_from_ns=age_from_ns,
                execution=self.args.execution,
                directory=self.args.directory,
            ),
            restart=Restart.TRANSIENT,
        )
