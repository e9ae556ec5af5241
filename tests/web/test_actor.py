"""The HTTP side over a real socket: figures, health, and no hang when nobody inside answers."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
from web_house import House

from actors.web import actor as web
from messages.store import CountsQuery, StoreAvailability


async def test_healthz_is_fine_while_writes_become_durable(house):
    assert await house.becomes(200) == {"ok": True, "store": "available"}


async def test_healthz_says_503_and_why_while_they_do_not():
    house = House(StoreAvailability(available=False, reason="the database refuses connections"))
    assert await house.becomes(503)
    async with asyncio.timeout(10):
        while (body := await house.becomes(503))["detail"] == "starting":
            pass
    assert (body["type"], body["detail"]) == ("/problems/not-durable", "the database refuses connections")
    house.base.tell(house.inside, StoreAvailability(available=True))
    assert await house.becomes(200)
    await house.close()


async def test_metrics_are_in_prometheus_format(house):
    status, body = await house.get("/metrics")
    assert status == 200
    assert "# TYPE reconcile_mismatch_count" in body or "# HELP" in body


async def test_status_tells_run_uptime_feeds_and_figures(house):
    await house.becomes(200)
    status, body = await house.get("/api/status")
    assert status == 200
    assert (body["run_id"], body["mode"], body["store"]["available"]) == ("r1", "paper", True)
    assert body["ingest"]["trades_seen"] == 7
    assert (body["counts"]["leader_trades"], body["counts"]["skips"]) == (3, {"SKIP_SPREAD": 1})
    assert body["uptime_s"] >= 0


async def test_status_tells_at_a_glance_whether_the_actors_are_well(house, monkeypatch):
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    await house.becomes(200)
    house.base.inspector.suspend("inside", by="test")
    for message in ("unknown to it", CountsQuery(), CountsQuery()):
        house.base.tell(house.base.find("web" if message == "unknown to it" else "inside"), message)
    runtime = (await house.get("/api/status"))[1]["runtime"]
    assert (runtime["actors"], runtime["suspended"], runtime["restarts"]) == (3, 1, 0)
    assert runtime["not_handled"] == {"unknown-type": 1}
    assert runtime["waiting"] >= 2


async def test_the_actors_that_serve_are_among_those_shown(house):
    await house.becomes(200)
    status, body = await house.get("/api/actors/web")
    assert status == 200
    assert body["state"] == {"store_available": True, "reason": "", "streams": 0, "followed": 0}


async def test_a_store_that_does_not_answer_is_an_answer_not_a_hang(house, monkeypatch):
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    house.args["silent"] = True
    status, body = await house.get("/api/status")
    assert status == 200
    assert "no answer" in body["counts"]["error"]
    assert body["ingest"]["leaders"] == 1


async def test_looking_never_writes(house):
    async with aiohttp.ClientSession() as session:
        for path in ("/metrics", "/healthz", "/api/status", "/api/actors/web", "/api/dead-letters"):
            async with session.post(house.url + path) as answer:
                assert answer.status == 405


async def test_a_new_incarnation_serves_on_the_same_socket(house):
    await house.becomes(200)
    house.base.tell(house.web, web._NotServing(reason="the first one fell over"))
    async with asyncio.timeout(10):
        while not any(info.restarts for info in house.base.tree() if info.kind == "Web"):
            with contextlib.suppress(aiohttp.ClientError):
                await house.get("/healthz")
    assert await house.becomes(200)


async def test_the_lag_of_each_leader_is_what_the_poller_says(house, monkeypatch):
    status, body = await house.get("/api/leaders/lag")
    assert status == 200
    assert (body["wallets"][0]["warmth"], body["wallets"][0]["interval_ms"]) == ("hot", 60_000)
    monkeypatch.setattr(web, "ASK_TIMEOUT_S", 0.05)
    house.args["silent"] = True
    status, body = await house.get("/api/leaders/lag")
    assert status == 503
    assert "does not answer" in body["detail"]
