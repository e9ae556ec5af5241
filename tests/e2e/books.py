"""What a daemon's database holds once it has stopped, and what ought to be in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
from processes import Daemon

from ops.reading import database_of
from ops.verify import verify

TERMINAL = {"FILLED", "CANCELLED", "REJECTED", "LOST"}
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Books:
    """The outcome of a run, without the times and the order in which things happened."""

    trades: Counter[Row]
    """(wallet, transaction, token, side, size, price)"""
    decisions: Counter[Row]
    """(portfolio, trade id, kind, reason, side, size, price limit)"""
    orders: Counter[Row]
    """(order id, state, filled)"""
    positions: dict[Row, Decimal]
    """Shares by (portfolio, token)."""
    cash: dict[str, Decimal]
    invariants: dict[str, bool]
    violations: list[str]


def read_books(daemon: Daemon) -> Books:
    """Read the database, whether a daemon runs on it or not."""
    return asyncio.run(_read(daemon))


async def _read(daemon: Daemon) -> Books:
    url = daemon.settings.get("database", {}).get("url", "")
    async with database_of(daemon.state, url) as dsn:
        report = await verify(dsn)
        connection = await asyncpg.connect(dsn)
        try:
            return Books(
                trades=await _rows(connection, "SELECT wallet, tx, token_id, side, size, price FROM trades"),
                decisions=await _rows(
                    connection,
                    "SELECT portfolio_id, trade_id, kind, reason, side, size, price_limit FROM intents",
                ),
                orders=await _rows(connection, "SELECT order_id, state, filled FROM orders"),
                positions={
                    (row["portfolio_id"], row["token_id"]): row["shares"]
                    for row in await connection.fetch("SELECT * FROM positions WHERE shares <> 0")
                },
                cash={row["id"]: row["cash"] for row in await connection.fetch("SELECT * FROM portfolios")},
                invariants=report.invariants(),
                violations=report.violations(),
            )
        finally:
            await connection.close()


async def _rows(connection: Any, query: str) -> Counter[Row]:
    return Counter(tuple(row.values()) for row in await connection.fetch(query))


def played(legs: list[dict[str, Any]]) -> Counter[Row]:
    """The venue's own account of what it played, in the shape of `Books.trades`."""
    return Counter(
        (leg["wallet"], leg["tx"], leg["token"], leg["side"], Decimal(leg["size"]), Decimal(leg["price"]))
        for leg in legs
    )


def assert_sound(books: Books, portfolios: int = 2) -> None:
    """Every trade decided once by every portfolio, every order at its end, every invariant true."""
    assert books.violations == []
    assert books.invariants
    assert all(books.invariants.values())
    decided = Counter((row[0], row[1]) for row in books.decisions.elements())
    assert set(decided.values()) <= {1}
    assert len(decided) == books.trades.total() * portfolios
    assert {row[1] for row in books.orders} <= TERMINAL


def assert_same(books: Books, undisturbed: Books) -> None:
    """The same trades, decisions, orders and positions, however they came about."""
    for name in ("trades", "decisions", "orders", "positions", "cash"):
        here, there = set(getattr(books, name).items()), set(getattr(undisturbed, name).items())
        listed = "\n".join(
            [f"  only here:        {one}" for one in sorted(here - there, key=str)]
            + [f"  only undisturbed: {one}" for one in sorted(there - here, key=str)]
        )
        assert here == there, f"{name} differ:\n{listed}"
