"""Faults on HTTP: each as a client meets it."""

import asyncio
import json
import time

import aiohttp
import pytest

from ops.venue import FaultSpec


@pytest.fixture
async def faulty(start_venue, rain_tape):
    async def start(*faults, seed=1):
        spec = FaultSpec.parse(json.dumps({"seed": seed, "faults": faults}))
        return (await start_venue(tape=rain_tape, faults=spec)).urls

    return start


async def test_429_comes_without_retry_after_unless_told(faulty, http, make):
    told = {"kind": "throttle", "route": "clob", "retry_after_s": 2}
    urls = await faulty({"kind": "throttle", "route": "data"}, told)
    async with http.get(urls["data"] + "/v2/activity", params={"user": make.wallet}) as response:
        assert response.status == 429
        assert "Retry-After" not in response.headers
        assert (await response.json())["retryable"] is True
    async with http.get(urls["clob"] + "/time") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "2")
    async with http.get(urls["gamma"] + "/markets") as response:
        assert response.status == 200


async def test_a_server_error_for_a_share_of_requests_is_the_same_share_each_time(faulty, http):
    runs = []
    for _ in range(2):
        urls = await faulty({"kind": "error", "status": 502, "rate": 0.5}, seed=9)
        statuses = []
        for _ in range(20):
            async with http.get(urls["clob"] + "/time") as response:
                statuses.append(response.status)
        runs.append(statuses)
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 502}


async def test_a_fault_with_a_limit_strikes_that_often(faulty, http):
    urls = await faulty({"kind": "error", "limit": 2})
    statuses = []
    for _ in range(4):
        async with http.get(urls["clob"] + "/time") as response:
            statuses.append(response.status)
    assert statuses == [503, 503, 200, 200]


async def test_a_hang_is_a_timeout_of_the_client(faulty, http):
    urls = await faulty({"kind": "hang", "route": "gamma/markets"})
    with pytest.raises(asyncio.TimeoutError):
        await http.get(urls["gamma"] + "/markets", timeout=aiohttp.ClientTimeout(total=0.2))


async def test_a_slow_answer_and_a_slow_body(faulty, http):
    slow = {"kind": "latency", "route": "clob/time", "seconds": 0.2}
    urls = await faulty(slow, {"kind": "trickle", "route": "clob/book", "seconds": 0.3})
    began = time.monotonic()
    async with http.get(urls["clob"] + "/time") as response:
        assert response.status == 200
    assert time.monotonic() - began > 0.2
    began = time.monotonic()
    async with http.get(urls["clob"] + "/book", params={"token_id": "1111"}) as response:
        assert (await response.json())["asset_id"] == "1111"
    assert time.monotonic() - began > 0.25


async def test_a_body_cut_in_half(faulty, http):
    urls = await faulty({"kind": "truncate"})
    with pytest.raises(aiohttp.ClientError):
        async with http.get(urls["gamma"] + "/markets") as response:
            await response.read()


async def test_a_web_page_where_json_belongs(faulty, http):
    urls = await faulty({"kind": "malformed"})
    async with http.get(urls["gamma"] + "/markets") as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_no_fault_strikes_the_control_routes(faulty, get):
    urls = await faulty({"kind": "error"})
    status = await get(urls["control"] + "/status")
    assert status["fault_strikes"] == {"error": 0}


async def test_a_fault_waits_for_its_time(faulty, http):
    urls = await faulty({"kind": "error", "after_s": 0.3, "for_s": 0.3})
    statuses = []
    for pause in (0, 0.4, 0.4):
        await asyncio.sleep(pause)
        async with http.get(urls["clob"] + "/time") as response:
            statuses.append(response.status)
    assert statuses == [200, 503, 200]
