"""The generator: the same from the same seed, and like the recorded day."""

import random
import re
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.venue import VenueConfig
from ops.venue.clock import MachineClock
from ops.venue.feeds.events import BookStated, LegsTraded, LevelsChanged, MarketStated
from ops.venue.feeds.generator import GeneratorFeed
from ops.venue.feeds.generator.ladder import Ladder
from ops.venue.keccak import checksummed, keccak256
from ops.venue.world import World


def _drawn(legs=6000, **settings_):
    feed = GeneratorFeed(VenueConfig(**settings_))
    events, count = [], 0
    for at, event in feed.events():
        events.append((at, event))
        if isinstance(event, LegsTraded):
            count += len(event.legs)
            if count >= legs:
                break
    return feed, events


@pytest.fixture(scope="module")
def day():
    feed, events = _drawn()
    return feed, events, [leg for _, event in events if isinstance(event, LegsTraded) for leg in event.legs]


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_sequence(seed):
    def told():
        feed, events = _drawn(60, seed=seed, markets=6, wallets=30)
        books = [
            (e.book.token, e.book.bids, e.book.asks) for e in feed.opening() if isinstance(e, BookStated)
        ]
        legs = [(at, e.legs) for at, e in events if isinstance(e, LegsTraded)]
        return books, legs, [(at, e.changes) for at, e in events if isinstance(e, LevelsChanged)]

    assert told() == told()


def test_another_seed_gives_another_sequence():
    assert GeneratorFeed(VenueConfig(seed=1)).leaders() != GeneratorFeed(VenueConfig(seed=2)).leaders()


def test_time_never_goes_back(day):
    times = [at for at, _ in day[1]]
    assert times == sorted(times)


def test_frames_come_at_the_configured_rate(day):
    seconds = day[1][-1][0] / 1e9
    assert len(day[2]) / seconds == pytest.approx(50, rel=0.1)


def test_sizes_are_spread_like_the_recorded_ones(day):
    """Recorded: p10 12, median 286, p90 1,861, the largest 177,000 shares."""
    sizes = sorted(float(leg.size) for leg in day[2])
    p10, median, p90 = (sizes[int(len(sizes) * q)] for q in (0.1, 0.5, 0.9))
    assert 5 < p10 < 30
    assert 150 < median < 450
    assert 1000 < p90 < 3000
    assert sizes[-1] <= 177_000


def test_several_fills_per_transaction_and_exact_repeats_happen_as_recorded(day):
    """Recorded: 2.6 % of (transaction, wallet) pairs with two or more rows, up to 13; a few exact repeats."""
    pairs = Counter((leg.transaction, leg.wallet) for leg in day[2])
    several = sum(count > 1 for count in pairs.values()) / len(pairs)
    assert 0.015 < several < 0.06
    assert 4 <= max(pairs.values()) <= 14
    legs = Counter((leg.transaction, leg.wallet, leg.token, leg.side, leg.price, leg.size) for leg in day[2])
    assert max(legs.values()) > 1


def test_the_legs_of_a_transaction_balance(day):
    """Every taker's share has a maker: opposite side of the same token, or the same side of the other."""
    for _, event in day[1]:
        if not isinstance(event, LegsTraded):
            continue
        taken = sum(leg.size for leg in event.legs if leg.role == "taker")
        assert taken == sum(leg.size for leg in event.legs if leg.role == "maker")
        taker = event.legs[0]
        for leg in event.legs[1:]:
            if leg.role == "maker":
                assert (leg.side != taker.side) == (leg.token == taker.token)
                assert leg.wallet != taker.wallet


def test_a_mint_prices_the_two_outcomes_to_one(day):
    mints = 0
    for _, event in day[1]:
        if isinstance(event, LegsTraded) and len(event.legs) == 2:
            taker, maker = event.legs
            if taker.token != maker.token:
                mints += 1
                assert taker.price + maker.price == pytest.approx(1, abs=0.001)
    assert mints > 50


