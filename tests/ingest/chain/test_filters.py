"""Wallets over filters: everybody in one, nobody in two, and no filter too large."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.chain.filters import Roster, drift_filter, fills_filter

sets = st.lists(st.sets(st.integers(0, 60).map(lambda n: f"0x{n:040x}")), max_size=12)


def apply(roster, wanted):
    """Put every change in force and return what was watched at the least in between."""
    watched = [roster.wallets]
    changes = roster.changes(wanted)
    for change in changes:
        roster.done(change)
        watched.append(roster.wallets)
    return changes, frozenset.intersection(*watched)


@given(sets, st.integers(1, 20))
def test_whoever_stays_is_watched_all_the_time(history, wallets_max):
    roster = Roster(wallets_max)
    before = frozenset()
    for wanted in history:
        _, always = apply(roster, wanted)
        assert before & wanted <= always
        assert roster.wallets == wanted
        before = frozenset(wanted)


@given(sets, st.integers(1, 20))
def test_filters_are_never_too_large_nor_many_times_too_many(history, wallets_max):
    roster = Roster(wallets_max)
    for wanted in history:
        changes, _ = apply(roster, wanted)
        assert all(len(change.wallets) <= wallets_max for change in changes)
        assert len(roster) <= 2 * -(-len(wanted) // wallets_max) + 1


@given(st.sets(st.integers(0, 60).map(str), min_size=1))
def test_nothing_changes_when_nobody_comes_or_goes(wanted):
    roster = Roster(7)
    apply(roster, wanted)
    assert roster.changes(wanted) == []


def test_one_more_leader_costs_one_filter():
    roster = Roster(10)
    apply(roster, {f"{n:02}" for n in range(25)})
    changes, _ = apply(roster, {f"{n:02}" for n in range(26)})
    assert len(changes) == 1


def test_smaller_filters_take_the_place_of_larger_ones():
    roster = Roster(10)
    wanted = {f"{n:02}" for n in range(20)}
    apply(roster, wanted)
    roster.wallets_max = 4
    _, always = apply(roster, wanted)
    assert (always, len(roster)) == (wanted, 5)


def test_no_filter_is_without_wallets():
    for made in (fills_filter(("0x" + "a1" * 20,)), drift_filter(("0x" + "a1" * 20,))):
        assert made["topics"][1:] == [None, ["0x" + "0" * 24 + "a1" * 20]]
