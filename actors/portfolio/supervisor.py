"""The portfolios' supervisor: one actor per portfolio, and the way from a leader's trade to its followers."""

from __future__ import annotations

from dataclasses import dataclass

from thespian.actors import ActorAddress

from actors.portfolio.actor import Portfolio
from actors.portfolio.args import PortfolioArgs
from messages.decisions import CopyDropped, CopySkipped, CopyTaken
from messages.ids import PortfolioId, Wallet
from messages.orders import FillBooked, OrderClosed
from messages.portfolio import MismatchFound, PortfolioQuery
from messages.trades import LeaderTrade
from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, handles


@dataclass(frozen=True, slots=True)
class PortfoliosArgs:
    """Every portfolio to run."""

    portfolios: tuple[PortfolioArgs, ...]


class Portfolios(SupervisedActor):
    """Routes: a trade to every follower, everything else to the portfolio it names."""

    mailbox = Mailbox(capacity=200_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: PortfoliosArgs

    def started(self) -> None:
        self.by_id: dict[PortfolioId, ActorAddress] = {}
        self.followers: dict[Wallet, list[ActorAddress]] = {}
        for portfolio in self.args.portfolios:
            address = self.spawn(Portfolio, portfolio.portfolio_id, portfolio)
            self.by_id[portfolio.portfolio_id] = address
            for wallet in portfolio.policies:
                self.followers.setdefault(wallet, []).append(address)

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
