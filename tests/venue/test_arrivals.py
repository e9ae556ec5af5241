"""When requests came, which tests of budgets count: every one, whatever became of it."""

import json
import time
from contextlib import suppress

import aiohttp
import pytest

from ops.venue import FaultSpec

ROUTES = [
    ("GET", "gamma", "/markets"),
    ("POST", "clob", "/books"),
    ("GET", "clob", "/book"),
    ("GET", "data", "/v2/resolutions"),
    ("GET", "data", "/v2/activity"),
]


async def _ask(http, venue, method, host, path, **more):
    query = {"condition": "0x1", "user": "0x" + "ab" * 20, "token_id": "1111"}
    params = query if host != "gamma" else {}
    body = [{"token_id": "1111"}] if method == "POST" else None
    async with http.request(method, venue.urls[host] + path, params=params, json=body, **more) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize(("method", "host", "path"), ROUTES)
async def test_arrivals_are_kept_by_route_in_order(start_venue, http, rain_tape, method, host, path):
    venue = await start_venue(tape=rain_tape)
    for _ in range(3):
        assert await _ask(http, venue, method, host, path) == 200
    arrivals = venue.arrivals(f"{method} /{host}{path}")
    assert len(arrivals) == 3
    assert list(arrivals) == sorted(arrivals)
    assert sum(len(venue.arrivals(f"{m} /{h}{p}")) for m, h, p in ROUTES) == 3


@pytest.mark.parametrize("kind", ["throttle", "error", "malformed", "truncate", "hang"])
@pytest.mark.parametrize(("method", "host", "path"), ROUTES)
async def test_a_request_that_a_fault_struck_has_arrived_too(
    start_venue, http, rain_tape, method, host, path, kind
):
    spec = FaultSpec.parse(json.dumps({"faults": [{"kind": kind, "route": host + path}]}))
    venue = await start_venue(tape=rain_tape, faults=spec)
    patience = aiohttp.ClientTimeout(total=0.3 if kind == "hang" else 5)
    with suppress(TimeoutError, aiohttp.ClientError):
        await _ask(http, venue, method, host, path, timeout=patience)
    assert len(venue.arrivals(f"{method} /{host}{path}")) == 1
    assert venue.status()["fault_strikes"] == {kind: 1}


async def test_a_late_answer_does_not_move_the_arrival(start_venue, http, rain_tape):
    slow = FaultSpec.parse('{"faults": [{"kind": "latency", "seconds": 0.3, "limit": 1}]}')
    venue = await start_venue(tape=rain_tape, faults=slow)
    await _ask(http, venue, "GET", "clob", "/book")
    await _ask(http, venue, "GET", "clob", "/book")
    first, second = venue.arrivals("GET /clob/book")
    assert second - first > 0.29
    assert abs(time.monotonic() - second) < 1
