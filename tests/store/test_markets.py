"""Markets are written back together, each as of a time; mismatches are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import permutations
from typing import Any

import pytest
from examples import NOON_NS, PAPER, market_row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_desk import Desk

from messages.markets import Resolution
from messages.store import LoadMarkets, MarketRow, StoreMarkets, StoreMismatch
from messages.units import AMOUNT_MAX

PAID = {"resolution": Resolution.RESOLVED, "payouts": (1_000_000, 0)}
texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\0\\\"'{},; \n\tNULL"), max_size=12)
lists = st.lists(texts, max_size=5).map(tuple)
amounts = st.lists(st.integers(0, AMOUNT_MAX), max_size=5).map(tuple)


async def kept(desk: Desk, *rows: MarketRow) -> list[MarketRow]:
    """What is stored of the rows' markets, once all that was put before is durable."""
    await desk.settled()
    names = tuple(dict.fromkeys(row.market.condition_id for row in rows))
    found = {row.market.condition_id: row for row in (await desk.ask(LoadMarkets(condition_ids=names))).rows}
    return [found[name] for name in names if name in found]


async def store(desk: Desk, *rows: MarketRow) -> list[MarketRow]:
    desk.put(StoreMarkets(rows=rows))
    return await kept(desk, *rows)


@pytest.fixture
async def statements(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the writer says to the database from now on."""
    said: list[str] = []
    await desk.settled()
    writer: Any = desk.engine._writer

    class Heard:
        def __getattr__(self, name: str) -> Any:
            method = getattr(writer, name)
            return heard(method) if name in ("execute", "fetch", "fetchrow", "fetchval") else method

    def heard(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        def speak(query: str, *arguments: object) -> Awaitable[Any]:
            said.append(query)
            return method(query, *arguments)

        return speak

    monkeypatch.setattr(desk.engine, "_writer", Heard())
    return said


async def test_five_hundred_markets_are_one_statement(desk: Desk, statements: list[str]) -> None:
    rows = [market_row(condition_id=f"0x{number}", prices=(number, 0)) for number in range(500)]
    desk.put(StoreMarkets(rows=tuple(rows[:300])))
    desk.put(StoreMarkets(rows=tuple(rows[200:])))
    assert await kept(desk, *rows) == rows
    assert [query.split()[0] for query in statements] == ["BEGIN;", "INSERT", "SELECT", "COMMIT"]
    assert "INTO markets" in statements[1]


async def test_markets_of_any_number_of_outcomes_share_a_batch(desk: Desk) -> None:
    three = market_row(
        condition_id="0x3", outcomes=("A", "B", "C"), token_ids=("1", "2", "3"), prices=(1, 2, 1_000_000)
    )
    paid = market_row(**PAID, oracle="resolved", source="resolutions", last_requested_at_ns=7)
    bare = market_row(condition_id="0x0", outcomes=(), token_ids=(), prices=())
    disputed = market_row(condition_id="0xd", resolution=Resolution.DISPUTED, oracle="disputed")
    rows = [three, paid, bare, disputed]
    assert await store(desk, *rows) == rows
    assert await desk.rows("SELECT error FROM dead_writes") == []


async def test_nothing_to_write_is_nothing(desk: Desk, statements: list[str]) -> None:
    desk.put(StoreMarkets(rows=()))
    await desk.settled()
    assert [query for query in statements if "markets" in query] == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, texts, lists, lists, amounts, amounts)
async def test_whatever_a_market_is_called_comes_back_exactly_but_for_nul(
    desk: Desk, question: str, oracle: str, outcomes: Any, tokens: Any, prices: Any, payouts: Any
) -> None:
    tokens = tuple(token.replace("\0", "") for token in tokens)
    resolution = Resolution.RESOLVED if payouts else Resolution.OPEN
    told = {"token_ids": tokens, "prices": prices, "payouts": payouts, "resolution": resolution}
    await desk.settled()
    await desk.execute("DELETE FROM markets")
    (row,) = await store(
        desk, market_row(question=question, slug=question, oracle=oracle, outcomes=outcomes, **told)
    )
    bare = question.replace("\0", "")
    assert row == market_row(
        question=bare,
        slug=bare,
        oracle=oracle.replace("\0", ""),
        outcomes=tuple(outcome.replace("\0", "") for outcome in outcomes),
        **told,
    )


async def test_half_a_surrogate_pair_in_a_title_costs_a_letter_and_no_market(desk: Desk) -> None:
    (row,) = await store(desk, market_row(question="a\ud800b", outcomes=("\udc00", "No")))
    assert (row.market.question, row.market.outcomes) == ("a?b", ("?", "No"))


OLD, NEW = market_row(prices=(1, 2)), market_row(prices=(3, 4), as_of_ns=NOON_NS + 1)
RESOLVED = market_row(**PAID, as_of_ns=NOON_NS + 2)
REOPENED = market_row(as_of_ns=NOON_NS + 3)
DISPUTED = market_row(resolution=Resolution.DISPUTED, as_of_ns=NOON_NS + 4)
CORRECTED = market_row(resolution=Resolution.RESOLVED, payouts=(500_000, 500_000), as_of_ns=NOON_NS + 5)
PAID_BEFORE = market_row(**PAID, as_of_ns=NOON_NS - 9)
"""A resolution whose time lies before that of prices: of a host whose clock is behind."""
STANDS: dict[str, tuple[tuple[MarketRow, ...], MarketRow]] = {
    "the newer": ((OLD, NEW), NEW),
    "what it pays, whatever is told later": ((RESOLVED, REOPENED, DISPUTED), RESOLVED),
    "what it pays, whenever that was": ((NEW, PAID_BEFORE, REOPENED), PAID_BEFORE),
    "the newer of what it pays": ((PAID_BEFORE, RESOLVED, CORRECTED), CORRECTED),
}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("what", STANDS)
async def test_of_several_words_on_a_market_stands(desk: Desk, what: str, together: bool) -> None:
    """In any order, and whether they share a batch or not."""
    rows, stands = STANDS[what]
    for order in permutations(rows):
        if together:
            assert await store(desk, *order) == [stands]
        else:
            assert [await store(desk, row) for row in order][-1] == [stands]
        assert await store(desk, *rows) == [stands], "written again after a crash it changes nothing"
        await desk.execute("DELETE FROM markets")


async def test_of_two_words_as_of_the_same_time_the_later_stands(desk: Desk) -> None:
    first, second = market_row(source="gamma"), market_row(source="clob", accepting_orders=False)
    assert await store(desk, first, second) == [second]
    assert await store(desk, first) == [first]


@pytest.mark.parametrize("together", [True, False])
async def test_when_a_market_was_asked_for_last_is_the_latest_of_all(desk: Desk, together: bool) -> None:
    """Also of a row whose prices do not stand; 0 says nothing."""
    asked = [(OLD, 5), (NEW, 0), (OLD, 9), (NEW, 7)]
    rows = [
        market_row(market=row.market, as_of_ns=row.as_of_ns, last_requested_at_ns=ns) for row, ns in asked
    ]
    stands = market_row(market=NEW.market, as_of_ns=NEW.as_of_ns, last_requested_at_ns=9)
    if together:
        assert await store(desk, *rows) == [stands]
    else:
        assert [(await store(desk, row))[0].last_requested_at_ns for row in rows] == [5, 5, 9, 9]
        assert await kept(desk, *rows) == [stands]


@pytest.mark.parametrize(
    "bad",
    [
        {"tick": 10**40},
        {"end_at_ns": 2**70},
        {"resolution": Resolution.RESOLVED, "payouts": ()},
        {"resolution": Resolution.DISPUTED, "payouts": (1_000_000, 0)},
        {"resolution": "settled"},
        {"condition_id": "0x\0"},
        {"token_ids": ("1", "\ud800")},
        {"prices": (None, 1)},
    ],
)
async def test_a_bad_market_is_put_aside_and_the_others_of_its_batch_are_written(
    desk: Desk, bad: dict[str, Any]
) -> None:
    good = [market_row(condition_id=f"0x{number}") for number in range(20)]
    desk.put(StoreMarkets(rows=(*good[:7], market_row(**({"condition_id": "0xbad"} | bad)), *good[7:])))
    desk.put(StoreMarkets(rows=(market_row(condition_id="0xother"),)))
    assert await kept(desk, *good) == good
    ((message, body),) = await desk.rows("SELECT message, body FROM dead_writes")
    assert message == "StoreMarkets"
    assert body.count("condition_id") == 1
    assert await desk.rows("SELECT count(*) FROM markets") == [(21,)]


async def test_mismatches_are_recorded_in_order(desk: Desk) -> None:
    for what in ("cash", "shares"):
        desk.put(StoreMismatch(portfolio_id=PAPER, what=what, expected="1.5", actual="2", at_ns=NOON_NS))
    await desk.settled()
    rows = await desk.rows("SELECT what, expected, actual FROM mismatches ORDER BY seq")
    assert rows == [("cash", "1.5", "2"), ("shares", "1.5", "2")]
