"""A portfolio's books: loaded from the store, written back as snapshots, shown to whoever asks.

It folds and remembers; it never decides.
"""

from __future__ import annotations

import structlog
from prometheus_client import Counter
from thespian.actors import ActorAddress

from actors.portfolio.account import Account, Position, Reservation
from actors.portfolio.args import PortfolioArgs
from messages.base import Message
from messages.orders import Holding, OrderRecord
from messages.portfolio import MismatchFound, PortfolioQuery, PortfolioState
from messages.store import FollowSpec, LoadPortfolio, PortfolioLoaded, PositionRow, StorePositions
from messages.trades import Side
from supervisor import Behaviour, Mailbox, Overflow, Pipe, SupervisedActor, handles

log = structlog.get_logger("portfolio")

MISMATCHES = Counter(
    "remora_portfolio_rebuilds_total", "Rebuilds after a reconciliation mismatch", ["portfolio"]
)

LOAD_TIMEOUT_S = 30.0
LOAD_AGAIN_S = 0.5
"""Pause before a failed load is tried again."""


class _LoadFailed(Message, frozen=True, kw_only=True):
    reason: str


class _LoadAgain(Message, frozen=True):
    pass


class Books(SupervisedActor):
    """The account and its way from and to the store."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    unloaded = Behaviour(stashes=(PortfolioQuery,))
    """Until the books are loaded, and whenever they are loaded anew; subclasses add what they must not do."""

    args: PortfolioArgs

    def started(self) -> None:
        self.account = Account(self.args.starting_cash)
        self.epoch = 0
        self.loading: Pipe | None = None
        self._load()

    def in_flight(self) -> int:
        """Return how many proposals, orders and trades put off are not at their end."""
        return len(self.account.reservations)

    def _load(self) -> None:
        self.become(self.unloaded)
        if self.loading is not None:
            self.loading.cancel()
        query = LoadPortfolio(
            portfolio_id=self.args.portfolio_id,
            mode=self.args.mode,
            starting_cash=self.args.starting_cash,
            follows=tuple(FollowSpec(wallet, policy.ratio) for wallet, policy in self.args.policies.items()),
            at_ns=self.clock.now_ns(),
        )
        self.loading = self.pipe(
            self.ask(self.args.directory.store, query, timeout_s=LOAD_TIMEOUT_S),
            into=lambda answer: answer,
            failed=lambda error: _LoadFailed(reason=repr(error)),
        )

    @handles(_LoadFailed)
    def on_load_failed(self, message: _LoadFailed, sender: ActorAddress) -> None:
        """The store is busy or away: ask again; trades wait in the stash."""
        log.warning(
            "portfolio not loaded yet, asking again", portfolio=self.args.portfolio_id, reason=message.reason
        )
        self.timer("load", LOAD_AGAIN_S, _LoadAgain())

    @handles(_LoadAgain)
    def on_load_again(self, message: _LoadAgain, sender: ActorAddress) -> None:
        if self.behaviour is self.unloaded:
            self._load()

    @handles(PortfolioLoaded)
    def on_loaded(self, message: PortfolioLoaded, sender: ActorAddress) -> None:
        self.account = Account(message.starting_cash)
        self.epoch = message.epoch
        for fill in message.fills:
            self.account.apply(fill)
        for order in message.open_orders:
            self._reserve_for(order)
        self.unbecome()
        self._store_positions(tuple(self.account.positions.values()))
        self.begin_anew(message)

    def begin_anew(self, message: PortfolioLoaded) -> None:
        """Forget what was under way before the state was loaded; the books are as stored."""

    def _reserve_for(self, order: OrderRecord) -> None:
        intent = order.intent
        rest = intent.size - order.filled
        self.account.reserve(
            intent.intent_id,
            Reservation(
                intent.side,
                intent.condition_id,
                intent.token_id,
                intent.event_slug,
                intent.reserved * rest // intent.size if intent.side is Side.BUY else 0,
                rest if intent.side is Side.SELL else 0,
            ),
        )

    def _store_positions(self, positions: tuple[Position, ...]) -> None:
        self.send(
            self.args.directory.store,
            StorePositions(
                portfolio_id=self.args.portfolio_id,
                cash=self.account.cash,
                realised=self.account.realised,
                fees=self.account.fees,
                fill_seq=self.account.fill_seq,
                positions=tuple(
                    PositionRow(
                        portfolio_id=self.args.portfolio_id,
                        condition_id=position.condition_id,
                        token_id=position.token_id,
                        shares=position.shares,
                        cost=position.cost,
                        realised=position.realised,
                        fees=position.fees,
                    )
                    for position in positions
                ),
            ),
        )

    @handles(PortfolioQuery)
    def on_query(self, message: PortfolioQuery, sender: ActorAddress) -> None:
        self.send(
            sender,
            PortfolioState(
                portfolio_id=self.args.portfolio_id,
                cash=self.account.cash,
                reserved=self.account.reserved_cash(),
                realised=self.account.realised,
                holdings=tuple(Holding(p.token_id, p.shares) for p in self.account.open_positions()),
                open_orders=tuple(self.account.reservations),
                in_flight=self.in_flight(),
            ),
        )

    @handles(MismatchFound)
    def on_mismatch(self, message: MismatchFound, sender: ActorAddress) -> None:
        """The venue's account differs: rebuild from the store, which fences out whatever is under way."""
        MISMATCHES.labels(self.args.portfolio_id).inc()
        log.error(
            "portfolio rebuilt after a mismatch", portfolio=self.args.portfolio_id, details=message.details
        )
        self._load()
