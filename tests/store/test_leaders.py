"""Leaders: trades once, positions, cursors that never go back, counts of re-deliveries."""

from __future__ import annotations

import json

import pytest
from examples import NO, NOON_NS, NS, SHARE, WALLET, YES, correction, sale, stored, trade, tx_of
from store_desk import Desk

from messages.store import (
    LeaderPosition,
    LoadLeader,
    Sighting,
    StoreCursor,
    StoreDuplicates,
    StoreSightings,
    StoreTrade,
)
from messages.trades import Side, SourceKind

OTHER = "0x" + "b2" * 20


async def test_a_leader_seen_first_is_followed_from_then_on(desk: Desk) -> None:
    loaded = await desk.load_leader(followed_at_ns=5, cursor_s=7)
    assert (loaded.followed_at_ns, loaded.cursor_s, loaded.positions, loaded.trades) == (5, 7, (), ())

    again = await desk.load_leader(followed_at_ns=99, cursor_s=99)

    assert (again.followed_at_ns, again.cursor_s) == (5, 7)


async def test_a_trade_comes_back_as_it_was_stored(desk: Desk) -> None:
    stored = trade(outcome="Yes", title="Will it “rain”?", slug="rain", raw=b'{"a": 1}')
    desk.trades(stored)
    loaded = await desk.load_leader()
    (found,) = loaded.trades
    for name in stored.__struct_fields__:
        if name not in ("raw", "seen_mono_ns", "seq"):
            assert getattr(found, name) == getattr(stored, name), name
    assert (found.seen_mono_ns, found.raw, found.seq > 0) == (0, b"", True)


async def test_the_same_trade_again_changes_nothing(desk: Desk) -> None:
    first = trade(position_before=0)
    sold = sale(tx=tx_of(2), size=40 * SHARE)
    desk.trades(first, first, sold)
    await desk.settled()
    desk.trades(first)
    loaded = await desk.load_leader()
    assert [one.trade_id for one in loaded.trades] == [first.trade_id, sold.trade_id]
    assert loaded.positions == (LeaderPosition(YES, 60 * SHARE),)


async def test_a_trade_that_the_chain_took_back_is_kept_and_counts_for_nothing(desk: Desk) -> None:
    kept, lost = trade(tx=tx_of(1)), trade(tx=tx_of(2), kind=SourceKind.CHAIN, block_number=7, log_index=3)
    desk.trades(kept, lost)
    desk.put(correction(lost, 0, 100 * SHARE))

    loaded = await desk.load_leader()

    assert [one.stands for one in loaded.trades] == [None, 0]
    assert (loaded.trades[1].block_number, loaded.trades[1].log_index) == (7, 3)
    assert loaded.positions == (LeaderPosition(YES, 100 * SHARE),)
    rows = await desk.rows("SELECT trade_id, was, now, reason, kind, at_ns FROM corrections")
    assert rows == [(lost.trade_id, 100, 0, "TAKEN_BACK", "chain", NOON_NS)]


async def test_a_trade_reported_again_counts_again_and_both_changes_are_kept(desk: Desk) -> None:
    lost = trade()
    desk.trades(lost)
    desk.put(correction(lost, 0, 0))
    desk.put(correction(lost, lost.size, 100 * SHARE, at_ns=NOON_NS + 1))

    loaded = await desk.load_leader()

    assert loaded.trades[0].stands == lost.size
    assert loaded.positions == (LeaderPosition(YES, 100 * SHARE),)
    assert await desk.rows("SELECT was, now FROM corrections ORDER BY seq") == [(100, 0), (0, 100)]


async def test_the_same_correction_again_changes_nothing(desk: Desk) -> None:
    lost, later = trade(), trade(tx=tx_of(2), position_before=0)
    desk.trades(lost)
    desk.put(correction(lost, 0, 0))
    desk.trades(later)
    desk.put(correction(lost, 0, 0))

    assert (await desk.load_leader()).positions == (LeaderPosition(YES, 100 * SHARE),)


async def test_trades_and_corrections_of_one_batch_are_taken_in_their_order(desk: Desk) -> None:
    first, second = trade(tx=tx_of(1)), trade(tx=tx_of(2), position_before=0)
    desk.trades(first)
    desk.put(correction(first, 0, 0))
    desk.trades(second)

    loaded = await desk.load_leader()

    assert [one.stands for one in loaded.trades] == [0, None]
    assert loaded.positions == (LeaderPosition(YES, 100 * SHARE),)


async def test_a_trade_that_came_late_leaves_the_position_that_its_leader_knows(desk: Desk) -> None:
    late = trade(tx=tx_of(1))
    desk.put(StoreTrade(trade=late, position=7 * SHARE))
    assert (await desk.load_leader()).positions == (LeaderPosition(YES, 7 * SHARE),)


