"""The suite `prices`: the real price service, its sockets and calls against the local venue, in virtual time.

Pages poll fifty markets, dashboards ask in batches, traders ask at T1, followers follow, holders wait for
what their markets pay, and the venue and the network misbehave. After every run it holds that

- everybody was answered, each once;
- no answer that is not flagged is older than was asked for, and none at T1 is stale;
- what was told of books was true at the moment the answer names, within what a frame may be on its way;
- every holder was told what its market truly pays, once, and nobody a guess;
- no host was asked more than its budget allows in any window.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from store_memory import Books, MemoryStore
from world import NS, START_S

from actors.prices.actor import Prices, PricesArgs
from config import settings
from messages.base import Message
from messages.markets import (
    BookAnswer,
    BookQuery,
    MarketAnswer,
    MarketQuery,
    MarketResolved,
    Resolution,
    Source,
    Tier,
    WatchResolution,
)
from messages.prices import FollowPrices, PriceAnswer, PriceMoved, PriceQuery, PricesAnswer, PricesQuery
from ops.venue import FaultSpec, Venue, VenueConfig
from ops.venue.faults import spec
from supervisor import Clock, Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import FaultPlan, Profile, Simulation
from supervisor.simulation.network import Cut, NetworkFault, Orphan, Refuse, Reset, Slow, Truncate

BUSY_S: Final = 60
QUIET_S: Final = 30
MARKETS: Final = 50
PAGE_S: Final = 0.25
"""How often a page asks for each of its markets."""
LANDED_MS: Final = 50
"""What was fetched for somebody may be this old although he accepts less."""
JITTER_S: Final = 0.05
"""By how much the network may let two requests draw nearer to each other."""
ON_THE_WAY_S: Final = 4.0
"""How long what is told may have been on its way: a late frame that is not yet called late, a slow body."""
UNNOTICED_S: Final = 15.0
"""How long a lost change may go unnoticed: CLOB is asked for comparison every five seconds here."""
PROFILE: Final = Profile(
    span_s=BUSY_S,
    actors=("prices", "prices/live-0"),
    routes=(("prices/live-0", "prices"),),
    crashes_max=4,
    delays_max=3,
    reorders_max=0,
    steps_max=0,
)

ENDPOINTS: Final = settings.Endpoints(
    clob_url="http://clob/clob",
    gamma_url="http://gamma/gamma",
    data_url="http://data/data",
    market_ws_url="ws://books/ws/market",
)
SERVICES: Final = ("clob", "gamma", "data", "books")
SETTINGS: Final = settings.Prices(live_verify_s=5.0, live_first_event_s=5.0, resolution_poll_s=5.0)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, for who looks on."""

    seed: int
    answers: int
    stale: int
    stale_open: int
    refused: int
    live: int
    age_p99_ms: int
    settled: int
    gamma_calls: int
    clob_calls: int
    faults: int
    digest: str

    def __str__(self) -> str:
        return (
            f"{self.answers} answers ({self.live} live, {self.stale} stale, {self.refused} refused), "
            f"page age p99 {self.age_p99_ms} ms, {self.settled} settled, {self.gamma_calls} calls to Gamma, "
            f"{self.clob_calls} to CLOB, {self.faults} faults, digest {self.digest}"
        )


@dataclass(slots=True)
class Seen:
    """What the askers got, for the end."""

    truth: Truth
    slack_s: float
    asked: int = 0
    answered: int = 0
    stale: int = 0
    stale_open: int = 0
    """Of what the page was told of open markets."""
    refused: int = 0
    live: int = 0
    ages_ms: list[int] = field(default_factory=list)
    """Of what the page was told."""
    paid: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    """By holder and market."""
    violation: AssertionError | None = None

    def check(self, holds: bool, what: str) -> None:
        """Take note of the first thing that does not hold; raised at the end, for actors survive anything."""
        if not holds and self.violation is None:
            self.violation = AssertionError(what)


