"""The paper venue: honest about latency, depth and fees; executes an identity once; forgets nothing."""

from __future__ import annotations

import pytest
from examples import NO, NOON_NS, PAPER, SHARE, USDC, YES, book, fill, order

from actors.executor.fills import KILLED
from actors.executor.paper import BOOK_TRIES_MAX, PaperArgs, PaperVenue
from messages.directory import Directory
from messages.markets import BookAnswer, BookQuery
from messages.orders import (
    CancelOrder,
    Holding,
    OpenOrders,
    OpenOrdersQuery,
    OrderQuery,
    OrderReport,
    OrderState,
    VenueAccount,
    VenueAccountQuery,
    VenueSettle,
    VenueSettled,
)
from messages.store import (
    LeaderPosition,
    LoadPaperAccount,
    LoadPaperOrder,
    PaperAccountLoaded,
    PaperOrderLoaded,
    PaperOrderStored,
    PaperSettlementStored,
    StorePaperOrder,
    StorePaperSettlement,
)
from messages.trades import Side
from supervisor.simulation import Simulation


def answer(query, stale=False, **changes):
    known = None if "book" in changes else book(token_id=query.token_id, **changes)
    return BookAnswer(token_id=query.token_id, book=known, age_ms=0, stale=stale, source="clob")


class House:
    """A paper venue 150 ms away; its store keeps what it is given."""

    def __init__(self, sim):
        self.sim = sim
        self.store, self.prices, self.asker = (sim.probe(name) for name in ("store", "prices", "asker"))
        self.books = {}
        self.store.answers(StorePaperOrder, self.keep)
        self.store.answers(
            LoadPaperOrder,
            lambda load: PaperOrderLoaded(order_id=load.order_id, paper=self.books.get(load.order_id)),
        )
        self.prices.answers(BookQuery, answer)
        directory = Directory(store=self.store.address, prices=self.prices.address)
        args = PaperArgs(latency_ms=150, book_age_ms_max=250, directory=directory)
        self.venue = sim.spawn(PaperVenue, "paper", args)

    def keep(self, write):
        paper = self.books.setdefault(write.paper.order.order_id, write.paper)
        return PaperOrderStored(paper=paper)

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.venue, message, self.asker)
        self.sim.run()

    def reports(self):
        return self.asker.take_all(OrderReport)


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        yield House(sim)


def numbered(number, **changes):
    return order(order_id=f"0x{number}", **changes)


def test_an_order_meets_the_book_of_its_arrival_not_of_its_sending(house):
    house.tell(order())
    house.sim.advance(0.149)
    assert house.prices.take_all(BookQuery) == []
    house.prices.answers(BookQuery, lambda query: answer(query, asks=((520_000, 1_000 * SHARE),)))
    house.sim.advance(0.001)
    (report,) = house.reports()
    assert (report.state, report.fills[0].price) == (OrderState.FILLED, 520_000)
    assert report.fills[0].filled_at_ns == NOON_NS + 150_000_000


def test_the_book_asked_for_is_one_of_the_moment(house):
    house.tell(order())
    house.sim.advance(0.15)
    assert house.prices.take(BookQuery).age_ms_max == 250


def test_a_partial_fill_kills_the_rest(house):
    house.prices.answers(BookQuery, lambda query: answer(query, asks=((500_000, 4 * SHARE),)))
    house.tell(order())
    house.sim.advance(1)
    (report,) = house.reports()
    assert (report.state, report.fills[0].size) == (OrderState.CANCELLED, 4 * SHARE)


def test_nothing_within_the_limit_is_killed_in_the_venues_words(house):
    house.tell(order(price_limit=490_000))
    house.sim.advance(1)
    assert (house.reports()[0].state, house.books["0xo"].reason) == (OrderState.CANCELLED, KILLED)


def test_two_orders_do_not_get_the_same_shares(house):
    house.prices.answers(BookQuery, lambda query: answer(query, asks=((500_000, 14 * SHARE),)))
    house.tell(numbered(1), numbered(2))
    house.sim.advance(1)
    sizes = {report.order_id: report.fills[0].size for report in house.reports()}
    assert sizes == {"0x1": 10 * SHARE, "0x2": 4 * SHARE}


def test_the_same_identity_sent_twice_executes_once(house):
    house.tell(order(), order())
    house.sim.advance(1)
    house.tell(order())
    reports = house.reports()
    assert len(house.store.take_all(StorePaperOrder)) == 1
    assert len(reports) == 2
    assert reports[0] == reports[1]


def test_nobody_hears_of_a_fill_that_is_not_on_record(house):
    house.store.answers(StorePaperOrder, lambda _: None)
    house.tell(order())
    house.sim.advance(1)
    assert house.reports() == []
    house.tell(OrderQuery(order_id="0xo"))
    assert house.reports()[0].state is OrderState.PENDING


def test_after_a_restart_it_answers_from_its_own_books(house):
    house.tell(order())
    house.sim.advance(1)
    (before,) = house.reports()
    house.sim.crash(house.venue)
    house.tell(OpenOrdersQuery(portfolio_id=PAPER))
    house.sim.advance(1)
    house.tell(OrderQuery(order_id="0xo"))
    house.tell(CancelOrder(order_id="0xo"))
    assert house.reports() == [before, before]


