"""The reconciler: compares each portfolio with its venue account, and reports what stays different.

It never mends anything itself: it records, counts, and tells the portfolio, which rebuilds its state.
A difference counts only when two looks in a row, both with nothing in flight, show the very same one.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge
from thespian.actors import ActorAddress

from actors.reconciler.compare import Difference, differences
from config.settings import Reconciliation
from messages.base import Message
from messages.directory import Directory
from messages.ids import PortfolioId
from messages.orders import OpenOrders, OpenOrdersQuery, VenueAccount, VenueAccountQuery
from messages.portfolio import MismatchFound, PortfolioQuery, PortfolioState
from messages.store import StoreMismatch
from supervisor import Mailbox, Overflow, SupervisedActor, handles

log = structlog.get_logger("reconciler")

MISMATCHES = Counter("reconcile_mismatch_count", "Differences found between our books and the venue's")
LAST_CLEAN = Gauge(
    "remora_reconcile_last_clean_timestamp_seconds",
    "When a portfolio last agreed with its venue",
    ["portfolio"],
)

ASK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ReconcilerArgs:
    """Whom to look at, how often, and how exactly."""

    portfolios: tuple[PortfolioId, ...]
    settings: Reconciliation
    directory: Directory


class _Look(Message, frozen=True):
    pass


class _Seen(Message, frozen=True, kw_only=True):
    ours: PortfolioState
    venue: VenueAccount
    orders: OpenOrders


class _Blind(Message, frozen=True, kw_only=True):
    portfolio_id: PortfolioId
    reason: str


class Reconciler(SupervisedActor):
    """Looks at every portfolio each interval."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.DROP_NEWEST)

    args: ReconcilerArgs

    def started(self) -> None:
        self.suspected: dict[PortfolioId, tuple[Difference, ...]] = {}
        self.looks = 0
        self.clean = 0
        self.mismatches = 0
        self.timer("look", self.args.settings.interval_s, _Look(), every=True)

    def snapshot(self) -> dict[str, object]:
        return {"looks": self.looks, "clean": self.clean, "mismatches": self.mismatches}

    @handles(_Look)
    def on_look(self, message: _Look, sender: ActorAddress) -> None:
        for portfolio_id in self.args.portfolios:
            self.pipe(
                self._gather(portfolio_id),
                into=lambda seen: seen,
                failed=lambda error, who=portfolio_id: _Blind(portfolio_id=who, reason=repr(error)),  # type: ignore[misc]
            )

    async def _gather(self, portfolio_id: PortfolioId) -> _Seen:
        directory = self.args.directory
        ours = await self.ask(
            directory.portfolios, PortfolioQuery(portfolio_id=portfolio_id), timeout_s=ASK_TIMEOUT_S
        )
        venue = await self.ask(
            directory.venue, VenueAccountQuery(portfolio_id=portfolio_id), timeout_s=ASK_TIMEOUT_S
        )
        orders = await self.ask(
            directory.venue, OpenOrdersQuery(portfolio_id=portfolio_id), timeout_s=ASK_TIMEOUT_S
        )
        return _Seen(ours=ours, venue=venue, orders=orders)

    @handles(_Blind)
    def on_blind(self, message: _Blind, sender: ActorAddress) -> None:
        log.warning("reconciliation could not look", portfolio=message.portfolio_id, reason=message.reason)

    @handles(_Seen)
    def on_seen(self, seen: _Seen, sender: ActorAddress) -> None:
        self.looks += 1
        portfolio_id = seen.ours.portfolio_id
        if seen.ours.in_flight:
            self.suspected.pop(portfolio_id, None)
            return
        found = differences(
            seen.ours,
            seen.venue,
            seen.orders,
            tolerance_shares=int(self.args.settings.tolerance_shares),
            tolerance_usdc=int(self.args.settings.tolerance_usdc),
        )
        if not found:
            self.suspected.pop(portfolio_id, None)
            if seen.venue.complete:
                self.clean += 1
                LAST_CLEAN.labels(portfolio_id).set(self.clock.now_ns() / 1e9)
        elif self.suspected.get(portfolio_id) != found:
            self.suspected[portfolio_id] = found
        else:
            del self.suspected[portfolio_id]
            self._report(portfolio_id, found)

    def _report(self, portfolio_id: PortfolioId, found: tuple[Difference, ...]) -> None:
        self.mismatches += len(found)
        MISMATCHES.inc(len(found))
        for difference in found:
            log.error(
                "mismatch",
                portfolio=portfolio_id,
                what=difference.what,
                expected=difference.expected,
                actual=difference.actual,
            )
            self.send(
                self.args.directory.store,
                StoreMismatch(
                    portfolio_id=portfolio_id,
                    what=difference.what,
                    expected=difference.expected,
                    actual=difference.actual,
                    at_ns=self.clock.now_ns(),
                ),
            )
        details = tuple(f"{d.what}: expected {d.expected}, was {d.actual}" for d in found)
        self.send(self.args.directory.portfolios, MismatchFound(portfolio_id=portfolio_id, details=details))
