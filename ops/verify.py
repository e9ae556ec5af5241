"""The invariants, computed from the database by code that shares nothing with what wrote it.

It imports nothing of Remora: the rules are written down a second time, in raw SQL and plain integers, so
that a mistake on one side does not hide itself on the other. Run it when nothing is under way: a running
daemon has orders that are not at their end (I10) and trades that are not decided on yet (I5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg

EXAMPLES_MAX = 10
MEANINGS = {
    "I1": "at most one decision per portfolio and trade, at most one order per decision",
    "I2": "every order's intent was durable before the order left",
    "I3": "positions, cash and realised PnL equal the fold of fills, and the paper venue's books agree",
    "I5": "every trade since a leader was followed has exactly one decision per following portfolio",
    "I7": "shares are never negative, no sale exceeds what is held",
    "I9": "no backfilled trade was copied",
    "I10": "every order is in a terminal state",
}


@dataclass
class Book:
    """One outcome of one portfolio while its fills are folded, in millionths."""

    condition_id: str
    shares: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0


@dataclass
class Fold:
    """One portfolio's fills, folded in order."""

    cash: int
    realised: int = 0
    fees: int = 0
    books: dict[str, Book] = field(default_factory=dict)
    oversold: list[str] = field(default_factory=list)

    def add(self, fill: Any) -> None:
        """Fold one fill at average cost; fees belong to the cost of a buy and come off a sale."""
        size, usdc, fee = (millionths(fill[name]) for name in ("size", "usdc", "fee"))
        book = self.books.setdefault(fill["token_id"], Book(fill["condition_id"]))
        if fill["side"] == "BUY":
            book.shares += size
            book.cost += usdc + fee
            self.cash -= usdc + fee
        else:
            if size > book.shares:
                self.oversold.append(f"fill {fill['fill_id']} sells {size} of {book.shares} (1e-6 shares)")
            sold_all = size == book.shares or book.shares <= 0
            cost = book.cost if sold_all else book.cost * size // book.shares
            book.shares -= size
            book.cost -= cost
            book.realised += usdc - fee - cost
            self.realised += usdc - fee - cost
            self.cash += usdc - fee
        book.fees += fee
        self.fees += fee


@dataclass
class Report:
    """What was found: for each invariant the rows that break it, and the figures of the whole."""

    broken: dict[str, list[str]]
    numbers: dict[str, Any]

    def invariants(self) -> dict[str, bool]:
        """Return each invariant and whether it holds."""
        return {name: not rows for name, rows in self.broken.items()}

    def violations(self) -> list[str]:
        """Return a line for each row that breaks something, a few examples of each kind."""
        lines = []
        for name, rows in self.broken.items():
            if rows:
                lines.append(f"{name} does not hold: {MEANINGS[name]}")
                lines += [f"{name}: {row}" for row in rows[:EXAMPLES_MAX]]
            if len(rows) > EXAMPLES_MAX:
                lines.append(f"{name}: and {len(rows) - EXAMPLES_MAX} more")
        return lines

    def figures(self) -> dict[str, Any]:
        """Return the figures; amounts are decimal texts in whole units."""
        return dict(self.numbers)


async def verify(dsn: str) -> Report:
    """Compute everything in one snapshot of the database."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            folds = await fold_all(connection, "fills")
            broken = {
                "I1": await _at_most_once(connection),
                "I2": await _durable_before_sent(connection),
                "I3": await _books_agree(connection, folds),
                "I5": await _decided_once(connection),
                "I7": [row for fold in folds.values() for row in fold.oversold],
                "I9": await _backfill_never_trades(connection),
                "I10": await _all_ended(connection),
            }
            return Report(broken, await _figures(connection, folds))
    finally:
        await connection.close()


def millionths(value: Decimal) -> int:
    """Return an amount as an exact integer of 1e-6. Raises `ValueError` for a finer one."""
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 1_000_000, denominator)
    if rest:
        raise ValueError(f"amount was {value}, expected no more than six decimals")
    return whole


def text(amount: int) -> str:
    """Return an integer of 1e-6 as a decimal text."""
    return format(Decimal(amount).scaleb(-6).normalize(), "f") if amount else "0"


async def fold_all(connection: Any, table: str) -> dict[str, Fold]:
    """Return every portfolio's fills in a table, folded from its starting cash."""
    folds = {
        row["id"]: Fold(cash=millionths(row["starting_cash"]))
        for row in await connection.fetch("SELECT id, starting_cash FROM portfolios ORDER BY id")
    }
    async for fill in connection.cursor(f"SELECT * FROM {table} ORDER BY seq"):
        folds.setdefault(fill["portfolio_id"], Fold(cash=0)).add(fill)
    return folds


