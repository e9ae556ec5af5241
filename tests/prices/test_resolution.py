"""What closed markets pay, whose word counts, and what must never be taken for a payout."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices import feed
from actors.prices.errors import MalformedError
from actors.prices.resolution import UNSETTLED, Statement, by_prices, by_winners, judge
from actors.prices.witnesses import Witnesses
from messages.markets import Resolution, Source

YES, NO, HALVES = (1_000_000, 0), (0, 1_000_000), (500_000, 500_000)
prices = st.lists(st.integers(0, 1_000_000), min_size=2, max_size=6).map(tuple)
oracles = st.sampled_from(["", "posed", "proposed", "challenged", "disputed", "resolved"])
statements = st.builds(Statement, st.booleans(), st.sampled_from([(), YES, NO, HALVES]), oracles)
witnesses = st.sampled_from([Source.FEED, Source.CLOB, Source.GAMMA, Source.STREAM])


@given(prices, oracles)
def test_open_market_never_pays(prices, oracle):
    assert by_prices(prices, closed=False, oracle=oracle) == ()


@given(prices, oracles)
def test_payouts_that_prices_state_are_one_in_all(prices, oracle):
    payouts = by_prices(prices, closed=True, oracle=oracle)
    if payouts:
        assert sum(payouts) == 1_000_000
        assert len(payouts) == len(prices)


@given(st.integers(990_000, 1_000_000), st.integers(0, 10_000), st.booleans(), oracles)
def test_winner_takes_exactly_one(high, low, first, oracle):
    shown = (high, low) if first else (low, high)
    assert by_prices(shown, closed=True, oracle=oracle) == (YES if first else NO)


@given(st.integers(10_001, 989_999), st.integers(0, 1_000_000))
def test_closed_without_winner_is_unknown(middle, other):
    assert by_prices((middle, other), closed=True, oracle="") == ()


def test_zero_zero_is_never_a_loss():
    assert by_prices((0, 0), closed=True, oracle="resolved") == ()
    assert by_prices((1_000_000, 1_000_000), closed=True, oracle="resolved") == ()


def test_two_winners_are_none():
    assert by_winners((True, True), (0, 0), closed=True, even=False) == ()


def test_winner_flag_counts_only_once_closed():
    assert by_winners((True, False), (0, 0), closed=False, even=False) == ()
    assert by_winners((False, True), (0, 0), closed=True, even=False) == NO


def test_prices_alone_do_not_make_a_winner_at_clob():
    assert by_winners((False, False), NO, closed=True, even=False) == ()
    assert by_winners((False, False), HALVES, closed=True, even=False) == ()
    assert by_winners((False, False), HALVES, closed=True, even=True) == HALVES


def verdict(**said):
    names = {"feed": Source.FEED, "clob": Source.CLOB, "gamma": Source.GAMMA, "stream": Source.STREAM}
    return judge({names[name]: each for name, each in said.items()}).verdict


def stated(payouts=(), oracle="", closed=True):
    return Statement(closed, payouts, oracle)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, (Resolution.OPEN, ())),
        ({"gamma": stated(closed=False)}, (Resolution.OPEN, ())),
        ({"gamma": stated()}, (Resolution.CLOSED, ())),
        ({"gamma": stated(oracle="disputed")}, (Resolution.DISPUTED, ())),
        ({"gamma": stated(closed=False, oracle="disputed")}, (Resolution.OPEN, ())),
        ({"gamma": stated(YES)}, (Resolution.RESOLVED, YES)),
        ({"gamma": stated(YES), "feed": stated(oracle="proposed", closed=False)}, (Resolution.CLOSED, ())),
        (
            {"gamma": stated(YES), "feed": stated(oracle="challenged", closed=False)},
            (Resolution.DISPUTED, ()),
        ),
        ({"clob": stated(NO), "feed": stated(oracle="disputed", closed=False)}, (Resolution.RESOLVED, NO)),
        ({"gamma": stated(), "clob": stated(NO)}, (Resolution.RESOLVED, NO)),
        ({"gamma": stated(YES), "clob": stated(NO)}, (Resolution.DISPUTED, ())),
        ({"gamma": stated(YES), "clob": stated(NO), "feed": stated(NO)}, (Resolution.RESOLVED, NO)),
        ({"gamma": stated(YES), "feed": stated(HALVES)}, (Resolution.RESOLVED, HALVES)),
        ({"stream": stated(YES)}, (Resolution.CLOSED, ())),
        ({"stream": stated(YES), "gamma": stated(closed=False)}, (Resolution.CLOSED, ())),
        ({"stream": stated(YES), "gamma": stated(YES)}, (Resolution.RESOLVED, YES)),
        ({"stream": stated(YES), "gamma": stated(NO)}, (Resolution.DISPUTED, ())),
    ],
)
def test_whose_word_counts(said, expected):
    assert verdict(**said) == expected


@given(st.dictionaries(witnesses, statements))
def test_nothing_is_paid_that_no_settling_witness_stated_and_the_feed_is_never_overruled(said):
    judged = judge(said)
    resolution, payouts = judged.verdict
    assert (payouts != ()) == (resolution is Resolution.RESOLVED)
    if payouts:
        assert judged.witness is not Source.STREAM
        assert said[judged.witness].payouts == payouts
    feed_said = said.get(Source.FEED)
    if feed_said is not None and feed_said.payouts:
        assert payouts == feed_said.payouts
    elif len({each.payouts for each in said.values() if each.payouts}) > 1:
        assert resolution is Resolution.DISPUTED
        assert judged.contradicted
    if feed_said is not None and feed_said.oracle in UNSETTLED and not feed_said.payouts:
        assert judged.witness is not Source.GAMMA


def test_what_a_witness_said_stands_until_it_says_something_else():
    heard = Witnesses()
    assert heard.hear("c", Source.STREAM, stated(YES)).verdict == (Resolution.CLOSED, ())
    assert heard.hear("c", Source.GAMMA, stated(closed=False)).verdict == (Resolution.CLOSED, ())
    assert heard.hear("c", Source.GAMMA, stated(YES)).verdict == (Resolution.RESOLVED, YES)
    assert len(heard) == 0, "nobody is asked about what is over"


def row(condition, **changes):
    return {"condition_id": condition, "status": "resolved", "payouts": [1_000_000, 0], **changes}


def fed(condition, *rows, outcomes=2):
    return feed.decode_statement(json.dumps({"data": list(rows)}).encode(), condition, outcomes)


def test_the_feed_tells_what_the_oracle_paid(condition):
    ours, other = condition(1), condition(2)
    assert fed(ours, row(other), row(ours)) == Statement(True, YES, "resolved")
    assert fed(ours, row(ours, payouts=[500_000, 500_000])).payouts == HALVES
    assert fed(ours, row(ours, status="disputed", payouts=None)) == Statement(False, (), "disputed")
    assert fed(ours, row(other)) is None
    assert fed(ours) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"payouts": [1_000_000]},
        {"payouts": [1_000_000, 1_000_000]},
        {"payouts": [0, 0]},
        {"payouts": [2_000_000, -1_000_000]},
        {"payouts": None},
        {"condition_id": "none"},
    ],
)
def test_payouts_of_the_feed_that_do_not_add_up_are_refused(condition, changes):
    with pytest.raises(MalformedError):
        fed(condition(1), row(condition(1), **changes))


def test_a_feed_that_contradicts_itself_is_refused(condition):
    with pytest.raises(MalformedError, match="different payouts"):
        fed(condition(1), row(condition(1)), row(condition(1), payouts=[0, 1_000_000]))
