"""Every overflow policy, as a state machine, against a model of it: plain lists and no thought of speed."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, Final

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from thespian.actors import ActorAddress

from supervisor import (
    ExitReason,
    Mailbox,
    Overflow,
    Refused,
    RootFailed,
    SupervisedActor,
    Terminated,
    handles,
)
from supervisor.simulation import Simulation


class Item(msgspec.Struct, frozen=True):
    serial: int
    coalesce_key: str | None
    priority: int


class Order(msgspec.Struct, frozen=True):
    """Tells the feeder to pass an item on, by one of the ways to send."""

    way: str
    item: Item


class Collector(SupervisedActor):
    """Writes down what it handles; while it loads it stashes items instead."""

    mailbox = Mailbox(capacity=1, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.open = True

    @handles(Item)
    def on_item(self, message: Item, sender: ActorAddress) -> None:
        if self.open:
            self.args.append(message.serial)
        else:
            self.stash()

    @handles(Terminated)
    def on_notice(self, message: Terminated, sender: ActorAddress) -> None:
        if message.path == "shut":
            self.open = False
        elif message.path == "open":
            self.open = True
            self.unstash()
        else:
            self.args.append(message.path)


class Feeder(SupervisedActor):
    """Sends to the collector what it is told to, and writes down what comes of it."""

    mailbox = Mailbox(capacity=1000, overflow=Overflow.REFUSE)

    @handles(Order)
    def on_order(self, message: Order, sender: ActorAddress) -> None:
        target, results = self.args
        if message.way == "try":
            results.append(self.try_send(target, message.item))
        elif message.way == "urgent":
            self.send_urgent(target, message.item)
        else:
            self.send(target, message.item)

    @handles(Refused)
    def on_refused(self, message: Refused, sender: ActorAddress) -> None:
        self.args[1].append("refused")


class Model:
    """A mailbox as the guide has it. Each thing that waits is of a kind: item, urgent, notice."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.waiting: list[tuple[str, Any]] = []
        self.stash: list[Item] = []
        self.stash_max = 0
        self.open = True
        self.congested = False
        self.halted = False
        self.drops: Counter[str] = Counter()

    def send(self, item: Item, *, tries: bool = False) -> bool:
        """Return whether it was taken."""
        overflow, capacity = self.mailbox.overflow, self.mailbox.capacity
        if tries and overflow is Overflow.HALT:
            overflow = Overflow.REFUSE  # who asks whether there is room does no harm
        if len(self.waiting) >= self.mailbox.high:
            self.congested = True
        replaced = self._same_key(item) if overflow is Overflow.COALESCE else None
        if replaced is not None:
            self.drops["coalesced"] += 1
            self.waiting[replaced] = ("item", item)
            return True
        if len(self.waiting) < (capacity if self.congested else self.mailbox.high):
            self.waiting.append(("item", item))
            return True
        return self._overflow(item, overflow)

    def _same_key(self, item: Item) -> int | None:
        for index, (kind, earlier) in enumerate(self.waiting):
            if kind == "item" and item.coalesce_key is not None and earlier.coalesce_key == item.coalesce_key:
                return index
        return None

    def _overflow(self, item: Item, overflow: Overflow) -> bool:
        candidates = [index for index, (kind, _) in enumerate(self.waiting) if kind == "item"]
        if overflow is Overflow.REFUSE:
            self.drops["refused"] += 1
            return False
        if overflow is Overflow.HALT:
            self.drops["halted"] += 1
            self.halted = True
            return False
        if overflow is Overflow.DROP_NEWEST:
            self.drops["dropped-newest"] += 1
            return False
        if overflow is Overflow.SHED:
            lowest = min((self.waiting[index][1].priority for index in candidates), default=None)
            self.drops["shed"] += 1
            if lowest is None or item.priority < lowest:
                return False
            victim = next(index for index in candidates if self.waiting[index][1].priority == lowest)
        elif not candidates:
            self.drops["dropped-newest"] += 1
            return False
        else:
            self.drops["dropped-oldest"] += 1
            victim = candidates[0]
        del self.waiting[victim]
        self.waiting.append(("item", item))
        return True

    def urgent(self, item: Item) -> None:
        ahead = 0
        while ahead < len(self.waiting) and self.waiting[ahead][0] == "urgent":
            ahead += 1
        self.waiting.insert(ahead, ("urgent", item))

    def handle_all(self) -> list[Any]:
        """Return what is handled, in order."""
        handled: list[Any] = []
        while self.waiting:
            kind, content = self.waiting.pop(0)
            if kind == "notice":
                handled += self._take_note(content)
            elif self.open:
                handled.append(content.serial)
            else:
                self.stash.append(content)
                self.stash_max = max(self.stash_max, len(self.stash))
            if self.congested and len(self.waiting) <= self.mailbox.low:
                self.congested = False
        return handled

    def _take_note(self, notice: str) -> list[Any]:
        if notice not in ("open", "shut"):
            return [notice]
        self.open = notice == "open"
        if self.open:
            self._unstash()
        return []

    def _unstash(self) -> None:
        stash, self.stash = self.stash, []
        for item in reversed(stash):
            if self.mailbox.overflow is Overflow.COALESCE and self._same_key(item) is not None:
                self.drops["coalesced"] += 1
            else:
                self.waiting.insert(0, ("item", item))


