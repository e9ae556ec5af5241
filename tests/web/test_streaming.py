"""Prices as they move, over a real socket: one following for all, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket

import aiohttp
import pytest
from price_script import NOBODY, OLD, RAIN, answer, condition_of

from actors.web import actor as web
from actors.web import stream_routes, streams
from messages.prices import IDS_MAX, PriceMoved

READER = {"Accept": "text/event-stream"}


@contextlib.asynccontextmanager
async def reading(house, *ids):
    """A stream's reader of events: each a dict of its fields, comments under `comment`."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{house.url}/api/markets/stream?ids={','.join(ids)}", headers=READER) as said,
    ):
        assert (said.status, said.content_type) == (200, "text/event-stream")

        async def event():
            fields = {}
            async for line in said.content:
                text = line.decode().rstrip("\n")
                if not text:
                    return fields
                name, _, value = text.partition(":")
                fields[name or "comment"] = value.strip()
            return None

        yield event


async def price_of(event):
    fields = await event()
    assert fields["event"] == "price"
    document = json.loads(fields["data"])
    return document["conditionId"], document["prices"], int(fields["id"])


async def until(condition):
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_each_market_comes_at_once_and_again_when_it_moves(house):
    async with reading(house, RAIN, OLD) as event:
        assert (await event())["retry"] == "3000"
        assert await price_of(event) == (RAIN, ["0.52", "0.48"], 1)
        assert await price_of(event) == (OLD, ["0.52", "0.48"], 2)
        moved = answer(prices=(530_000, 470_000))
        house.base.tell(house.prices, PriceMoved(answer=moved))
        assert await price_of(event) == (RAIN, ["0.53", "0.47"], 3)


async def test_all_streams_are_one_following_that_is_renewed_and_given_up(house, monkeypatch):
    monkeypatch.setattr(web, "FOLLOW_AGAIN_S", 0.2)
    async with reading(house, RAIN) as first, reading(house, OLD, RAIN) as second:
        await first()
        await second()
        await until(lambda: house.script["follows"][-2:] == [(RAIN, OLD)] * 2)
        assert house.base.snapshot("web") | {"reason": ""} == {
            "store_available": True,
            "reason": "",
            "streams": 2,
            "followed": 2,
        }
    await until(lambda: house.script["follows"][-1] == ())
    count = len(house.script["follows"])
    await asyncio.sleep(0.5)
    assert len(house.script["follows"]) == count


async def test_a_new_incarnation_follows_nothing_of_what_the_last_one_did(house):
    async with reading(house, RAIN) as event:
        await price_of_any(event, skip=1)
        await house.base.inspector.restart("web", by="test")
    await until(lambda: house.script["follows"][-1] == ())
    async with reading(house, RAIN) as event:
        assert await price_of_any(event, skip=1) == RAIN


async def test_a_stream_that_is_silent_says_that_it_lives(house, monkeypatch):
    monkeypatch.setattr(stream_routes, "HEARTBEAT_S", 0.05)
    async with reading(house, RAIN) as event:
        seen = [await event() for _ in range(5)]
    assert {"comment": "ping"} in seen


async def test_streams_end_cleanly_when_the_actor_stops(house):
    async with reading(house, RAIN) as event:
        await event()
        await event()
        await house.base.stop()
        assert await event() is None  # the body's own end, not a broken connection


async def test_who_has_gone_is_forgotten_at_once_even_if_nothing_moves(house):
    async with reading(house, RAIN) as event:
        await event()
        await until(lambda: house.base.snapshot("web")["streams"] == 1)
    await until(lambda: house.base.snapshot("web")["streams"] == 0)


async def test_who_reads_nothing_costs_nobody_anything(house, monkeypatch):
    monkeypatch.setattr(stream_routes, "STUCK_S", 1.0)
    ids = [condition_of(number) for number in range(20_000, 20_000 + 100)]
    deaf = socket.create_connection(("127.0.0.1", house.listener.getsockname()[1]))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    head = f"GET /api/markets/stream?ids={','.join(ids)} HTTP/1.1", "Host: x", "Accept: text/event-stream"
    deaf.sendall("\r\n".join([*head, "", ""]).encode())
    async with reading(house, RAIN) as event:
        await event()
        await price_of(event)
        await until(lambda: house.base.snapshot("web")["streams"] == 2)
        async with asyncio.timeout(30):
            number = 0
            while house.base.snapshot("web")["streams"] == 2:
                number += 1
                for one in ids:
                    moved = answer(condition_id=one, error="x" * 2_000, prices=(number, 0))
                    house.base.tell(house.web, PriceMoved(answer=moved))
                house.base.tell(house.web, PriceMoved(answer=answer(prices=(number, 0))))
                assert (await price_of(event))[0] == RAIN
                await asyncio.sleep(0.01)
    deaf.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "ids is missing"),
        ("?ids=", "expected 0x and 64 hex digits"),
        (f"?ids={RAIN},,", "expected 0x and 64 hex digits"),
        (f"?ids={RAIN}&tier=T1", "tier means nothing here"),
        ("?ids=" + ",".join([RAIN] * (IDS_MAX + 1)), f"expected at most {IDS_MAX} condition ids"),
    ],
)
async def test_ids_that_were_not_understood_are_a_400_and_no_stream(house, query, expected):
    status, body = await house.get(f"/api/markets/stream{query}")
    assert status == 400
    assert expected in body["detail"]
    assert house.base.snapshot("web")["streams"] == 0


async def test_as_many_ids_as_there_may_be_fit_into_the_request(house):
    ids = [condition_of(number) for number in range(IDS_MAX)]
    async with reading(house, *ids) as event:
        await event()
        seen = {(await price_of_any(event)) for _ in ids}
    assert seen == set(ids)


async def price_of_any(event, skip=0):
    for _ in range(skip):
        await event()
    return json.loads((await event())["data"])["conditionId"]


async def test_a_stream_too_many_is_a_503(house, monkeypatch):
    monkeypatch.setattr(streams, "STREAMS_MAX", 1)
    async with reading(house, RAIN) as event:
        await event()
        status, body = await house.get(f"/api/markets/stream?ids={NOBODY}")
    assert (status, body["type"]) == (503, "/problems/too-many-streams")


async def test_who_does_not_accept_events_by_name_is_told_once(house):
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{house.url}/api/markets/stream?ids={RAIN},{OLD}", timeout=10) as said,
    ):
        text = await said.text()
    assert (said.status, said.content_type) == (200, "text/event-stream")
    assert text.count("event: price") == 2


async def test_what_is_known_for_a_while_is_flagged_once_it_is_too_old(house):
    async with reading(house, RAIN) as event:
        await event()
        await price_of(event)
        house.base.tell(house.prices, PriceMoved(answer=answer(age_ms=1_990, age_ms_max=2_000)))
        assert json.loads((await event())["data"])["stale"] is False
        await asyncio.sleep(0.05)
        async with reading(house, RAIN) as late:
            await late()
            assert json.loads((await late())["data"])["stale"] is True