def test_an_order_sent_again_after_a_restart_gets_the_first_execution(house):
    house.tell(order())
    house.sim.advance(1)
    (before,) = house.reports()
    house.sim.crash(house.venue)
    house.tell(OpenOrdersQuery(portfolio_id=PAPER))
    house.prices.answers(BookQuery, lambda query: answer(query, asks=((510_000, SHARE),)))
    house.sim.advance(1)
    house.tell(order())
    house.sim.advance(1)
    assert house.reports() == [before]


def test_a_record_that_arrives_before_the_order_sent_again_does_not_crash_it(house):
    house.store.answers(StorePaperOrder, lambda _: None)
    house.tell(order())
    house.sim.advance(1)
    recorded = house.keep(house.store.take(StorePaperOrder))
    house.sim.crash(house.venue)
    house.tell(OpenOrdersQuery(portfolio_id=PAPER))
    house.sim.advance(1)
    house.tell(order(), recorded)
    house.sim.advance(1)
    assert house.reports()[0].state is OrderState.FILLED
    assert [info.restarts for info in house.sim.base.tree() if info.path == "paper"] == [1]


def test_an_identity_never_seen_is_said_to_be_unknown(house):
    house.tell(OrderQuery(order_id="0xnever"))
    (report,) = house.reports()
    assert (report.known, report.state) == (False, OrderState.LOST)


def test_asked_three_times_while_the_store_is_slow_it_looks_once_and_answers_once(house):
    house.store.answers(LoadPaperOrder, lambda _: None)
    house.tell(*[OrderQuery(order_id="0xnever")] * 3)
    assert len(house.store.take_all(LoadPaperOrder)) == 1
    house.tell(PaperOrderLoaded(order_id="0xnever", paper=None))
    assert len(house.reports()) == 1


def test_without_a_book_the_order_is_killed_not_filled(house):
    house.prices.answers(BookQuery, lambda query: answer(query, book=None))
    house.tell(order())
    house.sim.advance(30)
    (report,) = house.reports()
    assert (report.state, report.fills) == (OrderState.CANCELLED, ())
    assert len(house.prices.take_all(BookQuery)) == BOOK_TRIES_MAX


def test_a_stale_book_is_no_book(house):
    house.prices.answers(BookQuery, lambda query: answer(query, stale=True))
    house.tell(order())
    house.sim.advance(1)
    assert house.reports() == []
    house.prices.answers(BookQuery, answer)
    house.sim.advance(1)
    assert house.reports()[0].state is OrderState.FILLED


def test_a_lost_request_for_a_book_does_not_leave_the_order_unknown_for_ever(house):
    house.prices.answers(BookQuery, lambda _: None)
    house.tell(order())
    house.sim.advance(1)
    house.prices.answers(BookQuery, answer)
    house.sim.advance(5)
    assert house.reports()[0].state is OrderState.FILLED


def test_a_price_service_silent_for_good_kills_the_order(house):
    house.prices.answers(BookQuery, lambda _: None)
    house.tell(order())
    house.sim.advance(200)
    assert house.reports()[0].state is OrderState.CANCELLED


def test_the_book_of_another_outcome_is_not_used(house):
    house.tell(order(token_id=NO))
    house.sim.advance(0.1)
    house.prices.answers(BookQuery, lambda _: None)
    house.sim.advance(0.1)
    house.tell(answer(BookQuery(token_id=YES, age_ms_max=0)))
    assert house.reports() == []


def test_open_orders_are_those_under_way_of_that_portfolio(house):
    house.tell(numbered(1), numbered(2, portfolio_id="other"), OpenOrdersQuery(portfolio_id=PAPER))
    assert house.asker.take(OpenOrders).order_ids == ("0x1",)
    house.sim.advance(1)
    house.tell(OpenOrdersQuery(portfolio_id=PAPER))
    assert house.asker.take(OpenOrders).order_ids == ()


def test_the_account_is_that_of_its_own_books(house):
    house.store.answers(
        LoadPaperAccount,
        lambda load: PaperAccountLoaded(
            portfolio_id=load.portfolio_id, holdings=(LeaderPosition(YES, SHARE),), cash=9 * USDC
        ),
    )
    house.tell(VenueAccountQuery(portfolio_id=PAPER))
    assert house.asker.take(VenueAccount) == VenueAccount(
        portfolio_id=PAPER, holdings=(Holding(YES, SHARE),), cash=9 * USDC, complete=True
    )


def test_a_settlement_is_confirmed_once_it_is_on_record(house):
    paid = fill(fill_id="settle:1", side=Side.SELL)
    house.tell(VenueSettle(fill=paid))
    assert house.asker.messages == []
    house.store.answers(StorePaperSettlement, lambda write: PaperSettlementStored(fill=write.fill))
    house.tell(VenueSettle(fill=paid))
    assert {each.fill for each in house.asker.take_all(VenueSettled)} == {paid}
