"""What is promised about order and loss, under crashes, backoff, suspensions, stashes and any schedule."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from thespian.actors import ActorAddress, ActorExitRequest

from supervisor import Backoff, Mailbox, Overflow, SupervisedActor, Supervision, handles
from supervisor.simulation import Simulation

SENDERS = 3
TARGETS = 2


class Item(msgspec.Struct, frozen=True):
    sender: int
    serial: int
    crashes: bool = False


class Emit(msgspec.Struct, frozen=True):
    """Tells a source to send so many items to a target, of which one may crash it."""

    target: int
    first: int
    count: int
    crash_at: int | None


class Shut(msgspec.Struct, frozen=True):
    """Tells a target to put items aside from now on, or to take them up again."""

    shut: bool


class Source(SupervisedActor):
    mailbox = Mailbox(capacity=1000, overflow=Overflow.REFUSE)

    @handles(Emit)
    def on_emit(self, message: Emit, sender: ActorAddress) -> None:
        number, targets = self.args
        for offset in range(message.count):
            item = Item(number, message.first + offset, offset == message.crash_at)
            self.send(targets[message.target], item)


class Target(SupervisedActor):
    mailbox = Mailbox(capacity=10_000, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.shut = False

    @handles(Item)
    def on_item(self, message: Item, sender: ActorAddress) -> None:
        if message.crashes:
            raise ValueError("as ordered")
        if self.shut:
            self.stash()
        else:
            self.args.append(message)

    @handles(Shut)
    def on_shut(self, message: Shut, sender: ActorAddress) -> None:
        self.shut = message.shut
        if not self.shut:
            self.unstash()


class OrderingMachine(RuleBasedStateMachine):
    """Many senders, many targets, in any turns; in the end each message was handled once and in order."""

    @initialize(seed=st.none() | st.integers(0, 1000), copies=st.booleans())
    def begin(self, seed: int | None, copies: bool) -> None:
        policy = Supervision(restarts_max=10**6, backoff=Backoff(first_s=0.1, max_s=1))
        self.sim = Simulation(seed, supervision=policy, copy_messages=copies)
        self.handled: list[list[Item]] = [[] for _ in range(TARGETS)]
        self.targets = [self.sim.spawn(Target, f"target-{n}", self.handled[n]) for n in range(TARGETS)]
        self.sources = [self.sim.spawn(Source, f"source-{n}", (n, self.targets)) for n in range(SENDERS)]
        self.expected: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.crashes = 0
        self.serial = 0

    @rule(
        sender=st.integers(0, SENDERS - 1),
        to=st.integers(0, TARGETS - 1),
        count=st.integers(1, 20),
        crash_at=st.none() | st.integers(0, 19),
    )
    def emit(self, sender: int, to: int, count: int, crash_at: int | None) -> None:
        self.sim.tell(self.sources[sender], Emit(to, self.serial, count, crash_at))
        for offset in range(count):
            if offset == crash_at:
                self.crashes += 1
            else:
                self.expected[sender, to].append(self.serial + offset)
        self.serial += count

    @rule(to=st.integers(0, TARGETS - 1), shut=st.booleans())
    def shut(self, to: int, shut: bool) -> None:
        self.sim.tell(self.targets[to], Shut(shut))

    @rule(to=st.integers(0, TARGETS - 1), urgent=st.booleans())
    def shut_urgently(self, to: int, urgent: bool) -> None:
        self.targets[to].cell.put_urgent(Shut(urgent), self.targets[to])

    @rule(to=st.integers(0, TARGETS - 1), ordered=st.sampled_from(["suspend", "resume"]))
    def order(self, to: int, ordered: str) -> None:
        getattr(self.targets[to].cell, ordered)()

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.5, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.sim.advance(seconds)

    def teardown(self) -> None:
        if not hasattr(self, "sim"):
            return
        with self.sim:
            for target in self.targets:
                target.cell.resume()
                self.sim.advance(100)
                self.sim.tell(target, Shut(False))
                self.sim.advance(100)
                self.sim.tell(target, ActorExitRequest())
            self.sim.run()
            got: dict[tuple[int, int], list[int]] = defaultdict(list)
            for number, items in enumerate(self.handled):
                for item in items:
                    got[item.sender, number].append(item.serial)
            assert {pair: sorted(serials) for pair, serials in got.items()} == {
                pair: serials for pair, serials in self.expected.items() if serials
            }, "each message once, none lost"
            assert got == {pair: serials for pair, serials in self.expected.items() if serials}, "in order"
            assert sum(self.sim.base.drops().values()) == self.crashes
            left = {info.path for info in self.sim.base.tree()}
            assert not any(path.startswith("target") for path in left), "exit comes after all that waited"


TestOrdering = OrderingMachine.TestCase
TestOrdering.settings = settings(max_examples=settings().max_examples // 2)


def handled_in(seed: int | None) -> list[Item]:
    """Return in which order one target handled the items of three senders."""
    handled: list[Item] = []
    with Simulation(seed) as sim:
        targets = [sim.spawn(Target, "target", handled)]
        for number in range(3):
            source = sim.spawn(Source, f"source-{number}", (number, targets))
            for first in range(0, 12, 4):
                sim.tell(source, Emit(0, first, 4, None))
        sim.run()
    return handled


def test_a_seed_repeats_its_interleaving_and_others_explore_others() -> None:
    runs = {tuple((item.sender, item.serial) for item in handled_in(seed)) for seed in range(20)}
    assert len(runs) > 10
    assert handled_in(7) == handled_in(7)


def test_every_interleaving_keeps_the_order_of_each_pair() -> None:
    for seed in range(20):
        for number in range(3):
            mine = [item.serial for item in handled_in(seed) if item.sender == number]
            assert mine == list(range(12))