class Truth:
    """What the venue's books said, and when; a listener of its world."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._at_ns: dict[str, list[int]] = defaultdict(list)
        self._prices: dict[str, list[tuple[Decimal, ...] | None]] = defaultdict(list)
        venue.world.listeners.append(self)  # type: ignore[arg-type]
        for condition in venue.world.markets:
            self._note(condition)

    def on_legs(self, legs: Sequence[Any], played_at: int) -> None:
        for condition in {leg.condition for leg in legs}:
            self._note(condition)

    def on_frame(self, text: str) -> None:
        """Nothing of the trade stream is of interest."""

    def on_levels(self, condition: str, changes: Sequence[Any], touched: Sequence[str]) -> None:
        self._note(condition)

    def on_market(self, market: Any, *, is_new: bool, has_resolved: bool) -> None:
        self._note(market.condition)

    def said(self, condition: str, prices: tuple[int, ...], from_ns: int, to_ns: int) -> bool:
        """Return whether the books said so at some moment of a span."""
        times, history = self._at_ns[condition], self._prices[condition]
        first = max(0, bisect_right(times, from_ns) - 1)
        last = bisect_left(times, to_ns)
        wanted = tuple(Decimal(price) / 1_000_000 for price in prices)
        return any(self._like(each, wanted) for each in history[first : last + 1])

    def _like(self, true: tuple[Decimal, ...] | None, told: tuple[Decimal, ...]) -> bool:
        return true is None or true == told

    def _note(self, condition: str) -> None:
        self._at_ns[condition].append(self._venue.world.clock.now_ns())
        self._prices[condition].append(self._now(condition))

    def _now(self, condition: str) -> tuple[Decimal, ...] | None:
        """Return what the books say now; None where they need not say anything in particular."""
        market = self._venue.world.markets.get(condition)
        if market is None or market.closed:
            return None
        prices = []
        for token in market.tokens:
            book = self._venue.world.books.get(token)
            if book is None or book.best_bid is None or book.best_ask is None:
                return None
            if book.best_ask - book.best_bid > Decimal("0.10"):
                return None
            prices.append((book.best_bid + book.best_ask) / 2)
        return tuple(prices)


class _Go(Message, frozen=True):
    pass


@dataclass(frozen=True, slots=True)
class AskerArgs:
    """Whom to ask about what, how often, and who looks at the answers."""

    prices: Any
    conditions: tuple[str, ...]
    tokens: tuple[str, ...]
    every_s: float
    seen: Seen
    until_s: float


class Asker(SupervisedActor):
    """Asks in turns, and holds every answer against the contract."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    args: AskerArgs

    def started(self) -> None:
        self.timer("go", self.args.every_s, _Go(), every=True)
        self.ends_ns = self.clock.monotonic_ns() + round(self.args.until_s * NS)

    @handles(_Go)
    def on_go(self, message: _Go, sender: Any) -> None:
        if self.clock.monotonic_ns() < self.ends_ns:
            self.go()

    def go(self) -> None:
        """Ask."""
        raise NotImplementedError

    def ask_one(self, query: Message) -> None:
        self.args.seen.asked += 1
        self.send(self.args.prices, query)

    @handles(PriceAnswer)
    def on_price(self, answer: PriceAnswer, sender: Any) -> None:
        self.args.seen.answered += 1
        self.look(answer)

    @handles(PricesAnswer)
    def on_prices(self, message: PricesAnswer, sender: Any) -> None:
        self.args.seen.answered += 1
        for answer in message.answers:
            self.look(answer)

    @handles(MarketAnswer, BookAnswer)
    def on_other(self, answer: Any, sender: Any) -> None:
        seen = self.args.seen
        seen.answered += 1
        value = answer.market if isinstance(answer, MarketAnswer) else answer.book
        final = isinstance(answer, MarketAnswer) and value is not None and bool(value.payouts)
        seen.check(value is None or not answer.stale, f"a stale value at T1: {answer}")
        limit_ms = SETTINGS.t1_ms if isinstance(answer, MarketAnswer) else BOOK_MS
        if value is not None and not final:
            seen.check(answer.age_ms <= limit_ms, f"an old value at T1: {answer}")
        seen.refused += answer.refused

    def look(self, answer: PriceAnswer) -> None:
        """Hold a price against the contract and the truth."""
        seen = self.args.seen
        final = answer.market is not None and bool(answer.market.payouts)
        limit_ms = {
            Tier.T1: SETTINGS.t1_ms,
            Tier.T2A: SETTINGS.t2a_ms,
            Tier.T2B: SETTINGS.t2b_ms,
            Tier.T3: SETTINGS.t3_ms,
            Tier.T4: SETTINGS.t4_ms,
        }[answer.tier]
        seen.stale += answer.stale
        seen.refused += answer.refused
        seen.live += answer.source == Source.STREAM
        if not answer.stale and not final:
            seen.check(answer.age_ms <= limit_ms + LANDED_MS, f"older than the tier allows: {answer}")
        if answer.tier is Tier.T1:
            seen.check(not answer.prices or not answer.stale, f"a stale price at T1: {answer}")
        if answer.source in (Source.STREAM, Source.CLOB) and answer.prices and not final:
            from_ns = answer.as_of_ns - round(seen.slack_s * NS)
            to_ns = answer.as_of_ns + answer.age_ms * 1_000_000 + NS // 10
            told = seen.truth.said(answer.condition_id, answer.prices, from_ns, to_ns)
            seen.check(told, f"never true: {answer}")


