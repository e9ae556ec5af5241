"""What a portfolio does about markets that pay: it has held ones watched, and cashes them in when quiet."""

from __future__ import annotations

from abc import abstractmethod

import structlog
from thespian.actors import ActorAddress

from actors.portfolio.account import Reservation
from actors.portfolio.books import Books
from actors.portfolio.settlement import settlement_fill
from messages.base import Message
from messages.ids import ConditionId, TokenId
from messages.markets import MarketResolved, WatchResolution
from messages.orders import Fill, VenueSettle, VenueSettled
from messages.store import OrderStored, PortfolioLoaded, StoreSettlement
from messages.trades import Side
from messages.units import Price
from supervisor import Behaviour, handles

log = structlog.get_logger("portfolio")

WATCH_S = 60.0
"""How often the price service is reminded of what we hold: it may have been restarted meanwhile."""


class _WatchAgain(Message, frozen=True):
    pass


class Settling(Books):
    """Books whose resolved outcomes turn into cash, each once."""

    unloaded = Behaviour(stashes=(*Books.unloaded.stashes, MarketResolved, OrderStored))

    def started(self) -> None:
        self.payouts: dict[TokenId, Price] = {}
        self.settling: dict[TokenId, Fill] = {}
        self.watched: set[ConditionId] = set()
        super().started()
        self.timer("watch", WATCH_S, _WatchAgain(), every=True)

    def begin_anew(self, message: PortfolioLoaded) -> None:
        self.settling.clear()
        self._watch_held()
        for position in list(self.account.open_positions()):
            if position.token_id in self.payouts:
                self._settle(position.token_id)

    @abstractmethod
    def is_busy(self, token: TokenId) -> bool:
        """Return whether anything of this outcome is under way or waits for it."""

    @abstractmethod
    def take_up(self, token: TokenId) -> None:
        """Go on with what waited for this outcome to become quiet."""

    def _watch_held(self) -> None:
        for position in list(self.account.open_positions()):
            self._watch(position.condition_id)

    def _watch(self, condition_id: ConditionId) -> None:
        if condition_id not in self.watched:
            self.watched.add(condition_id)
            self.send(self.args.directory.prices, WatchResolution(condition_id=condition_id))

    @handles(_WatchAgain)
    def on_watch_again(self, message: _WatchAgain, sender: ActorAddress) -> None:
        self.watched.clear()
        self._watch_held()

    @handles(MarketResolved)
    def on_resolved(self, message: MarketResolved, sender: ActorAddress) -> None:
        for token, payout in zip(message.token_ids, message.payouts, strict=True):
            self.payouts[token] = payout
            self._settle(token)

    def _settle(self, token: TokenId) -> None:
        """Cash in a resolved outcome once nothing of it is under way any more.

        Its shares are put aside meanwhile: a late sale must not sell what is being paid out.
        """
        position = self.account.positions.get(token)
        if position is None or position.shares == 0:
            return
        if token not in self.settling:
            if self.is_busy(token):
                return
            fill = settlement_fill(self.args.portfolio_id, position, self.payouts[token], self.clock.now_ns())
            self.settling[token] = fill
            self.account.reserve(
                fill.fill_id,
                Reservation(Side.SELL, position.condition_id, token, position.event_slug, 0, position.shares),
            )
        self.send(self.args.directory.venue, VenueSettle(fill=self.settling[token]))

    @handles(VenueSettled)
    def on_venue_settled(self, message: VenueSettled, sender: ActorAddress) -> None:
        """Book what the venue paid, as the venue has it. What nothing is put aside for, an incarnation before
        this one asked for: it is asked for again once it is known here what the market pays."""
        asked = self.settling.get(message.fill.token_id)
        if asked is not None and asked.fill_id == message.fill.fill_id:
            self.send(self.args.directory.store, StoreSettlement(fill=message.fill))

    @handles(OrderStored)
    def on_settlement_stored(self, message: OrderStored, sender: ActorAddress) -> None:
        for fill in message.fills:
            self.settling.pop(fill.token_id, None)
            self.account.release(fill.fill_id)
            if self.account.missed(fill):
                self._load()
                return
            if self.account.apply(fill):
                self._store_positions((self.account.positions[fill.token_id],))
                log.info(
                    "position settled",
                    portfolio=self.args.portfolio_id,
                    market_id=fill.condition_id,
                    token_id=fill.token_id,
                    payout=fill.price,
                )
            self.take_up(fill.token_id)
