"""Memory, demand, flights, tiers and watches: bounded, and nobody answered twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.prices.flights import Flights, Waiter
from actors.prices.memory import Demand, Known, Memory
from actors.prices.tiers import tier_bounds, tier_of
from actors.prices.watches import Watches
from config.settings import Prices


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


def test_age_counts_in_whole_milliseconds_and_freshness_exactly():
    value = known("x", at=0)
    assert value.age_ms(1_999_999) == 1
    assert value.fresh(2_000_000, 2)
    assert not value.fresh(2_000_001, 2)


def test_demand_forgets_what_nobody_asked_for_lately():
    demand = Demand(3)
    for at, key in enumerate("abcda"):
        demand.note(key, at)
    assert demand.since(3) == ["d", "a"]
    assert demand.since(0) == ["d", "a"]
    demand.forget("d")
    assert len(demand) == 1


def test_one_flight_a_key_and_every_waiter_once():
    flights = Flights()
    assert flights.join("a", Waiter("x", 0), 0)
    assert not flights.join("a", Waiter("x", 5), 0)
    assert not flights.join("a", Waiter("y", 0), 0)
    assert flights.take_gathered() == ["a"]
    assert flights.take_gathered() == []
    assert [waiter.address for waiter in flights.land("a").waiters] == ["x", "x", "y"]
    assert flights.land("a") is None
    assert (flights.waiting, len(flights)) == (0, 0)


def test_tiers_are_told_by_the_age_accepted():
    bounds = tier_bounds(Prices())
    names = [tier_of(age, bounds) for age in (0, 2000, 2001, 30_000, 120_000, 900_000, 10**9)]
    assert names == ["T2a", "T2a", "T2b", "T1", "T3", "T4", "T4"]


def test_watcher_is_told_once_however_often_it_asked():
    watches = Watches()
    for watcher in ("x", "y", "x"):
        watches.add("c", watcher)
    assert watches.settle("c") == ["x", "y"]
    assert watches.settle("c") == []
