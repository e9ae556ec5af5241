"""The portfolios' supervisor: one actor per portfolio, and the way from a leader's trade to its followers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from thespian.actors import ActorAddress

from actors.portfolio.actor import Portfolio
from actors.portfolio.args import PortfolioArgs, PortfoliosChanged
from messages.decisions import CopyDropped, CopySkipped, CopyTaken
from messages.ids import PortfolioId, Wallet
from messages.ingest import SourcesJudged
from messages.orders import FillBooked, OrderClosed
from messages.portfolio import MismatchFound, PortfolioQuery
from messages.trades import LeaderTrade
from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, handles


@dataclass(slots=True)
class Present:
    """How the portfolios are at present. It is part of the arguments because they outlive a restart: nobody
    says it a second time."""

    portfolios: tuple[PortfolioArgs, ...] | None = None
    sources: SourcesJudged = field(default_factory=lambda: SourcesJudged(refusal=""))


@dataclass(frozen=True, slots=True)
class PortfoliosArgs:
    """Every portfolio to run at first."""

    portfolios: tuple[PortfolioArgs, ...]
    present: Present = field(default_factory=Present)


class Portfolios(SupervisedActor):
    """Routes: a trade to every follower, everything else to the portfolio it names.

    A portfolio that is to follow otherwise starts over with its new arguments, as after a crash: what it was
    sent it has handled, what is under way it finds in the store, and the store notes from which trade on
    whom it follows.
    """

    mailbox = Mailbox(capacity=200_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: PortfoliosArgs

    def started(self) -> None:
        self.by_id: dict[PortfolioId, ActorAddress] = {}
        self.followers: dict[Wallet, list[ActorAddress]] = {}
        self.running: dict[PortfolioId, PortfolioArgs] = {}
        present = self.args.present.portfolios
        self._run(self.args.portfolios if present is None else present)

    def _run(self, portfolios: tuple[PortfolioArgs, ...]) -> None:
        for portfolio in portfolios:
            portfolio_id = portfolio.portfolio_id
            running = self.running.get(portfolio_id)
            if running is not None:
                portfolio = replace(portfolio, attempts=running.attempts)
            if portfolio == running:
                continue
            if running is not None:
                self.stop_child(self.by_id[portfolio_id])
            self.running[portfolio_id] = portfolio
            self.by_id[portfolio_id] = self.spawn(Portfolio, portfolio_id, portfolio)
            self.send(self.by_id[portfolio_id], self.args.present.sources)
        self.followers = {}
        for portfolio_id, running in self.running.items():
            for wallet in running.policies:
                self.followers.setdefault(wallet, []).append(self.by_id[portfolio_id])

    @handles(PortfoliosChanged)
    def on_changed(self, message: PortfoliosChanged, sender: ActorAddress) -> None:
        self.args.present.portfolios = message.portfolios
        self._run(message.portfolios)

    @handles(SourcesJudged)
    def on_sources(self, message: SourcesJudged, sender: ActorAddress) -> None:
        self.args.present.sources = message
        for address in self.by_id.values():
            self.send(address, message)

    @handles(LeaderTrade)
    def on_trade(self, trade: LeaderTrade, sender: ActorAddress) -> None:
        for address in self.followers.get(trade.wallet, ()):
            self.send(address, trade)

    @handles(CopySkipped)
    def on_skipped(self, message: CopySkipped, sender: ActorAddress) -> None:
        self._route(message.skip.portfolio_id, message, sender)

    @handles(FillBooked)
    def on_fill(self, message: FillBooked, sender: ActorAddress) -> None:
        self._route(message.fill.portfolio_id, message, sender)

    @handles(OrderClosed, CopyTaken, CopyDropped, PortfolioQuery, MismatchFound)
    def on_addressed(
        self,
        message: OrderClosed | CopyTaken | CopyDropped | PortfolioQuery | MismatchFound,
        sender: ActorAddress,
    ) -> None:
        self._route(message.portfolio_id, message, sender)

    def _route(self, portfolio_id: PortfolioId, message: object, sender: ActorAddress) -> None:
        """Pass on with the first sender, so that answers go straight back. A stored order of a portfolio
        that is configured no more has nobody to tell; its fills are in the store all the same."""
        address = self.by_id.get(portfolio_id)
        if address is not None:
            self.forward(address, message, sender)
