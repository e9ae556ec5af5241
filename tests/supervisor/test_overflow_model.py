"""Every overflow policy against a model of it: a plain list."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from thespian.actors import ActorAddress

from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation


class Item(msgspec.Struct, frozen=True):
    serial: int
    coalesce_key: str | None
    priority: int


class Collector(SupervisedActor):
    mailbox = Mailbox(capacity=1, overflow=Overflow.REFUSE)

    def started(self) -> None:
        self.seen: list[int] = []

    @handles(Item)
    def on_item(self, message: Item, sender: ActorAddress) -> None:
        self.seen.append(message.serial)

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


class Model:
    """A mailbox as the documentation has it, with no thought of speed."""

    def __init__(self, overflow: Overflow, capacity: int) -> None:
        self.overflow = overflow
        self.capacity = capacity
        self.waiting: list[Item] = []

    def accept(self, item: Item) -> None:
        if self.overflow is Overflow.COALESCE and item.coalesce_key is not None:
            for index, earlier in enumerate(self.waiting):
                if earlier.coalesce_key == item.coalesce_key:
                    self.waiting[index] = item
                    return
        if len(self.waiting) < self.capacity:
            self.waiting.append(item)
            return
        if self.overflow in (Overflow.DROP_OLDEST, Overflow.COALESCE):
            self.waiting = [*self.waiting[1:], item]
        elif self.overflow is Overflow.SHED:
            victim = min([*self.waiting, item], key=lambda each: each.priority)
            self.waiting = [each for each in [*self.waiting, item] if each is not victim]


_policies = st.sampled_from([each for each in Overflow if each is not Overflow.HALT])
_actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 3)),
        st.just("handle all"),
    ),
    max_size=40,
)


@given(overflow=_policies, capacity=st.integers(1, 6), actions=_actions)
def test_a_mailbox_behaves_as_its_policy_says(
    overflow: Overflow, capacity: int, actions: list[tuple[str | None, int] | str]
) -> None:
    model = Model(overflow, capacity)
    expected: list[int] = []
    sent = 0
    with Simulation() as sim:
        collector = sim.spawn(Collector, "collector", mailbox=Mailbox(capacity=capacity, overflow=overflow))
        sim.run()
        for action in [*actions, "handle all"]:
            if isinstance(action, str):
                sim.run()
                expected += [item.serial for item in model.waiting]
                model.waiting = []
                continue
            item = Item(sent, *action)
            sent += 1
            sim.tell(collector, item)
            model.accept(item)
            assert sim.base.tree()[0].depth == len(model.waiting)
        assert sim.base.snapshot("collector")["seen"] == expected
        assert sum(sim.base.drops().values()) == sent - len(expected), "no drop is silent"
