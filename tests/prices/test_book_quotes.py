"""What an outcome is worth by its book is the same whether the live book is copied for that or not."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from actors.prices.book_desk import BookDesk
from actors.prices.books import make_book
from actors.prices.live.board import Board
from actors.prices.live.events import BookSnapshot, LastTrade
from actors.prices.memory import Known
from actors.prices.quotes import quote
from config.settings import Prices
from messages.markets import Source
from messages.trades import Side

NOW_NS = 1_000_000
CONDITION = f"0x{1:064x}"
cents = st.integers(1, 49).map(lambda cent: cent * 10_000)
sides = st.dictionaries(cents, st.just(1_000_000), max_size=3)
books = st.builds(
    lambda bids, asks: make_book(
        "1", bids, {1_000_000 - price: size for price, size in asks.items()}, hash="", as_of_ns=7
    ),
    sides,
    sides,
)
heard = st.none() | st.tuples(books, st.integers(0, NOW_NS))


def desk(board):
    clock = SimpleNamespace(now_ns=lambda: 10**18, monotonic_ns=lambda: NOW_NS)
    return BookDesk(SimpleNamespace(clock=clock), Prices(), None, board)


@given(live=heard, fetched=heard, trade=st.booleans())
def test_a_quote_is_that_of_the_current_book(live, fetched, trade):
    board = Board(1, 1)
    board.up("live-0", 0)
    board.add("1", "live-0", 0)
    if live is not None:
        book, at_ns = live
        board.take("live-0", [BookSnapshot(condition_id=CONDITION, book=book, tick=0, at_ms=1)], at_ns)
        if trade:
            traded = LastTrade(
                condition_id=CONDITION, token_id="1", side=Side.BUY, price=500_000, size=1, at_ms=2
            )
            board.take("live-0", [traded], at_ns)
    made = desk(board)
    if fetched is not None:
        book, at_ns = fetched
        made.memory.put("1", Known(book, 3, at_ns, Source.CLOB, False))
    current = made.current("1", NOW_NS)
    assert made.quote("1", NOW_NS) == (quote(current) if current is not None else None)