async def _rows(connection: Any, query: str) -> list[str]:
    return [" ".join(str(value) for value in row.values()) for row in await connection.fetch(query)]


async def _at_most_once(connection: Any) -> list[str]:
    return await _rows(
        connection,
        "SELECT 'trade', trade_id, 'has', count(*), 'decisions of', portfolio_id FROM intents "
        "GROUP BY portfolio_id, trade_id HAVING count(*) > 1",
    ) + await _rows(
        connection,
        "SELECT 'intent', intent_id, 'has', count(*), 'orders' FROM orders "
        "GROUP BY intent_id HAVING count(*) > 1",
    )


async def _durable_before_sent(connection: Any) -> list[str]:
    return (
        await _rows(
            connection,
            "SELECT 'order', order_id, 'left at', sent_at_ns, 'without an intent' FROM orders "
            "WHERE NOT EXISTS (SELECT FROM intents WHERE intents.intent_id = orders.intent_id "
            "AND intents.kind = 'COPY')",
        )
        + await _rows(
            connection,
            "SELECT 'order', order_id, 'left at', sent_at_ns, 'before', decided_at_ns FROM orders "
            "JOIN intents USING (intent_id) WHERE sent_at_ns > 0 AND sent_at_ns < decided_at_ns",
        )
        + await _rows(
            connection,
            "SELECT 'the venue has order', order_id, 'which is not recorded' FROM paper_orders "
            "WHERE NOT EXISTS (SELECT FROM orders WHERE orders.order_id = paper_orders.order_id)",
        )
    )


async def _books_agree(connection: Any, folds: dict[str, Fold]) -> list[str]:
    found = []
    known = {row["id"]: row for row in await connection.fetch("SELECT * FROM portfolios")}
    snapshots: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for row in await connection.fetch("SELECT * FROM positions"):
        snapshots[row["portfolio_id"]][row["token_id"]] = row
    paper = await fold_all(connection, "paper_fills")
    for name, fold in folds.items():
        if name not in known:
            found.append(f"portfolio {name} has fills and no row")
            continue
        row, cost = known[name], sum(book.cost for book in fold.books.values())
        starting = millionths(row["starting_cash"])
        if fold.cash + cost - fold.realised != starting:
            found.append(
                f"portfolio {name}: cash + cost - realised is not the starting cash {text(starting)}"
            )
        found += _differences(f"portfolio {name}", fold, row, ("cash", "realised", "fees"))
        for token in sorted(fold.books.keys() | snapshots[name].keys()):
            book = fold.books.get(token, Book(""))
            snapshot = snapshots[name].get(token)
            label = f"position {name}/{token}"
            if snapshot is None:
                found.append(f"{label} has fills and no snapshot")
            else:
                found += _differences(label, book, snapshot, ("shares", "cost", "realised", "fees"))
        if row["mode"] == "paper":
            found += _against_paper(name, fold, paper[name])
    return (
        found
        + await _rows(
            connection,
            "SELECT 'order', order_id, 'says', filled, 'filled, its fills say', coalesce(sum(size), 0) "
            "FROM orders LEFT JOIN fills USING (order_id) GROUP BY order_id, filled "
            "HAVING filled <> coalesce(sum(size), 0)",
        )
        + await _dead(connection, ("StoreOrder", "StoreSettlement"))
    )


def _differences(label: str, folded: Any, snapshot: Any, names: Iterable[str]) -> list[str]:
    return [
        f"{label}: {name} is {text(millionths(snapshot[name]))}, its fills say {text(getattr(folded, name))}"
        for name in names
        if millionths(snapshot[name]) != getattr(folded, name)
    ]


def _against_paper(name: str, ours: Fold, venue: Fold) -> list[str]:
    found = []
    if ours.cash != venue.cash:
        found.append(f"portfolio {name}: cash is {text(ours.cash)}, the venue has {text(venue.cash)}")
    for token in sorted(ours.books.keys() | venue.books.keys()):
        held, there = (fold.books.get(token, Book("")).shares for fold in (ours, venue))
        if held != there:
            found.append(f"position {name}/{token}: {text(held)} shares, the venue has {text(there)}")
    return found


