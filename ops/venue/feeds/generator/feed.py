"""The generator: draws one transaction after the other, and lets short markets come and go."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator, Sequence
from typing import Final

from ops.venue.config import VenueConfig
from ops.venue.feeds.events import Event, LegsTraded, MarketStated
from ops.venue.feeds.generator.catalogue import ORIGIN, Catalogue
from ops.venue.feeds.generator.ladder import Ladder
from ops.venue.feeds.generator.leaders import Leader
from ops.venue.feeds.generator.oddities import Oddities
from ops.venue.feeds.generator.sizes import draw_size
from ops.venue.feeds.generator.traded import Traded
from ops.venue.feeds.generator.trading import Fill, make_legs
from ops.venue.feeds.generator.wallets import Population, Trader, make_trader
from ops.venue.leg import Leg, Side
from ops.venue.market import Market

_LEADER_MAKES: Final = 0.25
"""How often a leader's order is the resting one."""

_SPLIT_TAKER: Final = 0.3
_SPLIT_LEADER: Final = 0.6
"""How often a sweep over several prices is reported in a row for each."""

_SHORT_LIVED_SHARE: Final = 0.15
"""How many transactions happen in the short-lived markets."""

_RESOLVES_AFTER_SECONDS: Final = 1.0


class GeneratorFeed:
    """A feed out of a seed. `events` is to be drawn from once."""

    def __init__(self, config: VenueConfig) -> None:
        self._config = config
        self._chance = random.Random(config.seed)
        self._oddities = Oddities(config)
        self._catalogue = Catalogue(self._chance)
        self._population = Population(self._chance, config.wallets)
        self._leaders = [Leader(make_trader(self._chance), self._chance) for _ in range(config.leaders)]
        self._long = [self._list_long() for _ in range(config.markets)]
        self._popularity = [1.0 / (rank + 2) ** 0.8 for rank in range(config.markets)]
        self._short: dict[str, Traded] = {}
        self._due: list[tuple[float, int, Traded | Market]] = []
        self._put_off_count = 0
        for slot in range(config.short_lived_markets):
            self._list_short(0.0, (slot + 1) / config.short_lived_markets)
        self._opening = [event for one in (*self._long, *self._short.values()) for event in one.stated()]

    @property
    def origin_ns(self) -> int:
        """The nominal beginning that the markets' dates are built on."""
        return int(ORIGIN.timestamp()) * 1_000_000_000

    def opening(self) -> Sequence[Event]:
        """Return all markets and their books."""
        return self._opening

    def leaders(self) -> Sequence[str]:
        """Return the suggested leaders; earlier ones trade more."""
        return [leader.trader.wallet for leader in self._leaders]

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield transactions at the configured rate of frames, and the books' moves between them."""
        now_s = 0.0
        while self._config.run_seconds is None or now_s <= self._config.run_seconds:
            for at_s, event in self._ended(now_s):
                yield int(at_s * 1e9), event
            now_ns = int(now_s * 1e9)
            market, legs = self._transaction(now_s)
            yield now_ns, LegsTraded(legs)
            market.ladder.requote(market.up_chance(now_s))
            yield from ((now_ns, event) for event in market.moved())
            yield from ((now_ns, event) for event in self._quotes(now_s))
            now_s += self._chance.expovariate(self._config.frames_per_second / len(legs))

    def _transaction(self, now_s: float) -> tuple[Traded, list[Leg]]:
        if self._leaders and self._chance.random() < self._config.leader_share:
            return self._leader_transaction()
        market = self._any_market()
        side: Side = "BUY" if self._chance.random() < 0.7 else "SELL"
        outcome = self._chance.randrange(2)
        fills = market.fills(outcome, side, draw_size(self._chance))
        return market, self._legs(market, self._population.pick(), outcome, side, fills, _SPLIT_TAKER)

    def _leader_transaction(self) -> tuple[Traded, list[Leg]]:
        weights = [1.0 / (rank + 1) for rank in range(len(self._leaders))]
        leader = self._chance.choices(self._leaders, weights=weights)[0]
        wants = leader.next()
        market = self._market(wants.condition) if wants.condition else self._any_market()
        tokens = market.listing.tokens
        outcome = tokens.index(wants.token) if wants.token else self._chance.randrange(2)
        if self._chance.random() < _LEADER_MAKES:
            legs = self._met_by_taker(market, leader.trader, outcome, wants.side, wants.size)
        else:
            fills = market.fills(outcome, wants.side, wants.size)
            legs = self._legs(market, leader.trader, outcome, wants.side, fills, _SPLIT_LEADER)
        leader.note(legs)
        return market, legs

    def _met_by_taker(self, market: Traded, maker: Trader, outcome: int, side: Side, size: int) -> list[Leg]:
        """Return a transaction in which somebody takes the leader's resting order."""
        taken: Side = "SELL" if side == "BUY" else "BUY"
        fills = market.fills(outcome, taken, size)[:1]
        return self._legs(market, self._population.pick(), outcome, taken, fills, 0.0, maker)

    def _legs(
        self,
        market: Traded,
        taker: Trader,
        outcome: int,
        side: Side,
        fills: list[Fill],
        split_taker: float,
        first_maker: Trader | None = None,
    ) -> list[Leg]:
        return make_legs(
            self._chance,
            market.listing,
            self._population,
            taker=taker,
            outcome=outcome,
            side=side,
            fills=fills,
            split_taker=split_taker,
            first_maker=first_maker,
        )

    def _quotes(self, now_s: float) -> Iterator[Event]:
        count = int(self._config.quotes_per_trade)
        count += self._chance.random() < self._config.quotes_per_trade - count
        for _ in range(count):
            market = self._any_market()
            market.ladder.requote(market.up_chance(now_s))
            yield from market.moved()

    def _any_market(self) -> Traded:
        if not self._long or (self._short and self._chance.random() < _SHORT_LIVED_SHARE):
            return self._chance.choice(list(self._short.values()))
        return self._chance.choices(self._long, weights=self._popularity)[0]

    def _market(self, condition: str) -> Traded:
        found = self._short.get(condition)
        return found if found is not None else next(m for m in self._long if m.listing.condition == condition)

    def _list_long(self) -> Traded:
        listing = self._oddities.version(self._catalogue.long_lived())
        middle = int(self._chance.betavariate(1.2, 1.2) * listing.ticks)
        typical = 10 ** self._chance.uniform(2.8, 4.6)
        market = Traded(listing, Ladder(self._chance, listing.ticks, middle, typical))
        market.refines_by = self._oddities.refines_by(market)
        return market

    def _list_short(self, now_s: float, part: float = 1.0) -> Traded:
        low, high = self._config.short_lived_seconds
        ends_s = now_s + self._chance.uniform(low, high) * part
        listing = self._oddities.version(self._catalogue.short_lived(now_s, ends_s))
        market = Traded(listing, Ladder(self._chance, listing.ticks, listing.ticks // 2, 2000.0))
        market.starts_s, market.ends_s = now_s, ends_s
        market.winner = self._chance.randrange(2)
        market.refines_by = self._oddities.refines_by(market)
        self._short[listing.condition] = market
        self._put_off(ends_s + _RESOLVES_AFTER_SECONDS, market)
        return market

    def _ended(self, now_s: float) -> Iterator[tuple[float, Event]]:
        """End the markets whose time is over, at once or in steps, and list others in their place."""
        while self._due and self._due[0][0] <= now_s:
            at_s, _, due = heapq.heappop(self._due)
            if isinstance(due, Market):
                yield at_s, MarketStated(due)
                continue
            condition = due.listing.condition
            del self._short[condition]
            (_, ended), *later = self._oddities.ending(due, at_s)
            yield at_s, MarketStated(ended)
            for step_s, market in later:
                self._put_off(step_s, market)
            for leader in self._leaders:
                leader.forget(condition)
            for event in self._list_short(at_s).stated():
                yield at_s, event

    def _put_off(self, at_s: float, due: Traded | Market) -> None:
        self._put_off_count += 1
        heapq.heappush(self._due, (at_s, self._put_off_count, due))
