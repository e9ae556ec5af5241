"""Whatever goes wrong is told in one shape, whoever noticed it."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
import pytest

from actors.web.price_documents import PriceWriter
from actors.web.problems import Problem


async def problem_of(house, method, path, **more):
    """Return the problem that a request is answered with, checked against its own type, and the headers."""
    async with aiohttp.ClientSession() as session, session.request(method, house.url + path, **more) as said:
        assert said.content_type == "application/problem+json"
        problem = msgspec.json.decode(await said.read(), type=Problem)
        assert problem.status == said.status
        return problem, said.headers


async def test_a_path_that_is_not_served_is_a_problem_too(house):
    problem, _ = await problem_of(house, "GET", "/api/%7Eprices/?x=1")
    assert (problem.status, problem.type, problem.instance) == (404, "about:blank", "/api/~prices/")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/status", {"GET", "HEAD"}),
        ("GET", "/api/markets/prices", {"POST"}),
        ("HEAD", "/api/markets/stream", {"GET"}),
        ("DELETE", "/api/actors/house/prices", {"GET", "HEAD"}),
        ("PROPFIND", "/openapi.json", {"GET", "HEAD"}),
    ],
)
async def test_a_method_that_is_not_served_is_told_those_that_are(house, method, path, allowed):
    async with aiohttp.ClientSession() as session, session.request(method, house.url + path) as said:
        assert (said.status, said.content_type) == (405, "application/problem+json")
        assert {each.strip() for each in said.headers["Allow"].split(",")} == allowed


async def test_an_error_of_our_own_is_a_problem_that_keeps_it_to_itself(house, monkeypatch):
    def fail(self, answer):
        raise RuntimeError("a secret")

    monkeypatch.setattr(PriceWriter, "document", fail)
    problem, _ = await problem_of(house, "GET", f"/api/polymarket/price?conditionId=0x{1:064x}")
    assert (problem.status, problem.title) == (500, "Internal Server Error")
    assert "secret" not in problem.detail


async def test_an_expectation_that_nobody_meets_is_a_problem(house):
    problem, _ = await problem_of(house, "GET", "/healthz", headers={"Expect": "a miracle"})
    assert problem.status == 417


async def test_who_waits_to_be_told_to_go_on_is_told(house):
    body = msgspec.json.encode({"conditionIds": [f"0x{1:064x}"]})
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{house.url}/api/markets/prices",
            data=body,
            headers={"Content-Type": "application/json"},
            expect100=True,
        ) as said,
    ):
        assert said.status == 200


async def test_bytes_that_are_no_text_are_answered_all_the_same(house):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1]))
    writer.write(b"GET /\xff\xfe?\xff=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert said.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.0 400"))