async def _decided_once(connection: Any) -> list[str]:
    return await _rows(
        connection,
        "SELECT 'trade', trades.trade_id, 'has', count(intents.trade_id), 'decisions of', "
        "follows.portfolio_id FROM follows JOIN trades ON trades.wallet = follows.wallet "
        "AND trades.seq > follows.since_seq "
        "AND (follows.until_seq IS NULL OR trades.seq <= follows.until_seq) "
        "LEFT JOIN intents ON intents.portfolio_id = follows.portfolio_id "
        "AND intents.trade_id = trades.trade_id "
        "GROUP BY trades.trade_id, follows.portfolio_id HAVING count(intents.trade_id) <> 1",
    ) + await _dead(connection, ("StoreTrade", "StoreDecision"))


async def _dead(connection: Any, kinds: tuple[str, ...]) -> list[str]:
    rows = await connection.fetch(
        "SELECT message, error FROM dead_writes WHERE message = ANY($1::text[]) ORDER BY seq", list(kinds)
    )
    return [f"a {row['message']} could not be recorded: {row['error']}" for row in rows]


async def _backfill_never_trades(connection: Any) -> list[str]:
    return await _rows(
        connection,
        "SELECT 'backfilled trade', trade_id, 'was copied by', portfolio_id FROM intents "
        "JOIN trades USING (trade_id) WHERE trades.backfill AND intents.kind = 'COPY'",
    )


async def _all_ended(connection: Any) -> list[str]:
    return await _rows(
        connection,
        "SELECT 'order', order_id, 'is', state FROM orders "
        "WHERE state NOT IN ('FILLED', 'CANCELLED', 'REJECTED', 'LOST')",
    ) + await _rows(
        connection,
        "SELECT 'intent', intent_id, 'has no order' FROM intents WHERE kind = 'COPY' "
        "AND NOT EXISTS (SELECT FROM orders WHERE orders.intent_id = intents.intent_id)",
    )


async def _figures(connection: Any, folds: dict[str, Fold]) -> dict[str, Any]:
    decisions = await connection.fetch(
        "SELECT kind, reason, count(*) FROM intents GROUP BY kind, reason ORDER BY reason"
    )
    latencies = await connection.fetch(
        "SELECT latency_ns FROM orders WHERE latency_ns > 0 ORDER BY latency_ns"
    )
    positions = _positions(folds, await _prices(connection))
    ordered = [row["latency_ns"] / 1e6 for row in latencies]
    return {
        "leader_trades": await connection.fetchval("SELECT count(*) FROM trades"),
        "duplicates": await connection.fetchval("SELECT coalesce(sum(count), 0)::bigint FROM duplicates"),
        "intents": sum(row["count"] for row in decisions if row["kind"] == "COPY"),
        "skips": {row["reason"]: row["count"] for row in decisions if row["kind"] == "SKIP"},
        "orders": {
            row["state"]: row["count"]
            for row in await connection.fetch(
                "SELECT state, count(*) FROM orders GROUP BY state ORDER BY state"
            )
        },
        "fills": await connection.fetchval("SELECT count(*) FROM fills"),
        "positions": [
            {name: text(value) if isinstance(value, int) else value for name, value in position.items()}
            for position in positions
        ],
        "cash": text(sum(fold.cash for fold in folds.values())),
        "realised": text(sum(fold.realised for fold in folds.values())),
        "unrealised": text(sum(position["unrealised"] for position in positions)),
        "fees": text(sum(fold.fees for fold in folds.values())),
        "latency_ms": {"p50": percentile(ordered, 0.5), "p99": percentile(ordered, 0.99)},
    }


async def _prices(connection: Any) -> dict[str, int]:
    """Return what a share of each known outcome is worth: its payout, or its last price.

    Prices that are all zero are those of legacy rows that were closed: they say nothing.
    """
    prices = {}
    for row in await connection.fetch("SELECT token_ids, prices, payouts, resolution FROM markets"):
        worth = row["payouts"] if row["resolution"] == "resolved" else row["prices"]
        if not any(worth):
            continue
        prices.update(
            {token: millionths(price) for token, price in zip(row["token_ids"], worth, strict=False)}
        )
    return prices


def _positions(folds: dict[str, Fold], prices: dict[str, int]) -> list[dict[str, Any]]:
    """Return what is open; without a known price it is valued at cost."""
    return [
        {
            "portfolio": name,
            "condition_id": book.condition_id,
            "token_id": token,
            "shares": book.shares,
            "cost": book.cost,
            "realised": book.realised,
            "fees": book.fees,
            "price": prices.get(token),
            "unrealised": book.shares * prices[token] // 1_000_000 - book.cost if token in prices else 0,
        }
        for name, fold in folds.items()
        for token, book in fold.books.items()
        if book.shares != 0
    ]


def percentile(ordered: list[float], share: float) -> float | None:
    """Return the value below which `share` of the ordered values lie, between neighbours; None for none."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
