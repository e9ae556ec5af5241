"""The market: waits for fresh data, never on it; halts by itself; sleeps without losing anything."""

from __future__ import annotations

import pytest
from examples import (
    CONDITION,
    NO,
    NOON_NS,
    PAPER,
    SHARE,
    YES,
    book,
    changed,
    guards,
    market,
    proposal,
    sale,
    trade,
    tx_of,
)

from actors.market.actor import IDLE_S, MarketActor, MarketArgs
from actors.market.supervisor import Markets, MarketsArgs
from config.settings import Breaker
from messages.decisions import CopySkipped, ExecuteIntent, SkipReason
from messages.directory import Directory
from messages.markets import BookAnswer, BookQuery, MarketAnswer, MarketQuery, Resolution
from messages.orders import MarketOutcomeReported, OrderState
from messages.store import DecisionOutcome, DecisionStored, StoreDecision
from messages.trades import Side
from supervisor.simulation import Simulation

ROLES = ("store", "prices", "portfolios", "executor", "markets")
GUARDS = {PAPER: guards(), "slow": guards(book_age_ms_max=10_000)}


def market_answer(age_ms=0, stale=False, **changes):
    known = None if "market" in changes else market(**changes)
    return MarketAnswer(
        condition_id=CONDITION, market=known, as_of_ns=0, age_ms=age_ms, stale=stale, source="gamma"
    )


def book_answer(age_ms=0, stale=False, **changes):
    known = None if "book" in changes else book(**changes)
    return BookAnswer(
        token_id=changes.get("token_id", YES), book=known, age_ms=age_ms, stale=stale, source="clob"
    )


class House:
    """One market among probes."""

    def __init__(self, sim):
        self.sim = sim
        self.probes = {role: sim.probe(role) for role in ROLES}
        self.prices = self.probes["prices"]
        self.directory = Directory(**{role: probe.address for role, probe in self.probes.items()})
        self.market = sim.spawn(
            MarketActor,
            "market",
            MarketArgs(
                condition_id=CONDITION,
                guards=GUARDS,
                breaker=Breaker(),
                directory=self.directory,
            ),
        )

    def answers(self, market_is=None, book_is=None):
        self.prices.answers(MarketQuery, lambda _: market_is or market_answer())
        self.prices.answers(BookQuery, lambda _: book_is or book_answer())

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.market, message)
        self.sim.run()

    def intents(self):
        return [each.intent for each in self.probes["executor"].take_all(ExecuteIntent)]

    def skips(self):
        """Return why copies were skipped, as store and portfolio were told."""
        told = [each.skip for each in self.probes["portfolios"].take_all(CopySkipped)]
        assert [each.decision for each in self.probes["store"].take_all(StoreDecision)] == told
        return [skip.reason for skip in told]


@pytest.fixture
def sim():
    with Simulation(start_ns=NOON_NS) as sim:
        yield sim


@pytest.fixture
def house(sim):
    return House(sim)


def numbered(number, **changes):
    return proposal(trade=trade(tx=tx_of(number)), **changes)


def test_a_good_proposal_becomes_an_intent_with_its_figures(house):
    house.answers()
    house.tell(proposal())
    (intent,) = house.intents()
    assert (intent.price_limit, intent.price_expected, intent.size) == (530_000, 500_000, 10 * SHARE)
    assert (intent.fee_rate, intent.tick, intent.epoch) == (50_000, 10_000, 1)
    assert (intent.reserved, intent.decided_at_ns) == (proposal().reserved, NOON_NS)
    assert house.skips() == []


def test_the_same_proposal_has_the_same_order_identity_after_any_restart(house):
    house.answers()
    house.tell(proposal())
    house.sim.crash(house.market)
    house.tell(numbered(9))
    house.sim.advance(1)
    house.tell(proposal())
    first, second = house.intents()
    assert first.order_id == second.order_id


def test_a_trade_without_its_event_is_booked_under_the_markets(house):
    house.answers()
    house.tell(proposal(trade=trade(event_slug="")))
    assert house.intents()[0].event_slug == "rain"


def test_nothing_is_decided_before_market_and_book_are_there(house):
    house.tell(proposal(), book_answer())
    assert house.intents() == house.skips() == []
    house.tell(market_answer())
    assert len(house.intents()) == 1


def test_a_market_that_is_over_needs_no_book(house):
    house.tell(proposal(), market_answer(resolution=Resolution.CLOSED))
    assert house.skips() == [SkipReason.MARKET_CLOSED]


def test_stale_answers_are_not_used_and_asked_for_again(house):
    house.answers(book_is=book_answer(stale=True))
    house.tell(proposal())
    house.answers()
    house.prices.clear()
    house.sim.advance(0.5)
    assert house.prices.take(BookQuery).age_ms_max == 2_000
    assert len(house.intents()) == 1


def test_a_failed_upstream_is_asked_again_until_the_wait_is_over(house):
    house.answers(market_is=market_answer(market=None), book_is=book_answer(book=None))
    house.tell(proposal())
    house.sim.advance(4.9)
    assert house.intents() == house.skips() == []
    house.sim.advance(0.2)
    assert house.skips() == [SkipReason.NO_PRICE]
    assert 9 <= len(house.prices.take_all(BookQuery)) <= 11
    house.sim.advance(60)
    assert house.prices.take_all(BookQuery) == []


def test_silence_ends_in_no_price_after_the_wait(house):
    house.tell(proposal())
    house.sim.advance(5)
    assert house.skips() == [SkipReason.NO_PRICE]


