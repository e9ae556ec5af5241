"""News on its way to the database: the last of each market, in messages of bounded size."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.prices import write_back as subject
from actors.prices.memory import Known
from actors.prices.write_back import ROWS_MAX, WriteBack, with_prices
from messages.markets import Market, Resolution, Source

BARE = Market(
    condition_id="0",
    question="",
    slug="",
    event_slug="",
    outcomes=("Yes", "No"),
    token_ids=("1", "2"),
    prices=(640_000, 360_000),
    tick=10_000,
    size_min=5,
    fee_rate=0,
    neg_risk=False,
    accepting_orders=True,
    resolution=Resolution.OPEN,
)


def news(key, at=0):
    market = msgspec.structs.replace(BARE, condition_id=str(key), question=f"as of {at}")
    return Known(market, at, at, Source.GAMMA, False)


def written(unwritten):
    return [
        [(row.market.condition_id, row.as_of_ns) for row in rows]
        for rows in unwritten.take(lambda known: known, lambda key: 0)
    ]


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 4))
def test_last_news_of_each_market_is_written_and_the_longest_waiting_goes_where_there_is_no_room(keys, room):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "UNWRITTEN_MAX", room)
        unwritten, model = WriteBack(), {}
        for at, key in enumerate(keys):
            unwritten.note(news(key, at))
            model.pop(key, None)
            model[key] = at
            model = dict(list(model.items())[-room:])
            assert len(unwritten) == len(model)
        assert written(unwritten) == ([list(model.items())] if model else [])
        assert written(unwritten) == []


@pytest.mark.parametrize("count", [0, 1, ROWS_MAX, ROWS_MAX + 1, 3 * ROWS_MAX])
def test_no_message_holds_more_rows_than_it_may(count):
    unwritten = WriteBack()
    for key in range(count):
        unwritten.note(news(key))
    messages = written(unwritten)
    assert [key for rows in messages for key, _ in rows] == [str(key) for key in range(count)]
    assert all(1 <= len(rows) <= ROWS_MAX for rows in messages)
    assert len(messages) == -(-count // ROWS_MAX)
    assert len(unwritten) == 0


def test_row_has_the_newest_prices_with_their_time_and_source_and_when_it_was_asked_for():
    def priced(known):
        return Known(with_prices(known.value, (500_000, 500_000)), 9, 9, Source.STREAM, False)

    unwritten = WriteBack()
    unwritten.note(news("a", at=3))
    ((row,),) = unwritten.take(priced, {"a": 7}.__getitem__)
    assert row.market.prices == (500_000, 500_000)
    assert row.market.question == "as of 3"
    assert (row.as_of_ns, row.source, row.last_requested_at_ns) == (9, "market_ws", 7)


def test_market_with_the_same_prices_is_the_same_market():
    assert with_prices(BARE, BARE.prices) is BARE
    assert with_prices(BARE, (1, 2)) == msgspec.structs.replace(BARE, prices=(1, 2))
    assert BARE.prices == (640_000, 360_000)