BOOK_MS: Final = 2_000


class Page(Asker):
    """Polls all its markets, as a browser does."""

    def go(self) -> None:
        for condition in self.args.conditions:
            self.ask_one(PriceQuery(condition_id=condition, tier=Tier.T2A))

    def look(self, answer: PriceAnswer) -> None:
        super().look(answer)
        is_open = answer.market is not None and answer.market.resolution is Resolution.OPEN
        if answer.prices and is_open:
            self.args.seen.ages_ms.append(answer.age_ms)
            self.args.seen.stale_open += answer.stale


class Dashboard(Asker):
    """Asks for many at once, now of this tier, now of that."""

    def go(self) -> None:
        ids = tuple(self.random.sample(self.args.conditions, self.random.randint(1, 20)))
        tier = self.random.choice((Tier.T2A, Tier.T2B, Tier.T3, Tier.T4))
        self.ask_one(PricesQuery(condition_ids=ids, tier=tier))


class Trader(Asker):
    """Asks for what an execution needs."""

    def go(self) -> None:
        condition, token = self.random.choice(self.args.conditions), self.random.choice(self.args.tokens)
        self.ask_one(MarketQuery(condition_id=condition, tier=Tier.T1))
        self.ask_one(BookQuery(token_id=token, tier=Tier.T1, age_ms_max=BOOK_MS))
        self.ask_one(PriceQuery(condition_id=condition, tier=Tier.T1))


class Reader(Asker):
    """Follows some markets, and never asks."""

    def go(self) -> None:
        self.send(self.args.prices, FollowPrices(condition_ids=self.args.conditions[:10]))

    @handles(PriceMoved)
    def on_moved(self, message: PriceMoved, sender: Any) -> None:
        self.look(message.answer)


class Holder(Asker):
    """Waits for what its markets pay."""

    def go(self) -> None:
        for condition in self.args.conditions:
            if (self.path, condition) not in self.args.seen.paid:
                self.send(self.args.prices, WatchResolution(condition_id=condition))

    @handles(MarketResolved)
    def on_resolved(self, message: MarketResolved, sender: Any) -> None:
        seen, key = self.args.seen, (self.path, message.condition_id)
        known = seen.paid.setdefault(key, message.payouts)
        seen.check(known == message.payouts, f"told two payouts of one market: {message}")


class TrueClock:
    """The venue's clock, which goes on evenly whatever is done to ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now_ns(self) -> int:
        """Return wall time."""
        return START_S * NS + self._clock.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Return the time since some moment."""
        return self._clock.monotonic_ns()


