"""The store in memory answers as the one on Postgres does: else the simulations prove nothing."""

from __future__ import annotations

from random import Random
from typing import Any

import copying
import msgspec
import pytest
from examples import market_row
from pg import disk, place, postgres, url
from store_desk import Desk
from store_memory import Books

from config.settings import Database
from messages.markets import Resolution
from messages.store import LoadMarkets, MarketRow, StoreMarkets

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
        return (
            sorted(each, key=repr)
            if name in ("positions", "holdings", "open_orders", "orders", "rows")
            else each
        )
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


def rows_of(random: Random, count: int) -> tuple[MarketRow, ...]:
    """Words on a few markets, by hosts that disagree on the time and on whether it is over."""
    rows = []
    for _ in range(count):
        resolution = random.choice(list(Resolution))
        paid = random.choice(((1_000_000, 0), (500_000, 500_000)))
        rows.append(
            market_row(
                condition_id=f"0x{random.randint(1, 6)}",
                question=random.choice(("rain?", "r\0ain\ud800?", "雨 \\ \"'{}?")),
                outcomes=random.choice((("Yes", "No"), ("A\0", 'B"', "\\C"), ())),
                resolution=resolution,
                payouts=paid if resolution is Resolution.RESOLVED else (),
                as_of_ns=random.randint(1, 5),
                last_requested_at_ns=random.choice((0, 0, random.randint(1, 9))),
                source=f"host {random.randint(1, 99)}",
            )
        )
    return tuple(rows)


@pytest.mark.parametrize("seed", range(3))
async def test_memory_and_postgres_keep_the_same_of_markets(seed, url, place):
    random, books = Random(seed), Books()
    desk = Desk(Database(url=url), place / "state")
    load = LoadMarkets(condition_ids=("0x6", "0x1", "0x2", "0x3", "0x4", "0x5", "0x1", "0xnone"))
    for _ in range(40):
        for _ in range(random.randint(0, 3)):
            write = StoreMarkets(rows=rows_of(random, random.randint(0, 4)))
            desk.put(write)
            books.apply(write)
        await desk.settled()
        assert comparable(await desk.ask(load)) == comparable(books.apply(load))
    await desk.close()
