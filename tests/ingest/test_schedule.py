"""Who is polled next, and at what pace."""

from __future__ import annotations

import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.budget import Budget
from actors.ingest.pages import seconds
from actors.ingest.pause import Pause
from actors.ingest.schedule import Schedule
from actors.ingest.watch import SPREAD_S, STARTS_KEPT, Watch
from supervisor import Backoff

INTERVAL = 100


def watching(*wallets: str, interval: int = INTERVAL, settle: int = 10) -> Schedule:
    schedule = Schedule(settle)
    for wallet in wallets:
        schedule.add(wallet, 0, interval)
    return schedule


def test_urgent_ones_go_first_in_their_order_and_once_more_when_settled() -> None:
    schedule = watching("a", "b", "c")
    schedule.hurry(["c", "a", "c"])
    assert [schedule.next(0), schedule.next(0), schedule.next(0)] == ["c", "a", None]
    schedule.finished("c", 5, INTERVAL)
    schedule.finished("a", 6, INTERVAL)
    assert schedule.next(14) is None
    assert schedule.wait_ns(14) == 1
    assert [schedule.next(16), schedule.next(16)] == ["c", "a"]


def test_a_wallet_has_one_turn_at_a_time_and_urgency_meanwhile_is_not_lost() -> None:
    schedule = watching("a")
    schedule.hurry(["a"])
    assert schedule.next(0) == "a"
    schedule.hurry(["a"])
    assert schedule.next(0) is None
    schedule.finished("a", 5, INTERVAL)
    assert schedule.next(5) == "a"
    schedule.finished("a", 6, INTERVAL)
    assert schedule.next(16) == "a"


def test_regular_turns_keep_their_phase_whatever_comes_between() -> None:
    schedule = watching("a")
    due = schedule.wait_ns(0)
    assert due is not None
    schedule.hurry(["a"])
    for at in (0, 15):
        assert schedule.next(at) == "a"
        schedule.finished("a", at + 1, INTERVAL)
    assert schedule.wait_ns(16) == due - 16
    assert schedule.next(due + 250) == "a"
    schedule.finished("a", due + 250, INTERVAL)
    assert schedule.wait_ns(due + 250) == 50


def test_regular_turns_fill_the_interval_evenly() -> None:
    schedule = watching(*[f"w{n}" for n in range(50)], interval=1000)
    taken = [at for at in range(1001) for _ in range(50) if schedule.next(at) is not None]
    gaps = [later - earlier for earlier, later in zip([0, *taken], [*taken, 1000], strict=True)]
    assert len(taken) == 50
    assert max(gaps) <= 60


def test_a_dropped_wallet_has_no_turn() -> None:
    schedule = watching("a", "b")
    schedule.hurry(["a"])
    schedule.drop("a")
    schedule.drop("unknown")
    schedule.hurry(["a"])
    assert schedule.next(1_000) == "b"
    schedule.finished("a", 1_000, INTERVAL)
    assert schedule.next(1_000) is None
    assert len(schedule) == 1


@given(
    st.lists(st.tuples(st.sampled_from(["hurry", "next", "finish", "tick"]), st.integers(0, 4)), max_size=120)
)
def test_nobody_is_forgotten(steps: list[tuple[str, int]]) -> None:
    schedule = watching(*"abcde")
    running: list[str] = []
    now = 0
    for step, number in steps:
        if step == "hurry":
            schedule.hurry(["abcde"[number]])
        elif step == "next":
            wallet = schedule.next(now)
            assert wallet not in running
            if wallet is not None:
                running.append(wallet)
        elif step == "finish" and running:
            schedule.finished(running.pop(0), now, INTERVAL)
        else:
            now += number * 13
    for wallet in running:
        schedule.finished(wallet, now, INTERVAL)
    seen = set()
    for _ in range(30):
        now += 20
        while (wallet := schedule.next(now)) is not None:
            seen.add(wallet)
            schedule.finished(wallet, now, INTERVAL)
    assert seen == set("abcde")


@given(st.lists(st.tuples(st.integers(0, 3_000_000_000), st.booleans()), max_size=60), st.floats(0.5, 50))
def test_no_window_holds_more_than_the_budget(waits: list[tuple[int, bool]], per_s: float) -> None:
    budget = Budget(per_s)
    now, sent = 0, []
    for wait, is_pressed in waits:
        now += wait // 20
        sent.append(now + budget.reserve(now))
        budget.slow_down() if is_pressed else budget.speed_up()
    gap = int(1e9 / per_s)
    assert all(later - earlier >= gap for earlier, later in itertools.pairwise(sent))


def test_a_pressed_host_is_asked_less_often_but_never_hardly_at_all_and_in_the_end_as_before() -> None:
    budget = Budget(10.0)
    for _ in range(20):
        budget.slow_down()
    budget.reserve(0)
    assert budget.reserve(0) == 800_000_000
    for _ in range(20):
        budget.speed_up()
    budget.reserve(10**12)
    assert budget.reserve(10**12) == 100_000_000


