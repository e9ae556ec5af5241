"""The store in memory answers as the one on Postgres does: else the simulations prove nothing."""

from __future__ import annotations

from typing import Any

import copying
import msgspec
import pytest
from pg import disk, place, postgres, url
from store_desk import Desk

from config.settings import Database

__all__ = ["disk", "place", "postgres", "url"]

MESSAGES = 600


def comparable(message: Any) -> Any:
    """Return an answer without what may differ: sequence numbers have gaps, and sets have no order."""
    return None if message is None else scrubbed(msgspec.to_builtins(message))


def scrubbed(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: scrubbed(each, key) for key, each in value.items() if key not in ("seq", "detail")}
    if isinstance(value, list | tuple):
        each = [scrubbed(one) for one in value]
        return sorted(each, key=repr) if name in ("positions", "holdings", "open_orders", "orders") else each
    return value


@pytest.fixture(params=[3, 4])
def tape(request):
    """The first messages that the store of a run was sent, and what it answered."""
    recorded: list[tuple[Any, Any]] = []
    copying.run(request.param, tape=recorded)
    return recorded[:MESSAGES]


async def test_memory_and_postgres_answer_the_messages_of_a_run_alike(tape, url, place):
    desk = Desk(Database(url=url), place / "state")
    for number, (message, _) in enumerate(tape):
        desk.put(message, number)
    await desk.settled()
    answers = {number: answer for number, answer in desk.answers if isinstance(number, int)}
    await desk.close()
    for number, (message, answer) in enumerate(tape):
        assert comparable(answers.get(number)) == comparable(answer), message
