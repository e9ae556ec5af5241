"""The base in a running loop, and with a loop of its own under a synchronous program."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator

import msgspec
import pytest
from thespian.actors import ActorAddress, ActorSystem

from supervisor import (
    AskTimeout,
    AsyncioSystemBase,
    Backoff,
    BlockingCall,
    Mailbox,
    Overflow,
    RootFailed,
    SupervisedActor,
    Supervision,
    SystemStopped,
    handles,
)
from supervisor.core.scheduler import SLICE_S


class Question(msgspec.Struct, frozen=True):
    number: int


class Echo(SupervisedActor):
    mailbox = Mailbox(capacity=1000, overflow=Overflow.REFUSE)

    @handles(Question)
    def on_question(self, message: Question, sender: ActorAddress) -> None:
        if message.number < 0:
            raise ValueError("negative")
        self.send(sender, message.number)

    @handles(bytes)
    def on_bytes(self, message: bytes, sender: ActorAddress) -> None:
        """Answers nothing."""

    @handles(str)
    def on_text(self, message: str, sender: ActorAddress) -> None:
        assert isinstance(threading.current_thread(), threading.Thread)
        self.send(sender, threading.get_ident())


async def test_actors_live_in_the_running_loop() -> None:
    base = AsyncioSystemBase()
    echo = base.spawn(Echo, "root")
    assert await base.ask(echo, Question(1), timeout_s=1) == 1
    assert await base.ask(echo, "thread", timeout_s=1) == threading.get_ident()
    await base.stop(1)
    await base.wait()


async def test_blocking_calls_on_the_loop_say_what_to_do_instead() -> None:
    base = AsyncioSystemBase()
    system = ActorSystem(base, transientUnique=True)
    echo = base.spawn(Echo, "root")
    with pytest.raises(BlockingCall, match=r"await base\.ask"):
        system.ask(echo, Question(1), 1)
    with pytest.raises(BlockingCall):
        system.listen(1)
    await base.stop()


async def test_a_supervised_actor_is_created_through_thespian_like_any_other() -> None:
    base = AsyncioSystemBase()
    system = ActorSystem(base, transientUnique=True)
    echo = system.createActor(Echo, globalName="the echo")
    assert system.createActor(Echo, globalName="the echo") == echo
    assert await base.ask(echo, Question(5), timeout_s=1) == 5
    await base.stop()


async def test_a_fatal_failure_is_raised_to_who_waits() -> None:
    base = AsyncioSystemBase(supervision=Supervision(restarts_max=1, backoff=Backoff(first_s=0)))
    echo = base.spawn(Echo, "root")
    waiter = asyncio.create_task(base.wait())
    for _ in range(2):
        base.tell(echo, Question(-1))
    with pytest.raises(
        RootFailed, match=r"root failed for good: .*limit \(1 in 60 s\): ValueError"
    ) as failed:
        await waiter
    assert str(failed.value.origin) == "negative"


async def test_other_threads_may_tell() -> None:
    base = AsyncioSystemBase()
    echo = base.spawn(Echo, "root")
    threads = [threading.Thread(target=base.tell, args=(echo, Question(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    await base.stop()
    assert base.drops() == {}


class Costly(SupervisedActor):
    """Takes a tenth of a slice for each message, by the clock that it was given."""

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.REFUSE)

    @handles(Question)
    def on_question(self, message: Question, sender: ActorAddress) -> None:
        self.args[0] += SLICE_S / 10


async def test_a_coroutine_has_its_turn_after_each_slice_while_actors_are_flooded() -> None:
    base = AsyncioSystemBase()
    clock = [base.scheduler.now]
    base.scheduler.clock = lambda: clock[0]
    actors = [base.spawn(Costly, f"costly-{number}", clock) for number in range(3)]
    for _ in range(1_000):
        for actor in actors:
            base.tell(actor, Question(1))
    between: list[int] = []
    while not base.scheduler.idle:
        before = sum(info.handled for info in base.tree())
        await asyncio.sleep(0)
        between.append(sum(info.handled for info in base.tree()) - before)
    await base.stop()
    assert sum(between) == 3_000
    assert max(between) <= 11


async def test_who_comes_after_the_end_is_told_of_it() -> None:
    base = AsyncioSystemBase(name="books")
    await base.stop()
    with pytest.raises(SystemStopped, match="books was shut down; make a new base"):
        base.spawn(Echo, "late")


# --- a loop of its own ---


class Careless(SupervisedActor):
    """Sends from the thread that it was told to leave itself out of."""

    mailbox = Mailbox(capacity=10, overflow=Overflow.REFUSE)

    @handles(Question)
    def on_question(self, message: Question, sender: ActorAddress) -> None:
        self.run_in_thread(self.send, sender, 1, failed=lambda error: str(error))
        self.sender = sender

    @handles(str)
    def on_failure(self, message: str, sender: ActorAddress) -> None:
        self.args.put(message)


def test_a_send_from_another_thread_to_an_idle_loop_says_what_to_do_instead() -> None:
    base, other = AsyncioSystemBase(), AsyncioSystemBase(name="other")
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    careless = base.spawn(Careless, "careless", told)
    echo = other.spawn(Echo, "echo")
    other.ask(echo, Question(1), 5)
    base.deliver(careless, Question(1), echo)
    said = told.get(timeout=60)
    assert "sent from remora-worker-1, which is not the thread of the target's loop; use base.tell()" in said
    assert other.ask(echo, Question(2), 60) == 2
    base.shutdown()
    other.shutdown()


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    found = ActorSystem(AsyncioSystemBase(), transientUnique=True)
    yield found
    found.shutdown()


def test_a_synchronous_program_asks_and_is_answered_from_another_thread(system: ActorSystem) -> None:
    echo = system.createActor(Echo)
    assert system.ask(echo, Question(3), 5) == 3
    assert system.ask(echo, "thread", 5) != threading.get_ident()


def test_private_endpoints_get_their_own_answers(system: ActorSystem) -> None:
    echo = system.createActor(Echo)
    wrong: list[int] = []

    def ask_often(start: int) -> None:
        with system.private() as mine:
            wrong.extend(
                number
                for number in range(start, start + 100)
                if mine.ask(echo, Question(number), 5) != number
            )

    threads = [threading.Thread(target=ask_often, args=(1000 * number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_supervised_interface_works_from_outside_the_loop() -> None:
    base = AsyncioSystemBase()
    echo = base.spawn(Echo, "echo")
    base.ask(echo, Question(2), 5)
    assert [info.path for info in base.tree()] == ["echo"]
    base.shutdown()
    base.shutdown()
    assert not base.home.loop.is_running()


async def test_an_ask_that_is_not_answered_says_who_was_asked() -> None:
    base = AsyncioSystemBase()
    echo = base.spawn(Echo, "root")
    with pytest.raises(AskTimeout, match="asked root"):
        await base.ask(echo, b"silence", timeout_s=0.01)
    await base.stop()


@pytest.mark.parametrize("running", [True, False])
def test_a_base_may_be_made_for_a_loop_that_another_thread_runs(running: bool) -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    if running:
        thread.start()
    base = AsyncioSystemBase(loop=loop)
    if not running:
        thread.start()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(60)
    echo = base.spawn(Echo, "echo")
    assert [base.ask(echo, Question(number), 60) for number in range(3)] == [0, 1, 2]
    assert base.ask(echo, "thread", 60) == thread.ident
    base.shutdown()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
