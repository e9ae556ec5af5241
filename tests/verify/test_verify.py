"""Each kind of damage is found by the invariant it breaks, and by no other."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from examples import NO, PAPER, YES
from hypothesis import given
from hypothesis import strategies as st
from store_desk import Desk

from ops.verify import Fold, millionths, percentile, text, verify

# Damage needs the guards out of its way; that they are there is the store's own tests' matter.
UNGUARDED = (
    "ALTER TABLE intents DROP CONSTRAINT intents_portfolio_id_trade_id_key",
    "ALTER TABLE orders DROP CONSTRAINT orders_intent_id_key",
    "ALTER TABLE orders DROP CONSTRAINT orders_intent_id_fkey",
    "DROP TRIGGER backfill_never_trades ON intents",
    "DROP TRIGGER terminal_is_final ON orders",
)
COPY_OF_ORDER = """
INSERT INTO orders (order_id, intent_id, state, filled, created_at_ns, updated_at_ns)
SELECT '0xtwin', intent_id, 'CANCELLED', 0, created_at_ns, updated_at_ns FROM orders LIMIT 1
"""
SECOND_DECISION = """
INSERT INTO intents
    (intent_id, portfolio_id, trade_id, kind, reason, epoch, checks, settings_hash, decided_at_ns)
SELECT 'second', portfolio_id, trade_id, 'SKIP', 'SKIP_DUST', 1, '[]', 's', 1 FROM intents
WHERE kind = 'SKIP' LIMIT 1
"""
DAMAGE: dict[str, tuple[set[str], str]] = {
    "a second decision on a trade": ({"I1", "I5"}, SECOND_DECISION),
    "a second order of an intent": ({"I1"}, COPY_OF_ORDER),
    "an order sent before its intent": ({"I2"}, "UPDATE orders SET sent_at_ns = 5 WHERE sent_at_ns > 0"),
    "an order without an intent": (
        {"I2"},
        "INSERT INTO orders (order_id, intent_id, state, created_at_ns, updated_at_ns) "
        "VALUES ('0xstray', 'nobody', 'CANCELLED', 1, 1)",
    ),
    "an order that only the venue knows": (
        {"I2"},
        "INSERT INTO paper_orders SELECT '0xghost', portfolio_id, condition_id, token_id, event_slug, side, "
        "size, price_limit, fee_rate, state, reason, at_ns FROM paper_orders LIMIT 1",
    ),
    "cash off by a millionth": ({"I3"}, "UPDATE portfolios SET cash = cash + 0.000001"),
    "realised off by a millionth": ({"I3"}, "UPDATE portfolios SET realised = realised - 0.000001"),
    "fees off": ({"I3"}, "UPDATE portfolios SET fees = 0"),
    "shares off": ({"I3"}, f"UPDATE positions SET shares = shares + 0.000001 WHERE token_id = '{YES}'"),
    "cost off": ({"I3"}, f"UPDATE positions SET cost = cost - 0.000001 WHERE token_id = '{YES}'"),
    "a snapshot missing": ({"I3"}, f"DELETE FROM positions WHERE token_id = '{NO}'"),
    "a snapshot of nothing": (
        {"I3"},
        f"INSERT INTO positions VALUES ('{PAPER}', '333', '0xc', 1, 1, 0, 0, 1)",
    ),
    "a fill the venue does not have": ({"I3"}, "DELETE FROM paper_fills WHERE fill_id = 's'"),
    "a settlement the venue does not have": ({"I3"}, "DELETE FROM paper_fills WHERE fill_id = 'p'"),
    "an order that counts a fill twice": ({"I3"}, "UPDATE orders SET filled = filled * 2"),
    "a fill that nobody recorded": ({"I3"}, "DELETE FROM fills WHERE fill_id = 's'"),
    "fills that could not be recorded": (
        {"I3"},
        "INSERT INTO dead_writes (message, body, error) VALUES ('StoreOrder', '', 'why')",
    ),
    "a trade without a decision": ({"I5"}, "DELETE FROM intents WHERE reason = 'SKIP_SPREAD'"),
    "a trade that could not be recorded": (
        {"I5"},
        "INSERT INTO dead_writes (message, body, error) VALUES ('StoreTrade', '', 'why')",
    ),
    "a copy of history": (
        {"I9"},
        "UPDATE trades SET backfill = true WHERE seq = (SELECT min(seq) FROM trades)",
    ),
    "an order still open": ({"I10"}, "UPDATE orders SET state = 'PENDING' WHERE latency_ns = 1000000"),
    "an intent without an order": (
        {"I10"},
        "UPDATE intents SET kind = 'COPY', reason = '', condition_id = '0xc', token_id = '1', "
        "event_slug = '', side = 'BUY', size = 1, price_limit = 1, price_expected = 1, reserved = 1, "
        "fee_rate = 0, tick = 0.01, freshness = 'LIVE', traded_at_ns = 1, seen_at_ns = 1, shortfall = 0 "
        "WHERE reason = 'SKIP_SPREAD'",
    ),
}


async def test_a_good_day_breaks_nothing(day: Desk) -> None:
    report = await verify(day.url)
    assert report.violations() == []
    assert report.invariants() == dict.fromkeys(("I1", "I2", "I3", "I5", "I7", "I9", "I10"), True)


async def test_the_figures_of_a_good_day(day: Desk) -> None:
    figures = (await verify(day.url)).figures()
    assert json.loads(json.dumps(figures)) == figures
    (held,) = figures.pop("positions")
    assert figures == {
        "leader_trades": 5,
        "duplicates": 7,
        "intents": 3,
        "skips": {"SKIP_BACKFILL": 1, "SKIP_SPREAD": 1},
        "orders": {"FILLED": 3},
        "fills": 4,
        "cash": "992.97",
        "realised": "-3.683333",
        "unrealised": "0.653333",
        "fees": "0.03",
        "latency_ms": {"p50": 2.0, "p99": pytest.approx(3.96)},
    }
    assert (held["token_id"], held["shares"], held["cost"]) == (YES, "6.666667", "3.346667")
    assert (held["price"], held["unrealised"]) == ("0.6", "0.653333")


@pytest.mark.parametrize(
    ("change", "price", "unrealised"),
    [
        ("resolution = 'disputed'", "0.6", "0.653333"),
        ("resolution = 'closed', prices = '{0,0}'", None, "0"),
        ("resolution = 'resolved', prices = '{0,0}', payouts = '{1,0}'", "1", "3.32"),
        ("resolution = 'resolved', payouts = '{0,1}'", "0", "-3.346667"),
    ],
)
async def test_a_position_is_worth_what_its_market_pays_or_was_last_worth(
    day: Desk, change: str, price: str | None, unrealised: str
) -> None:
    """A legacy row that was closed with zeros says nothing: its position is valued at cost."""
    await day.execute(f"UPDATE markets SET {change}")
    figures = (await verify(day.url)).figures()
    assert [held["price"] for held in figures["positions"]] == [price]
    assert figures["unrealised"] == unrealised


@pytest.mark.parametrize("what", DAMAGE)
async def test_damage_is_found(day: Desk, what: str) -> None:
    broken, statement = DAMAGE[what]
    await day.execute(*UNGUARDED, statement)
    report = await verify(day.url)
    assert {name for name, holds in report.invariants().items() if not holds} == broken
    for name in broken:
        assert any(line.startswith(f"{name}: ") for line in report.violations())


async def test_a_sale_over_the_holding_is_found_at_any_point_of_the_fold(day: Desk) -> None:
    """The sale comes before the purchase that would have covered it: in the end the sums are the same."""
    await day.execute("UPDATE fills SET seq = seq - 1000 WHERE fill_id = 's'")
    report = await verify(day.url)
    assert not report.invariants()["I7"]
    assert any("sells 3333333 of 0" in line for line in report.violations())


async def test_trades_outside_the_time_of_following_are_owed_nothing(day: Desk) -> None:
    await day.execute("DELETE FROM intents WHERE reason = 'SKIP_SPREAD'")
    await day.execute(
        "UPDATE follows SET until_ns = 1, until_seq = (SELECT min(seq) + 2 FROM trades)",
    )
    assert (await verify(day.url)).invariants()["I5"]
    await day.execute("UPDATE follows SET until_seq = until_seq + 1")
    assert not (await verify(day.url)).invariants()["I5"]


async def test_examples_are_few_and_say_how_many_more(day: Desk) -> None:
    await day.execute(
        "INSERT INTO dead_writes (message, body, error) SELECT 'StoreTrade', '', n::text "
        "FROM generate_series(1, 50) AS n"
    )
    lines = (await verify(day.url)).violations()
    assert len(lines) == 12
    assert lines[-1] == "I5: and 40 more"


@given(st.integers(-(10**24), 10**24))
def test_amounts_are_exact(amount: int) -> None:
    assert millionths(Decimal(text(amount))) == amount


def test_an_amount_finer_than_a_millionth_is_an_error() -> None:
    with pytest.raises(ValueError, match="six decimals"):
        millionths(Decimal("0.0000001"))


fills = st.lists(
    st.tuples(st.booleans(), st.integers(1, 10**9), st.integers(0, 10**9), st.integers(0, 10**6)), max_size=30
)


@given(fills)
def test_cash_and_cost_are_conserved_whatever_is_folded(steps: list[tuple[bool, int, int, int]]) -> None:
    fold = Fold(cash=10**12)
    for number, (buys, size, usdc, fee) in enumerate(steps):
        held = fold.books["t"].shares if "t" in fold.books else 0
        fold.add(
            {
                "fill_id": str(number),
                "token_id": "t",
                "condition_id": "c",
                "side": "BUY" if buys or held == 0 else "SELL",
                "size": Decimal(size if buys or held == 0 else min(size, held)).scaleb(-6),
                "usdc": Decimal(usdc).scaleb(-6),
                "fee": Decimal(fee).scaleb(-6),
            }
        )
    cost = sum(book.cost for book in fold.books.values())
    assert fold.cash + cost - fold.realised == 10**12
    assert fold.oversold == []
    assert all(book.cost == 0 for book in fold.books.values() if book.shares == 0)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.99, 3.0), ([1.0, 2.0], 0.5, 1.5), ([1.0, 2.0, 3.0], 1.0, 3.0)],
)
def test_percentiles(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


def test_it_imports_nothing_of_what_it_checks() -> None:
    source = Path(verify.__code__.co_filename).read_text()
    for folder in ("actors", "messages", "config", "supervisor", "ops"):
        assert f"from {folder}" not in source
        assert f"import {folder}" not in source
