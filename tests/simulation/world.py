"""A small world for the copying actors: leaders who trade, feeds that fail, prices that move, a house.

Everything is drawn from one seed. The house is that of `actors.tree`, with the edge (ingest, prices) and
the store played by the actors here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
from store_memory import Books, MemoryStore

from actors.executor.actor import Executor, ExecutorArgs
from actors.leader.supervisor import Leaders, LeadersArgs
from actors.market.supervisor import Markets, MarketsArgs
from actors.portfolio.args import PortfolioArgs
from actors.portfolio.decide import Policy
from actors.portfolio.supervisor import Portfolios, PortfoliosArgs
from config.amounts import Micros
from config.settings import Breaker, Caps, Execution, Guards
from messages.base import Message
from messages.directory import Directory
from messages.ingest import LeadersWatched
from messages.markets import (
    Book,
    BookAnswer,
    BookQuery,
    Market,
    MarketAnswer,
    MarketQuery,
    MarketResolved,
    Resolution,
    WatchResolution,
)
from messages.trades import CursorReached, FillReported, Side, SourceKind, Swept
from supervisor import Backoff, Clock, Mailbox, Overflow, Strategy, SupervisedActor, Supervision, handles

NS = 1_000_000_000
SHARE = 1_000_000
TICK = 10_000
START_S = 1_800_000_000
OVERLAP_S = 120
API_LAG_S = 3
CAPS = Caps(
    per_trade=Micros(30 * SHARE),
    per_market=Micros(60 * SHARE),
    per_event=Micros(90 * SHARE),
    per_portfolio=Micros(120 * SHARE),
    positions_max=5,
    daily_loss=Micros(50 * SHARE),
)
GUARDS = Guards(max_spread=Micros(60_000), max_price_move=Micros(40_000))
CASH = 150 * SHARE


@dataclass(frozen=True, slots=True)
class TrueFill:
    """What truly happened: one leg of a leader's order."""

    wallet: str
    tx: str
    condition: str
    token: str
    side: Side
    size: int
    price: int
    at_s: int

    @property
    def group(self) -> tuple[str, str, str]:
        return self.tx, self.token, self.side


def condition_of(number: int) -> str:
    return f"0x{number:064x}"


