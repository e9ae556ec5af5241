"""The price service: every question about markets, books and prices, answered from memory or by one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.book_desk import BookDesk
from actors.prices.bucket import TokenBucket
from actors.prices.depth import NOTHING, walk
from actors.prices.hot import Hot
from actors.prices.live.desk import LiveDesk
from actors.prices.live.signals import ShardDown, ShardFrame, ShardStarted, ShardUp
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import Known
from actors.prices.price_desk import PriceDesk
from actors.prices.questions import Questions
from actors.prices.settlement import Settlement
from actors.prices.signals import (
    BooksLanded,
    FeedLanded,
    GatherBooks,
    GatherMarkets,
    GatherTokens,
    MarketsLanded,
    MovedTick,
    ResolutionTick,
    StoredLanded,
    TokensLanded,
    WarmTick,
    WitnessLanded,
    WriteTick,
)
from actors.prices.tiers import Answering, Priority, Tiers, Wanted
from actors.prices.token_desk import TokenDesk
from actors.prices.upstream import ConnectorFactory, Upstream
from actors.prices.watches import Watches
from actors.prices.write_back import WriteBack
from config.settings import Endpoints
from config.settings import Prices as PricesSettings
from messages.ids import ConditionId
from messages.markets import (
    BookQuery,
    FreshQuery,
    Market,
    MarketQuery,
    Source,
    Tier,
    TokenQuery,
    WatchResolution,
)
from messages.prices import (
    DemandQuery,
    EffectivePriceAnswer,
    EffectivePriceQuery,
    FollowPrices,
    PriceQuery,
    PricesQuery,
)
from messages.store import StoreAvailability, StoreMarkets, SubscribeAvailability
from supervisor import Backoff, Mailbox, Overflow, Refused, SupervisedActor, Supervision, handles

MAILBOX_CAPACITY: Final = 65_536
"""Room for every portfolio and market to ask at once; beyond it an asker is told, not forgotten."""
MOVED_S: Final = 0.25
"""How often followers are told what moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesArgs:
    """What `Prices` is started with.

    `store` is sent every market fetched, and asked for those unknown. `connector` replaces the way to the
    network. `watches`, `buckets` (the hosts' budgets) and `resolved` (what is known for ever) outlive
    restarts, because the same arguments are given to each incarnation.
    """

    settings: PricesSettings = field(default_factory=PricesSettings)
    endpoints: Endpoints = field(default_factory=Endpoints)
    store: ActorAddress | None = None
    connector: ConnectorFactory | None = None
    watches: Watches = field(default_factory=Watches)
    buckets: dict[str, TokenBucket] = field(default_factory=dict)
    resolved: dict[ConditionId, Known[Market]] = field(default_factory=dict)


class _AnyAge(FreshQuery, frozen=True, kw_only=True, gc=False):
    """Whatever is known is good enough."""


