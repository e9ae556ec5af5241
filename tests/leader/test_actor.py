"""The leader: from report to accepted trade, through loads, crashes and late feeds."""

from __future__ import annotations

import pytest
from examples import CONDITION, NO, NOON_NS, NS, SHARE, WALLET, YES, report, trade, tx_of
from leader_house import WINDOW_S, House
from thespian.actors import ActorExitRequest

from actors.leader.actor import HOLD_MAX_S
from actors.leader.ledger import TradeLedger
from messages.backfill import FoldPositions, HistoryAdded, PositionsFolded
from messages.ingest import LeaderReady
from messages.movements import MovementKind, MovementReported
from messages.store import (
    CorrectionReason,
    LeaderPosition,
    LoadLeader,
    StoreCorrection,
    StoreCursor,
    StoreDuplicates,
    StoreMovement,
    StoreSightings,
    StoreTrade,
)
from messages.trades import CursorReached, FillsRetracted, GapSuspected, Side, SourceKind, Swept
from supervisor.simulation import Simulation


@pytest.fixture
def house():
    with Simulation(start_ns=NOON_NS) as sim:
        house = House(sim)
        house.loads()
        yield house


def split(**changes):
    fields = {
        "wallet": WALLET,
        "tx": tx_of(50),
        "condition_id": CONDITION,
        "kind": MovementKind.SPLIT,
        "token_ids": (YES, NO),
        "size": 40 * SHARE,
        "moved_at_ns": NOON_NS,
        "feed": "poller",
        "seen_at_ns": NOON_NS,
    } | changes
    return MovementReported(**fields)


def test_a_split_moves_the_position_once_is_stored_and_never_copied(house):
    house.sim.run()
    house.tell(split(), split(), report(side=Side.SELL, token_id=NO, size=10 * SHARE))
    (sold,) = house.accepted()
    assert (sold.position_before, sold.position_after) == (40 * SHARE, 30 * SHARE)
    stored = [one.movement for one in house.store.take_all(StoreMovement)]
    assert [(one.token_id, one.position_after) for one in stored] == [(YES, 40 * SHARE), (NO, 40 * SHARE)]

    house.loads(movements=tuple(stored), positions=(LeaderPosition(NO, 30 * SHARE),))
    house.sim.crash(house.leader)
    house.tell(split())
    house.sim.advance(1)
    assert house.store.take_all(StoreMovement) == []


def test_a_movement_from_before_the_following_or_the_window_is_not_taken(house):
    house.tell(split(moved_at_ns=NOON_NS - 91 * NS), split(moved_at_ns=NOON_NS - 2 * WINDOW_S * NS))
    assert house.store.take_all(StoreMovement) == []


def test_what_becomes_known_of_the_past_changes_the_position_before_the_next_trade(house):
    house.sim.run()
    house.tell(HistoryAdded(wallet=WALLET), report(tx=tx_of(1), side=Side.SELL, size=10 * SHARE))
    assert house.accepted() == []
    assert house.store.take_all(FoldPositions) == [FoldPositions(wallet=WALLET)]
    folded = PositionsFolded(wallet=WALLET, positions=(LeaderPosition(YES, 70 * SHARE),))
    house.store.answers(FoldPositions, lambda _: folded)
    house.sim.advance(31)
    (sold,) = house.accepted()
    assert (sold.position_before, sold.position_after) == (70 * SHARE, 60 * SHARE)


def test_a_live_sale_does_not_overtake_a_buy_missed_while_nobody_looked(house):
    known = accepted_as_stored(house, report(tx=tx_of(1)))
    house.loads(known, positions=(LeaderPosition(YES, 100 * SHARE),))
    house.sim.crash(house.leader)
    house.tell(report(tx=tx_of(9), size=SHARE))
    house.sim.advance(1)
    house.accepted()
    sale = report(tx=tx_of(3), side=Side.SELL, size=200 * SHARE)
    house.tell(sale)
    assert house.accepted() == []
    house.tell(report(tx=tx_of(2), kind=SourceKind.API, feed="poller"))
    house.tell(Swept(wallet=WALLET, began_at_ns=house.sim.clock.now_ns() + 60 * NS, load=2))
    bought, sold = house.accepted()
    assert (bought.side, sold.side) == (Side.BUY, Side.SELL)
    assert sold.position_before == 200 * SHARE


