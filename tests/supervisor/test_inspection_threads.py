"""Looking in and giving orders from other threads while the system runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from thespian.actors import ActorAddress

from supervisor import (
    AsyncioSystemBase,
    BlockingCall,
    InspectionError,
    LoopBusy,
    Mailbox,
    NoSuchActor,
    Overflow,
    SupervisedActor,
    handles,
)
from supervisor.inspection.measures import LAG_BOUNDS_S, LAG_SAMPLES_MAX, Measures


class Worker(SupervisedActor):
    """Blocks while `args` is a locked lock and it is told to."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)

    @handles(int)
    def on_number(self, message: int, sender: ActorAddress) -> None:
        if message:
            self.send(self.address, message - 1)

    @handles(str)
    def on_block(self, message: str, sender: ActorAddress) -> None:
        self.args[0].set()
        self.args[1].wait()

    @property
    def address(self) -> ActorAddress:
        return self.myAddress


@pytest.fixture
def base() -> Iterator[AsyncioSystemBase]:
    base = AsyncioSystemBase(name="inspected", slow_handler_s=0.005)
    yield base
    base.shutdown()


def test_threads_look_in_and_give_orders_while_the_actors_run(base: AsyncioSystemBase) -> None:
    workers = [base.spawn(Worker, f"worker-{number}") for number in range(20)]
    for worker in workers:
        base.tell(worker, 2_000)

    def look_and_touch(number: int) -> None:
        inspector, path = base.inspector, f"worker-{number}"
        for _ in range(10):
            inspector.suspend(path, by=path)
            assert inspector.actor(path).suspended
            inspector.top("rate")
            inspector.totals()
            inspector.resume(path, by=path)
            assert inspector.restart(path, by=path).result(30).path == path

    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(look_and_touch, number) for number in range(20)]:
            outcome.result(60)
    assert [info.restarts for info in base.inspector.tree()] == [10] * 20
    assert len(base.inspector.actions()) == 20 * 30
    assert {action.outcome for action in base.inspector.actions()} == {"done"}
    while any(info.depth for info in base.inspector.tree()):
        base.inspector.top_over(0.01, "rate").result(30)
    assert [info.handled for info in base.inspector.tree()] == [2_001] * 20


def test_a_loop_that_is_held_up_is_named_with_its_handler_instead_of_waited_for(
    base: AsyncioSystemBase,
) -> None:
    began, let_go = threading.Event(), threading.Event()
    worker = base.spawn(Worker, "worker", (began, let_go))
    base.tell(worker, "block")
    began.wait()
    held = base.inspector.holding()
    assert held is not None
    assert (held.path, held.kind, held.message_type) == ("worker", "Worker", "str")
    base.inspector.patience_s = 0.01
    with pytest.raises(LoopBusy, match=r"worker \(Worker\) has been handling a str for"):
        base.inspector.suspend("worker", by="anna")
    let_go.set()
    base.inspector.patience_s = 60
    assert base.inspector.actor("worker").suspended is False, "what was given up is not done later"
    assert base.inspector.holding() is None


def test_errors_reach_the_thread_that_asked(base: AsyncioSystemBase) -> None:
    with pytest.raises(NoSuchActor):
        base.inspector.stop("nobody", by="anna")
    with pytest.raises(ValueError, match="expected one of"):
        base.inspector.top_over(0.01, "colour").result(10)


def test_a_trace_is_taken_from_another_thread(base: AsyncioSystemBase) -> None:
    worker = base.spawn(Worker, "worker")
    with base.inspector.trace("worker", limit=5) as trace:
        base.tell(worker, 100)
        while not trace.info().ended:
            base.inspector.top_over(0.01).result(10)
        assert [event.message_type for event in trace.take()] == ["int"] * 5


