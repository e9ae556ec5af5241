"""Looking in: who has most, what one actor is doing, what went wrong; all of it plain data."""

from __future__ import annotations

import dataclasses
import enum
import json
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from thespian.actors import ActorAddress

from supervisor import (
    DropReason,
    Mailbox,
    NoSuchActor,
    Overflow,
    SupervisedActor,
    handles,
)
from supervisor.inspection import deadletters
from supervisor.inspection.plain import plain
from supervisor.simulation import Simulation


class Job(msgspec.Struct, frozen=True):
    name: str


class Tick(msgspec.Struct, frozen=True):
    pass


class Crash(msgspec.Struct, frozen=True):
    pass


class Unprintable(msgspec.Struct, frozen=True):
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Clerk(SupervisedActor):
    mailbox = Mailbox(capacity=100_000, overflow=Overflow.DROP_NEWEST)

    def started(self) -> None:
        self.done: list[str] = []

    @handles(Job)
    def on_job(self, message: Job, sender: ActorAddress) -> None:
        self.done.append(message.name)

    @handles(Tick)
    def on_tick(self, message: Tick, sender: ActorAddress) -> None:
        self.timer("minute", 60, Tick(), every=True)
        self.timer(7, 5, Job("later"))
        self.pipe(self.wait_forever())

    @handles(Crash)
    def on_crash(self, message: Crash, sender: ActorAddress) -> None:
        raise ValueError("crashed as told")

    async def wait_forever(self) -> None:
        await self.ask(self.spawn(Clerk, "helper"), Job("unanswered"), timeout_s=1e9)

    def snapshot(self) -> dict[str, object]:
        if self.done == ["broken"]:
            raise KeyError("state")
        return {"done": self.done, "last": Job(self.done[-1]) if self.done else None, "code": object()}


