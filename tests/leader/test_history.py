"""The historian: what of a leader's past is new, however often and in whatever pages it is read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from examples import NO, NOON_NS, NS, SHARE, WALLET, YES, report, trade, tx_of

from actors.leader.history import MARGIN_S, Historian, HistorianArgs
from messages.backfill import (
    HistoryAdded,
    HistoryPage,
    HistoryStored,
    HistoryTaken,
    LoadTrades,
    StoreHistory,
    TradesLoaded,
)
from messages.directory import Directory
from messages.movements import MovementKind, MovementReported
from messages.trades import LeaderTrade, Side, SourceKind
from supervisor.simulation import Simulation

WINDOW_S = 3_600
LONG_AGO_NS = NOON_NS - 100 * 86_400 * NS


class House:
    """A historian among probes; the store keeps what it is given."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.store, self.portfolios, self.leaders, self.poller = (
            sim.probe(name) for name in ("store", "portfolios", "leaders", "poller")
        )
        self.kept: dict[str, LeaderTrade] = {}
        self.writes: list[StoreHistory] = []
        self.followed_at_ns: int | None = NOON_NS
        self.store.answers(LoadTrades, self._load)
        self.store.answers(StoreHistory, self._keep)
        directory = Directory(
            store=self.store.address, portfolios=self.portfolios.address, leaders=self.leaders.address
        )
        args = HistorianArgs(directory=directory, identity_window_s=WINDOW_S, backfill_s=30)
        self.historian = sim.spawn(Historian, "history", args)

    def _load(self, load: LoadTrades) -> TradesLoaded:
        found = tuple(one for one in self.kept.values() if load.from_ns <= one.traded_at_ns <= load.to_ns)
        return TradesLoaded(wallet=load.wallet, trades=found, followed_at_ns=self.followed_at_ns)

    def _keep(self, write: StoreHistory) -> HistoryStored:
        self.writes.append(write)
        fresh = [one for one in write.trades if one.trade_id not in self.kept]
        self.kept.update({one.trade_id: one for one in write.trades})
        return HistoryStored(request_id=write.request_id, trades=len(fresh))

    def take(self, *rows: Any, is_last: bool = False) -> list[LeaderTrade]:
        """Hand a page over and return what the portfolios were told."""
        page = HistoryPage(
            request_id=1,
            wallet=WALLET,
            fills=tuple(one for one in rows if not isinstance(one, MovementReported)),
            movements=tuple(one for one in rows if isinstance(one, MovementReported)),
            rows=len(rows),
            reached_s=NOON_NS // NS,
            is_last=is_last,
        )
        self.sim.tell(self.historian, page, sender=self.poller.address)
        self.sim.run()
        return list(self.portfolios.take_all(LeaderTrade))


@pytest.fixture
def house() -> Any:
    with Simulation(start_ns=NOON_NS) as sim:
        yield House(sim)


def old(number: int = 1, **changes: Any) -> Any:
    fields = {"tx": tx_of(number), "kind": SourceKind.API, "feed": "backfill", "traded_at_ns": LONG_AGO_NS}
    return report(**(fields | changes))


def test_what_it_finds_is_backfill_and_its_page_is_durable_before_the_next_is_asked_for(house: House) -> None:
    told = house.take(old(1), old(2, token_id=NO), is_last=True)
    assert [(one.backfill, one.token_id) for one in told] == [(True, YES), (True, NO)]
    assert house.kept.keys() == {one.trade_id for one in told}
    assert [(one.rows, one.is_last) for one in house.writes] == [(2, True)]
    assert house.poller.take_all(HistoryTaken) == [HistoryTaken(request_id=1)]
    assert house.leaders.take_all(HistoryAdded) == [HistoryAdded(wallet=WALLET)]


def test_pages_read_again_add_nothing_and_twins_over_two_pages_are_two(house: House) -> None:
    assert len(house.take(old(1), old(1, occurrence=2))) == 2
    assert house.take(old(1), old(1, occurrence=2)) == []
    assert len(house.take(old(1, occurrence=3))) == 1
    assert house.take(old(1), old(1, occurrence=2), old(1, occurrence=3)) == []


def test_one_row_of_the_api_is_not_new_where_its_legs_are_stored_from_the_stream(house: House) -> None:
    for ordinal, size in enumerate((60 * SHARE, 40 * SHARE)):
        stored = {"traded_at_ns": LONG_AGO_NS, "kind": SourceKind.STREAM, "ordinal": ordinal}
        leg = trade(tx=tx_of(1), size=size, usdc=size // 2, **stored)
        house.kept[leg.trade_id] = leg
    assert house.take(old(1, size=100 * SHARE)) == []
    (rest,) = house.take(old(1, size=100 * SHARE), old(1, size=SHARE))
    assert rest.size == SHARE


@pytest.mark.parametrize(
    ("ago_s", "followed_ago_s", "is_taken"),
    [
        (20, 0, False),  # recorded by the leader itself, as backfill of a warm start
        (40, 0, True),
        (40, 100, False),
        (WINDOW_S + MARGIN_S - 5, 10**7, False),  # the leader may still remember it
        (WINDOW_S + MARGIN_S + 5, 10**7, True),
    ],
)
def test_it_keeps_away_from_what_a_leader_judges(
    house: House, ago_s: int, followed_ago_s: int, is_taken: bool
) -> None:
    house.followed_at_ns = NOON_NS - followed_ago_s * NS
    assert len(house.take(old(traded_at_ns=NOON_NS - ago_s * NS))) == is_taken


def test_movements_are_recorded_for_each_outcome(house: House) -> None:
    moved = MovementReported(
        wallet=WALLET,
        tx=tx_of(5),
        condition_id="0x" + "c0" * 32,
        kind=MovementKind.SPLIT,
        token_ids=(YES, NO),
        size=SHARE,
        moved_at_ns=LONG_AGO_NS,
        feed="backfill",
        seen_at_ns=NOON_NS,
    )
    assert house.take(moved) == []
    house.take(moved, msgspec.structs.replace(moved, occurrence=2))
    keys = [[one.key for one in write.movements] for write in house.writes]
    assert len(set(keys[0])) == 2
    assert set(keys[0]) < set(keys[1])
    assert len(set(keys[1])) == 4


def test_a_store_that_does_not_answer_costs_no_page(house: House) -> None:
    house.store.answers(StoreHistory, lambda _: None)
    assert house.take(old(1)) == []
    assert house.poller.take_all(HistoryTaken) == []
    house.store.answers(StoreHistory, house._keep)
    house.sim.advance(60)
    assert [one.side for one in house.take(old(1))] == [Side.BUY]
