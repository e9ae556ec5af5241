"""Markets are written back as of a time; mismatches are kept."""

from __future__ import annotations

from examples import CONDITION, NOON_NS, PAPER, market
from store_desk import Desk

from messages.markets import Resolution
from messages.store import StoreMarket, StoreMismatch

PRICES = (
    "SELECT (prices[1] * 100)::int, resolution, last_price_updated_at_ns, last_requested_at_ns > 0 "
    "FROM markets"
)


async def test_the_newest_word_on_a_market_stands(desk: Desk) -> None:
    for as_of_ns, price in ((NOON_NS + 2, 520_000), (NOON_NS + 1, 510_000)):
        desk.put(StoreMarket(market=market(prices=(price, 1_000_000 - price)), as_of_ns=as_of_ns))
    await desk.settled()
    desk.put(StoreMarket(market=market(prices=(400_000, 600_000)), as_of_ns=NOON_NS))
    await desk.settled()
    assert await desk.rows(PRICES) == [(52, "open", NOON_NS + 2, True)]


async def test_markets_of_any_number_of_outcomes_share_a_batch(desk: Desk) -> None:
    three = market(
        condition_id="0x3", outcomes=("A", "B\0", "C"), token_ids=("1", "2", "3"), prices=(1, 2, 3)
    )
    resolved = market(resolution=Resolution.RESOLVED, payouts=(1_000_000, 0))
    bare = market(condition_id="0x0", outcomes=(), token_ids=(), prices=())
    for one in (three, resolved, bare):
        desk.put(StoreMarket(market=one, as_of_ns=1))
    await desk.settled()
    rows = await desk.rows("SELECT condition_id, outcomes, cardinality(payouts) FROM markets ORDER BY 1")
    assert rows == [("0x0", [], 0), ("0x3", ["A", "B", "C"], 0), (CONDITION, ["Yes", "No"], 2)]


async def test_mismatches_are_recorded_in_order(desk: Desk) -> None:
    for what in ("cash", "shares"):
        desk.put(StoreMismatch(portfolio_id=PAPER, what=what, expected="1.5", actual="2", at_ns=NOON_NS))
    await desk.settled()
    rows = await desk.rows("SELECT what, expected, actual FROM mismatches ORDER BY seq")
    assert rows == [("cash", "1.5", "2"), ("shares", "1.5", "2")]
