"""Faults by plan: each hits what it names, when it says, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from thespian.actors import ActorAddress, ActorExitRequest

from supervisor import (
    Backoff,
    Mailbox,
    Overflow,
    Refused,
    Restart,
    SupervisedActor,
    Supervision,
    Terminated,
    handles,
)
from supervisor.simulation import (
    ClockStep,
    Crash,
    Delay,
    Drop,
    Duplicate,
    Fault,
    FaultPlan,
    Pause,
    Reorder,
    Simulation,
)
from supervisor.simulation.network import Refuse

BOX = Mailbox(capacity=1000, overflow=Overflow.REFUSE)
AT_ONCE = Supervision(restarts_max=100, period_s=1, backoff=Backoff(first_s=0))


class Writer(SupervisedActor):
    """Notes what it is sent, and when, in a list that outlives it."""

    mailbox = BOX

    def started(self) -> None:
        self.timer("tick", 1000, "tick")

    @handles(int, float, str)
    def on_any(self, message: object, sender: ActorAddress) -> None:
        self.args.append(message)

    @handles(bytes)
    def on_bytes(self, message: bytes, sender: ActorAddress) -> None:
        self.send(sender, len(message))

    @handles(bool)
    def on_shorten(self, message: bool, sender: ActorAddress) -> None:
        self.timer("tick", 1, "tick")


def simulation(*faults: Fault, seed: int | None = None) -> Simulation:
    return Simulation(seed, supervision=AT_ONCE, faults=FaultPlan(faults))


def told(sim: Simulation, *messages: Any, name: str = "writer") -> list[Any]:
    """Tell a writer the messages, let a while pass, and return what it noted."""
    log: list[Any] = []
    writer = sim.spawn(Writer, name, log)
    sim.run()
    for message in messages:
        sim.tell(writer, message)
    sim.advance(10)
    return log


def test_a_crash_takes_the_place_of_the_nth_message() -> None:
    with simulation(Crash("writer", nth=2)) as sim:
        assert told(sim, 1, 2, 3) == [1, 3]
        assert sim.base.drops() == {("Writer", "int", "crashed"): 1}
        assert sim.base.tree()[0].restarts == 1


def test_a_crash_after_the_message_was_handled_keeps_what_it_did() -> None:
    with simulation(Crash("writer", nth=2, handled=True)) as sim:
        assert told(sim, 1, 2, 3) == [1, 2, 3]
        assert sim.base.tree()[0].restarts == 1


def test_a_crash_may_hit_several_messages_in_a_row() -> None:
    with simulation(Crash("writer", nth=2, count=3)) as sim:
        assert told(sim, *range(7)) == [0, 4, 5, 6]


def test_a_crash_counts_messages_of_its_type_only() -> None:
    with simulation(Crash("writer", "float", nth=2)) as sim:
        assert told(sim, 1, 1.5, 2, 2.5, 3) == [1, 1.5, 2, 3]


def test_a_crash_counts_over_all_actors_of_its_pattern() -> None:
    with simulation(Crash("writer-*", nth=2)) as sim:
        assert told(sim, 1, name="writer-1") == [1]
        assert told(sim, 2, name="other") == [2]
        assert told(sim, 3, name="writer-2") == []
        assert [each.path for each in sim.fired] == ["writer-2"]


def test_a_crash_may_hit_on_a_timer_by_the_type_of_its_message() -> None:
    with simulation(Crash("writer", "str")) as sim:
        assert told(sim, True, 1) == [1]
        assert sim.base.tree()[0].restarts == 1


def test_nothing_counts_before_its_time() -> None:
    with simulation(Crash("writer", from_s=5)) as sim:
        log: list[Any] = []
        writer = sim.spawn(Writer, "writer", log)
        for second in range(8):
            sim.tell(writer, second)
            sim.advance(1)
        assert log == [0, 1, 2, 3, 4, 6, 7]


def test_a_delayed_message_holds_back_what_follows_it_from_the_same_sender() -> None:
    with simulation(Delay("**", "writer", nth=2, by_s=3)) as sim:
        log: list[Any] = []
        writer, other = sim.spawn(Writer, "writer", log), sim.probe()
        for number in (1, 2, 3):
            sim.tell(writer, number)
        sim.tell(writer, 4, sender=other)
        sim.advance(2.9)
        assert log == [1, 4]
        sim.advance(0.1)
        assert log == [1, 4, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_no_plan_changes_the_order_between_two(seed: int) -> None:
    faults: list[Fault] = [
        Delay("sender-*", "writer", nth=nth, count=2, by_s=0.4 * nth, from_s=nth) for nth in (1, 2, 3)
    ]
    faults += [Reorder("sender-*", "writer", nth=5, count=4, behind=2), Pause("writer", 2, 3)]
    with simulation(*faults, seed=seed) as sim:
        log: list[Any] = []
        writer = sim.spawn(Writer, "writer", log)
        senders = [sim.probe(f"sender-{number}") for number in range(3)]
        for message in range(30):
            sim.tell(writer, float(message), sender=senders[message % 3])
            sim.advance(0.2)
        sim.advance(10)
        assert len(log) == 30
        assert log != sorted(log)
        for number in range(3):
            heard = [message for message in log if message % 3 == number]
            assert heard == sorted(heard)


def test_a_reordered_message_lets_as_many_others_pass_as_it_says() -> None:
    with simulation(Reorder("late", "writer", behind=2)) as sim:
        log: list[Any] = []
        writer = sim.spawn(Writer, "writer", log)
        late, other = sim.probe("late"), sim.probe("other")
        sim.tell(writer, "a", sender=late)
        for number in range(4):
            sim.tell(writer, number, sender=other)
        sim.run()
        assert log == [0, 1, "a", 2, 3]


def test_a_reordered_message_that_nobody_overtakes_arrives_within_a_second() -> None:
    with simulation(Reorder("**", "writer", behind=2)) as sim:
        assert told(sim, 1, 2) == [1, 2]


def test_a_dropped_message_is_counted_as_lost() -> None:
    with simulation(Drop("**", "writer", "int", nth=2)) as sim:
        assert told(sim, 1, 2, 3) == [1, 3]
        assert sim.base.drops() == {("Writer", "int", "lost"): 1}


def test_a_duplicate_is_the_same_object_again() -> None:
    with simulation(Duplicate("**", "writer", "float")) as sim:
        first, second = told(sim, 1.5)
        assert first is second


def test_what_the_runtime_sends_is_neither_lost_nor_doubled() -> None:
    everything = [kind("**", "**", count=1000) for kind in (Drop, Duplicate)]
    with simulation(*everything) as sim:
        watcher, log = sim.probe("watcher"), list[Any]()
        writer = sim.spawn(Writer, "writer", log)
        watcher.watch(writer)
        sim.tell(writer, True)
        sim.advance(2000)
        assert log == ["tick"]
        sim.tell(writer, ActorExitRequest())
        sim.run()
        assert [type(message) for message in watcher.messages] == [Terminated]


def test_what_an_actor_sends_to_itself_passes_no_transport() -> None:
    class Counter(SupervisedActor):
        mailbox = BOX

        @handles(int)
        def on_number(self, message: int, sender: ActorAddress) -> None:
            self.args.append(message)
            if message:
                self.send(self.myAddress, message - 1)

    with simulation(Drop("counter", "counter", count=10), Delay("counter", "counter", by_s=9)) as sim:
        log: list[int] = []
        sim.tell(sim.spawn(Counter, "counter", log), 3)
        sim.run()
        assert log == [3, 2, 1, 0]


def test_an_ask_is_delayed_like_what_its_asker_sends() -> None:
    with simulation(Delay("simulation", "writer", by_s=2)) as sim:
        writer = sim.spawn(Writer, "writer", [])
        assert sim.ask(writer, b"abc") == 3
        assert sim.loop.time() == 2


def test_a_held_message_to_an_actor_that_ended_is_a_dead_letter() -> None:
    with simulation(Delay("**", "writer", "int", by_s=2)) as sim:
        writer, other = sim.spawn(Writer, "writer", [], restart=Restart.TEMPORARY), sim.probe("other")
        sim.tell(writer, 1)
        sim.tell(writer, ActorExitRequest(), sender=other)
        sim.advance(3)
        assert sim.base.drops() == {("Writer", "int", "dead"): 1}


def test_a_full_mailbox_refuses_what_comes_late_as_well() -> None:
    with simulation(Pause("writer", for_s=5), Delay("**", "writer", nth=3, by_s=1)) as sim:
        writer = sim.spawn(Writer, "writer", log := [], mailbox=Mailbox(capacity=2, overflow=Overflow.REFUSE))
        probe = sim.probe()
        sim.run()
        for number in range(3):
            sim.tell(writer, number, sender=probe)
        sim.advance(10)
        assert log == [0, 1]
        assert probe.take(Refused).capacity == 2


def test_a_paused_actor_handles_nothing_and_loses_nothing() -> None:
    with simulation(Pause("writer", at_s=1, for_s=3)) as sim:
        log: list[Any] = []
        writer, other = sim.spawn(Writer, "writer", log), sim.spawn(Writer, "other", log)
        sim.advance(1)
        sim.tell(writer, "paused")
        sim.tell(other, "other")
        sim.advance(2.9)
        assert log == ["other"]
        sim.advance(0.1)
        assert log == ["other", "paused"]


def test_two_pauses_of_one_actor_last_as_long_as_the_longer() -> None:
    with simulation(Pause("writer", 0, 2), Pause("wr*", 1, 3)) as sim:
        log: list[Any] = []
        sim.tell(sim.spawn(Writer, "writer", log), 1)
        sim.advance(3.9)
        assert log == []
        sim.advance(0.2)
        assert log == [1]


def test_a_clock_step_moves_the_wall_clock_alone() -> None:
    with simulation(ClockStep(-3600, at_s=10)) as sim:
        began_ns = sim.clock.now_ns()
        seen: list[Any] = []
        sim.tell(sim.spawn(Writer, "writer", seen), True)
        sim.advance(11)
        assert sim.clock.now_ns() - began_ns == (11 - 3600) * 10**9
        assert sim.clock.monotonic_ns() == 11 * 10**9
        assert seen == ["tick"]


def test_a_simulation_without_plan_can_step_its_clock() -> None:
    with Simulation() as sim:
        began_ns = sim.clock.now_ns()
        sim.step_clock(1.5)
        assert sim.clock.now_ns() - began_ns == 1_500_000_000
        assert sim.clock.monotonic_ns() == 0


def test_healing_lets_go_of_everything_in_its_order() -> None:
    plan = (
        Crash("writer", nth=2),
        Delay("late", "writer", by_s=100),
        Pause("writer", 0, 100),
        ClockStep(50, at_s=50),
    )
    with simulation(*plan) as sim:
        log: list[Any] = []
        writer = sim.spawn(Writer, "writer", log)
        late, other = sim.probe("late"), sim.probe("other")
        for number in range(3):
            sim.tell(writer, number, sender=late)
        sim.tell(writer, "other", sender=other)
        sim.advance(1)
        assert log == []
        sim.heal()
        began_ns = sim.clock.now_ns()
        sim.advance(100)
        assert log == ["other", 0, 1, 2]
        assert sim.clock.now_ns() - began_ns == 100 * 10**9


def test_which_faults_came_about_is_told_and_which_did_not() -> None:
    often, never = Crash("writer", nth=2, count=2), Drop("**", "nobody")
    with simulation(often, never, ClockStep(1, at_s=4)) as sim:
        told(sim, 1, 2, 3, 4)
        crash, step = sim.fired
        assert (crash.fault, crash.times, crash.at_s, crash.path) == (often, 2, 0.0, "writer")
        assert step.at_s == 4
        assert sim.unfired == [never]


def test_a_plan_without_faults_is_a_simulation_without_plan() -> None:
    def digest(plan: FaultPlan | None) -> str:
        with Simulation(3, faults=plan) as sim:
            told(sim, *range(20))
            return sim.digest

    assert digest(FaultPlan()) == digest(None)


def test_coroutines_go_on_while_their_actor_is_paused() -> None:
    class Sleeper(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.pipe(self._sleep(), into=str)

        async def _sleep(self) -> int:
            await asyncio.sleep(2)
            self.args.append("awake")
            return 1

        @handles(str)
        def on_slept(self, message: str, sender: ActorAddress) -> None:
            self.args.append(f"handled at {self.clock.monotonic_ns() // 10**9}")

    with simulation(Pause("sleeper", 1, 9)) as sim:
        log: list[str] = []
        sim.spawn(Sleeper, "sleeper", log)
        sim.advance(5)
        assert log == ["awake"]
        sim.advance(10)
        assert log == ["awake", "handled at 10"]


def test_faults_of_the_network_are_part_of_the_plan() -> None:
    async def connect() -> str:
        try:
            await asyncio.get_running_loop().create_connection(asyncio.Protocol, "server", 80)
        except ConnectionRefusedError:
            return "refused"
        return "connected"

    with simulation(Refuse("*", "server", at_s=1, for_s=1)) as sim:
        sim.await_(sim.loop.create_server(asyncio.Protocol, "server", 80))
        answers = [sim.await_(connect())]
        sim.advance(1)
        answers.append(sim.await_(connect()))
        sim.heal()
        answers.append(sim.await_(connect()))
        assert answers == ["connected", "refused", "connected"]
        assert [each.fault.verb for each in sim.fired] == ["refuse"]
