"""The runtime over HTTP: what is asked for rightly is shown, the rest is told what was expected."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from actors.web.inspection import InspectionPages
from actors.web.routes import serve
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles


class Leader(SupervisedActor):
    mailbox = Mailbox(capacity=10, overflow=Overflow.REFUSE)

    @handles(int)
    def on_number(self, message, sender):
        self.spawn(Leader, f"helper-{message}")

    def snapshot(self):
        return {"trades": (1, 2)}


@pytest.fixture
async def base() -> AsyncIterator[AsyncioSystemBase]:
    base = AsyncioSystemBase()
    base.tell(base.spawn(Leader, "leader"), 1)
    await base.inspector.top_over(0.001)
    base.inspector.suspend("leader", by="test")
    for message in ("a secret", "another"):
        base.tell(base.find("leader"), message)
    yield base
    await base.stop()


@pytest.fixture
async def client(base) -> AsyncIterator[TestClient]:
    app = web.Application()
    serve(app, InspectionPages(base.inspector).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def get(client, path):
    async with client.get(path) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_tree_is_shown_in_parts(client):
    status, body = await get(client, "/api/actors")
    assert (status, body["more"]) == (200, False)
    assert [actor["path"] for actor in body["actors"]] == ["leader", "leader/helper-1"]
    assert (await get(client, "/api/actors?n=1"))[1]["more"] is True
    _, body = await get(client, "/api/actors?under=leader/helper-1")
    assert [actor["kind"] for actor in body["actors"]] == ["Leader"]


async def test_tops_are_shown_as_they_are_and_over_a_window(client):
    status, body = await get(client, "/api/actors/top?n=1")
    assert status == 200
    assert [(each["value"], each["info"]["path"]) for each in body["top"]] == [(2, "leader")]
    status, body = await get(client, "/api/actors/top?by=time&over_s=0.01")
    assert (status, len(body["top"])) == (200, 2)


async def test_one_actor_is_shown_with_types_and_state_and_no_content(client):
    status, body = await get(client, "/api/actors/leader")
    assert status == 200
    assert (body["info"]["state"], body["state"]) == ("suspended", {"trades": [1, 2]})
    assert [(each["message_type"], each["count"]) for each in body["waiting"]] == [("str", 2)]
    assert "secret" not in str(body)
    assert (await get(client, "/api/actors/leader/helper-1"))[0] == 200


async def test_dead_letters_are_shown_by_filter_and_without_content(client, base):
    base.inspector.resume("leader", by="test")
    await base.inspector.top_over(0.001)
    status, body = await get(client, "/api/dead-letters?reason=unknown-type&n=1")
    assert status == 200
    assert [letter["message_type"] for letter in body["dead_letters"]] == ["str"]
    assert body["counts"] == [{"kind": "Leader", "message_type": "str", "reason": "unknown-type", "count": 2}]
    assert "secret" not in str(body)
    assert (await get(client, "/api/dead-letters?kind=Nobody"))[1]["dead_letters"] == []


async def test_an_actor_that_does_not_exist_is_a_404_with_those_near(client):
    status, body = await get(client, "/api/actors/leadr")
    assert (status, body["near"]) == (404, ["leader"])
    assert "did you mean leader?" in body["detail"]
    assert (await get(client, "/api/actors?under=nobody"))[0] == 404


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/actors/top?by=colour", "expected one of mailbox"),
        ("/api/actors/top?n=many", "n was 'many', expected a whole number"),
        ("/api/actors/top?n=0", "n was '0', expected from 1"),
        ("/api/actors/top?over_s=3600", "from 0.01 to 5"),
        ("/api/actors/top?over_s=nan", "expected a number from 0.01 to 5"),
        ("/api/actors?n=1000000", "expected from 1 to 1000"),
        ("/api/actors/leader?contents=5", "contents means nothing here"),
        ("/api/dead-letters?reason=forgotten", "reason was 'forgotten', expected one of"),
        ("/api/dead-letters?contents=1", "contents means nothing here"),
    ],
)
async def test_what_cannot_be_answered_is_a_400_that_says_what_was_expected(client, path, expected):
    status, body = await get(client, path)
    assert status == 400
    assert expected in body["detail"]


async def test_no_order_can_be_given_over_http(client, base):
    for method in ("post", "put", "delete", "patch"):
        for path in ("/api/actors/leader", "/api/actors/leader/resume", "/api/dead-letters"):
            async with getattr(client, method)(path) as answer:
                assert answer.status == 405
    assert base.inspector.actor("leader").suspended
