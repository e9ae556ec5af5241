"""The kept book against the simplest model of one, under any sequence of snapshots and changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.prices.books import RawLevel, ladder, make_book
from actors.prices.errors import MalformedError
from actors.prices.live.book import LiveBook
from actors.prices.live.events import LevelChange
from messages.trades import Side
from messages.units import decimal_text

sides = st.sampled_from(Side)
cents = st.integers(1, 99).map(lambda cent: cent * 10_000)
sizes = st.integers(0, 10**12)
ladders = st.dictionaries(cents, sizes, max_size=12)
changes = st.tuples(sides, cents, sizes)
snapshots = st.tuples(ladders, ladders)


def levels(side):
    return [RawLevel(decimal_text(price), decimal_text(size)) for price, size in side.items()]


def crossed(bids, asks):
    bids, asks = [p for p, s in bids.items() if s], [p for p, s in asks.items() if s]
    return bool(bids and asks) and max(bids) >= min(asks)


@given(ladders, st.randoms(use_true_random=False))
def test_ladder_is_the_same_in_whatever_order_levels_come(side, random):
    shuffled = levels(side)
    random.shuffle(shuffled)
    assert ladder(shuffled, "bids") == {price: size for price, size in side.items() if size}


@given(ladders, ladders)
def test_book_is_sorted_best_first_or_refused_as_crossed(bids, asks):
    try:
        book = make_book("1", ladder(levels(bids), "b"), ladder(levels(asks), "a"), hash="", as_of_ns=0)
    except MalformedError:
        assert crossed(bids, asks)
        return
    assert not crossed(bids, asks)
    assert [price for price, _ in book.bids] == sorted((p for p, s in bids.items() if s), reverse=True)
    assert [price for price, _ in book.asks] == sorted(p for p, s in asks.items() if s)


@given(st.lists(st.one_of(snapshots, changes, st.just("tick")), max_size=40))
def test_live_book_equals_the_model_or_is_not_handed_out(steps):
    live = LiveBook("1")
    model: tuple[dict[int, int], dict[int, int]] | None = None
    for step in steps:
        if step == "tick":
            live.change_tick(1000)
            model = None
        elif len(step) == 2:
            bids, asks = ({p: s for p, s in side.items() if s} for side in step)
            if crossed(bids, asks):
                continue
            live.snapshot(make_book("1", bids, asks, hash="h", as_of_ns=0))
            model = (bids, asks)
        else:
            side, price, size = step
            live.change(side, price, size)
            if model is not None:
                model[side is Side.SELL][price] = size
                if size == 0:
                    del model[side is Side.SELL][price]
                if crossed(*model):
                    model = None
                live.check(None, None)
        seen = live.freeze(7)
        if model is None:
            assert seen is None
            continue
        assert seen is not None
        assert dict(seen.bids) == model[0]
        assert dict(seen.asks) == model[1]
        assert live.check(max(model[0], default=0), min(model[1], default=1_000_000))


def test_best_price_that_differs_voids_the_book_until_a_snapshot():
    live = LiveBook("1")
    book = make_book("1", {600_000: 5}, {650_000: 5}, hash="", as_of_ns=0)
    live.snapshot(book, tick=10_000)
    assert live.check(600_000, 650_000)
    assert not live.check(610_000, 650_000)
    assert live.freeze(0) is None
    assert live.distrusted_for == "best bid differs"
    live.change(Side.BUY, 610_000, 5)
    assert live.freeze(0) is None
    live.snapshot(book)
    assert live.freeze(3) == make_book("1", {600_000: 5}, {650_000: 5}, hash="", as_of_ns=3, tick=10_000)


def test_best_prices_of_an_event_hold_after_all_its_changes():
    live = LiveBook("1")
    live.snapshot(make_book("1", {600_000: 5}, {650_000: 5}, hash="", as_of_ns=0))
    changes = [
        level_change("1", Side.BUY, 600_000, 0),
        level_change("1", Side.BUY, 590_000, 7, best_bid=590_000),
    ]
    other = level_change("2", Side.BUY, 400_000, 9, best_bid=400_000)
    assert live.apply([changes[0], other, changes[1]])
    assert live.freeze(0).bids == ((590_000, 7),)
    assert live.apply([other])
    assert not live.apply([level_change("1", Side.BUY, 580_000, 7, best_bid=610_000)])


def level_change(token, side, price, size, best_bid=None):
    return LevelChange(
        token_id=token, side=side, price=price, size=size, hash="", best_bid=best_bid, best_ask=None
    )


def test_empty_side_has_no_best_price():
    live = LiveBook("1")
    live.snapshot(make_book("1", {}, {}, hash="", as_of_ns=0))
    assert live.check(0, 0)
    assert live.check(0, 1_000_000)
    assert not live.check(0, 990_000)


def test_change_that_crosses_voids_the_book_even_unchecked():
    live = LiveBook("1")
    live.snapshot(make_book("1", {600_000: 5}, {650_000: 5}, hash="", as_of_ns=0))
    live.change(Side.BUY, 650_000, 5)
    assert live.freeze(0) is None
    assert not live.trusted