def pause() -> Pause:
    return Pause(Backoff(first_s=1, max_s=8, factor=2, jitter=0), Random(1))


def test_failures_in_a_row_lengthen_the_pause() -> None:
    pausing, now, pauses = pause(), 0, []
    for _ in range(5):
        pausing.failed(now, now + 1)
        pauses.append(pausing.left_ns(now + 1) // 10**9)
        now += 10**11
    assert pauses == [1, 2, 4, 8, 8]
    pausing.succeeded(now)
    pausing.failed(now, now + 1)
    assert pausing.left_ns(now + 1) == 10**9


def test_requests_under_way_together_fail_once() -> None:
    pausing = pause()
    for answered in (100, 101, 102):
        pausing.failed(asked_ns=50, now_ns=answered)
    assert pausing.failures == 1
    pausing.succeeded(asked_ns=50)
    assert pausing.failures == 1


def test_a_retry_after_lengthens_and_never_shortens() -> None:
    pausing = pause()
    pausing.failed(1, 2, retry_after_s=0)
    assert pausing.left_ns(2) == 10**9
    pausing.failed(1, 3, retry_after_s=5)
    assert pausing.left_ns(3) == 5 * 10**9
    pausing.failed(1, 4, retry_after_s=1e9)
    assert pausing.left_ns(4) == 600 * 10**9


def test_what_a_retry_after_may_look_like() -> None:
    assert seconds("7") == 7
    assert seconds(" 0 ") == 0
    assert seconds("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT") == 30
    assert seconds("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:30 GMT") == 0
    for nonsense in (None, "", "-3", "soon", "1.5e9", "9" * 40, "٣"):
        assert seconds(nonsense) == 0


@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), max_size=40))
def test_starts_of_readings_never_repeat_soon_nor_leave_their_bounds(seed: int, moves: list[int]) -> None:
    watch, random = Watch(address=None, cursor_s=10_000, durable_s=10_000), Random(seed)
    starts: list[int] = []
    for move in moves:
        watch.reached(watch.cursor_s + move)
        starts.append(watch.start(overlap_s=120, floor_s=9_990, random=random))
        assert starts[-1] not in starts[-1 - STARTS_KEPT : -1]
        assert 9_990 < starts[-1] <= max(watch.cursor_s - 120, 9_990 + SPREAD_S)


def test_a_broken_row_holds_the_durable_cursor_until_it_reads_or_is_too_old() -> None:
    watch = Watch(address=None, cursor_s=100, durable_s=100)
    watch.broke(150)
    assert watch.reached(200) == 149
    assert watch.reached(210) is None
    watch.swept(start_s=160, broken_s=None, floor_s=50, at_s=220)
    assert watch.reached(220) is None
    watch.swept(start_s=140, broken_s=None, floor_s=50, at_s=220)
    assert watch.reached(230) == 230
    watch.broke(235)
    watch.swept(start_s=260, broken_s=None, floor_s=240, at_s=300)
    assert watch.reached(290) == 290


def test_an_idle_leader_is_not_one_that_was_away() -> None:
    watch = Watch(address=None, cursor_s=100, durable_s=100)
    assert watch.may_have_lost(floor_s=5_000, overlap_s=120)
    watch.swept(start_s=5_000, broken_s=None, floor_s=5_000, at_s=5_100)
    assert not watch.may_have_lost(floor_s=4_980, overlap_s=120)


def test_a_regular_turn_does_not_stand_in_for_the_look_after_settling() -> None:
    schedule = watching("a", interval=20, settle=50)
    schedule.hurry(["a"])
    assert schedule.next(0) == "a"
    schedule.finished("a", 1, INTERVAL)
    polled = []
    for at in range(2, 70):
        while schedule.next(at) is not None:
            schedule.finished("a", at, INTERVAL)
            polled.append(at)
    assert 51 in polled


def test_a_wallet_that_became_warmer_does_not_wait_for_its_cold_turn() -> None:
    schedule = Schedule(settle_ns=10)
    schedule.add("a", 0, 3_000)
    schedule.sooner("a", 5, 100)
    assert schedule.wait_ns(5) == 100
    schedule.sooner("a", 6, 50_000)
    schedule.sooner("unknown", 6, 1)
    assert schedule.wait_ns(6) == 99
    assert schedule.next(105) == "a"
    schedule.sooner("a", 105, 1)
    schedule.finished("a", 106, 100)
    assert schedule.wait_ns(106) == 99, "a hundred behind the turn it had"


def test_a_wallet_polled_when_it_was_cold_is_due_within_its_interval_once_hot() -> None:
    schedule = Schedule(settle_ns=10)
    schedule.add("a", 0, 3_000)
    schedule.hurry(["a"])
    assert schedule.next(0) == "a"
    schedule.finished("a", 1, 100)
    due = schedule.wait_ns(1)
    assert due is not None
    assert due <= 100