def plain_all_through(value: Any) -> bool:
    if dataclasses.is_dataclass(value):
        return all(plain_all_through(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, dict):
        return all(type(key) is str and plain_all_through(each) for key, each in value.items())
    if isinstance(value, tuple):
        return all(map(plain_all_through, value))
    return value is None or type(value) in (str, int, float, bool)


def test_top_of_ten_thousand_actors_is_what_sorting_all_would_give() -> None:
    with Simulation() as sim:
        clerks = [sim.spawn(Clerk, f"clerk-{number}") for number in range(10_000)]
        sim.run()
        depths = random.Random(1).choices(range(50), k=len(clerks))
        for clerk, depth in zip(clerks, depths, strict=True):
            clerk.cell.suspend()
            for _ in range(depth):
                sim.tell(clerk, Job("waits"))
        top = sim.base.inspector.top("mailbox", 300)
        everyone = sorted(sim.base.tree(), key=lambda info: -info.depth)
        assert [entry.info for entry in top] == everyone[:300]
        assert [entry.value for entry in top] == sorted(depths, reverse=True)[:300]


def test_top_by_age_names_who_keeps_a_message_waiting_longest() -> None:
    with Simulation() as sim:
        for name in ("late", "later"):
            sim.spawn(Clerk, name)
            sim.run()
            sim.base.inspector.suspend(name, by="test")
            sim.tell(sim.base.find(name), Job("waits"))
            sim.advance(10)
        assert [(each.info.path, each.value) for each in sim.base.inspector.top("age", 2)] == [
            ("late", 20),
            ("later", 10),
        ]


def test_where_no_time_passes_in_handlers_the_count_ranks_by_time() -> None:
    with Simulation() as sim:
        for name, count in (("idle", 0), ("busy", 3), ("calm", 1)):
            clerk = sim.spawn(Clerk, name)
            for _ in range(count):
                sim.tell(clerk, Job("done"))
        sim.run()
        assert [each.info.path for each in sim.base.inspector.top("time", 2)] == ["busy", "calm"]


def test_top_over_a_window_counts_what_happened_in_it_and_nothing_before() -> None:
    with Simulation() as sim:
        old, new = sim.spawn(Clerk, "old"), sim.spawn(Clerk, "new")
        for _ in range(1000):
            sim.tell(old, Job("before"))
        sim.run()
        sim.loop.call_later(5, sim.tell, new, Job("within"))
        first, second = sim.await_(sim.base.inspector.top_over(10, "rate", 2))
        assert (first.info.path, first.value) == ("new", 0.1)
        assert (second.info.path, second.value) == ("old", 0)


@pytest.mark.parametrize(("by", "n"), [("size", 1), ("rate", 0), ("rate", 10**6)])
def test_top_says_what_it_can_rank_by(by: str, n: int) -> None:
    with Simulation() as sim, pytest.raises(ValueError, match="expected"):
        sim.base.inspector.top(by, n)


def test_a_mailbox_is_shown_by_type_and_age_and_never_by_content() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.run()
        sim.base.inspector.suspend("clerk", by="test")
        sim.tell(clerk, Job("secret"))
        sim.advance(2)
        for message in (Tick(), Tick(), Unprintable()):
            sim.tell(clerk, message)
        detail = sim.base.inspector.actor("clerk")
        assert [(each.message_type, each.count, each.oldest_age_s) for each in detail.waiting] == [
            ("Tick", 2, 0),
            ("Job", 1, 2),
            ("Unprintable", 1, 0),
        ]
        assert "secret" not in repr(detail)


def test_contents_are_shown_when_asked_for_even_of_what_fails_to_print() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.run()
        sim.base.inspector.suspend("clerk", by="test")
        for message in (Job("open"), Unprintable(), Job("x" * 5000), Job("not asked for")):
            sim.tell(clerk, message)
        shown = sim.base.inspector.actor("clerk", contents=3).contents
        assert shown[:2] == ("Job(name='open')", "<Unprintable: its repr raised RuntimeError>")
        assert len(shown) == 3
        assert len(shown[2]) < 1100


def test_one_actor_shows_its_timers_coroutines_children_and_class() -> None:
    with Simulation() as sim:
        sim.tell(sim.spawn(Clerk, "clerk", {"desk": 4}), Tick())
        sim.advance(1)
        detail = sim.base.inspector.actor("clerk")
        assert [(each.key, each.message_type, each.due_in_s, each.period_s) for each in detail.timers] == [
            ("minute", "Tick", 59, 60),
            ("<int>", "Job", 4, 0),
        ]
        (pipe,) = detail.pipes
        assert pipe.name == "Clerk.wait_forever"
        assert [place.split(":")[0] for place in pipe.waits_at] == [
            "Clerk.wait_forever",
            "SupervisedActor.ask",
            "ask",
        ]
        assert (detail.children, detail.children_count) == (("helper",), 1)
        assert (detail.class_name, detail.module, detail.args_type) == ("Clerk", __name__, "dict")
        assert (detail.restart, detail.overflow, detail.up_s) == ("transient", "drop-newest", 1)


def test_one_actor_shows_when_and_why_it_restarted_and_its_last_traceback() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        for _ in range(2):
            sim.tell(clerk, Crash())
            sim.advance(10)
        detail = sim.base.inspector.actor("clerk")
        assert [each.because for each in detail.restarted] == ["ValueError", "ValueError"]
        first, second = (each.at_ns for each in detail.restarted)
        assert second - first == pytest.approx(10e9, rel=0.1)
        assert detail.last_error == "ValueError: crashed as told"
        assert "in on_crash" in detail.last_traceback


def test_only_the_last_restarts_are_remembered() -> None:
    with Simulation() as sim:
        sim.spawn(Clerk, "clerk")
        sim.run()
        for number in range(25):
            sim.await_(sim.base.inspector.restart("clerk", by=f"hand {number}"))
        detail = sim.base.inspector.actor("clerk")
        assert detail.info.restarts == 25
        assert [each.because for each in detail.restarted] == [f"order of hand {n}" for n in range(15, 25)]


def test_state_is_plain_data_whatever_the_actor_shows() -> None:
    with Simulation() as sim:
        sim.tell(sim.spawn(Clerk, "clerk"), Job("filed"))
        sim.run()
        state = sim.base.inspector.actor("clerk").state
        assert state == {"done": ("filed",), "last": {"name": "filed"}, "code": "<object>"}


class Mood(enum.StrEnum):
    CALM = "calm"


class Amount(Decimal):
    """A number of its own kind."""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Mood.CALM, "calm"),
        (Amount("1.50"), "1.50"),
        (10**1000, "<int>"),
        ("x" * 20_000, "x" * 10_000 + "…"),
        ({(1, 2): {3}}, {"(1, 2)": (3,)}),
        (b"raw", "<bytes>"),
        ([[[[[[[1]]]]]]], ((((((("<list>",),),),),),),)[0]),
        (range(3), "<range>"),
    ],
)
def test_whatever_a_value_is_what_is_shown_of_it_is_plain(value: object, shown: object) -> None:
    assert plain(value) == shown
    assert type(plain(value)) is type(shown)