class Costly(SupervisedActor):
    """Takes as much of its own time as a message says: `args` is the clock, a list of one number."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)

    @handles(int)
    def on_later(self, message: int, sender: ActorAddress) -> None:
        self.timer("later", 0, float(message))

    @handles(float)
    def on_work(self, message: float, sender: ActorAddress) -> None:
        self.args[0] += abs(message)
        if message < 0:
            raise ValueError("worked in vain")


@pytest.mark.parametrize(
    "costs_s",
    [
        (0.00001, 0.00003),
        (0.000025, 0.000025, 0.00005, 0.0001),
        (0.000001, 0.000125, 0.001),
        (0.0002, 0.00005),
        (0.02, 0.000005),
    ],
)
async def test_time_in_handlers_is_shared_out_as_it_was_spent(costs_s: tuple[float, ...]) -> None:
    base = AsyncioSystemBase()
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    actors = [base.spawn(Costly, f"actor-{number}", clock) for number in range(len(costs_s))]
    for _ in range(20_000):
        for actor, cost_s in zip(actors, costs_s, strict=True):
            base.tell(actor, cost_s)
    while base.inspector.totals().kinds[0].depth:
        await base.inspector.top_over(0.001)
    spent_s = 20_000 * sum(costs_s)
    found_s = [info.busy_s for info in base.tree()]
    assert sum(found_s) == pytest.approx(spent_s, abs=0.001)
    for found, cost_s in zip(found_s, costs_s, strict=True):
        assert found / spent_s == pytest.approx(cost_s / sum(costs_s), abs=0.03)
    await base.stop()


async def test_a_handler_that_crashed_is_charged_and_named_if_it_was_slow() -> None:
    base = AsyncioSystemBase()
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    base.tell(base.spawn(Costly, "costly", clock), -3.0)
    await base.inspector.top_over(0.001)
    (slow,) = base.inspector.slow_handlers()
    assert (slow.path, slow.message_type, slow.max_s) == ("costly", "float", pytest.approx(3))
    assert base.inspector.top("time", 1)[0].value == pytest.approx(3, abs=0.001)
    await base.stop()


async def test_the_top_by_time_is_who_spent_most_in_handlers() -> None:
    base = AsyncioSystemBase()
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    base.spawn(Costly, "idle", clock)
    base.tell(base.spawn(Costly, "quick", clock), 1.0)
    base.tell(base.spawn(Costly, "slow", clock), 30.0)
    await base.inspector.top_over(0.001)
    first, second, third = base.inspector.top("time", 3)
    assert [each.info.path for each in (first, second, third)] == ["slow", "quick", "idle"]
    assert first.value == first.info.busy_s == pytest.approx(30, abs=0.001)
    await base.stop()


async def test_a_slow_handler_is_named_by_what_the_timer_brought_and_by_its_actor() -> None:
    base = AsyncioSystemBase(slow_handler_s=0.5)
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    for name, cost_s in (("a", 2), ("b", 1), ("c", 0)):
        base.tell(base.spawn(Costly, name, clock), cost_s)
    while sum(info.handled for info in base.inspector.tree()) < 6:
        await base.inspector.top_over(0.001)
    (slow,) = base.inspector.slow_handlers()
    assert (slow.kind, slow.message_type, slow.count, slow.path) == ("Costly", "float", 2, "a")
    assert (slow.max_s, slow.total_s) == (pytest.approx(2), pytest.approx(3))
    await base.stop()


async def test_on_the_loop_outcomes_are_awaited_and_never_blocked_on() -> None:
    base = AsyncioSystemBase()
    base.spawn(Worker, "worker")
    outcome = base.inspector.stop("worker", by="anna")
    with pytest.raises(BlockingCall, match="await it instead"):
        outcome.result(1)
    assert await outcome == "stopped"
    assert outcome.result(0) == "stopped"
    await base.stop()


async def test_one_who_stops_waiting_does_not_stop_what_was_ordered() -> None:
    base = AsyncioSystemBase()
    base.spawn(Worker, "worker")
    await base.inspector.top_over(0.001)
    outcome = base.inspector.restart("worker", by="anna")
    waiting = asyncio.ensure_future(outcome)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    waiting.cancel()
    assert (await outcome).restarts == 1
    await base.stop()


def test_one_who_waits_for_a_system_that_ends_is_told() -> None:
    base = AsyncioSystemBase()
    outcome = base.inspector.top_over(3600)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(outcome.result)
        base.shutdown()
        with pytest.raises(InspectionError, match="loop was closed"):
            waiting.result(60)


def test_waiting_for_an_outcome_has_an_end(base: AsyncioSystemBase) -> None:
    with pytest.raises(TimeoutError):
        base.inspector.top_over(3600).result(0.01)


def test_an_outcome_is_awaited_on_a_loop_of_ones_own(base: AsyncioSystemBase) -> None:
    base.spawn(Worker, "worker")

    async def restart() -> int:
        return (await base.inspector.restart("worker", by="anna")).restarts

    assert asyncio.run(restart()) == 1


def test_the_lag_is_counted_in_full_and_ranked_over_the_last_samples() -> None:
    measures = Measures(slow_s=1)
    for number in range(1000):
        measures.note_lag(number / 1000)
    lag, histogram = measures.lag(), measures.lag_histogram()
    assert (lag.last_s, lag.max_s) == (0.999, 0.999)
    assert lag.p50_s == pytest.approx(1 - LAG_SAMPLES_MAX / 2000, abs=0.002)
    assert lag.p99_s == pytest.approx(0.997, abs=0.002)
    assert histogram.count == 1000
    assert histogram.sum_s == pytest.approx(499.5)
    assert dict(histogram.buckets) == {
        bound: sum(number / 1000 <= bound for number in range(1000)) for bound in LAG_BOUNDS_S
    }
