"""Supervision, as a state machine, against a model of OTP's supervisor; nested, with every strategy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from supervision_model import OtpModel, Plan
from thespian.actors import ActorAddress

from supervisor import (
    Backoff,
    Mailbox,
    Overflow,
    Restart,
    RootFailed,
    Strategy,
    SupervisedActor,
    Supervision,
    handles,
)
from supervisor.simulation import Simulation


class Crash(msgspec.Struct, frozen=True):
    pass


class End(msgspec.Struct, frozen=True):
    pass


class Nudge(msgspec.Struct, frozen=True):
    serial: int


class Planned(SupervisedActor):
    """An actor as planned: it starts its children, and writes down its starts, stops and messages."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.REFUSE)

    def started(self) -> None:
        plan, record = self.args
        record.begins(self)
        for child in plan.children:
            self.spawn(actor_class(child), child.name, (child, record), restart=child.restart)

    def stopped(self) -> None:
        self.args[1].ends(self)

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ValueError("as ordered")

    @handles(End)
    def on_end(self, message: End, sender: ActorAddress) -> None:
        self.stop()

    @handles(Nudge)
    def on_nudge(self, message: Nudge, sender: ActorAddress) -> None:
        self.args[1].handles(self, message.serial)


class Record:
    """What the actors themselves say happened; holds that an address has one incarnation at a time."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.nudges: list[int] = []
        self._alive: dict[ActorAddress, SupervisedActor] = {}

    def begins(self, actor: SupervisedActor) -> None:
        assert self._alive.setdefault(actor.myAddress, actor) is actor, "two incarnations at a time"
        self.log.append(f"{actor.path} started")

    def ends(self, actor: SupervisedActor) -> None:
        assert self._alive.pop(actor.myAddress) is actor, "it ended without having begun"
        self.log.append(f"{actor.path} stopped")

    def handles(self, actor: SupervisedActor, serial: int) -> None:
        assert self._alive.get(actor.myAddress) is actor, "a dead incarnation handled a message"
        self.nudges.append(serial)


def actor_class(plan: Plan) -> type[SupervisedActor]:
    """Return a class that supervises as planned."""
    policy = Supervision(
        strategy=plan.strategy,
        restarts_max=plan.restarts_max,
        period_s=plan.period_s,
        per_child=plan.per_child,
        backoff=Backoff(first_s=0.5, factor=1, jitter=0),
    )
    return type("Planned", (Planned,), {"supervision": policy})


def _plans(depth: int) -> st.SearchStrategy[Plan]:
    children: st.SearchStrategy[tuple[Plan, ...]] = st.just(())
    if depth:
        lists = st.lists(_plans(depth - 1), max_size=3).map(_named)
        children = lists
    return st.builds(
        Plan,
        name=st.just(""),
        restart=st.sampled_from(Restart),
        strategy=st.sampled_from(Strategy),
        restarts_max=st.integers(0, 3),
        period_s=st.sampled_from([5.0, 60.0]),
        per_child=st.booleans(),
        children=children,
    )


def _named(plans: list[Plan]) -> tuple[Plan, ...]:
    return tuple(replace(plan, name=name) for name, plan in zip("abc", plans, strict=False))


def _by_family(log: list[str]) -> dict[str, list[str]]:
    """Return what happened to each parent and its children; across families no order is promised."""
    families: dict[str, list[str]] = defaultdict(list)
    for entry in log:
        path = entry.split()[0]
        families[path].append(entry)
        if path != "root":
            families[path.rpartition("/")[0] or "root"].append(entry)
    return families


def _by_actor(log: list[str]) -> dict[str, list[str]]:
    actors: dict[str, list[str]] = defaultdict(list)
    for entry in log:
        actors[entry.split()[0]].append(entry)
    return actors


class SupervisionMachine(RuleBasedStateMachine):
    """Has actors fail and end, one at a time, and compares with OTP after the dust has settled."""

    @initialize(plan=_plans(3), seed=st.none() | st.integers(0, 3))
    def begin(self, plan: Plan, seed: int | None) -> None:
        self.seed = seed
        self.sim = Simulation(seed)
        self.record = Record()
        self.serial = 0
        self.nudged: list[int] = []
        self.model = OtpModel(plan)
        self.sim.spawn(actor_class(plan), "root", (plan, self.record))
        self.settle()

    def teardown(self) -> None:
        self.sim.close()

    def settle(self) -> None:
        self.sim.advance(1)

    def _send(self, path: str, message: Any) -> None:
        self.sim.tell(self.sim.base.find(path), message)

    @precondition(lambda self: len(self.model.living()) > 1)
    @rule(data=st.data(), message=st.sampled_from([Crash(), Crash(), End()]))
    def one_goes_down(self, data: st.DataObject, message: Crash | End) -> None:
        path = data.draw(st.sampled_from([each for each in self.model.living() if each != "root"]))
        act = self.model.crash if isinstance(message, Crash) else self.model.end
        act(path, self.sim.loop.time())
        self._send(path, message)
        self.settle()

    @precondition(lambda self: self.model.living())
    @rule(data=st.data())
    def one_is_nudged(self, data: st.DataObject) -> None:
        self.serial += 1
        self._send(data.draw(st.sampled_from(list(self.model.living()))), Nudge(self.serial))
        self.nudged.append(self.serial)
        self.settle()

    @rule(seconds=st.sampled_from([0.5, 5, 60]))
    def time_passes(self, seconds: float) -> None:
        self.sim.advance(seconds)

    @invariant()
    def it_is_as_otp_has_it(self) -> None:
        if not hasattr(self, "model"):
            return
        # Children begin at their first turn, so a seed that shuffles turns shuffles the first starts.
        part = _by_family if self.seed is None else _by_actor
        assert part(self.record.log) == part(self.model.log), "starts and stops, in order"
        assert self.record.nudges == self.nudged
        failed = self.sim.base.failed
        assert isinstance(failed, RootFailed) is self.model.failed
        living = {info.path: info.restarts + 1 for info in self.sim.base.tree()}
        assert living == self.model.living()
        assert {info.state for info in self.sim.base.tree()} <= {"running"}


TestSupervision = SupervisionMachine.TestCase
TestSupervision.settings = settings(max_examples=settings().max_examples // 2)