async def test_of_each_kind_the_first_sighting_stands(desk: Desk) -> None:
    about = {"wallet": WALLET, "tx": tx_of(1), "token_id": YES, "side": Side.BUY, "traded_at_ns": NOON_NS}
    first = Sighting(**about, kind=SourceKind.STREAM, feed="stream-1", seen_at_ns=NOON_NS + 5)
    other = Sighting(**about, kind=SourceKind.CHAIN, feed="chain", seen_at_ns=NOON_NS + 3)
    again = Sighting(**about, kind=SourceKind.STREAM, feed="stream-2", seen_at_ns=NOON_NS + 9)
    desk.put(StoreSightings(sightings=(first, other)))
    desk.put(StoreSightings(sightings=(again,)))
    await desk.settled()
    rows = await desk.rows("SELECT kind, feed, seen_at_ns - traded_at_ns FROM sightings ORDER BY kind")
    assert rows == [("chain", "chain", 3), ("stream", "stream-1", 5)]


async def test_positions_are_those_after_the_last_trade_of_each_outcome(desk: Desk) -> None:
    desk.trades(
        trade(tx=tx_of(1)),
        trade(tx=tx_of(2), position_before=100 * SHARE),
        trade(tx=tx_of(3), token_id=NO),
        sale(tx=tx_of(4), token_id=NO),
    )
    loaded = await desk.load_leader()
    assert loaded.positions == (LeaderPosition(YES, 200 * SHARE),)


async def test_trades_are_given_since_a_time_in_the_order_of_acceptance(desk: Desk) -> None:
    late, early, old = (trade(tx=tx_of(n), traded_at_ns=NOON_NS + n * NS) for n in (3, 2, 1))
    desk.trades(late, early, old)
    loaded = await desk.load_leader(trades_since_ns=NOON_NS + 2 * NS)
    assert [one.trade_id for one in loaded.trades] == [late.trade_id, early.trade_id]


async def test_many_leaders_load_in_one_batch_each_with_its_own(desk: Desk) -> None:
    wallets = [f"0x{n:040x}" for n in range(300)]
    desk.trades(*(trade(wallet=wallet, tx=tx_of(n)) for n, wallet in enumerate(wallets)))
    for wallet in (*wallets, *wallets):
        desk.put(LoadLeader(wallet=wallet, followed_at_ns=1, cursor_s=1, trades_since_ns=0), wallet)
    await desk.settled()
    assert len(desk.answers) == 601
    for sender, answer in desk.answers[:-1]:
        assert answer.wallet == sender
        assert [one.wallet for one in answer.trades] == [sender]


async def test_a_load_sees_the_writes_before_it_and_none_behind_it(desk: Desk) -> None:
    for number in range(1, 20):
        desk.trades(trade(tx=tx_of(number)))
        desk.put(LoadLeader(wallet=WALLET, followed_at_ns=1, cursor_s=1, trades_since_ns=0), number)
    await desk.settled()
    loads = [(sender, len(answer.trades)) for sender, answer in desk.answers if isinstance(sender, int)]
    assert loads == [(number, number) for number in range(1, 20)]


async def test_a_cursor_never_goes_back(desk: Desk) -> None:
    await desk.load_leader(cursor_s=100)
    await desk.load_leader(OTHER, cursor_s=100)
    for cursor_s in (300, 200, 250):
        desk.put(StoreCursor(wallet=WALLET, cursor_s=cursor_s))
    assert (await desk.load_leader()).cursor_s == 300
    desk.put(StoreCursor(wallet=WALLET, cursor_s=150))
    assert (await desk.load_leader()).cursor_s == 300
    assert (await desk.load_leader(OTHER)).cursor_s == 100


async def test_duplicates_add_up(desk: Desk) -> None:
    for count in (1, 2, 3):
        desk.put(StoreDuplicates(wallet=WALLET, count=count))
    await desk.settled()
    desk.put(StoreDuplicates(wallet=WALLET, count=4))
    await desk.settled()
    assert await desk.rows("SELECT wallet, count FROM duplicates") == [(WALLET, 10)]


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        (b'{"price": 1e999999, "title": "\\u0000"}', '{"price": 1e999999, "title": "\\u0000"}'),
        (b'"\\ud800"', '"\\"\\\\ud800\\""'),
        (b"[" * 50_000 + b"]" * 50_000, json.dumps("[" * 50_000 + "]" * 50_000)),
        (b"", None),
        (b"not json", '"not json"'),
        (b"\xff\xfe\x00", '"\\\\xff\\\\xfe"'),
        (b'{"a": 1} {"b": 2}', '"{\\"a\\": 1} {\\"b\\": 2}"'),
        (b"NaN", '"NaN"'),
        (b'"\t"', '"\\"\\t\\""'),
    ],
)
async def test_no_raw_payload_can_cost_a_trade(desk: Desk, raw: bytes, kept: str | None) -> None:
    desk.put(stored(trade(raw=raw)))
    await desk.settled()
    assert await desk.rows("SELECT raw::text FROM trades") == [(kept,)]


async def test_no_foreign_text_can_cost_a_trade(desk: Desk) -> None:
    desk.put(stored(trade(title="a\0b", slug="\ud800x", event_slug="\0", outcome="日本 🎲")))
    await desk.settled()
    assert await desk.rows("SELECT title, slug, event_slug, outcome FROM trades") == [
        ("ab", "?x", "", "日本 🎲")
    ]