def run(
    seed: int,
    plan: FaultPlan | None = None,
    deep: bool = False,
    *,
    faults: FaultSpec | None = None,
    prices: settings.Prices = SETTINGS,
    busy_s: float = BUSY_S,
) -> Result:
    """Run one world to its end and hold it against everything above. Raises `AssertionError`.

    `busy_s` is for how long everybody asks, and things go wrong.
    """
    plan = planned(seed) if plan is None else plan
    misbehaviour = quirks(Random(f"pricing:{seed}")) if faults is None else faults
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        venue = open_venue(sim, seed)
        loses = any(isinstance(each, spec.Drop | spec.Mute) for each in misbehaviour.faults)
        seen = Seen(Truth(venue), UNNOTICED_S if loses else ON_THE_WAY_S)
        books = Books()
        store = sim.spawn(MemoryStore, "store", books)
        service = sim.spawn(Prices, "prices", PricesArgs(settings=prices, endpoints=ENDPOINTS, store=store))
        spawn_askers(sim, venue, service, seen, busy_s)
        venue.play()
        sim.advance(2)
        venue.faults.set(misbehaviour)
        sim.advance(busy_s - 2)
        sim.heal()
        venue.faults.set(FaultSpec())
        sim.advance(QUIET_S)
        fired = len(sim.fired)
        crashes = sum(1 for each in sim.fired if type(each.fault).__name__ == "Crash")
        digest = sim.digest
        sim.await_(venue.stop())
    if seen.violation is not None:
        raise seen.violation
    unanswered = seen.asked - seen.answered
    assert 0 <= unanswered <= crashes, f"{unanswered} were never answered, after {crashes} crashes"
    settled = verify_payouts(venue, seen)
    for route, rate in (
        ("GET /gamma/markets", prices.gamma_requests_per_s),
        ("GET /data/v2/resolutions", prices.resolutions_per_s),
    ):
        over_s = ahead_s(venue.arrivals(route), rate)
        assert over_s <= JITTER_S, f"{route} was asked {over_s:.3f} s ahead of its budget"
    clob = [*venue.arrivals("GET /clob/book"), *venue.arrivals("POST /clob/books")]
    clob += venue.arrivals("GET /clob/markets/{condition}")
    assert ahead_s(sorted(clob), prices.clob_requests_per_s) <= JITTER_S, "CLOB's budget was exceeded"
    ages = sorted(seen.ages_ms)
    return Result(
        seed=seed,
        answers=seen.answered,
        stale=seen.stale,
        stale_open=seen.stale_open,
        refused=seen.refused,
        live=seen.live,
        age_p99_ms=ages[len(ages) * 99 // 100],
        settled=settled,
        gamma_calls=len(venue.arrivals("GET /gamma/markets")),
        clob_calls=len(clob),
        faults=fired + len(misbehaviour.faults),
        digest=digest,
    )


def ahead_s(arrivals: Sequence[float], rate_per_s: float) -> float:
    """Return by how many seconds requests were ahead of rate and burst in the worst window of any length."""
    burst = max(1.0, rate_per_s)
    worst, latest = 0.0, float("-inf")
    for number, at_s in enumerate(arrivals):
        due = at_s - number / rate_per_s
        latest = max(latest, due)
        worst = max(worst, latest - due)
    return worst - (burst - 1) / rate_per_s


def verify_payouts(venue: Venue, seen: Seen) -> int:
    """Hold what holders were told against what the venue pays; return how many markets were settled."""
    for (_, condition), payouts in seen.paid.items():
        market = venue.world.markets[condition]
        shown = tuple(round(Decimal(price) * 1_000_000) for price in market.prices)
        assert market.closed, f"told what an open market pays: {condition}"
        assert payouts == shown or market.winner is not None, f"{payouts} for {shown}"
        if market.winner is not None:
            won = tuple(1_000_000 if index == market.winner else 0 for index in range(len(shown)))
            assert payouts == won, f"told {payouts}, paid {won}"
    told = {condition for _, condition in seen.paid}
    for condition in seen.truth._at_ns:
        market = venue.world.markets[condition]
        held = condition in HELD
        assert not (held and market.winner is not None) or condition in told, f"never told of {condition}"
    return len(told)


HELD: set[str] = set()


def open_venue(sim: Simulation, seed: int) -> Venue:
    """Start a venue on a host of its own."""
    config = VenueConfig(
        host=SERVICES[0],
        port=80,
        seed=seed,
        run_seconds=BUSY_S,
        frames_per_second=10,
        markets=MARKETS - 6,
        short_lived_markets=6,
        short_lived_seconds=(10.0, 40.0),
        wallets=60,
        quotes_per_trade=4,
        wait_for_subscriber=False,
        requests_kept=1_000_000,
    )
    venue = Venue(config, TrueClock(sim.clock))
    for name in SERVICES[1:]:
        sim.network.alias(name, SERVICES[0])
    with sim.network.running_on(SERVICES[0]):
        sim.await_(venue.start())
    return venue


def spawn_askers(sim: Simulation, venue: Venue, service: Any, seen: Seen, busy_s: float) -> None:
    """Start everybody who asks."""
    markets = [market for market in venue.world.markets.values() if not market.closed][:MARKETS]
    conditions = tuple(market.condition for market in markets)
    tokens = tuple(token for market in markets for token in market.tokens)
    HELD.clear()
    HELD.update(conditions)

    def args(every_s: float) -> AskerArgs:
        return AskerArgs(service, conditions, tokens, every_s, seen, busy_s)

    sim.spawn(Page, "page", args(PAGE_S))
    sim.spawn(Dashboard, "dashboard", args(0.7))
    sim.spawn(Trader, "trader", args(0.3))
    sim.spawn(Reader, "reader", args(5.0))
    for name in ("holder-1", "holder-2"):
        sim.spawn(Holder, name, replace(args(4.0), until_s=busy_s + QUIET_S))


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the run of a seed: on the network, and with the actors."""
    return FaultPlan((*draw(Random(f"pricing:network:{seed}")), *FaultPlan.drawn(seed, PROFILE)))


def draw(chaos: Random) -> Iterator[NetworkFault]:
    """Draw what goes wrong on the network; of all seeds some have nothing to bear."""
    for _ in range(chaos.choice((0, 1, 3, 8))):
        at_s, for_s = chaos.uniform(3, BUSY_S - 20), chaos.choice((0.5, 2.0, 8.0, 20.0))
        where: dict[str, Any] = {"server": chaos.choice((*SERVICES, "books", "*")), "at_s": at_s}
        after_bytes = chaos.choice((0, 1, 500, 20_000))
        yield chaos.choice(
            (
                Cut(**where, for_s=for_s),
                Cut(**where, for_s=for_s, one_way=True),
                Slow(**where, for_s=for_s, latency_s=chaos.choice((0.1, 0.4)), jitter_s=0.2),
                Refuse(**where, for_s=for_s),
                Reset(**where, after_bytes=after_bytes),
                Truncate(**where, after_bytes=after_bytes),
                Orphan(**where, after_bytes=after_bytes),
            )
        )


def quirks(chance: Random) -> FaultSpec:
    """Draw how the venue itself misbehaves."""
    kinds: list[spec.AnyFault] = [
        spec.Throttle(rate=0.2, retry_after_s=chance.choice((None, 2.0))),
        spec.ServerError(rate=0.2, status=chance.choice((500, 503))),
        spec.Latency(seconds=0.8, jitter_s=0.2),
        spec.Hang(rate=0.1, seconds=20),
        spec.Trickle(rate=0.2, seconds=1),
        spec.Malformed(rate=0.1),
        spec.Truncate(rate=0.1),
        spec.Silence(channel="market", after_s=chance.uniform(2, 20)),
        spec.Disconnect(channel="market", after_s=chance.uniform(2, 20), code=chance.choice((None, 1001))),
        spec.Duplicate(channel="market", rate=0.3),
        spec.Drop(channel="market", rate=0.02),
        spec.Garbage(channel="market", rate=0.02),
        spec.Blank(channel="market", rate=0.2),
        spec.Delay(channel="market", seconds=chance.choice((0.5, 1.5, 10.0))),
    ]
    return FaultSpec(seed=chance.getrandbits(32), faults=chance.sample(kinds, chance.choice((0, 1, 2, 4, 6))))


def counts(seen: Seen) -> Counter[str]:
    """Return what was counted."""
    return Counter(stale=seen.stale, refused=seen.refused, live=seen.live)