_items = st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 3))
_CAPACITY_MAX: Final = 6


@st.composite
def mailboxes(draw: st.DrawFn) -> Mailbox:
    capacity = draw(st.integers(1, _CAPACITY_MAX))
    high = draw(st.none() | st.integers(1, capacity))
    low = draw(st.none() | st.integers(0, high - 1)) if high is not None else None
    return Mailbox(capacity, draw(st.sampled_from(Overflow)), high_water=high, low_water=low)


class OverflowMachine(RuleBasedStateMachine):
    """Sends in every way there is, handles now and then, and compares everything that can be seen."""

    @initialize(mailbox=mailboxes())
    def begin(self, mailbox: Mailbox) -> None:
        self.sim = Simulation()
        self.model = Model(mailbox)
        self.handled: list[Any] = []
        self.expected: list[Any] = []
        self.results: list[Any] = []
        self.expected_results: list[Any] = []
        self.serial = 0
        self.collector = self.sim.spawn(Collector, "collector", self.handled, mailbox=mailbox)
        self.feeder = self.sim.spawn(Feeder, "feeder", (self.collector, self.results))
        self.sim.run()
        self.sim.base.inspector.suspend("collector", by="test")

    def teardown(self) -> None:
        self.sim.close()

    def _feed(self, way: str, item: Item) -> None:
        self.sim.tell(self.feeder, Order(way, item))
        self.sim.run()

    def _item(self, parts: tuple[str | None, int]) -> Item:
        self.serial += 1
        return Item(self.serial, *parts)

    @precondition(lambda self: not self.model.halted)
    @rule(parts=_items)
    def send(self, parts: tuple[str | None, int]) -> None:
        item = self._item(parts)
        if not self.model.send(item) and self.model.mailbox.overflow is Overflow.REFUSE:
            self.expected_results.append("refused")
        self._feed("send", item)

    @precondition(lambda self: not self.model.halted)
    @rule(parts=_items)
    def try_send(self, parts: tuple[str | None, int]) -> None:
        item = self._item(parts)
        self.expected_results.append(self.model.send(item, tries=True))
        self._feed("try", item)

    @precondition(lambda self: not self.model.halted)
    @rule(parts=_items)
    def send_urgent(self, parts: tuple[str | None, int]) -> None:
        item = self._item(parts)
        self.model.urgent(item)
        self._feed("urgent", item)

    @precondition(lambda self: not self.model.halted)
    @rule(notice=st.sampled_from(["open", "shut", "tick"]))
    def the_runtime_puts_a_notice_in(self, notice: str) -> None:
        self.model.waiting.append(("notice", notice))
        self.collector.cell.put(Terminated(self.feeder, notice, ExitReason.STOPPED), self.feeder)

    @precondition(lambda self: not self.model.halted)
    @rule()
    def handle_all(self) -> None:
        trial = copy.deepcopy(self.model)
        trial.handle_all()
        if trial.stash_max > self.model.mailbox.capacity:
            return  # a stash has its own limit, beyond which the actor crashes
        self.expected += self.model.handle_all()
        self.sim.base.inspector.resume("collector", by="test")
        self.sim.run()
        self.sim.base.inspector.suspend("collector", by="test")

    @precondition(lambda self: self.model.halted)
    @rule()
    def nothing_more_happens(self) -> None:
        self.sim.advance(1)

    @invariant()
    def everything_that_is_seen_is_as_the_model_has_it(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.handled == self.expected
        assert self.results == self.expected_results
        counts = self.sim.base.drops().items()
        drops = {reason: count for (kind, _, reason), count in counts if kind == "Collector"}
        if self.model.halted:
            assert isinstance(self.sim.base.failed, RootFailed), "it stopped and escalated"
            assert drops["halted"] == self.model.drops["halted"]
            return
        assert drops == self.model.drops, "no drop is silent, and none is counted twice"
        (info,) = self.sim.base.inspector.tree("collector")
        assert info.depth == len(self.model.waiting)
        assert info.stashed == len(self.model.stash)
        waiter = self.sim.loop.create_task(self.sim.base.ready(self.collector))
        self.sim.run()
        assert waiter.done() is not self.model.congested, "producers wait between the water marks"
        waiter.cancel()
        self.sim.run()


TestOverflow = OverflowMachine.TestCase
TestOverflow.settings = settings(max_examples=settings().max_examples // 2)