def test_a_sale_held_after_a_gap_goes_on_without_the_poller_in_the_end(house):
    house.tell(GapSuspected(since_ns=NOON_NS, reason="test"), report(side=Side.SELL))
    assert house.accepted() == []
    house.sim.advance(HOLD_MAX_S + 0.1)
    assert len(house.accepted()) == 1


def accepted_as_stored(house, *reports):
    house.tell(*reports)
    (trade,) = house.accepted()
    return trade


def test_a_trade_is_stored_before_any_portfolio_hears_of_it(house):
    house.tell(report())
    (accepted,) = house.accepted()
    assert house.store.take(StoreTrade).trade == accepted
    assert (accepted.size, accepted.position_before, accepted.position_after) == (100 * SHARE, 0, 100 * SHARE)
    steps = [step.path for step in house.sim.trace if step.path in ("store", "portfolios")]
    assert steps[-2:] == ["store", "portfolios"]


def test_reports_wait_in_their_order_while_the_leader_is_loaded():
    with Simulation(start_ns=NOON_NS) as sim:
        house = House(sim)
        house.tell(
            *[report(tx=tx_of(n)) for n in (3, 1, 2)], CursorReached(wallet=WALLET, cursor_s=7, load=1)
        )
        assert house.accepted() == []
        house.store.clear()
        house.loads()
        sim.advance(31)
        assert [each.tx for each in house.accepted()] == [tx_of(3), tx_of(1), tx_of(2)]
        kinds = [type(each) for each in house.store.messages]
        assert kinds == [LoadLeader, StoreTrade, StoreTrade, StoreTrade, StoreCursor]