@given(
    st.recursive(
        st.integers() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_nest_of_values_becomes_plain(value: object) -> None:
    assert plain_all_through(plain(value))


def test_of_a_value_beyond_all_bounds_a_bounded_part_is_shown() -> None:
    widening: object = 0
    for _ in range(6):
        widening = [widening] * 100
    shown = plain(widening)
    assert repr(shown).count("0,") <= 5_000
    assert "more" in repr(shown)
    endless: list[object] = []
    endless.append(endless)
    assert "<list>" in repr(plain(endless))


def test_a_snapshot_that_raises_does_not_hide_the_rest() -> None:
    with Simulation() as sim:
        sim.tell(sim.spawn(Clerk, "clerk"), Job("broken"))
        sim.run()
        detail = sim.base.inspector.actor("clerk")
        assert detail.state == {"error": "snapshot() raised KeyError"}
        assert detail.info.handled == 1


def test_a_snapshot_that_wants_the_process_to_exit_is_shown_as_broken() -> None:
    class Leaving(SupervisedActor):
        mailbox = Clerk.mailbox

        def snapshot(self) -> dict[str, object]:
            raise SystemExit

    with Simulation() as sim:
        sim.spawn(Leaving, "leaving")
        sim.run()
        assert sim.base.inspector.actor("leaving").state == {"error": "snapshot() raised SystemExit"}


def test_a_mistyped_path_is_answered_with_those_that_are_near() -> None:
    with Simulation() as sim:
        sim.tell(sim.spawn(Clerk, "root"), Tick())
        sim.run()
        sim.tell(sim.base.find("helper"), Tick())
        sim.run()
        with pytest.raises(NoSuchActor, match="did you mean helper/helper"):
            sim.base.inspector.actor("helper/helpr")
        with pytest.raises(NoSuchActor, match="did you mean helper"):
            sim.base.inspector.tree("helpe")
        with pytest.raises(NoSuchActor) as caught:
            sim.base.inspector.actor("quite/another")
        assert caught.value.near == ()


def test_a_tree_can_be_of_one_actor_and_those_under_it() -> None:
    with Simulation() as sim:
        sim.tell(sim.spawn(Clerk, "clerk"), Tick())
        sim.spawn(Clerk, "other")
        sim.run()
        assert [info.path for info in sim.base.inspector.tree("clerk")] == ["clerk", "clerk/helper"]
        assert sim.base.inspector.tree() == tuple(sim.base.tree())
        assert [info.path for info in sim.base.inspector.tree(n=2)] == ["clerk", "clerk/helper"]


def test_everything_shown_is_plain_data_that_json_takes() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        for message in (Job("a"), Tick(), Crash(), "unknown"):
            sim.tell(clerk, message)
        sim.advance(1)
        inspector = sim.base.inspector
        for shown in (
            inspector.tree(),
            inspector.actor("clerk"),
            inspector.top("mailbox"),
            inspector.totals(),
            inspector.dead_letters(),
            inspector.loop_lag(),
            inspector.trace("clerk").info(),
            inspector.actions(),
        ):
            assert plain_all_through(shown), shown
            json.loads(msgspec.json.encode(shown))


def test_totals_never_fall_when_actors_end() -> None:
    with Simulation() as sim:
        for name in ("a", "b"):
            clerk = sim.spawn(Clerk, name)
            sim.tell(clerk, Job("done"))
            sim.tell(clerk, Crash())
            sim.advance(1)
        (before,) = sim.base.inspector.totals().kinds
        sim.await_(sim.base.inspector.stop("a", by="test"))
        (after,) = sim.base.inspector.totals().kinds
        assert (before.actors, before.ended, after.actors, after.ended) == (2, 0, 1, 1)
        assert (before.handled, before.restarts) == (after.handled, after.restarts) == (2, 2)


def test_totals_show_the_fullest_mailbox_the_longest_wait_and_who_is_suspended() -> None:
    with Simulation() as sim:
        for count in (1, 3):
            clerk = sim.spawn(Clerk, f"clerk-{count}")
            sim.run()
            sim.base.inspector.suspend(f"clerk-{count}", by="test")
            for _ in range(count):
                sim.tell(clerk, Job("waits"))
            sim.advance(5)
        (kind,) = sim.base.inspector.totals().kinds
        assert (kind.kind, kind.depth, kind.depth_max, kind.suspended) == ("Clerk", 4, 3, 2)
        assert kind.oldest_age_s == 10


def test_dead_letters_are_found_by_path_kind_type_and_reason_latest_first() -> None:
    with Simulation() as sim:
        for name in ("a", "b"):
            for message in (Crash(), "unknown"):
                sim.tell(sim.spawn(Clerk, f"{name}-{type(message).__name__}"), message)
                sim.advance(1)
        find = sim.base.inspector.dead_letters
        assert [letter.path for letter in find()] == ["b-str", "b-Crash", "a-str", "a-Crash"]
        assert [letter.path for letter in find(message_type="str")] == ["b-str", "a-str"]
        assert [letter.path for letter in find(reason="crashed", n=1)] == ["b-Crash"]
        assert [letter.message_type for letter in find(path="a-Crash", kind="Clerk")] == ["Crash"]
        assert find(kind="Nobody") == ()
        with pytest.raises(ValueError, match="unknown-type"):
            find(reason="mislaid")


def test_a_dead_letter_shows_its_traceback_and_its_content_only_if_asked() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        sim.tell(clerk, "a secret")
        sim.tell(clerk, Crash())
        sim.run()
        crashed, unknown = sim.base.inspector.dead_letters()
        assert "in on_crash" in crashed.traceback
        assert (unknown.contents, unknown.traceback) == ("", "")
        assert sim.base.inspector.dead_letters(contents=True)[1].contents == "'a secret'"


def test_a_flood_of_dead_letters_keeps_few_messages_alive_but_all_that_crashed() -> None:
    with Simulation() as sim:
        clerk = sim.spawn(Clerk, "clerk")
        for _ in range(50):
            sim.tell(clerk, Crash())
            sim.tell(clerk, "unknown")
            sim.advance(60)
        letters = sim.base.dead_letters()
        kept = [letter.reason for letter in letters if letter.message is not deadletters.FORGOTTEN]
        assert len(letters) == 100
        assert kept.count(DropReason.UNKNOWN_TYPE) == deadletters.MESSAGES_PER_REASON_MAX
        assert kept.count(DropReason.CRASHED) == 50
        assert letters[-1].message == "unknown"


def test_drops_of_ever_new_types_are_counted_within_a_bound() -> None:
    letters = deadletters.DeadLetters()
    for number in range(deadletters.COUNTS_MAX + 500):
        message = type(f"Type{number}", (), {})()
        letters.add(DropReason.DEAD, at_ns=0, path="a", kind="A", message=message, sender=None)
    assert len(letters.counts()) == deadletters.COUNTS_MAX + 1
    assert letters.counts()[deadletters.OTHER, deadletters.OTHER, "dead"] == 500