def test_only_takers_pay_and_by_the_schedule(day):
    feed, events, legs = day
    rates = {
        event.market.condition: event.market.fee_rate
        for event in [*feed.opening(), *(event for _, event in events)]
        if isinstance(event, MarketStated)
    }
    for leg in legs:
        rate = rates[leg.condition] if leg.role == "taker" else Decimal(0)
        due = leg.size * rate * leg.price * (1 - leg.price)
        assert leg.fee == due.quantize(Decimal("0.00001"), ROUND_HALF_UP)
        assert (b'"fee":' in leg.body) == (leg.fee > 0)


def test_leaders_buy_and_later_sell_what_they_hold(day):
    feed, _, legs = day
    for wallet in feed.leaders()[:3]:
        held, sides = defaultdict(Decimal), Counter()
        for leg in legs:
            if leg.wallet == wallet:
                sides[leg.side] += 1
                held[leg.token] += leg.size if leg.side == "BUY" else -leg.size
                assert held[leg.token] >= 0
        assert sides["BUY"] > 5
        assert sides["SELL"] > 2


def test_short_markets_resolve_and_others_take_their_place(day):
    closed = [e.market for _, e in day[1] if isinstance(e, MarketStated) and e.market.closed]
    listed = [e.market for _, e in day[1] if isinstance(e, MarketStated) and not e.market.closed]
    assert len(closed) > 5
    assert len(listed) == len({market.condition for market in closed})
    won = [market for market in closed if market.winner is not None]
    assert {market.winner for market in won} == {0, 1}
    assert all(set(market.prices) == {"0", "1"} for market in won)
    assert len(won) > 0.7 * len(listed)


def test_wallets_are_sent_in_mixed_case(day):
    shown = re.search(rb'"proxyWallet":"(0x[0-9a-fA-F]{40})"', day[2][0].body)
    assert shown is not None
    assert checksummed(day[2][0].wallet) == shown[1].decode()


def test_checksums_are_those_of_eip_55():
    for address in (
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    ):
        assert checksummed(address.lower()) == address
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert len(keccak256(b"x" * 136)) == 32


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    ticks=st.sampled_from([4, 10, 100, 1000]),
    middle=st.integers(0, 1000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 10**12)),
            st.floats(0, 1),
        ),
        max_size=120,
    ),
)
def test_a_ladder_is_never_crossed_nor_empty_whatever_happens(seed, ticks, middle, steps):
    ladder = Ladder(random.Random(seed), ticks, middle, 500.0)
    bids, asks = dict(ladder.bids), dict(ladder.asks)
    for step in steps:
        if isinstance(step, float):
            ladder.requote(step)
        else:
            fills = ladder.take(*step)
            assert sum(size for _, size in fills) <= step[1]
        for side, tick, size in ladder.changes():
            levels = bids if side == "BUY" else asks
            levels[tick] = size
            if size == 0:
                del levels[tick]
        assert (bids, asks) == (ladder.bids, ladder.asks)
        assert 0 < ladder.best_bid < ladder.best_ask < ladder.ticks
        assert min(*ladder.bids.values(), *ladder.asks.values(), 10**15) > 0


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_books_stay_uncrossed_and_mirror_each_other(seed):
    feed = GeneratorFeed(VenueConfig(seed=seed, markets=4, wallets=20, short_lived_seconds=(1, 3)))
    world = World(feed, 10_000, MachineClock())
    for count, (_, event) in enumerate(feed.events()):
        world.apply(event, 0)
        if count > 400 and isinstance(event, LegsTraded):
            break
    assert world.books
    for book in world.books.values():
        bids, asks = book.worst_first("BUY"), book.worst_first("SELL")
        assert bids == sorted(bids)
        assert asks == sorted(asks, reverse=True)
        assert bids[-1][0] < asks[-1][0]
        other = world.books[world.by_token[book.token].opposite(book.token) or ""]
        assert {1 - price: size for price, size in book.bids.items()} == other.asks
