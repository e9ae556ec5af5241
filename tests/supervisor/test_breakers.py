"""Circuit breakers of actors: their transitions are messages, and can be seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from thespian.actors import ActorAddress

from supervisor import (
    Backoff,
    Breaker,
    BreakerChanged,
    BreakerInfo,
    BreakerOpen,
    BreakerPolicy,
    BreakerState,
    LimitReached,
    Mailbox,
    Overflow,
    SupervisedActor,
    handles,
)
from supervisor.abilities import breakers
from supervisor.simulation import Simulation

BOX = Mailbox(capacity=1, overflow=Overflow.DROP_NEWEST)
POLICY = BreakerPolicy(
    opens_after=2,
    trial_s=5,
    delay=Backoff(first_s=10, max_s=40, jitter=0, reset_after_s=100),
    errors=(OSError,),
)


class Act(msgspec.Struct, frozen=True):
    what: Callable[[Any], None]


class Guarded(SupervisedActor):
    mailbox = BOX

    def started(self) -> None:
        self.seen: list[object] = []
        self.guard = self.breaker("venue", POLICY)

    @handles(Act)
    def on_act(self, message: Act, sender: ActorAddress) -> None:
        message.what(self)

    @handles(BreakerChanged)
    def on_changed(self, message: BreakerChanged, sender: ActorAddress) -> None:
        assert message.address == self.myAddress
        self.seen.append((self.clock.monotonic_ns() / 1e9, message.before, message.after, message.reason))

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        self.seen.append(message)

    def fetch(self, error: BaseException | None = None, after_s: float = 0) -> None:
        async def fetched() -> str:
            await asyncio.sleep(after_s)
            if error is not None:
                raise error
            return "fetched"

        self.pipe(self.guard.call(fetched()), failed=lambda failure: type(failure).__name__)

    def snapshot(self) -> dict[str, object]:
        return {"seen": self.seen}


class House:
    """A guarded actor in virtual time."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.address = sim.spawn(Guarded, "guarded")
        sim.run()

    def act(self, what: Callable[[Any], None]) -> None:
        self.sim.tell(self.address, Act(what))
        self.sim.run()

    def fails(self, times: int = 2) -> None:
        for _ in range(times):
            self.act(lambda actor: actor.fetch(OSError()))

    @property
    def seen(self) -> list[Any]:
        seen = self.sim.base.snapshot("guarded")["seen"]
        assert isinstance(seen, list)
        return seen

    @property
    def breaker(self) -> BreakerInfo:
        (info,) = next(each for each in self.sim.base.tree() if each.path == "guarded").breakers
        return info


@pytest.fixture
def house() -> Any:
    with Simulation() as sim:
        yield House(sim)


def test_each_transition_is_a_message_to_its_actor(house: House) -> None:
    house.fails()
    house.sim.advance(10)
    house.act(lambda actor: actor.fetch())
    assert [each for each in house.seen if isinstance(each, tuple)] == [
        (0, "closed", "open", "2 failures in a row"),
        (10, "open", "half-open", "its time to be open was over"),
        (10, "half-open", "closed", "1 trial succeeded"),
    ]


def test_watchers_that_handle_it_hear_of_it_too(house: House) -> None:
    watching = house.sim.probe()
    watching.watch(house.address)
    house.fails()
    heard = watching.take(BreakerChanged)
    assert (heard.address, heard.path, heard.key, heard.after) == (
        house.address,
        "guarded",
        "venue",
        BreakerState.OPEN,
    )


def test_the_tree_shows_it(house: House) -> None:
    assert house.breaker == BreakerInfo("venue", BreakerState.CLOSED, 0, 0, "")
    house.fails()
    assert house.breaker == BreakerInfo("venue", BreakerState.OPEN, 2, 1, "2 failures in a row")


