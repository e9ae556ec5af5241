"""Live traces: what they show, what ends them, and that they can neither flood nor stay behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    AsyncioSystemBase,
    BadTrace,
    Behaviour,
    Mailbox,
    NoSuchActor,
    Overflow,
    Sent,
    SupervisedActor,
    handles,
)
from supervisor.inspection.trace import EVENTS_WAITING_MAX
from supervisor.inspection.tracing import TRACES_MAX
from supervisor.simulation import Simulation


class Order(msgspec.Struct, frozen=True):
    size: int


class Change(msgspec.Struct, frozen=True):
    pass


class Desk(SupervisedActor):
    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)
    careful = Behaviour()

    @handles(Order)
    def on_order(self, message: Order, sender: ActorAddress) -> None:
        if message.size < 0:
            raise ValueError("negative size")
        for _ in range(message.size):
            self.send(sender, "done")

    @handles(Change)
    def on_change(self, message: Change, sender: ActorAddress) -> None:
        self.become(self.careful)

    @handles(Order, when=careful)
    def on_order_carefully(self, message: Order, sender: ActorAddress) -> None:
        self.try_send(sender, 0)

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        if message == "timer":
            self.timer("later", 5, Order(0))
        elif message == "pipe":
            self.pipe(self.look_up(0), into=Order)
        elif message == "fail":
            self.pipe(self.look_up(-1), into=Order)
        elif message == "grow":
            self.spawn(Desk, f"desk-{self.random.random()}")

    async def look_up(self, size: int) -> int:
        if size < 0:
            raise LookupError("nothing there")
        return size


def events(trace: Any) -> list[tuple[str, str, str]]:
    return [(each.path, each.message_type, each.error) for each in trace.take()]


def test_a_trace_shows_what_is_handled_by_whom_sent_and_what_is_sent_in_turn() -> None:
    with Simulation() as sim:
        probe = sim.probe("trader")
        desk = sim.spawn(Desk, "desk")
        sim.run()
        with sim.base.inspector.trace("desk") as trace:
            sim.base.inspector.suspend("desk", by="test")
            sim.tell(desk, Order(2), sender=probe)
            sim.advance(3)
            sim.base.inspector.resume("desk", by="test")
            sim.run()
            (event,) = trace.take()
        assert (event.path, event.kind, event.message_type, event.sender) == (
            "desk",
            "Desk",
            "Order",
            "trader",
        )
        assert event.sent == (Sent("str", "trader"), Sent("str", "trader"))
        assert (event.waited_s, event.took_s, event.error) == (3, 0, "")
        assert event.at_ns == sim.clock.now_ns()
        assert event.contents == ""


def test_an_actor_handles_the_same_traced_and_untraced() -> None:
    digests = []
    for traced in (False, True):
        with Simulation(seed=3) as sim:
            probe = sim.probe("trader")
            desk = sim.spawn(Desk, "desk")
            trace = sim.base.inspector.trace("**") if traced else None
            for message in (Order(1), "timer", "pipe", Change(), Order(2), Order(-1), "unknown", 7):
                sim.tell(desk, message, sender=probe)
            sim.advance(100)
            digests.append((sim.digest, tuple(probe.messages)))
            assert trace is None or trace.info().events > 5
    assert digests[0] == digests[1]


def test_contents_are_traced_only_by_who_asked_for_them() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        closed, open_ = sim.base.inspector.trace("desk"), sim.base.inspector.trace("desk", contents=True)
        sim.tell(desk, Order(0))
        sim.run()
        assert [each.contents for each in (*closed.take(), *open_.take())] == ["", "Order(size=0)"]


def test_a_trace_survives_a_restart_and_shows_the_crash() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        trace = sim.base.inspector.trace("desk")
        for size in (-1, 0):
            sim.tell(desk, Order(size))
            sim.advance(10)
        assert events(trace) == [("desk", "Order", "ValueError"), ("desk", "Order", "")]


def test_a_trace_goes_on_through_a_change_of_behaviour_and_leaves_it_alone_when_it_ends() -> None:
    with Simulation() as sim:
        probe = sim.probe("trader")
        desk = sim.spawn(Desk, "desk")
        sim.run()
        with sim.base.inspector.trace("desk") as trace:
            for message in (Change(), Order(1)):
                sim.tell(desk, message, sender=probe)
            sim.run()
        assert events(trace) == [("desk", "Change", ""), ("desk", "Order", "")]
        sim.tell(desk, Order(1), sender=probe)
        sim.run()
        assert probe.messages == [0, 0], "both were handled carefully"


def test_what_timers_and_coroutines_bring_is_traced_as_the_message_it_is() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        trace = sim.base.inspector.trace("desk")
        for message in ("timer", "pipe"):
            sim.tell(desk, message)
            sim.advance(5)
        assert [(each.message_type, each.via) for each in trace.take()] == [
            ("str", ""),
            ("Order", "Timer"),
            ("str", ""),
            ("Order", "Pipe"),
        ]


def test_a_coroutine_that_failed_is_traced_as_the_crash_it_causes() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        trace = sim.base.inspector.trace("desk")
        sim.tell(desk, "fail")
        sim.run()
        assert events(trace) == [("desk", "str", ""), ("desk", "Pipe", "LookupError")]


def test_a_trace_ends_by_itself_at_its_limit_and_leaves_nothing_behind() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        own = desk.cell.handlers
        trace = sim.base.inspector.trace("desk", limit=3)
        for _ in range(10):
            sim.tell(desk, Order(0))
        sim.run()
        assert len(trace.take()) == 3
        assert trace.info().ended == "limit reached"
        assert desk.cell.handlers is own
        assert sim.base.inspector.traces() == ()
        assert "send" not in vars(desk.cell.actor)


def test_beyond_its_rate_a_trace_counts_and_shows_nothing() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        trace = sim.base.inspector.trace("desk", limit=1000, per_second_max=10)
        for _ in range(3):
            for _ in range(500):
                sim.tell(desk, Order(0))
            sim.advance(2)
        info = trace.info()
        assert (info.events, info.skipped, info.ended) == (30, 1470, "")
        assert desk.cell.handled == 1500


def test_a_reader_that_is_too_slow_loses_the_oldest_events_and_is_told_how_many() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        trace = sim.base.inspector.trace("desk", limit=100_000, per_second_max=100_000)
        for _ in range(EVENTS_WAITING_MAX + 5):
            sim.tell(desk, Order(0))
        sim.run()
        assert trace.take()[0].serial == 6
        assert trace.info().lost == 5


def test_a_trace_of_a_pattern_takes_in_actors_to_come_but_no_others() -> None:
    with Simulation() as sim:
        for name in ("a-1", "b-1"):
            sim.spawn(Desk, name)
        sim.run()
        trace = sim.base.inspector.trace("a-*")
        sim.spawn(Desk, "a-2")
        sim.spawn(Desk, "b-2")
        sim.tell(sim.base.find("a-1"), "grow")
        for name in ("a-1", "b-1", "a-2", "b-2"):
            sim.tell(sim.base.find(name), Order(0))
        sim.run()
        assert [path for path, _, _ in events(trace)] == ["a-2", "a-1", "a-1"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a"]),
        ("a/*", ["a/b"]),
        ("**", ["a", "a/b", "a/b/c"]),
        ("**/c", ["a/b/c"]),
        ("?/b/*", ["a/b/c"]),
    ],
)
def test_patterns_match_names_and_not_across_them(pattern: str, expected: list[str]) -> None:
    class Nest(SupervisedActor):
        mailbox = Mailbox(capacity=10, overflow=Overflow.REFUSE)

        def started(self) -> None:
            if self.args:
                self.spawn(Nest, self.args[0], self.args[1:])

        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None:
            """Do nothing."""

    with Simulation() as sim:
        sim.spawn(Nest, "a", "bc")
        sim.run()
        trace = sim.base.inspector.trace(pattern)
        for path in ("a", "a/b", "a/b/c"):
            sim.tell(sim.base.find(path), 1)
        sim.run()
        assert [path for path, _, _ in events(trace)] == expected


def test_a_trace_ends_with_its_actor_and_one_of_a_pattern_with_the_system() -> None:
    with Simulation() as sim:
        sim.spawn(Desk, "desk")
        sim.run()
        alone, all_ = sim.base.inspector.trace("desk"), sim.base.inspector.trace("*")
        sim.await_(sim.base.inspector.stop("desk", by="test"))
        assert (alone.info().ended, all_.info().ended) == ("its actor ended", "")
        assert all_.info().actors == 0
        sim.await_(sim.base.stop())
        assert all_.info().ended == "the system ended"


def test_traces_are_limited_in_number_and_can_be_ended_all_at_once() -> None:
    with Simulation() as sim:
        desk = sim.spawn(Desk, "desk")
        sim.run()
        own = desk.cell.handlers
        for _ in range(TRACES_MAX):
            sim.base.inspector.trace("desk")
        with pytest.raises(BadTrace, match="close one first"):
            sim.base.inspector.trace("desk")
        sim.base.inspector.end_traces()
        assert desk.cell.handlers is own
        assert sim.base.inspector.trace("desk").info().ended == ""


@pytest.mark.parametrize("limits", [{"limit": 0}, {"limit": 10**9}, {"per_second_max": 0}])
def test_no_trace_is_without_limits(limits: dict[str, int]) -> None:
    with Simulation() as sim:
        sim.spawn(Desk, "desk")
        with pytest.raises(BadTrace, match="expected"):
            sim.base.inspector.trace("desk", **limits)  # type: ignore[arg-type]
        with pytest.raises(NoSuchActor, match="did you mean desk"):
            sim.base.inspector.trace("dask")
        assert sim.base.inspector.traces() == ()


async def test_a_trace_is_iterated_over_while_the_system_runs_until_it_ends() -> None:
    base = AsyncioSystemBase()
    desk = base.spawn(Desk, "desk")
    trace = base.inspector.trace("desk", limit=3)
    for _ in range(5):
        base.tell(desk, Order(0))
    assert [event.serial async for event in trace] == [1, 2, 3]
    await base.stop()


async def test_one_that_is_closed_ends_its_reader() -> None:
    base = AsyncioSystemBase()
    desk = base.spawn(Desk, "desk")
    trace = base.inspector.trace("desk")
    base.tell(desk, Order(0))
    async for event in trace:
        assert event.took_s >= 0
        trace.close()
    assert trace.info().ended == "closed"
    await base.stop()
