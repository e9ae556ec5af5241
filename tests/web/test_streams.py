"""Streams without a socket: however slow a reader is, what waits for it is the latest, and no more."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from price_script import NOBODY, OLD, RAIN, answer, condition_of

from actors.web.price_documents import PriceWriter
from actors.web.problems import Refusal
from actors.web.streams import STREAMS_MAX, Streams
from messages.prices import FOLLOWED_MAX


@pytest.fixture
def changes():
    return []


@pytest.fixture
def streams(changes):
    streams = Streams(PriceWriter(), lambda: changes.append(streams.followed))
    return streams


async def read(stream):
    document = msgspec.json.decode(await asyncio.wait_for(stream.next(), 5))
    return document["conditionId"], document["prices"][0]


async def test_a_reader_that_is_slow_gets_the_latest_of_each_market_and_holds_nobody(streams):
    slow, quick = streams.open([RAIN, OLD], 0), streams.open([RAIN], 0)
    for number in range(1, 1001):
        streams.moved(answer(prices=(number, 1_000_000 - number)), 0)
        if number <= 2:
            assert await read(quick) == (RAIN, f"0.{number:06d}")
    streams.moved(answer(condition_id=OLD), 0)
    assert [await read(slow), await read(slow)] == [(RAIN, "0.001"), (OLD, "0.52")]
    assert await read(quick) == (RAIN, "0.001")


async def test_what_is_followed_is_told_when_it_changes_and_only_then(streams, changes):
    first = streams.open([RAIN, OLD], 0)
    second = streams.open([OLD], 0)
    streams.close(first)
    streams.close(first)
    streams.close(second)
    assert changes == [(RAIN, OLD), (OLD,), ()]


async def test_a_late_reader_is_sent_what_is_known_as_old_as_it_is_by_now(streams):
    streams.open([RAIN], 0)
    streams.moved(answer(age_ms=250), 1_000_000_000)
    late = streams.open([RAIN], 3_000_000_000)
    document = msgspec.json.decode(await late.next())
    assert (document["ageMs"], document["marketAgeMs"]) == (2_250, 7_250)


async def test_what_nobody_follows_any_more_is_forgotten(streams):
    first = streams.open([RAIN], 0)
    streams.moved(answer(), 0)
    streams.close(first)
    again = streams.open([RAIN], 0)
    assert await read(again) == (RAIN, "0.52")  # the price service was not told, and would not say it again
    streams.close(again)
    streams.forget()
    late = streams.open([RAIN], 0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(late.next(), 0.01)


async def test_a_market_that_no_host_has_says_so(streams):
    stream = streams.open([NOBODY], 0)
    streams.moved(answer(condition_id=NOBODY, market=None, prices=(), as_of_ns=0, unknown=True), 0)
    document = msgspec.json.decode(await stream.next())
    assert (document["unknown"], document["prices"], document["market"]) == (True, [], None)


async def test_one_stream_too_many_is_refused_and_leaves_nothing_behind(streams, changes):
    opened = [streams.open([RAIN], 0) for _ in range(STREAMS_MAX)]
    with pytest.raises(Refusal, match=f"{STREAMS_MAX} streams are open"):
        streams.open([OLD], 0)
    assert streams.followed == (RAIN,)
    streams.close(opened[0])
    assert streams.open([OLD], 0)


async def test_one_market_too_many_of_all_together_is_refused_but_not_one_that_is_followed(streams):
    ids = [condition_of(number) for number in range(FOLLOWED_MAX)]
    for start in range(0, FOLLOWED_MAX, 500):
        streams.open(ids[start : start + 500], 0)
    with pytest.raises(Refusal, match=f"at most {FOLLOWED_MAX}"):
        streams.open([condition_of(FOLLOWED_MAX)], 0)
    assert streams.open(ids[:500], 0)
    assert len(streams.followed) == FOLLOWED_MAX


async def test_the_end_wakes_who_waits_and_lets_nobody_in(streams, changes):
    stream = streams.open([RAIN], 0)
    waiting = asyncio.ensure_future(stream.next())
    await asyncio.sleep(0)
    streams.end()
    assert await waiting is None
    with pytest.raises(Refusal, match="stopping"):
        streams.open([RAIN], 0)
    streams.close(stream)
    assert changes == [(RAIN,)]
