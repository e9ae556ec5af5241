"""Places in the chain: repeats, twins, and blocks that lose their place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.chain.sightings import Sightings, Undone
from actors.ingest.chain.wire import Head, Log

WALLET = "0x" + "a1" * 20


def log(tx, block, index, number=10):
    return Log(
        address="0x" + "00" * 20,
        topics=(),
        data=b"",
        tx=tx,
        raw=b"",
        block_hash=block,
        block_number=number,
        log_index=index,
    )


def content(tx="t", size=1):
    return (WALLET, tx, "1", "BUY", size, 5)


def head(hash_, number=10, parent="elsewhere"):
    return Head(number=number, hash=hash_, parent=parent, made_s=0)


def test_the_same_place_again_is_no_second_fill():
    seen = Sightings()
    assert seen.take(log("t", "a", 1), content()) == 1
    assert seen.take(log("t", "a", 1), content()) is None


def test_equal_rows_at_two_places_of_a_block_are_twins():
    seen = Sightings()
    assert [seen.take(log("t", "a", index), content()) for index in (4, 9)] == [1, 2]


def test_a_transaction_mined_again_is_numbered_from_1_again():
    seen = Sightings()
    seen.take(log("t", "a", 1), content())
    assert seen.take(log("t", "b", 7, number=11), content()) == 1


def test_a_removed_log_that_comes_back_is_the_same_fill():
    seen = Sightings()
    for index in (1, 2):
        seen.take(log("t", "a", index), content())
    assert seen.removed(log("t", "a", 2), content()) is None
    assert seen.removed(log("t", "a", 1), content()) == Undone(WALLET, "t")
    assert seen.take(log("t", "a", 2), content()) == 2
    assert seen.stands(WALLET, "t")


def test_a_log_that_was_never_seen_can_be_removed():
    assert Sightings().removed(log("t", "a", 1), content()) == Undone(WALLET, "t")


def test_a_head_replaces_what_stood_at_its_height_and_under_it():
    seen = Sightings()
    seen.take(log("parent", "a", 1, number=9), content("parent"))
    seen.take(log("t", "b", 1), content())
    assert seen.head(head("c", parent="d")) == [Undone(WALLET, "t"), Undone(WALLET, "parent")]
    assert seen.head(head("c", parent="d")) == []


def test_a_head_on_top_of_what_stands_undoes_nothing():
    seen = Sightings()
    seen.take(log("t", "a", 1), content())
    assert seen.head(head("a")) == []
    assert seen.head(head("b", number=11, parent="a")) == []
    assert seen.head(head("z", number=3)) == []


def test_a_block_that_wins_after_all_stands_again():
    seen = Sightings()
    seen.take(log("t", "a", 1), content())
    seen.head(head("b"))
    seen.head(head("c", number=11, parent="a"))
    assert seen.stands(WALLET, "t")


def test_a_transaction_that_stands_elsewhere_is_not_undone():
    seen = Sightings()
    seen.take(log("t", "a", 1), content())
    seen.take(log("t", "b", 1, number=11), content())
    assert seen.head(head("x")) == []


places = st.tuples(st.sampled_from("tuv"), st.sampled_from("abcdef"), st.integers(0, 3), st.integers(8, 12))
steps = st.lists(st.tuples(st.sampled_from(["take", "removed", "head"]), places), max_size=60)


@given(steps)
def test_no_history_of_a_chain_breaks_the_memory_or_outgrows_it(history):
    seen = Sightings(blocks_kept=3)
    for what, (tx, block, index, number) in history:
        block = f"{block}{number}"
        if what == "head":
            seen.head(head(block, number, parent=f"a{number - 1}"))
        else:
            getattr(seen, what)(log(tx, block, index, number), content(tx))
        assert len(seen) <= 3
    for tx in "tuv":
        seen.stands(WALLET, tx)