def test_ingest_hears_of_the_leader_only_once_it_has_its_state(house):
    assert house.leaders.messages == []
    house.sim.run()
    assert house.leaders.take(LeaderReady) == LeaderReady(wallet=WALLET, cursor_s=NOON_NS // NS - 60, load=1)


def test_a_store_that_is_gone_is_not_asked_in_a_loop():
    with Simulation(start_ns=NOON_NS) as sim:
        house = House(sim)
        sim.tell(house.store.address, ActorExitRequest())
        sim.advance(40)
        asked = [each for each in sim.base.dead_letters() if each.message_type == "LoadLeader"]
        assert 10 < len(asked) < 30


def test_a_storm_of_redeliveries_is_counted_in_one_write(house):
    house.tell(*[report(feed=f"stream-{n % 3}") for n in range(300)])
    house.sim.advance(1.1)
    assert len(house.accepted()) == 1
    assert house.store.take(StoreDuplicates).count == 299
    house.sim.advance(5)
    assert house.store.take_all(StoreDuplicates) == []


def test_history_from_before_the_following_is_marked(house):
    house.tell(
        report(tx=tx_of(1), traded_at_ns=NOON_NS - 60 * NS - 1),
        report(tx=tx_of(2), traded_at_ns=NOON_NS - 60 * NS),
    )
    assert [each.backfill for each in house.accepted()] == [True, False]


def test_history_beyond_what_a_warm_start_asks_for_is_not_taken(house):
    house.tell(
        report(tx=tx_of(1), traded_at_ns=NOON_NS - 90 * NS - 1),
        report(tx=tx_of(2), traded_at_ns=NOON_NS - 90 * NS),
    )
    (trade,) = house.accepted()
    assert trade.tx == tx_of(2)
    assert trade.backfill


def test_a_report_from_before_the_memory_is_never_taken_for_a_trade(house):
    house.tell(report(traded_at_ns=NOON_NS - WINDOW_S * NS - 1))
    assert house.accepted() == []
    assert house.store.take_all(StoreTrade) == []


def test_the_position_follows_every_trade_and_is_never_short(house):
    house.tell(
        report(tx=tx_of(1), size=100 * SHARE),
        report(tx=tx_of(2), size=30 * SHARE, side=Side.SELL),
        report(tx=tx_of(3), size=90 * SHARE, side=Side.SELL),
    )
    positions = [(each.position_before // SHARE, each.position_after // SHARE) for each in house.accepted()]
    assert positions == [(0, 100), (100, 70), (70, 0)]


def test_rows_missed_on_the_way_are_trades_one_after_the_other(house):
    house.tell(report(occurrence=2))
    first, second = house.accepted()
    assert first.key != second.key
    assert second.position_before == first.position_after


def test_the_cursor_is_never_durable_before_the_trades_it_stands_for(house):
    house.tell(report(), CursorReached(wallet=WALLET, cursor_s=9, load=1))
    kinds = [type(each) for each in house.store.messages]
    assert kinds.index(StoreTrade) < kinds.index(StoreCursor)


def test_a_crash_loads_again_and_takes_nothing_twice(house):
    house.tell(report())
    (first,) = house.accepted()
    house.loads(first, positions=(LeaderPosition(YES, 100 * SHARE),))
    house.sim.crash(house.leader)
    house.tell(report(tx=tx_of(5)), report(feed="stream-2"), report(tx=tx_of(6)))
    house.sim.advance(5)
    (only,) = house.accepted()
    assert (only.tx, only.position_before) == (tx_of(6), 100 * SHARE)


def test_trades_from_the_store_are_not_announced_again(house):
    house.loads(trade())
    house.tell(report())
    assert house.accepted() == []


def test_forgotten_transactions_do_not_fill_the_memory(house):
    house.tell(report())
    house.sim.advance(WINDOW_S + 700)
    assert house.sim.base.snapshot("leader")["transactions"] == 0


def chained(**changes):
    return report(kind=SourceKind.CHAIN, feed="chain", **changes)


def taken_back(tx):
    return FillsRetracted(wallet=WALLET, tx=tx, feed="chain", seen_at_ns=NOON_NS + 9)


def test_a_trade_that_the_chain_takes_back_leaves_the_position_as_it_was(house):
    house.tell(chained(tx=tx_of(1)), chained(tx=tx_of(2), size=30 * SHARE))
    house.store.take_all(StoreTrade)

    house.tell(taken_back(tx_of(1)), chained(tx=tx_of(3), size=SHARE))

    write = house.store.take(StoreCorrection)
    (change,) = write.corrections
    assert (change.was, change.now, change.reason) == (100 * SHARE, 0, CorrectionReason.TAKEN_BACK)
    assert (write.kind, write.at_ns, write.position) == (SourceKind.CHAIN, NOON_NS + 9, 30 * SHARE)
    assert house.accepted()[-1].position_before == 30 * SHARE


def test_a_sale_of_more_than_was_known_gives_back_no_more_than_it_took(house):
    house.tell(chained(tx=tx_of(1), size=10 * SHARE), chained(tx=tx_of(2), side=Side.SELL))

    house.tell(taken_back(tx_of(2)))

    assert house.store.take(StoreCorrection).position == 10 * SHARE


def test_a_trade_given_again_is_recorded_and_not_copied_again(house):
    house.tell(chained(), taken_back(chained().tx))
    (trade,) = house.accepted()
    house.store.take_all(StoreCorrection)

    house.tell(chained())

    assert house.accepted() == []
    write = house.store.take(StoreCorrection)
    (change,) = write.corrections
    assert (change.trade_id, change.now) == (trade.trade_id, 100 * SHARE)
    assert (change.reason, write.position) == (CorrectionReason.REPORTED_AGAIN, 100 * SHARE)


def test_a_retraction_that_comes_before_the_leader_is_loaded_waits(house):
    known = accepted_as_stored(house, chained())
    house.loads(known, positions=(LeaderPosition(YES, 100 * SHARE),))
    house.sim.crash(house.leader)
    house.tell(GapSuspected(since_ns=NOON_NS, reason="crashes it"), taken_back(known.tx))

    house.sim.advance(60)

    assert house.store.take(StoreCorrection).position == 0


def test_a_sale_held_after_a_gap_that_never_happened_is_let_go(house):
    house.tell(GapSuspected(since_ns=NOON_NS, reason="a gap"), chained(tx=tx_of(1)))
    house.tell(chained(tx=tx_of(2), side=Side.SELL), taken_back(tx_of(2)))

    house.sim.advance(HOLD_MAX_S + 1)

    assert [trade.tx for trade in house.accepted()] == [tx_of(1)]


def swept(house, began_at_ns, **changes):
    house.tell(Swept(wallet=WALLET, began_at_ns=began_at_ns, load=1, **changes))


def polled(began_at_ns, **changes):
    return report(kind=SourceKind.API, feed="poller", sweep_ns=began_at_ns, **changes)


def test_twins_of_the_stream_that_were_one_fill_are_put_right_and_no_order_follows(house):
    house.tell(report(occurrence=1), report(occurrence=2))
    assert len(house.accepted()) == 2

    house.tell(polled(NOON_NS + 6 * NS))
    swept(house, NOON_NS + 6 * NS)

    write = house.store.take(StoreCorrection)
    assert (write.kind, write.position) == (SourceKind.API, 100 * SHARE)
    assert [change.reason for change in write.corrections] == [CorrectionReason.REPORTED_LESS]
    assert house.accepted() == []


def test_a_buy_that_comes_behind_the_sale_of_its_shares_leaves_nothing(house):
    house.tell(report(tx=tx_of(2), side=Side.SELL, traded_at_ns=NOON_NS + NS), report(tx=tx_of(1)))

    sold, bought = house.accepted()

    assert (sold.position_before, sold.position_after) == (0, 0)
    assert (bought.position_before, bought.position_after) == (0, 100 * SHARE)
    assert [write.position for write in house.store.take_all(StoreTrade)] == [0, 0]


def test_who_saw_what_when_is_written_once_for_each_kind(house):
    house.tell(report(seen_at_ns=5), report(feed="stream-2"), report(occurrence=2))
    house.tell(polled(NOON_NS, seen_at_ns=9), report(tx=tx_of(2), traded_at_ns=NOON_NS - 61 * NS))
    house.sim.advance(1.1)

    (write,) = house.store.take_all(StoreSightings)

    seen = [(one.kind, one.feed, one.seen_at_ns) for one in write.sightings]
    assert seen == [(SourceKind.STREAM, "stream-1", 5), (SourceKind.API, "poller", 9)]


def test_a_cursor_of_an_earlier_incarnation_does_not_become_durable(house):
    house.sim.run()
    house.sim.crash(house.leader)
    house.tell(report(), CursorReached(wallet=WALLET, cursor_s=9, load=1))
    house.sim.advance(5)

    assert house.accepted() == []
    assert house.store.take_all(StoreCursor) == []
    assert [ready.load for ready in house.leaders.take_all(LeaderReady)] == [1, 2]


def test_a_report_that_kills_the_leader_again_and_again_is_put_aside(house, monkeypatch):
    deadly = report(tx=tx_of(66))
    observe = TradeLedger.observe

    def dies(ledger, row):
        assert row.tx != deadly.tx, "it dies of this"
        return observe(ledger, row)

    monkeypatch.setattr(TradeLedger, "observe", dies)
    for _ in range(4):
        house.tell(deadly)
        house.sim.advance(10)
    house.tell(report())

    assert [trade.tx for trade in house.accepted()] == [report().tx]
    assert house.sim.base.drops() == {("Leader", "FillReported", "crashed"): 2}
