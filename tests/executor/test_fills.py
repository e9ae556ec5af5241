"""What a paper order gets: the depth that was there, fees and all, and nothing more."""

from __future__ import annotations

from examples import NOON_NS, SHARE, book, order
from hypothesis import given
from hypothesis import strategies as st

from actors.executor.fills import BOOKS_MAX, KILLED, Depth, fills_of, match, outcome_of
from messages.orders import OrderState
from messages.trades import Side

LEVELS = ((500_000, 4 * SHARE), (520_000, 3 * SHARE), (540_000, 100 * SHARE))


def test_paper_is_not_filled_at_the_leaders_price_but_level_by_level():
    assert match(order(), LEVELS) == LEVELS[:2]


def test_a_sale_takes_bids_down_to_its_limit():
    bids = ((500_000, 4 * SHARE), (480_000, 3 * SHARE), (390_000, 100 * SHARE))
    assert match(order(side=Side.SELL, price_limit=400_000), bids) == bids[:2]


def test_no_fill_where_there_was_no_size():
    assert match(order(), ()) == ()
    assert match(order(), ((500_000, 0), (510_000, SHARE))) == ((510_000, SHARE),)


SIDES = st.sampled_from(list(Side))
BOOKS = st.dictionaries(st.integers(1, SHARE - 1), st.integers(1, 10**9), max_size=8)


def sorted_for(side, levels):
    return tuple(sorted(levels.items(), reverse=side is Side.SELL))


@given(SIDES, BOOKS, st.integers(1, 10**9), st.integers(1, SHARE - 1))
def test_a_match_never_exceeds_depth_size_or_limit(side, levels, size, limit):
    parts = match(order(side=side, size=size, price_limit=limit), sorted_for(side, levels))
    usable = {p: s for p, s in levels.items() if (p <= limit if side is Side.BUY else p >= limit)}
    assert sum(shares for _, shares in parts) == min(size, sum(usable.values()))
    assert all(0 < shares <= usable[price] for price, shares in parts)


@given(BOOKS, st.lists(st.tuples(SIDES, st.integers(1, 10**9)), min_size=1, max_size=8))
def test_no_share_is_given_twice_while_the_book_stands_still(levels, orders):
    depth, still = Depth(), book(asks=sorted_for(Side.BUY, levels), bids=sorted_for(Side.SELL, levels))
    given_away = {}
    for side, size in orders:
        limit = SHARE if side is Side.BUY else 0
        parts = match(order(side=side, size=size, price_limit=limit), depth.levels(still, side))
        depth.take(still, side, parts)
        for price, shares in parts:
            given_away[side, price] = given_away.get((side, price), 0) + shares
    assert all(shares <= levels[price] for (_, price), shares in given_away.items())


def test_a_changed_book_shows_what_is_left_by_itself():
    depth, before, after = Depth(), book(hash="h1"), book(hash="h2")
    depth.take(before, Side.BUY, ((500_000, 1_000 * SHARE),))
    assert depth.levels(before, Side.BUY) == ()
    assert depth.levels(after, Side.BUY) == after.asks


def test_the_memory_of_books_is_bounded():
    depth = Depth()
    for number in range(BOOKS_MAX + 5):
        depth.take(book(token_id=f"{number}"), Side.BUY, ((500_000, 1),))
    assert len(depth.taken) == BOOKS_MAX


def test_every_level_pays_its_own_fee():
    fills = fills_of(order(), LEVELS[:2], NOON_NS)
    assert [(each.size, each.usdc, each.fee) for each in fills] == [
        (4 * SHARE, 2_000_000, 50_000),
        (3 * SHARE, 1_560_000, 37_440),
    ]
    assert [each.fill_id for each in fills] == ["0xo:0", "0xo:1"]


def test_a_buy_pays_rounded_up_and_a_sale_gets_rounded_down():
    part = ((333_333, 1_000_001),)
    assert fills_of(order(), part, NOON_NS)[0].usdc == 333_334
    assert fills_of(order(side=Side.SELL), part, NOON_NS)[0].usdc == 333_333


def ended(*sizes):
    return outcome_of(order(), fills_of(order(), tuple((500_000, size) for size in sizes), NOON_NS))


def test_an_immediate_or_cancel_order_rests_nowhere():
    assert ended(4 * SHARE, 6 * SHARE) == (OrderState.FILLED, "")
    assert ended(4 * SHARE) == (OrderState.CANCELLED, "partly filled, the rest was killed")
    assert ended() == (OrderState.CANCELLED, KILLED)
