"""What is in play: held, followed and asked for, the most pressing first, and what has no book left out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from actors.prices import hot as subject
from actors.prices.book_desk import BookDesk
from actors.prices.books import make_book
from actors.prices.hot import MISSING_NS, Hot
from actors.prices.live.board import Board
from actors.prices.live.events import BookSnapshot
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import Known
from actors.prices.price_desk import PriceDesk
from actors.prices.tiers import Tiers
from actors.prices.watches import Watches
from config.settings import Prices
from messages.markets import FreshQuery, Market, Resolution, Source, Tier

NS_PER_S = 1_000_000_000
WALL_NS = 1_790_000_000 * NS_PER_S


class Time:
    def __init__(self):
        self.now_s = 1_000.0

    def monotonic_ns(self):
        return round(self.now_s * NS_PER_S)

    def now_ns(self):
        return WALL_NS + self.monotonic_ns()


class Service:
    """The desks that the hot set is read from; nothing of them is ever sent."""

    def __init__(self, condition, tokens):
        self.condition, self.tokens = condition, tokens
        self.clock, settings = Time(), Prices(warm_for_s=60)
        actor = SimpleNamespace(clock=self.clock)
        self.tiers = Tiers(settings)
        self.board = Board(30 * NS_PER_S, 30 * NS_PER_S)
        self.watches = Watches()
        self.markets = MarketDesk(actor, settings, None, None, lambda known: None, lambda key: False, {})
        self.books = BookDesk(actor, settings, None, self.board)
        self.prices = PriceDesk(actor, settings, self.markets, self.books)
        self.hot = Hot(self.clock, self.markets, self.books, self.prices, self.watches, self.board)

    @property
    def now_ns(self):
        return self.clock.monotonic_ns()

    def wanted(self, tier):
        return self.tiers.wanted(FreshQuery(tier=tier))

    def know(self, *numbers, resolution=Resolution.OPEN):
        for number in numbers:
            market = Market(
                condition_id=self.condition(number),
                question=f"Will it rain on day {number}?",
                slug="",
                event_slug="",
                outcomes=("Yes", "No"),
                token_ids=self.tokens(number),
                prices=(640_000, 360_000),
                tick=10_000,
                size_min=5,
                fee_rate=0,
                neg_risk=False,
                accepting_orders=True,
                resolution=resolution,
            )
            row = Known(market, self.clock.now_ns(), self.now_ns, Source.GAMMA, False)
            self.markets.memory.put(market.condition_id, row)

    def ask(self, number, tier):
        self.markets.demand.note(self.condition(number), self.now_ns, self.wanted(tier))

    def chosen(self):
        """Return the numbers of the markets whose outcomes are to be live, in order."""
        wanted = list(dict.fromkeys(self.hot.tokens(self.now_ns)))
        return [(int(token) - 10**20) // 2 for token in wanted[::2]]


@pytest.fixture
def service(condition, tokens):
    return Service(condition, tokens)


def test_held_comes_before_followed_before_asked_for_and_who_trades_before_who_looks(service, condition):
    service.know(1, 2, 3, 4, 5)
    service.ask(5, Tier.T2B)
    service.ask(4, Tier.T2A)
    service.ask(3, Tier.T1)
    service.prices.followers.follow("page", [condition(2)], service.now_ns)
    service.watches.add(condition(1), "portfolio")
    assert service.chosen() == [1, 2, 3, 4, 5]
    assert list(service.hot.tokens(service.now_ns)) == [t for n in range(1, 6) for t in service.tokens(n)]


def test_of_the_same_tier_the_last_one_asked_for_comes_first(service):
    service.know(1, 2)
    for number in (1, 2, 1):
        service.ask(number, Tier.T2A)
    assert service.chosen() == [1, 2]


def test_looking_at_a_dashboard_makes_no_book_live(service):
    service.know(1, 2)
    service.ask(1, Tier.T3)
    service.ask(2, Tier.T4)
    service.books.demand.note(service.tokens(1)[0], service.now_ns, service.wanted(Tier.T3))
    assert service.chosen() == []


def test_what_nobody_asked_for_lately_is_in_play_no_more(service, condition):
    service.know(1, 2)
    service.ask(1, Tier.T1)
    service.watches.add(condition(2), "portfolio")
    service.clock.now_s += 60.001
    assert service.chosen() == [2]


def test_closed_or_unknown_market_needs_no_books(service, condition):
    service.know(1, resolution=Resolution.CLOSED)
    for number in (1, 2):
        service.watches.add(condition(number), "portfolio")
    assert service.chosen() == []


def test_book_asked_for_by_itself_is_live_whatever_its_market(service):
    service.books.demand.note("7", service.now_ns, service.wanted(Tier.T1))
    service.books.demand.note("8", service.now_ns, service.wanted(Tier.T3))
    service.books.demand.note("9", service.now_ns, service.wanted(Tier.T1))
    assert list(service.hot.tokens(service.now_ns)) == ["9", "7"]


def test_outcome_without_a_book_is_left_out_for_a_while_and_then_tried_again(service, condition):
    service.know(1)
    service.watches.add(condition(1), "portfolio")
    yes, no = service.tokens(1)
    service.books.missing[yes] = service.now_ns
    service.clock.now_s += MISSING_NS / NS_PER_S - 1
    assert list(service.hot.tokens(service.now_ns)) == [no]
    service.clock.now_s += 1
    assert list(service.hot.tokens(service.now_ns)) == [yes, no]


def test_hot_set_is_shown_with_who_wants_it_and_how_fresh_it_is(service, condition):
    service.know(1)
    service.ask(1, Tier.T3)
    service.ask(1, Tier.T2B)
    asked_at_ns = service.clock.now_ns()
    service.watches.add(condition(2), "portfolio")
    yes = service.tokens(1)[0]
    service.board.add(yes, "live-0", service.now_ns)
    service.board.up("live-0", service.now_ns)
    service.clock.now_s += 2
    book = make_book(yes, {700_000: 5}, {720_000: 5}, hash="", as_of_ns=0)
    snapshot = BookSnapshot(condition_id=condition(1), book=book, tick=0, at_ms=1)
    service.board.take("live-0", [snapshot], service.now_ns)
    service.clock.now_s += 1
    held, asked = service.hot.demand().markets
    assert (held.condition_id, held.held, held.followed, held.tier, held.requests) == (
        condition(2), True, False, None, 0,
    )  # fmt: skip
    assert (held.question, held.source, held.age_ms, held.live, held.last_requested_at_ns) == (
        "",
        "",
        -1,
        0,
        0,
    )
    assert (asked.condition_id, asked.held, asked.tier, asked.requests) == (condition(1), False, Tier.T2B, 2)
    assert (asked.source, asked.age_ms, asked.live) == (Source.STREAM, 1_000, 1)
    assert asked.last_requested_at_ns == asked_at_ns


def test_market_is_shown_once_however_many_want_it_and_the_rest_beyond_a_bound_not(
    service, condition, monkeypatch
):
    monkeypatch.setattr(subject, "SHOWN_MAX", 3)
    for number in (1, 2, 3, 4):
        service.ask(number, Tier.T4)
    service.ask(2, Tier.T1)
    service.watches.add(condition(2), "portfolio")
    service.prices.followers.follow("page", [condition(2)], service.now_ns)
    shown = [each.condition_id for each in service.hot.demand().markets]
    assert shown == [condition(2), condition(4), condition(3)]