class Prices(SupervisedActor):
    """Owns every call to Gamma, CLOB and the resolution feed for market data, and the market WebSocket.

    Every query is answered exactly once, with the age of the answer and whether that is within what was
    asked; at T1 fresh or refused. `WatchResolution` is answered once with `MarketResolved`, as soon as it is
    known what the market pays; asking again while it is watched changes nothing.
    """

    mailbox = Mailbox(capacity=MAILBOX_CAPACITY, overflow=Overflow.REFUSE)
    supervision = Supervision(restarts_max=20, period_s=60, backoff=Backoff(first_s=0.2, max_s=10))

    def started(self) -> None:
        args: PricesArgs = self.args
        settings = args.settings
        self._store = args.store
        self._tiers = Tiers(settings)
        self._followed = self._tiers.wanted(FOLLOWED)
        self._upstream = Upstream(settings, self.clock, self.random, args.connector, args.buckets)
        questions = Questions(self._upstream, args.endpoints, self.clock)
        self._live = LiveDesk(self, settings, args.endpoints.market_ws_url, args.connector)
        self._books = BookDesk(self, settings, questions, self._live.board)
        self._settlement = Settlement(self, settings, questions, args.watches)
        self._markets = MarketDesk(
            self, settings, questions, args.store, self._news, self._settlement.matters, args.resolved
        )
        self._settlement.markets = self._markets
        self._prices = PriceDesk(self, settings, self._markets, self._books)
        self._tokens = TokenDesk(
            self,
            settings,
            questions,
            lambda market, stamped: self._markets.learn(market, Source.GAMMA, stamped),
        )
        self._hot = Hot(self.clock, self._markets, self._books, self._prices, args.watches, self._live.board)
        self._unwritten = WriteBack()
        self._is_store_available = False
        if args.store is not None:
            self.send(args.store, SubscribeAvailability())
        self.timer("warm", settings.warm_interval_s, WarmTick(), every=True)
        self.timer("resolution", settings.resolution_poll_s, ResolutionTick(), every=True)
        self.timer("write", settings.write_back_s, WriteTick(), every=True)
        self.timer("moved", MOVED_S, MovedTick(), every=True)
        self._settlement.poll()

    def stopped(self) -> None:
        self._markets.close()
        self._books.close()
        self._tokens.close()
        self._write()
        self._upstream.close()

    def snapshot(self) -> dict[str, object]:
        """Return sizes, flights and the hosts' state."""
        return {
            "markets": self._markets.snapshot(),
            "books": self._books.snapshot(),
            "tokens": self._tokens.snapshot(),
            "live": self._live.snapshot(),
            "followed": len(self._prices.followers.markets()),
            "unwritten": len(self._unwritten),
            "hosts": self._upstream.snapshot(),
        }

    # --- questions ---

    @handles(MarketQuery)
    def on_market_query(self, message: MarketQuery, sender: ActorAddress) -> None:
        key, wanted = message.condition_id, self._tiers.wanted(message)
        self._markets.ask(
            key, wanted, lambda result: self.send(sender, self._markets.answer(key, wanted, result))
        )

    @handles(BookQuery)
    def on_book_query(self, message: BookQuery, sender: ActorAddress) -> None:
        key, wanted = message.token_id, self._tiers.wanted(message)
        self._books.ask(
            key, wanted, lambda result: self.send(sender, self._books.answer(key, wanted, result))
        )

    @handles(TokenQuery)
    def on_token_query(self, message: TokenQuery, sender: ActorAddress) -> None:
        key = message.token_id
        wanted = self._tiers.wanted(ANY_AGE)
        self._tokens.ask(key, wanted, lambda result: self.send(sender, self._tokens.answer(key, result)))

    @handles(PriceQuery)
    def on_price_query(self, message: PriceQuery, sender: ActorAddress) -> None:
        wanted = self._tiers.wanted(message)
        self._prices.ask(message.condition_id, wanted, lambda answer: self.send(sender, answer))

    @handles(PricesQuery)
    def on_prices_query(self, message: PricesQuery, sender: ActorAddress) -> None:
        self._prices.ask_all(message.condition_ids, self._tiers.wanted(message), sender)

    @handles(EffectivePriceQuery)
    def on_effective_price_query(self, message: EffectivePriceQuery, sender: ActorAddress) -> None:
        wanted = self._tiers.wanted(message)
        self._books.ask(message.token_id, wanted, lambda result: self._walk(message, wanted, result, sender))

    def _walk(
        self, asked: EffectivePriceQuery, wanted: Wanted, result: Answering, sender: ActorAddress
    ) -> None:
        found = self._books.answer(asked.token_id, wanted, result)
        walked = walk(found.book, asked.side, asked.size) if found.book is not None else NOTHING
        self.send(
            sender,
            EffectivePriceAnswer(
                token_id=asked.token_id,
                side=asked.side,
                size=asked.size,
                filled=walked.filled,
                notional=walked.notional,
                average=walked.average,
                best=walked.best,
                worst=walked.worst,
                as_of_ns=found.book.as_of_ns if found.book is not None else 0,
                age_ms=found.age_ms,
                stale=found.stale,
                source=found.source,
                error=found.error,
                refused=found.refused,
                missing=found.missing,
            ),
        )

    @handles(FollowPrices)
    def on_follow(self, message: FollowPrices, sender: ActorAddress) -> None:
        self._prices.follow(message.condition_ids, self._followed, sender)

    @handles(DemandQuery)
    def on_demand_query(self, message: DemandQuery, sender: ActorAddress) -> None:
        self.send(sender, self._hot.demand())

    @handles(WatchResolution)
    def on_watch_resolution(self, message: WatchResolution, sender: ActorAddress) -> None:
        self._settlement.watch(message.condition_id, sender)

    # --- calls that leave and land ---

    @handles(GatherMarkets)
    def on_gather_markets(self, message: GatherMarkets, sender: ActorAddress) -> None:
        self._markets.take_off()

    @handles(GatherBooks)
    def on_gather_books(self, message: GatherBooks, sender: ActorAddress) -> None:
        self._books.take_off()

    @handles(GatherTokens)
    def on_gather_tokens(self, message: GatherTokens, sender: ActorAddress) -> None:
        self._tokens.take_off()

    @handles(StoredLanded)
    def on_stored_landed(self, message: StoredLanded, sender: ActorAddress) -> None:
        self._markets.stored(message)

    @handles(TokensLanded)
    def on_tokens_landed(self, message: TokensLanded, sender: ActorAddress) -> None:
        self._tokens.landed(message)

    @handles(MarketsLanded)
    def on_markets_landed(self, message: MarketsLanded, sender: ActorAddress) -> None:
        self._markets.landed(message)

    @handles(WitnessLanded)
    def on_witness_landed(self, message: WitnessLanded, sender: ActorAddress) -> None:
        self._settlement.witnessed(message)

    @handles(FeedLanded)
    def on_feed_landed(self, message: FeedLanded, sender: ActorAddress) -> None:
        self._settlement.fed(message)

    @handles(BooksLanded)
    def on_books_landed(self, message: BooksLanded, sender: ActorAddress) -> None:
        self._books.landed(message)

    # --- live books ---

    @handles(ShardStarted)
    def on_shard_started(self, message: ShardStarted, sender: ActorAddress) -> None:
        if self._live.is_current(message.shard, sender):
            self._live.started(message)

    @handles(ShardUp)
    def on_shard_up(self, message: ShardUp, sender: ActorAddress) -> None:
        if self._live.is_current(message.shard, sender):
            self._live.up(message, self.clock.monotonic_ns())

    @handles(ShardDown)
    def on_shard_down(self, message: ShardDown, sender: ActorAddress) -> None:
        if self._live.is_current(message.shard, sender):
            self._live.down(message)

    @handles(ShardFrame)
    def on_shard_frame(self, message: ShardFrame, sender: ActorAddress) -> None:
        if not self._live.is_current(message.shard, sender):
            return
        touched, announced = self._live.take(message)
        for token_id in touched:
            condition_id = self._prices.touched(token_id)
            known = self._markets.memory.peek(condition_id) if condition_id is not None else None
            if known is not None:
                self._unwritten.note(known)
        for event in announced:
            self._settlement.announced(event)

    # --- what happens by itself ---

    @handles(WarmTick)
    def on_warm_tick(self, message: WarmTick, sender: ActorAddress) -> None:
        now_ns = self.clock.monotonic_ns()
        for condition_id in self._prices.followers.markets():
            self._markets.demand.note(condition_id, now_ns, self._followed)
        self._live.choose(self._hot.tokens(now_ns), now_ns)
        self._books.fly(self._live.board.unproved(now_ns), Priority.T2B)
        self._books.warm(now_ns)
        self._markets.warm(now_ns, self._prices.age_ms)

    @handles(MovedTick)
    def on_moved_tick(self, message: MovedTick, sender: ActorAddress) -> None:
        self._prices.tell_moved(self._followed)

    @handles(ResolutionTick)
    def on_resolution_tick(self, message: ResolutionTick, sender: ActorAddress) -> None:
        self._settlement.poll()

    @handles(WriteTick)
    def on_write_tick(self, message: WriteTick, sender: ActorAddress) -> None:
        self._write()

    @handles(StoreAvailability)
    def on_availability(self, message: StoreAvailability, sender: ActorAddress) -> None:
        self._is_store_available = message.available
        if message.available:
            self._write()

    @handles(Refused)
    def on_refused(self, message: Refused, sender: ActorAddress) -> None:
        """A full mailbox refused an answer or a write-back: counted, and theirs to ask again."""
        metrics.REFUSED.labels(message.message_type).inc()

    def _news(self, known: Known[Market]) -> None:
        """Take note of a market that something new is known of."""
        self._prices.learned(known)
        if known.source != Source.STORE:
            self._unwritten.note(known)
        self._settlement.news(known)
        if known.final:
            self._write()

    def _write(self) -> None:
        """Send what is new to the database, off the way of any answer; while that is away, keep it here."""
        if not self._is_store_available or not len(self._unwritten):
            return
        for rows in self._unwritten.take(self._prices.priced, self._requested_at_ns):
            metrics.WRITTEN.inc(len(rows))
            self.send(self._store, StoreMarkets(rows=rows))

    def _requested_at_ns(self, condition_id: ConditionId) -> int:
        asked = self._markets.demand.get(condition_id)
        if asked is None:
            return 0
        return self.clock.now_ns() - (self.clock.monotonic_ns() - asked.at_ns)


ANY_AGE: Final = _AnyAge(tier=Tier.T4, age_ms_max=10**12)
FOLLOWED: Final = _AnyAge(tier=Tier.T2A)