@dataclass(slots=True)
class World:
    """The truth, and everything that is drawn from the seed."""

    seed: int
    rate_s: float = 1.0
    random: Random = field(init=False)
    wallets: tuple[str, ...] = tuple(f"0x{number:040x}" for number in (1, 2, 3))
    portfolios: tuple[str, ...] = ("one", "two")
    markets: tuple[str, ...] = tuple(condition_of(number) for number in range(4))
    markets_max: int = 4
    """With more than are open in the beginning, a new one opens when one pays out."""
    poll_s: float = 5.0
    cash: int = CASH
    caps: Caps = CAPS
    guards: Guards = GUARDS
    execution: Execution = field(default_factory=Execution)
    is_calm: bool = False
    """Whether prices stand still, books are deep, and nothing is asked for in vain."""
    fills: list[TrueFill] = field(default_factory=list)
    mids: dict[str, int] = field(default_factory=dict)
    held: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    resolved: dict[str, tuple[int, int]] = field(default_factory=dict)
    books: Books = field(default_factory=Books)
    closed: bool = False
    """Whether the leaders have stopped trading."""

    def __post_init__(self) -> None:
        self.random = Random(f"world:{self.seed}")

    def tokens(self, condition: str) -> tuple[str, str]:
        number = int(condition, 16)
        return f"{2 * number + 1}", f"{2 * number + 2}"

    def condition(self, token: str) -> str:
        return condition_of((int(token) - 1) // 2)

    def renew(self, condition: str) -> None:
        """Take a market that pays out off the list, and put the next one there if there are any more."""
        number = 1 + max(int(each, 16) for each in self.markets)
        if number < self.markets_max:
            self.markets = (*(each for each in self.markets if each != condition), condition_of(number))

    def polled(self, wallet: str, since_s: int, until_s: int) -> list[TrueFill]:
        """Return a wallet's fills of a time, both ends included."""
        first = bisect_left(self.fills, since_s, key=lambda fill: fill.at_s)
        last = bisect_right(self.fills, until_s, key=lambda fill: fill.at_s)
        return [fill for fill in self.fills[first:last] if fill.wallet == wallet]

    def move(self, token: str) -> int:
        """Return the token's middle price after its next step."""
        if self.is_calm:
            return 500_000
        mid = self.mids.get(token, 500_000) + self.random.choice((-1, 0, 0, 0, 1)) * TICK
        self.mids[token] = min(900_000, max(100_000, mid))
        return self.mids[token]

    def trade(self, at_s: int) -> list[TrueFill]:
        """Let one leader trade, often in several legs and at times with twins among them."""
        random = self.random
        wallet, condition = random.choice(self.wallets), random.choice(self.markets)
        if condition in self.resolved:
            return []
        token = random.choice(self.tokens(condition))
        mine = self.held[wallet, token]
        side = random.choice((Side.BUY, Side.SELL)) if mine else Side.BUY
        legs = random.choice((1, 1, 1, 2, 3))
        price = self.move(token)
        tx = f"0x{random.getrandbits(256):064x}"
        sizes = [random.choice((100, 500, 1_000, 2_500)) * SHARE] * legs
        if random.random() < 0.5:
            sizes = [random.randint(50, 3_000) * SHARE for _ in range(legs)]
        if side is Side.SELL and random.random() < 0.4:
            sizes = [mine]
        made = [TrueFill(wallet, tx, condition, token, side, size, price, at_s) for size in sizes]
        moved = sum(sizes) if side is Side.BUY else -sum(sizes)
        self.held[wallet, token] = max(0, mine + moved)
        self.fills.extend(made)
        return made


def true_ns(clock: Clock) -> int:
    """Return the world's own time, which no step of the house's clock changes."""
    return START_S * NS + clock.monotonic_ns()


def reported(fill: TrueFill, kind: SourceKind, feed: str, occurrence: int, clock: Any) -> FillReported:
    return FillReported(
        wallet=fill.wallet,
        tx=fill.tx,
        condition_id=fill.condition,
        token_id=fill.token,
        side=fill.side,
        size=fill.size,
        price=fill.price,
        usdc=fill.size * fill.price // SHARE,
        traded_at_ns=fill.at_s * NS,
        kind=kind,
        feed=feed,
        seen_at_ns=clock.now_ns(),
        seen_mono_ns=clock.monotonic_ns(),
        occurrence=occurrence,
        event_slug="event",
    )


class _Trade(Message, frozen=True):
    pass


class _Poll(Message, frozen=True):
    pass


class _Deliver(Message, frozen=True, kw_only=True):
    feed: str
    fills: tuple[TrueFill, ...]


class Feeds(SupervisedActor):
    """Ingest: two sockets that lose, repeat and delay, and a poller that finds everything in the end."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    args: World

    def started(self) -> None:
        self.addresses: dict[str, Any] = {}
        self.loads: dict[str, int] = {}
        self.cursors: dict[str, int] = {}
        self.counted: Counter[tuple[str, TrueFill]] = Counter()
        self.deliveries = 0
        if self.args.rate_s:
            self.timer("trade", self.args.rate_s, _Trade(), every=True)
        self.timer("poll", self.args.poll_s, _Poll(), every=True)

    @handles(LeadersWatched)
    def on_watched(self, message: LeadersWatched, sender: Any) -> None:
        for wallet, address in message.addresses.items():
            if (self.addresses.get(wallet), self.loads.get(wallet)) != (address, message.loads[wallet]):
                # What its former incarnation was sent may have died with it.
                self.cursors[wallet] = message.polled_from_s[wallet]
        self.addresses = message.addresses
        self.loads = dict(message.loads)

    @handles(_Trade)
    def on_trade(self, message: _Trade, sender: Any) -> None:
        if self.args.closed:
            return
        made = self.args.trade(true_ns(self.clock) // NS)
        for feed in ("stream-1", "stream-2"):
            seen = tuple(fill for fill in made if self.random.random() < 0.8)
            self.deliveries += 1
            delay_s = self.random.choice((0.05, 0.3, 1.0, 4.0, 20.0))
            self.timer(f"deliver:{self.deliveries}", delay_s, _Deliver(feed=feed, fills=seen))

    @handles(_Deliver)
    def on_deliver(self, message: _Deliver, sender: Any) -> None:
        for fill in message.fills:
            address = self.addresses.get(fill.wallet)
            if address is None:
                continue
            self.counted[message.feed, fill] += 1
            row = reported(
                fill, SourceKind.STREAM, message.feed, self.counted[message.feed, fill], self.clock
            )
            for _ in range(self.random.choice((1, 1, 2))):
                self.send(address, row)

    @handles(_Poll)
    def on_poll(self, message: _Poll, sender: Any) -> None:
        """Read every wallet's orders since its cursor, legs of an order in one row at their average."""
        until_s, began_ns = true_ns(self.clock) // NS - API_LAG_S, self.clock.now_ns()
        for wallet, address in self.addresses.items():
            since_s = self.cursors[wallet] - OVERLAP_S
            orders: dict[tuple[str, str, str], list[TrueFill]] = defaultdict(list)
            for fill in self.args.polled(wallet, since_s, until_s):
                orders[fill.group].append(fill)
            for legs in orders.values():
                whole = TrueFill(
                    **{name: getattr(legs[0], name) for name in TrueFill.__slots__ if name != "size"},
                    size=sum(leg.size for leg in legs),
                )
                row = reported(whole, SourceKind.API, "poll", 1, self.clock)
                self.send(address, msgspec.structs.replace(row, sweep_ns=began_ns))
            load = self.loads[wallet]
            self.send(address, CursorReached(wallet=wallet, cursor_s=until_s, load=load))
            self.send(address, Swept(wallet=wallet, began_at_ns=began_ns, load=load))
            self.cursors[wallet] = until_s


class _Answer(Message, frozen=True, kw_only=True):
    to: Any
    answer: Message


class Prices(SupervisedActor):
    """Market data: late, at times stale or missing, and thin."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)

    args: World

    def started(self) -> None:
        self.answers = 0
        self.watchers: defaultdict[str, list[Any]] = defaultdict(list)

    def _later(self, to: Any, answer: Message) -> None:
        self.answers += 1
        delay_s = self.random.choice((0.0, 0.01, 0.05, 0.4))
        self.timer(f"answer:{self.answers}", delay_s, _Answer(to=to, answer=answer))

    @handles(_Answer)
    def on_answer(self, message: _Answer, sender: Any) -> None:
        self.send(message.to, message.answer)

    @handles(MarketQuery)
    def on_market(self, query: MarketQuery, sender: Any) -> None:
        world = self.args
        bad = self.random.random() < 0.1 and not world.is_calm
        payouts = world.resolved.get(query.condition_id, ())
        market = Market(
            condition_id=query.condition_id,
            question="",
            slug="",
            event_slug="event",
            outcomes=("Yes", "No"),
            token_ids=world.tokens(query.condition_id),
            prices=(500_000, 500_000),
            tick=TICK,
            size_min=5 * SHARE,
            fee_rate=70_000,
            neg_risk=False,
            accepting_orders=not payouts,
            resolution=Resolution.RESOLVED if payouts else Resolution.OPEN,
            payouts=payouts,
        )
        self._later(
            sender,
            MarketAnswer(
                condition_id=query.condition_id,
                market=None if bad else market,
                as_of_ns=0,
                age_ms=0,
                stale=False,
                source="",
            ),
        )

    @handles(BookQuery)
    def on_book(self, query: BookQuery, sender: Any) -> None:
        random, mid = self.random, self.args.move(query.token_id)

        def side(step: int) -> tuple[tuple[int, int], ...]:
            return tuple(
                (
                    mid + step * TICK * number,
                    1_500 * SHARE if self.args.is_calm else random.randint(1, 1_500) * TICK,
                )
                for number in range(1, 5)
            )

        book = Book(
            token_id=query.token_id,
            bids=side(-1),
            asks=side(1),
            hash=f"{random.getrandbits(32)}",
            as_of_ns=true_ns(self.clock),
        )
        stale = random.random() < 0.1 and not self.args.is_calm
        self._later(
            sender,
            BookAnswer(token_id=query.token_id, book=book, age_ms=5_000 * stale, stale=stale, source=""),
        )

    @handles(WatchResolution)
    def on_watch(self, message: WatchResolution, sender: Any) -> None:
        self.watchers[message.condition_id].append(sender)
        self._tell(message.condition_id)

    @handles(MarketResolved)
    def on_resolved(self, message: MarketResolved, sender: Any) -> None:
        self._tell(message.condition_id)

    def _tell(self, condition: str) -> None:
        payouts = self.args.resolved.get(condition)
        if payouts is not None:
            told = MarketResolved(
                condition_id=condition, token_ids=self.args.tokens(condition), payouts=payouts
            )
            for watcher in self.watchers.pop(condition, ()):
                self.send(watcher, told)


RESTLESS = Supervision(restarts_max=10_000, period_s=60, backoff=Backoff(first_s=0.05, max_s=1.0))


@dataclass(frozen=True, slots=True)
class HouseArgs:
    """The world, where everybody lives, and a look at each message that the store applies."""

    world: World
    directory: Directory
    check: Any = None


class House(SupervisedActor):
    """Everything but the store, in the order of `actors.tree`."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = RESTLESS

    args: HouseArgs

    def started(self) -> None:
        world, directory = self.args.world, self.args.directory
        directory.prices = self.spawn_prices()
        directory.executor = self.spawn(
            Executor, "executor", ExecutorArgs(execution=world.execution, directory=directory)
        )
        directory.markets = self.spawn(
            Markets,
            "markets",
            MarketsArgs(
                guards=dict.fromkeys(world.portfolios, world.guards),
                breaker=Breaker(),
                directory=directory,
            ),
        )
        policy = Policy(ratio=10_000, paused=False, caps=world.caps, guards=world.guards)
        portfolios = tuple(
            PortfolioArgs(
                portfolio_id=name,
                mode="paper",
                starting_cash=world.cash,
                policies=dict.fromkeys(world.wallets, policy),
                settings_hash="s",
                directory=directory,
            )
            for name in world.portfolios
        )
        directory.portfolios = self.spawn(Portfolios, "portfolios", PortfoliosArgs(portfolios=portfolios))
        directory.ingest = self.spawn_ingest()
        directory.leaders = self.spawn(
            Leaders,
            "leaders",
            LeadersArgs(
                wallets=world.wallets,
                directory=directory,
                identity_window_s=172_800,
                backfill_s=30,
            ),
        )

    def spawn_prices(self) -> Any:
        return self.spawn(Prices, "prices", self.args.world)

    def spawn_ingest(self) -> Any:
        return self.spawn(Feeds, "ingest", self.args.world)


class Root(SupervisedActor):
    """The store first, the house behind it."""

    house: type[House] = House
    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = Supervision(
        strategy=Strategy.REST_FOR_ONE,
        restarts_max=10_000,
        period_s=60,
        backoff=Backoff(first_s=0.05, max_s=1.0),
    )

    args: HouseArgs

    def started(self) -> None:
        books = self.args.world.books
        self.args.directory.store = self.spawn(MemoryStore, "store", (books, self.args.check))
        self.spawn(self.house, "house", self.args)
