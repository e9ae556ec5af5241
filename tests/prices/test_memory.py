"""Memory, demand, flights, tiers and watches: bounded, and nobody answered twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices.flights import Flights, Waiter
from actors.prices.memory import Demand, Known, Memory
from actors.prices.tiers import Priority, Tiers, Wanted
from actors.prices.watches import Watches
from config.settings import Prices
from messages.markets import BookQuery, Tier

ASKED = Wanted(Tier.T2A, 2_000, False, Priority.T2A)


def known(value, at=0, final=False):
    return Known(value, at, at, "gamma", final)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans())), st.integers(1, 5))
def test_memory_forgets_the_longest_unused(steps, capacity):
    memory, model = Memory(capacity), []
    for key, put in steps:
        if put:
            memory.put(key, known(key))
            model = [*(each for each in model if each != key), key][-capacity:]
        else:
            assert (memory.use(key) is not None) == (key in model)
            if key in model:
                model = [*(each for each in model if each != key), key]
    assert list(memory) == model


def test_answer_that_arrives_late_does_not_replace_a_newer_one():
    memory = Memory(5)
    memory.put("a", known("new", at=2))
    assert memory.put("a", known("old", at=1)).value == "new"
    assert memory.peek("a").value == "new"


def test_resolved_market_is_never_replaced_by_an_open_one():
    memory = Memory(5)
    memory.put("a", known("resolved", at=1, final=True))
    assert memory.put("a", known("open", at=2)).value == "resolved"
    assert memory.peek("a").fresh(10**18, 0)


def test_what_is_final_counts_however_late_it_arrives():
    memory = Memory(5)
    memory.put("a", known("open", at=2))
    assert memory.put("a", known("resolved", at=1, final=True)).value == "resolved"
    assert memory.put("a", known("restated", at=0, final=True)).value == "restated"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans()), max_size=20))
def test_what_is_known_never_grows_older_nor_stops_being_final(puts):
    memory = Memory(5)
    for key, at, final in puts:
        before = memory.peek(key)
        after = memory.put(key, known((at, final), at=at, final=final))
        assert memory.peek(key) is after
        if before is not None and not after.final:
            assert not before.final
            assert after.mono_ns >= before.mono_ns


def test_looking_is_no_use_and_what_is_forgotten_is_unknown():
    memory = Memory(2)
    memory.put("a", known("a"))
    memory.put("b", known("b"))
    memory.peek("a")
    memory.put("c", known("c"))
    assert list(memory) == ["b", "c"]
    memory.forget("b")
    memory.forget("b")
    assert (memory.peek("b"), memory.use("b"), len(memory)) == (None, None, 1)


def test_value_from_the_future_is_of_no_age():
    assert known("x", at=5_000_000).age_ms(1_000_000) == 0
    assert known("x", at=5_000_000).fresh(1_000_000, 0)


def test_age_counts_in_whole_milliseconds_and_freshness_exactly():
    value = known("x", at=0)
    assert value.age_ms(1_999_999) == 1
    assert value.fresh(2_000_000, 2)
    assert not value.fresh(2_000_001, 2)


def test_demand_forgets_what_nobody_asked_for_lately():
    demand = Demand(3)
    for at, key in enumerate("abcda"):
        demand.note(key, at, ASKED)
    assert demand.since(3) == ["d", "a"]
    assert demand.since(0) == ["d", "a"]
    demand.forget("d")
    assert len(demand) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3)), max_size=30),
    st.integers(1, 4),
    st.integers(0, 10),
)
def test_demand_keeps_those_asked_for_last_in_that_order(notes, capacity, window):
    demand, model, now = Demand(capacity), {}, 0
    for key, passes in notes:
        now += passes
        demand.note(key, now, ASKED)
        model.pop(key, None)
        model[key] = now
        model = dict(list(model.items())[-capacity:])
        assert len(demand) == len(model)
    lately = [key for key, at in model.items() if at >= now - window]
    assert demand.since(now - window) == lately
    assert [key for key in "abcdef" if demand.get(key) is not None] == sorted(lately)


def test_demand_tells_the_most_pressing_tier_and_the_smallest_age_of_late():
    demand = Demand(3)
    demand.note("a", 1, Wanted(Tier.T1, 500, True, Priority.T1))
    demand.note("a", 2, ASKED)
    demand.note("a", 3, Wanted(Tier.T3, 10, False, Priority.T3))
    asked = demand.get("a")
    assert (asked.count, asked.at_ns) == (3, 3)
    assert [asked.tier_since(since) for since in (1, 2, 3, 4)] == [Tier.T1, Tier.T2A, Tier.T3, None]
    assert [asked.age_ms_max(since) for since in (1, 2, 3)] == [500, 2000, None]


def test_one_flight_a_key_and_every_waiter_once():
    flights = Flights()
    assert flights.join("a", Waiter("x", ASKED), 0)
    assert not flights.join("a", Waiter("x", ASKED), 0)
    assert not flights.join("a", Waiter("y", ASKED), 0)
    assert flights.take_gathered() == ["a"]
    assert flights.take_gathered() == []
    assert [waiter.deliver for waiter in flights.land("a").waiters] == ["x", "x", "y"]
    assert flights.land("a") is None
    assert (flights.waiting, len(flights)) == (0, 0)


def test_who_is_about_to_trade_leaves_first():
    flights = Flights()
    flights.start("warm", 0, Priority.WARM)
    flights.gather("warm")
    flights.join("feed", Waiter("x", ASKED), 0)
    flights.join("page", Waiter("x", Wanted(Tier.T3, 0, False, Priority.T3)), 0)
    flights.join("page", Waiter("y", Wanted(Tier.T1, 0, True, Priority.T1)), 0)
    assert flights.take_gathered() == ["page", "feed", "warm"]


@pytest.mark.parametrize(
    ("tier", "age_ms_max", "expected"),
    [
        (Tier.T1, None, (Tier.T1, 30_000, True)),
        (Tier.T1, 250, (Tier.T1, 250, True)),
        (Tier.T2A, None, (Tier.T2A, 2_000, False)),
        (Tier.T4, 0, (Tier.T4, 0, False)),
        (None, 0, (Tier.T2A, 0, False)),
        (None, 2_001, (Tier.T2B, 2_001, False)),
        (None, 30_000, (Tier.T3, 30_000, False)),
        (None, 10**9, (Tier.T4, 10**9, False)),
        (None, -5, (Tier.T2A, 0, False)),
    ],
)
def test_what_is_wanted_follows_from_tier_and_age_and_only_t1_by_name_is_strict(tier, age_ms_max, expected):
    query = BookQuery(token_id="1", tier=tier, age_ms_max=age_ms_max)
    wanted = Tiers(Prices()).wanted(query)
    assert (wanted.tier, wanted.age_ms_max, wanted.is_strict) == expected


def test_who_names_neither_tier_nor_age_is_told_at_once():
    with pytest.raises(ValueError, match="BookQuery names neither a tier nor a maximum age"):
        BookQuery(token_id="1")


def test_what_was_read_from_the_database_is_never_fresh():
    stored = Known("x", 0, 0, "store", False, hearsay=True)
    assert not stored.fresh(0, 10**9)
    assert Known("x", 0, 0, "store", True).fresh(10**18, 0)


def test_watcher_is_told_once_however_often_it_asked():
    watches = Watches()
    for watcher in ("x", "y", "x"):
        watches.add("c", watcher)
    assert watches.settle("c") == ["x", "y"]
    assert watches.settle("c") == []
