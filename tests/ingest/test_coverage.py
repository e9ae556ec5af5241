"""When the sockets together have missed something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.coverage import Coverage


def started(*feeds: str, at_ns: int = 10) -> Coverage:
    coverage = Coverage(0)
    for feed in feeds:
        coverage.up(feed, at_ns)
    assert coverage.take_gap(at_ns) == 0
    return coverage


def test_there_is_a_gap_at_the_start() -> None:
    coverage = Coverage(5)
    assert not coverage.is_up
    assert coverage.gap_since_ns == 5
    coverage.up("a", 7)
    assert coverage.take_gap(7) == 5
    assert coverage.take_gap(8) is None


def test_one_of_two_lost_is_no_gap() -> None:
    coverage = started("a", "b")
    coverage.down("a", 50, 60)
    assert coverage.take_gap(60) is None


def test_the_last_one_lost_is_a_gap_since_its_last_frame() -> None:
    coverage = started("a", "b")
    coverage.down("a", 50, 60)
    coverage.down("b", 80, 90)
    assert not coverage.is_up
    assert coverage.gap_since_ns == 80
    coverage.up("a", 100)
    assert coverage.take_gap(100) == 80


def test_sockets_that_fell_silent_together_leave_a_gap_although_one_was_always_open() -> None:
    """Lessons: the stream's socket open, pings answered, data stopped: silent for 40 minutes."""
    coverage = started("a", "b")
    coverage.down("a", 50, 80)  # each is silent since 50; the watchdogs strike one after the other
    coverage.up("a", 81)
    coverage.down("b", 50, 90)
    assert coverage.is_up
    assert coverage.take_gap(90) == 50


def test_a_silent_socket_covered_by_another_is_no_gap() -> None:
    coverage = started("a", "b")
    coverage.down("a", 50, 80)
    coverage.up("a", 81)
    coverage.down("b", 85, 90)
    assert coverage.take_gap(90) is None


def test_a_chain_of_short_lives_covers() -> None:
    coverage = started("a", "b")
    coverage.down("b", 30, 31)
    coverage.up("b", 35)
    coverage.down("a", 40, 41)
    coverage.up("a", 45)
    coverage.down("b", 50, 51)
    coverage.up("c", 48)
    coverage.down("a", 60, 61)
    assert coverage.take_gap(61) is None


def test_a_hole_that_somebody_looks_into_anyway_is_not_looked_into_twice() -> None:
    coverage = Coverage(0, settle_ns=20)
    coverage.up("a", 100)
    assert coverage.take_gap(100) == 0
    coverage.up("b", 105)
    coverage.down("a", 100, 150)  # it had not delivered anything yet
    assert coverage.take_gap(150) is None
    coverage.down("b", 150, 160)
    assert coverage.gap_since_ns == 150


def test_a_feed_that_was_not_up_can_not_go_down() -> None:
    coverage = started("a")
    coverage.down("z", 5, 50)
    assert coverage.take_gap(50) is None
    assert coverage.is_up


Spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.integers(0, 5)), min_size=1, max_size=8)


@given(st.lists(Spans, min_size=1, max_size=3))
def test_every_moment_that_nobody_delivered_is_suspected(feeds: list[list[tuple[int, int, int]]]) -> None:
    """Each feed lives in spans: a pause, a time of delivering, a silence until it is given up."""
    events: list[tuple[int, str, str, int]] = []
    delivered: set[int] = set()
    for number, spans in enumerate(feeds):
        at = 1
        for pause, delivering, silence in spans:
            up_at = at + pause + 1
            last = up_at + delivering
            at = last + silence
            events += [(up_at, "up", f"f{number}", 0), (at, "down", f"f{number}", last)]
            delivered.update(range(up_at, last))
    coverage = Coverage(0)
    suspected: set[int] = set()
    end = max(event[0] for event in events)
    for at, what, feed, last in sorted(events):
        if what == "up":
            coverage.up(feed, at)
        else:
            coverage.down(feed, last, at)
        if coverage.is_up and (since := coverage.take_gap(at)) is not None:
            suspected.update(range(since, at))
    if (since := coverage.take_gap(end)) is not None:
        suspected.update(range(since, end))
    assert set(range(end)) - delivered <= suspected
