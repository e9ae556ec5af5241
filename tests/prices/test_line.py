"""The line before a budget: by priority, never over the budget, and nobody in it is forgotten."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import settings as run_settings
from hypothesis import strategies as st

from actors.prices import line as subject
from actors.prices.bucket import TokenBucket
from actors.prices.line import Line
from actors.prices.tiers import Priority
from supervisor.simulation.loop import VirtualLoop


class Asker:
    """One call that wants its turn, and what became of it."""

    def __init__(self, at_s, priority, wait_s_max, cancelled_after_s=None):
        self.at_s, self.priority, self.wait_s_max = at_s, priority, wait_s_max
        self.cancelled_after_s = cancelled_after_s
        self.got = None
        """True, False, or None if it was cancelled."""
        self.ended_s = None

    def __repr__(self):
        return f"Asker({self.at_s}, {self.priority!r}, {self.wait_s_max}, {self.cancelled_after_s})"

    async def run(self, line, loop):
        try:
            self.got = await line.turn(self.priority, self.wait_s_max)
        finally:
            self.ended_s = loop.time()


def play(bucket, askers, start_s=0.0):
    """Let them ask in virtual time; return the line afterwards."""
    loop = VirtualLoop()
    try:
        loop.drive(start_s)
        line = Line(bucket, lambda: loop.clock.monotonic_ns() / 1e9)

        async def all_of_them():
            tasks = []
            for asker in askers:
                await asyncio.sleep(start_s + asker.at_s - loop.time())
                tasks.append(asyncio.ensure_future(asker.run(line, loop)))
                if asker.cancelled_after_s is not None:
                    loop.call_later(asker.cancelled_after_s, tasks[-1].cancel)
            await asyncio.gather(*tasks, return_exceptions=True)

        loop.run_until_complete(all_of_them())
        return line
    finally:
        loop.close()


def asked(*rows):
    return [Asker(*row) for row in rows]


moments = st.integers(0, 40).map(lambda tick: tick * 0.0503)
waits = st.integers(0, 30).map(lambda tick: tick * 0.1007)
cancels = st.one_of(st.none(), st.integers(0, 20).map(lambda tick: tick * 0.05))
crowds = st.lists(
    st.builds(Asker, moments, st.sampled_from(Priority), waits, cancels), min_size=1, max_size=25
).map(lambda crowd: sorted(crowd, key=lambda asker: asker.at_s))
buckets = st.tuples(st.sampled_from([0.7, 3.0, 10.0, 40.0]), st.integers(1, 4))


@run_settings(max_examples=200, deadline=None)
@given(crowds, buckets)
def test_line_never_gives_more_than_the_budget_and_ends_for_everybody_in_time(crowd, shape):
    rate, burst = shape
    bucket = TokenBucket(rate, burst)
    line = play(bucket, crowd)
    assert len(line) == 0, "who got nothing left no entry"
    turns = sorted(asker.ended_s for asker in crowd if asker.got)
    for index, first in enumerate(turns):
        for count, last in enumerate(turns[index:], start=1):
            assert count <= burst + rate * (last - first) + 1e-3
    for asker in crowd:
        assert asker.ended_s <= asker.at_s + asker.wait_s_max + 1e-6
        assert asker.got is not None or asker.cancelled_after_s is not None


@run_settings(max_examples=200, deadline=None)
@given(crowds, buckets)
def test_nobody_has_a_turn_while_somebody_more_pressing_waits(crowd, shape):
    play(TokenBucket(*shape), crowd)
    for serial, asker in enumerate(crowd):
        for other_serial, other in enumerate(crowd):
            waits = other.at_s < asker.ended_s - 1e-6 and asker.ended_s < other.ended_s - 1e-6
            is_before = (other.priority, other_serial) < (asker.priority, serial)
            assert not (asker.got and waits and is_before), f"{asker} went before {other}"


@run_settings(max_examples=100, deadline=None)
@given(crowds, st.sampled_from([1, 10, 20]))
def test_who_is_cancelled_or_too_late_takes_no_token_with_him(crowd, rate):
    bucket = TokenBucket(rate, 1_000)
    assert all(bucket.take(0.0) for _ in range(1_000))
    assert len(play(bucket, crowd)) == 0
    last_s = max(asker.ended_s for asker in crowd)
    used, free = sum(asker.got is True for asker in crowd), 0
    while bucket.take(last_s):
        free += 1
    assert used + free == pytest.approx(rate * last_s, abs=1), "tokens are there, or were used"


@given(st.lists(moments, min_size=1, max_size=30).map(sorted), buckets)
@run_settings(max_examples=100, deadline=None)
def test_nobody_starves_who_was_let_into_the_line_among_equals(arrivals, shape):
    crowd = [Asker(at_s, Priority.T2A, 1.00007) for at_s in arrivals]
    play(TokenBucket(*shape), crowd)
    for asker in crowd:
        assert asker.got or asker.ended_s == pytest.approx(asker.at_s), "turned away late"
    turns = [asker.ended_s for asker in crowd if asker.got]
    assert turns == sorted(turns)


def test_who_is_about_to_trade_goes_before_whoever_came_earlier():
    crowd = asked((0, Priority.T4, 9), (0, Priority.T4, 9), (0, Priority.T2A, 9), (0.5, Priority.T1, 9))
    play(TokenBucket(1, 1), crowd)
    assert [asker.ended_s for asker in crowd] == pytest.approx([0, 3, 2, 1], abs=1e-5)


def test_overtaken_too_long_is_turned_away_when_the_wait_is_over_and_not_later():
    crowd = asked((0, Priority.T4, 9), (0, Priority.T4, 1.5), (0.5, Priority.T1, 9), (0.6, Priority.T1, 9))
    play(TokenBucket(1, 1), crowd)
    assert [asker.got for asker in crowd] == [True, False, True, True]
    assert crowd[1].ended_s == pytest.approx(1.5)


def test_who_would_wait_too_long_is_turned_away_at_once():
    crowd = asked((0, Priority.T1, 2.5), (0, Priority.T1, 2.5), (0, Priority.T1, 2.5), (0, Priority.T1, 2.5))
    play(TokenBucket(1, 1), crowd)
    assert [asker.got for asker in crowd] == [True, True, True, False]
    assert crowd[3].ended_s == 0


def test_place_of_who_gave_up_goes_to_the_next():
    crowd = asked((0, Priority.T1, 9), (0, Priority.T1, 9, 0.5), (0, Priority.T1, 9))
    play(TokenBucket(1, 1), crowd)
    assert [asker.got for asker in crowd] == [True, None, True]
    assert crowd[2].ended_s == pytest.approx(1, abs=1e-5)


async def test_token_of_who_is_cancelled_in_the_moment_of_his_turn_is_not_lost():
    now_s = 0.0
    bucket = TokenBucket(1, 1)
    line = Line(bucket, lambda: now_s)
    assert await line.turn(Priority.T1, 9)
    first, second = (asyncio.ensure_future(line.turn(Priority.T1, 9)) for _ in range(2))
    await asyncio.sleep(0)
    now_s = 1.0
    line._call()  # the first has its turn, and is cancelled before it runs
    first.cancel()
    async with asyncio.timeout(0.5):
        assert await second
    assert first.cancelled()
    assert len(line) == 0


def test_line_moves_on_a_clock_that_has_run_for_months():
    crowd = [Asker(0.0, Priority.T1, 5) for _ in range(400)]
    line = play(TokenBucket(200, 200), crowd, start_s=1e7 + 0.7)
    assert all(asker.got for asker in crowd)
    assert len(line) == 0


def test_line_has_a_bound(monkeypatch):
    monkeypatch.setattr(subject, "WAITING_MAX", 3)
    crowd = [Asker(0.0, Priority.T1, 60) for _ in range(6)]
    play(TokenBucket(1, 1), crowd)
    assert [asker.got for asker in crowd] == [True, True, True, True, False, False]


async def test_closed_line_calls_nobody_and_keeps_no_timer():
    line = Line(TokenBucket(100, 1), asyncio.get_running_loop().time)
    assert await line.turn(Priority.T1, 1)
    waiting = asyncio.ensure_future(line.turn(Priority.T1, 1))
    await asyncio.sleep(0)
    line.close()
    await asyncio.sleep(0.03)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(line) == 0