def test_an_open_breaker_refuses_a_call_without_making_it(house: House) -> None:
    house.fails()
    house.sim.advance(4)
    house.seen.clear()
    errors: list[BaseException] = []

    def fetch(actor: Guarded) -> None:
        actor.pipe(actor.guard.call(never()), failed=errors.append)

    async def never() -> None:
        raise AssertionError("called")

    house.act(fetch)
    (error,) = errors
    assert isinstance(error, BreakerOpen)
    assert error.retry_after_s == 6
    assert str(error) == "guarded: breaker 'venue' lets no call through for another 6 s"


def test_half_open_a_second_call_is_refused_until_the_trial_has_ended(house: House) -> None:
    house.fails()
    house.sim.advance(10)
    house.seen.clear()
    house.act(lambda actor: actor.fetch(after_s=1))
    house.act(lambda actor: actor.fetch())
    assert house.seen == ["BreakerOpen"]
    house.sim.advance(1)
    assert house.seen[1:] == [(11, "half-open", "closed", "1 trial succeeded"), "fetched"]


def test_errors_that_are_no_failures_of_the_other_side_count_for_nothing(house: House) -> None:
    for _ in range(5):
        house.act(lambda actor: actor.fetch(ValueError()))
    assert house.breaker.state is BreakerState.CLOSED
    house.fails()
    house.sim.advance(10)
    house.act(lambda actor: actor.fetch(ValueError()))
    assert house.breaker.state is BreakerState.HALF_OPEN
    house.act(lambda actor: actor.fetch())
    assert house.breaker.state is BreakerState.CLOSED


def test_a_cancelled_trial_may_be_made_again(house: House) -> None:
    house.fails()
    house.sim.advance(10)
    pipes: list[Any] = []

    def slow(actor: Guarded) -> None:
        pipes.append(actor.pipe(actor.guard.call(asyncio.sleep(100))))

    house.act(slow)
    house.act(lambda actor: pipes[0].cancel())
    house.act(lambda actor: actor.fetch())
    assert house.breaker.state is BreakerState.CLOSED


def test_a_slow_call_from_before_the_opening_is_no_trial(house: House) -> None:
    house.act(lambda actor: actor.fetch(OSError(), after_s=12))
    house.fails()
    house.sim.advance(11)
    house.act(lambda actor: actor.fetch(after_s=3))
    house.sim.advance(1)
    assert house.breaker.state is BreakerState.HALF_OPEN
    house.sim.advance(2)
    assert house.breaker.state is BreakerState.CLOSED


def test_a_trial_that_hangs_opens_it_again(house: House) -> None:
    house.fails()
    house.sim.advance(10)
    house.act(lambda actor: actor.fetch(after_s=1_000))
    house.sim.advance(5)
    assert house.seen[-1] == (15, "half-open", "open", "a trial had no outcome within 5 s")
    house.sim.advance(20)
    assert house.seen[-1] == (35, "open", "half-open", "its time to be open was over")


def test_step_by_step_it_does_as_call_does(house: House) -> None:
    allowed: list[bool] = []

    def fail(actor: Guarded) -> None:
        allowed.append(actor.guard.allow())
        actor.guard.failed()

    def succeed(actor: Guarded) -> None:
        allowed.append(actor.guard.allow())
        actor.guard.succeeded()

    for act in (fail, fail, fail):
        house.act(act)
    house.sim.advance(10)
    house.act(succeed)
    assert allowed == [True, True, False, True]
    assert house.breaker.state is BreakerState.CLOSED


def test_it_is_half_open_in_time_even_while_the_actor_has_much_to_handle(house: House) -> None:
    states: list[object] = []

    def look(actor: Guarded) -> None:
        states.append((actor.guard.state, actor.guard.retry_after_s))

    house.fails()
    cell = house.address.cell
    cell.park()
    house.sim.tell(house.address, Act(look))
    house.sim.advance(10)
    cell.unpark()
    house.sim.run()
    assert states == [(BreakerState.HALF_OPEN, 0)]
    assert [each[2] for each in house.seen if isinstance(each, tuple)] == ["open", "half-open"]


