"""The price service: every question about markets and books, answered from memory or by one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.book_desk import BookDesk
from actors.prices.market_desk import MarketDesk
from actors.prices.signals import (
    BooksLanded,
    GatherBooks,
    GatherMarkets,
    GatherTokens,
    MarketsLanded,
    ResolutionTick,
    TokensLanded,
    WarmTick,
    WitnessLanded,
)
from actors.prices.source import GAMMA, Source
from actors.prices.token_desk import ANY_AGE_MS, TokenDesk
from actors.prices.upstream import ConnectorFactory, Upstream
from actors.prices.watches import Watches
from config.settings import Endpoints
from config.settings import Prices as PricesSettings
from messages.markets import BookQuery, MarketQuery, TokenQuery, WatchResolution
from supervisor import Mailbox, Overflow, Refused, SupervisedActor, handles

MAILBOX_CAPACITY: Final = 65_536
"""Room for every portfolio and market to ask at once; beyond it an asker is told, not forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesArgs:
    """What `Prices` is started with.

    `store` is sent every market fetched. `connector` replaces the way to the network. `watches` outlives the
    actor's restarts, because the same arguments are given to each incarnation.
    """

    settings: PricesSettings = field(default_factory=PricesSettings)
    endpoints: Endpoints = field(default_factory=Endpoints)
    store: ActorAddress | None = None
    connector: ConnectorFactory | None = None
    watches: Watches = field(default_factory=Watches)


class Prices(SupervisedActor):
    """Owns every call to Gamma and CLOB for market data.

    `MarketQuery` and `BookQuery` are answered each exactly once with the age and whether it is within what
    was asked, `TokenQuery` exactly once with the token's market. `WatchResolution` is answered once with
    `MarketResolved`, as soon as some host states what the market pays; asking again while it is watched
    changes nothing.
    """

    mailbox = Mailbox(capacity=MAILBOX_CAPACITY, overflow=Overflow.REFUSE)

    def started(self) -> None:
        args: PricesArgs = self.args
        settings = args.settings
        self._upstream = Upstream(settings, self.clock, self.random, args.connector)
        source = Source(self._upstream, args.endpoints, self.clock)
        self._markets = MarketDesk(self, settings, source, args.store, args.watches)
        self._books = BookDesk(self, settings, source)
        self._tokens = TokenDesk(
            self, settings, source, lambda market, stamped: self._markets.learn(market, GAMMA, stamped)
        )
        self.timer("warm", settings.warm_interval_s, WarmTick(), every=True)
        self.timer("resolution", settings.resolution_poll_s, ResolutionTick(), every=True)
        self._markets.poll()

    def stopped(self) -> None:
        self._markets.close()
        self._books.close()
        self._tokens.close()
        self._upstream.close()

    def snapshot(self) -> dict[str, object]:
        """Return sizes, flights and the hosts' state."""
        return {
            "markets": self._markets.snapshot(),
            "books": self._books.snapshot(),
            "tokens": self._tokens.snapshot(),
            "hosts": self._upstream.snapshot(),
        }

    @handles(MarketQuery)
    def on_market_query(self, message: MarketQuery, sender: ActorAddress) -> None:
        self._markets.ask(message.condition_id, message.age_ms_max, sender)

    @handles(BookQuery)
    def on_book_query(self, message: BookQuery, sender: ActorAddress) -> None:
        self._books.ask(message.token_id, message.age_ms_max, sender)

    @handles(TokenQuery)
    def on_token_query(self, message: TokenQuery, sender: ActorAddress) -> None:
        self._tokens.ask(message.token_id, ANY_AGE_MS, sender)

    @handles(WatchResolution)
    def on_watch_resolution(self, message: WatchResolution, sender: ActorAddress) -> None:
        self._markets.watch(message.condition_id, sender)

    @handles(GatherMarkets)
    def on_gather_markets(self, message: GatherMarkets, sender: ActorAddress) -> None:
        self._markets.take_off()

    @handles(GatherBooks)
    def on_gather_books(self, message: GatherBooks, sender: ActorAddress) -> None:
        self._books.take_off()

    @handles(GatherTokens)
    def on_gather_tokens(self, message: GatherTokens, sender: ActorAddress) -> None:
        self._tokens.take_off()

    @handles(TokensLanded)
    def on_tokens_landed(self, message: TokensLanded, sender: ActorAddress) -> None:
        self._tokens.landed(message)

    @handles(MarketsLanded)
    def on_markets_landed(self, message: MarketsLanded, sender: ActorAddress) -> None:
        self._markets.landed(message)

    @handles(WitnessLanded)
    def on_witness_landed(self, message: WitnessLanded, sender: ActorAddress) -> None:
        self._markets.witnessed(message)

    @handles(BooksLanded)
    def on_books_landed(self, message: BooksLanded, sender: ActorAddress) -> None:
        self._books.landed(message)

    @handles(WarmTick)
    def on_warm_tick(self, message: WarmTick, sender: ActorAddress) -> None:
        self._books.warm()
        self._markets.warm()

    @handles(ResolutionTick)
    def on_resolution_tick(self, message: ResolutionTick, sender: ActorAddress) -> None:
        self._markets.poll()

    @handles(Refused)
    def on_refused(self, message: Refused, sender: ActorAddress) -> None:
        """A full mailbox refused an answer or a write-back: counted, and theirs to ask again."""
        metrics.REFUSED.labels(message.message_type).inc()