def test_a_book_that_aged_while_the_market_was_fetched_is_asked_for_again(house):
    house.tell(proposal(), book_answer(age_ms=1_500))
    house.sim.advance(1)
    house.prices.clear()
    house.prices.answers(BookQuery, lambda _: book_answer())
    house.tell(market_answer())
    assert house.intents() == []
    house.sim.advance(0.5)
    assert len(house.intents()) == 1


def test_each_portfolio_has_its_own_idea_of_fresh(house):
    house.tell(market_answer(), proposal(), proposal(portfolio_id="slow"))
    house.tell(book_answer(age_ms=5_000))
    assert [intent.portfolio_id for intent in house.intents()] == ["slow"]


def test_the_book_of_the_other_outcome_is_no_answer(house):
    house.tell(proposal(), market_answer(), book_answer(token_id=NO))
    assert house.intents() == []


def test_a_skip_names_the_guard_its_value_and_its_limit(house):
    house.answers(book_is=book_answer(bids=((400_000, SHARE),)))
    house.tell(proposal())
    check = house.probes["store"].take(StoreDecision).decision.checks[-1]
    assert (check.name, check.value, check.limit, check.passed) == ("spread", 100_000, 50_000, False)


def test_proposals_are_decided_in_the_order_they_came(house):
    house.tell(*[numbered(n) for n in (3, 1, 2)], market_answer(), book_answer())
    assert [each.trade_id for each in house.intents()] == [trade(tx=tx_of(n)).trade_id for n in (3, 1, 2)]


def test_a_proposal_of_a_newer_epoch_takes_the_place_of_the_older(house):
    house.tell(proposal(epoch=1), proposal(epoch=2), market_answer(), book_answer())
    assert [each.epoch for each in house.intents()] == [2]


def outcome(state, elapsed_ms=10):
    return MarketOutcomeReported(condition_id=CONDITION, state=state, elapsed_ms=elapsed_ms)


def test_a_halted_market_still_lets_us_out(house):
    house.answers()
    house.tell(*[outcome(OrderState.REJECTED)] * 3, proposal(trade=sale()))
    assert house.skips() == []
    assert [each.side for each in house.intents()] == [Side.SELL]


def test_three_rejects_halt_this_market_and_it_resumes_by_itself(house):
    house.answers()
    house.tell(*[outcome(OrderState.REJECTED)] * 3, proposal())
    assert house.skips() == [SkipReason.MARKET_HALTED]
    assert house.sim.base.snapshot("market")["state"] == "HALT"
    house.sim.advance(61)
    house.tell(numbered(2))
    assert len(house.intents()) == 1


def test_the_stores_answer_to_a_skip_changes_nothing(house):
    house.tell(DecisionStored(intent_id="i", outcome=DecisionOutcome.DUPLICATE))
    assert house.sim.base.drops() == {}


# -- the markets' supervisor: waking and sleeping -------------------------------------------------------


@pytest.fixture
def markets(house):
    house.directory.markets = house.sim.spawn(
        Markets,
        "supervisor",
        MarketsArgs(guards=GUARDS, breaker=Breaker(), directory=house.directory),
    )
    house.answers()
    return house.directory.markets


def awake(house):
    return house.sim.base.snapshot("supervisor")["awake"]


def test_the_first_message_wakes_a_market_and_idleness_puts_it_to_sleep(house, markets):
    house.sim.tell(markets, proposal())
    house.sim.run()
    assert (awake(house), len(house.intents())) == (1, 1)
    house.sim.advance(IDLE_S + 1)
    assert awake(house) == 0
    house.sim.tell(markets, numbered(2))
    house.sim.run()
    assert (awake(house), len(house.intents())) == (1, 1)


def test_a_market_in_use_stays_awake(house, markets):
    for number in range(4):
        house.sim.tell(markets, numbered(number))
        house.sim.advance(IDLE_S * 0.9)
    assert awake(house) == 1


def test_a_halted_market_does_not_sleep_its_halt_away(house, markets):
    house.sim.tell(markets, outcome(OrderState.FILLED, elapsed_ms=10**6))
    house.sim.advance(1)
    house.sim.tell(markets, numbered(1))
    house.sim.run()
    assert house.skips() == [SkipReason.MARKET_HALTED]


@pytest.mark.parametrize("seed", range(10))
def test_nothing_sent_around_bedtime_is_lost(seed):
    with Simulation(seed, start_ns=NOON_NS) as sim:
        house = House(sim)
        house.directory.markets = sim.spawn(
            Markets,
            "supervisor",
            MarketsArgs(guards=GUARDS, breaker=Breaker(), directory=house.directory),
        )
        house.answers()
        sim.tell(house.directory.markets, numbered(0))
        sim.advance(IDLE_S - 0.001)
        sim.loop.call_later(0.001, sim.tell, house.directory.markets, numbered(1))
        sim.loop.call_later(0.001, sim.tell, house.directory.markets, numbered(2))
        sim.advance(10)
        ids = sorted(each.trade_id for each in house.intents())
        assert ids == sorted(trade(tx=tx_of(n)).trade_id for n in range(3))


def test_a_proposal_already_handed_to_a_market_going_to_sleep_comes_back(house, markets):
    house.sim.tell(markets, proposal())
    house.sim.run()
    house.prices.answers(BookQuery, lambda _: None)
    sleepy = house.sim.base.cell_at(f"supervisor/{CONDITION}").address
    idle = changed(numbered(5), epoch=1)
    house.sim.advance(IDLE_S - 0.01)
    house.sim.loop.call_later(0.01, house.sim.tell, sleepy, idle)
    house.sim.advance(0.02)
    house.answers()
    house.sim.advance(10)
    assert house.intents()[-1].trade_id == idle.trade.trade_id