def test_by_hand_it_is_opened_and_closed_with_a_reason(house: House) -> None:
    house.act(lambda actor: actor.guard.trip("maintenance"))
    house.act(lambda actor: actor.guard.reset("maintenance is over"))
    assert house.seen == [
        (0, "closed", "open", "maintenance"),
        (0, "open", "closed", "maintenance is over"),
    ]
    assert house.sim.base.tree()[0].timers == 0


def test_a_transition_is_not_lost_in_a_full_mailbox(house: House) -> None:
    def trip_when_full(actor: Guarded) -> None:
        actor.send(actor.myAddress, "one")
        actor.send(actor.myAddress, "too many")
        actor.guard.trip("by hand")

    house.act(trip_when_full)
    assert house.seen == ["one", (0, "closed", "open", "by hand")]


def test_an_actor_that_does_not_handle_transitions_is_sent_none() -> None:
    class Plain(SupervisedActor):
        mailbox = BOX

        def started(self) -> None:
            self.breaker("venue").trip("by hand")

    with Simulation() as sim:
        sim.spawn(Plain, "plain")
        sim.advance(60)
        assert sim.base.drops() == {}
        assert sim.base.tree()[0].breakers[0].state is BreakerState.HALF_OPEN


def test_a_breaker_belongs_to_its_incarnation(house: House) -> None:
    old: list[Breaker] = []
    house.act(lambda actor: old.append(actor.guard))
    house.fails()
    house.sim.crash(house.address)
    house.sim.tell(house.address, "quarantined")
    house.sim.advance(1)
    assert house.breaker.state is BreakerState.CLOSED
    for outcome in (old[0].failed, old[0].failed, old[0].succeeded):
        outcome()
    old[0].trip("too late")
    assert not old[0].allow()
    house.sim.advance(60)
    assert house.breaker.state is BreakerState.CLOSED
    assert house.seen == []


def test_one_key_is_one_breaker_with_one_policy(house: House) -> None:
    found: list[Any] = []

    def look(actor: Guarded) -> None:
        found.append(actor.breaker("venue") is actor.guard)
        found.append(actor.breaker("venue", POLICY) is actor.guard)
        with pytest.raises(ValueError, match="breaker 'venue' exists with another policy"):
            actor.breaker("venue", BreakerPolicy())

    house.act(look)
    assert found == [True, True]


def test_an_actor_has_no_more_breakers_than_allowed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breakers, "BREAKERS_MAX", 1)

    def make(actor: Guarded) -> None:
        with pytest.raises(LimitReached, match="it has 1 breakers, as many as an actor may"):
            actor.breaker("another")

    house.act(make)
    assert house.sim.base.tree()[0].last_error == ""


def test_an_open_breaker_keeps_an_idle_actor_awake() -> None:
    class Sleepy(Guarded):
        passivate_after_s = 4.0

    with Simulation() as sim:
        sleepy = sim.spawn(Sleepy, "sleepy")
        sim.tell(sleepy, Act(lambda actor: actor.guard.trip("by hand")))
        sim.advance(9)
        assert sim.base.tree()[0].state == "running"
        sim.advance(9)
        assert sim.base.tree()[0].state == "passive"


def test_the_same_seed_opens_for_the_same_jittered_time() -> None:
    def lengths(seed: int) -> list[float]:
        found: list[float] = []

        def trip(actor: Guarded) -> None:
            other = actor.breaker("other", BreakerPolicy(delay=Backoff(first_s=10, jitter=0.5)))
            other.trip("by hand")
            found.append(other.retry_after_s)
            other.reset("by hand")

        with Simulation(seed) as sim:
            house = House(sim)
            house.act(trip)
            house.act(trip)
        return found

    assert lengths(1) == lengths(1)
    assert len({*lengths(1), *lengths(2)}) == 4
