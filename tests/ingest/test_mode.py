"""The trigger mode changed while sources run: they stop and start, and nothing is lost between."""

from __future__ import annotations

import time

from messages.ingest import SourcesJudged
from messages.operator import ModeChanged
from messages.trades import GapSuspected, SourceKind


def switched(house, trigger):
    house.base.tell(house.ingest, ModeChanged(trigger=trigger, origin="operator"))


async def feeds(house):
    return [state.feed for state in (await house.state()).feeds]


async def test_what_happens_while_the_sockets_are_switched_off_is_polled(house, venue, until, row, wallet):
    running = house(trigger="api", sockets=2)
    running.watch(int(time.time()))
    await until(lambda: len(venue.sockets) == 2)
    await until(lambda: venue.asked)
    running.inbox.messages.clear()

    switched(running, "polygon")
    await until(lambda: not venue.sockets)
    await until(lambda: running.inbox.of(GapSuspected))
    venue.rows.append(row(timestamp=int(time.time())))
    await until(lambda: running.fills)
    assert {fill.kind for fill in running.fills} == {SourceKind.API}
    assert "stream-0" not in await feeds(running)


async def test_sockets_that_are_switched_on_again_deliver(house, venue, until, frame):
    running = house(trigger="api")
    running.watch(int(time.time()))
    await until(lambda: venue.sockets)
    switched(running, "polygon")
    switched(running, "api")
    await until(lambda: venue.opened >= 2 and len(venue.sockets) == 1)
    await until(lambda: running.base.snapshot("ingest")["is_streaming"])
    await venue.send(frame(timestamp=int(time.time())))
    await until(lambda: running.fills)
    assert running.fills[0].feed == "stream-0"
    state = await running.state()
    assert (state.trigger, state.trigger_origin) == ("api", "operator")


async def test_the_same_mode_from_somewhere_else_disturbs_nothing(house, venue, until):
    running = house(trigger="api")
    running.watch(int(time.time()))
    await until(lambda: venue.sockets)
    running.inbox.messages.clear()
    switched(running, "api")
    state = await running.state()
    assert state.trigger_origin == "operator"
    assert venue.opened == 1
    assert not running.inbox.of(GapSuspected)


async def test_a_restart_of_ingest_keeps_the_mode(house, venue, until):
    running = house(trigger="api")
    running.watch(int(time.time()))
    await until(lambda: venue.sockets)
    switched(running, "polygon")
    await until(lambda: not venue.sockets)
    running.base.inspector.restart("ingest", by="test")
    await until(lambda: venue.asked)
    state = await running.state()
    assert state.trigger == "polygon"


async def test_where_the_chain_must_be_there_nothing_is_bought_without_it(house, until):
    running = house(trigger="polygon")  # and no node is named
    await until(lambda: running.inbox.of(SourcesJudged))
    assert (
        running.inbox.of(SourcesJudged)[-1].refusal
        == "the chain is away, and in mode polygon it must be there"
    )
    assert (await running.state()).refusal

    switched(running, "both")
    await until(lambda: len(running.inbox.of(SourcesJudged)) == 2)
    assert running.inbox.of(SourcesJudged)[-1].refusal == ""
    assert not (await running.state()).refusal


async def test_strictly_the_chain_must_be_there_in_mode_both_too(house, until):
    running = house(trigger="both", polygon_strict=True)
    await until(lambda: running.inbox.of(SourcesJudged))
    assert "polygon_strict" in running.inbox.of(SourcesJudged)[-1].refusal
