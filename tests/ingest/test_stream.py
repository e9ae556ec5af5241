"""The trade stream over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from actors.ingest.intake import Intake
from actors.ingest.lateness import FRAMES
from actors.ingest.reports import FeedReport
from messages.ingest import FeedState
from messages.store import StoreAvailability

Frame = Callable[..., bytes]
Until = Callable[..., Awaitable[None]]
STRANGER = "0x" + "99" * 20


async def connected(house: Any, until: Until, sockets: int = 1) -> None:
    """Wait until the sockets are subscribed and know whom to look for."""
    house.watch(int(time.time()))
    await until(lambda: len(house.venue.sockets) == sockets)
    await until(lambda: len(house.venue.asked) > 0)  # the poller is told of leaders last


async def feed(house: Any, number: int = 0) -> FeedState:
    await asyncio.sleep(1.1)
    found: FeedState = (await house.state()).feeds[number]
    return found


async def test_a_leaders_fill_reaches_its_actor(house: Any, venue: Any, frame: Frame, until: Until) -> None:
    running = house()
    await connected(running, until)

    await venue.send(frame(proxyWallet=STRANGER), frame(), "", frame(envelope={"topic": "comments"}))

    await until(lambda: len(running.fills) == 1)
    assert running.fills[0].feed == "stream-0"
    assert venue.subscriptions == [
        {"action": "subscribe", "subscriptions": [{"topic": "activity", "type": "trades"}]}
    ]
    state = await feed(running)
    assert (state.feed, state.connected, state.leader_fills, state.error) == ("stream-0", True, 1, "")
    assert state.frames == 4
    answer = await running.state()
    assert (answer.trades_seen, answer.leaders) == (2, 1)


async def test_a_storm_of_redeliveries_makes_no_second_fill(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    running = house()
    await connected(running, until)

    await venue.send(*[frame()] * 200, frame(transactionHash="0x" + "ee" * 32))

    await until(lambda: len(running.fills) == 2)
    state = await feed(running)
    assert (state.leader_fills, state.redelivered) == (2, 199)
    assert (await running.state()).trades_seen == 2


async def test_twins_seen_by_three_sockets_are_two_trades(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    """The second fill of a transaction is not lost, and three sockets do not make six of the two."""
    running = house(sockets=3)
    await connected(running, until, sockets=3)
    twins = [frame(envelope={"timestamp": 1_790_272_257_115 + n}) for n in range(2)]

    await venue.send(*twins, *twins)

    await until(lambda: len(running.fills) == 6)
    assert {fill.feed for fill in running.fills} == {"stream-0", "stream-1", "stream-2"}
    assert sorted(fill.occurrence for fill in running.fills) == [1, 1, 1, 2, 2, 2]


async def test_socket_open_pings_answered_data_stopped(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    running = house(silence_s=0.4, ping_s=0.1)
    await connected(running, until)
    await venue.send(frame())

    await until(lambda: venue.opened >= 2 and len(venue.sockets) == 1)

    assert venue.pings >= 2
    await venue.send(frame(transactionHash="0x" + "ee" * 32))
    await until(lambda: len(running.fills) == 2)


async def test_blank_frames_are_no_life(house: Any, venue: Any, until: Until) -> None:
    running = house(silence_s=0.4)
    await connected(running, until)

    async with asyncio.timeout(3):
        while venue.opened < 2:
            await venue.send("")
            await asyncio.sleep(0.02)


async def test_a_half_open_connection_is_given_up(house: Any, venue: Any, frame: Frame, until: Until) -> None:
    """The other side is gone without a word: no data, no answer to a close."""
    running = house(silence_s=0.3, ping_s=0.1)
    blocked = asyncio.Event()

    async def freeze(socket: web.WebSocketResponse) -> None:
        if venue.opened == 1:
            await blocked.wait()

    venue.greeting = freeze
    running.watch(int(time.time()))
    await until(lambda: venue.opened == 2)
    await asyncio.sleep(0.1)

    await venue.sockets[-1].send_str(frame().decode())
    await until(lambda: len(running.fills) == 1)
    blocked.set()


async def test_what_happens_during_a_disconnect_is_polled(
    house: Any, venue: Any, frame: Frame, row: Callable[..., Any], until: Until
) -> None:
    running = house(poll_interval_s=3600.0)
    await connected(running, until)
    await asyncio.sleep(0.5)  # the polls of the start are over
    polls = len(venue.asked)
    venue.rows.append(row(timestamp=int(time.time())))

    await venue.drop_sockets()

    await until(lambda: len(running.fills) >= 1)
    assert running.fills[0].feed == "poller"
    await until(lambda: len(venue.asked) >= polls + 2)  # at once, and again when the API has settled
    await until(lambda: len(venue.sockets) == 1)
    await venue.send(frame())
    await until(lambda: any(fill.feed == "stream-0" for fill in running.fills))
    assert (await feed(running)).reconnects == 1


async def test_one_socket_of_three_lost_is_no_gap(house: Any, venue: Any, until: Until) -> None:
    running = house(sockets=3, poll_interval_s=3600.0)
    await connected(running, until, sockets=3)
    await asyncio.sleep(0.5)
    polls = len(venue.asked)

    await venue.sockets[0].close()
    await until(lambda: venue.opened == 4)
    await asyncio.sleep(0.4)

    assert len(venue.asked) == polls


async def test_an_oversized_frame_costs_one_socket_not_the_daemon(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    running = house(frame_bytes_max=10_000)
    await connected(running, until)
    with capture_logs() as logs:
        await venue.send(frame(title="x" * 20_000))
        await until(lambda: venue.opened == 2 and len(venue.sockets) == 1)

    await venue.send(frame())
    await until(lambda: len(running.fills) == 1)
    assert any("a frame was too big" in entry.get("reason", "") for entry in logs)


async def test_an_unreachable_stream_is_named_once(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    await venue.stop()
    with capture_logs() as logs:
        running = house()
        running.watch(int(time.time()))
        state = await feed(running)
        warnings = [entry for entry in logs if entry["event"] == "trade stream lost"]

    assert not state.connected
    assert state.error == f"could not reach {venue.endpoints.rtds_url} (connection refused)"
    assert state.reconnects > 2
    assert len(warnings) == 1
    await venue.start()
    await until(lambda: len(venue.sockets) == 1)
    await venue.send(frame())
    await until(lambda: len(running.fills) == 1)


async def test_without_any_stream_the_poller_goes_out_anyway(
    house: Any, venue: Any, row: Callable[..., Any], until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.ingest.actor.GAP_REPEAT_S", 0.3)

    async def refuse(socket: web.WebSocketResponse) -> None:
        await socket.close()

    venue.greeting = refuse
    running = house(poll_interval_s=3600.0, poll_settle_s=3600.0)
    running.watch(int(time.time()))
    await until(lambda: len(venue.asked) >= 1)
    venue.rows.append(row(timestamp=int(time.time())))

    await until(lambda: len(running.fills) >= 1)
    assert running.fills[0].feed == "poller"


async def test_while_the_store_is_away_nothing_is_read_and_nothing_lost(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    running = house(silence_s=0.3)
    await connected(running, until)
    running.base.tell(running.store, StoreAvailability(available=False, reason="full"))
    await asyncio.sleep(0.1)
    polls = len(venue.asked)

    await venue.send(frame())  # at most this one is taken: the reader was waiting for it already
    await venue.send(*[frame(transactionHash=f"0x{n:064x}") for n in range(50)])
    await asyncio.sleep(0.5)
    assert len(running.fills) <= 1
    assert venue.opened == 1  # our own silence is not the stream's
    assert len(venue.asked) == polls

    running.base.tell(running.store, StoreAvailability(available=True))
    await until(lambda: len(running.fills) == 51)
    await until(lambda: len(venue.asked) > polls)


async def test_at_start_nothing_is_read_before_the_store_says_so(
    house: Any, venue: Any, until: Until
) -> None:
    running = house(available=False)
    running.watch(int(time.time()))
    await asyncio.sleep(0.3)
    assert (venue.opened, venue.asked) == (0, [])

    running.base.tell(running.store, StoreAvailability(available=True))
    await until(lambda: len(venue.sockets) == 1 and len(venue.asked) > 0)


async def test_garbage_is_counted_and_the_poller_asked(
    house: Any, venue: Any, frame: Frame, row: Callable[..., Any], until: Until
) -> None:
    running = house(poll_interval_s=3600.0)
    await connected(running, until)
    await asyncio.sleep(0.5)
    venue.rows.append(row(timestamp=int(time.time())))

    await venue.send("{", "[1]", frame(price="?"), frame(size=-1), frame())

    await until(lambda: {fill.feed for fill in running.fills} == {"stream-0", "poller"})
    state = await feed(running)
    assert (state.malformed, state.leader_fills, state.connected) == (4, 1, True)


async def test_a_stream_an_hour_late_is_seen_to_be_late(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    running = house()
    await connected(running, until)
    late_s = int(time.time()) - 3600

    await venue.send(frame(timestamp=late_s, envelope={"timestamp": late_s * 1000 + 500}))

    await until(lambda: len(running.fills) == 1)
    assert 3_599_000 < (await feed(running)).lag_ms < 3_605_000


async def test_a_stream_that_runs_late_is_no_live_source_and_the_poller_takes_over(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    """The stream that ran half an hour late for a day looked healthy: connected, and full of frames."""
    running = house(stream_late_s=15.0)
    await connected(running, until)
    asked = len(venue.asked)

    def frames(age_s: int, first: int) -> list[bytes]:
        at_ms = int(time.time() * 1000) - age_s * 1000
        return [
            frame(timestamp=at_ms // 1000, envelope={"timestamp": at_ms}, transactionHash=f"0x{n:064x}")
            for n in range(first, first + FRAMES)
        ]

    with capture_logs() as logs:
        await venue.send(*frames(1800, 0))
        await until(lambda: any("runs late" in line["event"] for line in logs))
        await until(lambda: len(venue.asked) > asked)
    assert (await feed(running)).is_late
    assert len(running.fills) == FRAMES, "what it brings late is caught up with all the same"

    with capture_logs() as logs:
        await venue.send(*frames(0, FRAMES))
        await until(lambda: any("live again" in line["event"] for line in logs))
    assert not (await feed(running)).is_late


async def test_a_refused_subscription_is_an_error_not_silence(house: Any, venue: Any, until: Until) -> None:
    async def refuse(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"body":{"message":"topic not found"},"statusCode":401}')

    venue.greeting = refuse
    running = house()
    running.watch(int(time.time()))
    await until(lambda: venue.opened >= 2)
    assert "the subscription was refused with 401" in (await feed(running)).error


async def test_a_burst_of_600_fills_in_a_second_is_lost_by_nobody(
    house: Any, venue: Any, frame: Frame, row: Callable[..., Any], until: Until
) -> None:
    """Lessons: "the last 50" polled each time, and a burst over 50 lost for ever."""
    running = house(sockets=2, poll_page_rows=100, poll_interval_s=0.5)
    await connected(running, until, sockets=2)
    now_s = int(time.time())
    hashes = [f"0x{n:064x}" for n in range(600)]

    venue.rows.extend(row(transaction_hash=tx, timestamp=now_s) for tx in hashes)
    await venue.send(*[frame(transactionHash=tx, timestamp=now_s) for tx in hashes])

    def complete() -> bool:
        by_feed: dict[str, set[str]] = {}
        for fill in running.fills:
            by_feed.setdefault(fill.feed, set()).add(fill.tx)
        return len(by_feed) == 3 and all(found == set(hashes) for found in by_feed.values())

    await until(complete, 10)


async def test_a_socket_actor_that_fails_starts_over_and_knows_its_leaders(
    house: Any, venue: Any, frame: Frame, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = house(poll_interval_s=3600.0)
    await connected(running, until)
    await asyncio.sleep(1.2)
    polls = len(venue.asked)
    with monkeypatch.context() as patched:
        patched.setattr(Intake, "take", None)
        await venue.send(frame())
        await until(lambda: venue.opened == 2)
    await until(lambda: len(venue.sockets) == 1)
    await asyncio.sleep(0.1)

    await venue.send(frame())

    await until(lambda: len(running.fills) == 1)
    await until(lambda: len(venue.asked) > polls)  # what it was reading may have been lost


async def test_ingest_that_fails_starts_over_with_its_leaders(
    house: Any, venue: Any, frame: Frame, until: Until
) -> None:
    """Nobody announces the leaders a second time."""
    running = house()
    await connected(running, until)
    restarted = venue.opened + 1

    running.base.tell(running.ingest, FeedReport(state=None))  # type: ignore[arg-type]
    await until(lambda: venue.opened >= restarted and len(venue.sockets) == 1)
    await asyncio.sleep(0.2)
    await venue.send(frame())

    await until(lambda: len(running.fills) == 1)
    assert (await running.state()).leaders == 1
