"""Leaders in SQL: their trades and what became of them, positions, cursors, and who saw what when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from actors.store import movements
from actors.store.columns import clean, columns, rounds, unnest
from actors.store.connection import Connection, Row
from actors.store.raw import raw_json
from messages.store import (
    LeaderLoaded,
    LeaderPosition,
    LoadLeader,
    StoreCorrection,
    StoreCursor,
    StoreDuplicates,
    StoreSightings,
    StoreTrade,
)
from messages.trades import LeaderTrade, Side, SourceKind

FIELDS: Final = {
    "trade_id": "text",
    "key": "text",
    "ordinal": "bigint",
    "wallet": "text",
    "tx": "text",
    "condition_id": "text",
    "token_id": "text",
    "side": "text",
    "size": "numeric",
    "price": "numeric",
    "usdc": "numeric",
    "traded_at_ns": "bigint",
    "seen_at_ns": "bigint",
    "kind": "text",
    "feed": "text",
    "backfill": "boolean",
    "position_before": "numeric",
    "position_after": "numeric",
    "outcome": "text",
    "title": "text",
    "slug": "text",
    "event_slug": "text",
    "block_number": "bigint",
    "log_index": "bigint",
    "is_remainder": "boolean",
}
SELECTED: Final = ", ".join(f"trades.{name}" for name in ("seq", *FIELDS, "stands"))
_NAMES: Final = ", ".join(FIELDS)
CORRECTED: Final = {
    "wallet": "text",
    "token_id": "text",
    "trade_id": "text",
    "was": "numeric",
    "now": "numeric",
    "reason": "text",
    "kind": "text",
    "feed": "text",
    "at_ns": "bigint",
}
SIGHTED: Final = {
    "wallet": "text",
    "tx": "text",
    "token_id": "text",
    "side": "text",
    "kind": "text",
    "feed": "text",
    "traded_at_ns": "bigint",
    "seen_at_ns": "bigint",
}

_INSERT: Final = f"""
WITH given AS (SELECT * FROM {unnest(**FIELDS, raw="json", position="numeric")}),
fresh AS (
    INSERT INTO trades ({_NAMES}, raw)
    SELECT {_NAMES}, raw FROM given ORDER BY ord
    ON CONFLICT DO NOTHING
    RETURNING trade_id)
INSERT INTO leader_positions (wallet, token_id, shares)
SELECT DISTINCT ON (wallet, token_id) wallet, token_id, position
FROM fresh JOIN given USING (trade_id) ORDER BY wallet, token_id, ord DESC
ON CONFLICT (wallet, token_id) DO UPDATE SET shares = excluded.shares
"""
_CORRECT: Final = f"""
WITH given AS (SELECT * FROM {unnest(**CORRECTED, position="numeric")}),
fresh AS (
    INSERT INTO corrections (trade_id, was, now, reason, kind, feed, at_ns)
    SELECT trade_id, was, now, reason, kind, feed, at_ns FROM given ORDER BY ord
    ON CONFLICT DO NOTHING
    RETURNING trade_id),
counted AS (
    UPDATE trades SET stands = given.now
    FROM fresh JOIN given USING (trade_id) WHERE trades.trade_id = given.trade_id)
INSERT INTO leader_positions (wallet, token_id, shares)
SELECT DISTINCT wallet, token_id, position FROM fresh JOIN given USING (trade_id)
ON CONFLICT (wallet, token_id) DO UPDATE SET shares = excluded.shares
"""
_SIGHT: Final = f"""
INSERT INTO sightings ({", ".join(SIGHTED)}) SELECT {", ".join(SIGHTED)} FROM {unnest(**SIGHTED)}
ON CONFLICT DO NOTHING
"""
_CURSORS: Final = f"""
UPDATE leaders SET cursor_s = greatest(leaders.cursor_s, moved.cursor_s)
FROM (SELECT wallet, max(cursor_s) AS cursor_s FROM {unnest(wallet="text", cursor_s="bigint")}
      GROUP BY wallet) AS moved
WHERE leaders.wallet = moved.wallet
"""
_DUPLICATES: Final = f"""
INSERT INTO duplicates (wallet, count)
SELECT wallet, sum(count)::bigint FROM {unnest(wallet="text", count="bigint")} GROUP BY wallet
ON CONFLICT (wallet) DO UPDATE SET count = duplicates.count + excluded.count
"""
_SEE: Final = f"""
INSERT INTO leaders (wallet, followed_at_ns, cursor_s)
SELECT wallet, followed_at_ns, cursor_s
FROM {unnest(wallet="text", followed_at_ns="bigint", cursor_s="bigint")}
ON CONFLICT (wallet) DO NOTHING
"""
_LEADERS: Final = "SELECT wallet, followed_at_ns, cursor_s FROM leaders WHERE wallet = ANY($1::text[])"
_POSITIONS: Final = """
SELECT wallet, token_id, shares FROM leader_positions WHERE wallet = ANY($1::text[]) AND shares <> 0
"""
_TRADES: Final = f"""
SELECT {SELECTED} FROM {unnest(wallet="text", since_ns="bigint")}
JOIN trades ON trades.wallet = input.wallet AND trades.traded_at_ns >= input.since_ns
ORDER BY trades.seq
"""
_FOREIGN_TEXT: Final = frozenset({"outcome", "title", "slug", "event_slug", "feed"})


async def store_trades(connection: Connection, writes: Sequence[StoreTrade | StoreCorrection]) -> None:
    """Record trades and what is said of them later, in the order given: the last position stands.

    What is there already changes nothing.
    """
    trades: list[StoreTrade] = []
    for write in writes:
        if isinstance(write, StoreTrade):
            trades.append(write)
            continue
        await _insert(connection, trades)
        trades = []
        await connection.execute(_CORRECT, *columns(_corrected(write)))
    await _insert(connection, trades)


async def _insert(connection: Connection, writes: Sequence[StoreTrade]) -> None:
    if writes:
        await connection.execute(
            _INSERT, *columns([*values_of(write.trade), write.position] for write in writes)
        )


async def store_sightings(connection: Connection, writes: Sequence[StoreSightings]) -> None:
    """Record who saw what when; what was recorded first stands."""
    rows = [[getattr(one, name) for name in SIGHTED] for write in writes for one in write.sightings]
    if rows:
        await connection.execute(_SIGHT, *columns(rows))


async def store_cursors(connection: Connection, writes: Sequence[StoreCursor]) -> None:
    """Move cursors forward."""
    await connection.execute(_CURSORS, *columns((write.wallet, write.cursor_s) for write in writes))


async def store_duplicates(connection: Connection, writes: Sequence[StoreDuplicates]) -> None:
    """Add to the counts."""
    await connection.execute(_DUPLICATES, *columns((write.wallet, write.count) for write in writes))


async def load_leaders(connection: Connection, loads: Sequence[LoadLeader]) -> list[LeaderLoaded]:
    """Record the leaders that are new and return all as stored, in the order asked."""
    answers: dict[int, LeaderLoaded] = {}
    for group in rounds(list(enumerate(loads)), key=lambda item: item[1].wallet):
        asked = [load for _, load in group]
        loaded = await _load(connection, asked)
        answers.update((number, loaded[load.wallet]) for number, load in group)
    return [answers[number] for number in range(len(loads))]


async def _load(connection: Connection, loads: Sequence[LoadLeader]) -> dict[str, LeaderLoaded]:
    wallets = [load.wallet for load in loads]
    await connection.execute(
        _SEE, *columns((load.wallet, load.followed_at_ns, load.cursor_s) for load in loads)
    )
    leaders = await connection.fetch(_LEADERS, wallets)
    positions: defaultdict[str, list[LeaderPosition]] = defaultdict(list)
    for row in await connection.fetch(_POSITIONS, wallets):
        positions[row["wallet"]].append(LeaderPosition(row["token_id"], row["shares"]))
    trades: defaultdict[str, list[LeaderTrade]] = defaultdict(list)
    for row in await connection.fetch(
        _TRADES, *columns((load.wallet, load.trades_since_ns) for load in loads)
    ):
        trades[row["wallet"]].append(trade_from(row))
    moved = await movements.since(connection, loads)
    return {
        row["wallet"]: LeaderLoaded(
            wallet=row["wallet"],
            followed_at_ns=row["followed_at_ns"],
            cursor_s=row["cursor_s"],
            positions=tuple(positions[row["wallet"]]),
            trades=tuple(trades[row["wallet"]]),
            movements=moved.get(row["wallet"], ()),
        )
        for row in leaders
    }


def trade_from(row: Row) -> LeaderTrade:
    """Return the trade that a row of `SELECTED` holds."""
    fields = {name: row[name] for name in FIELDS}
    fields["side"] = Side(fields["side"])
    fields["kind"] = SourceKind(fields["kind"])
    return LeaderTrade(seq=row["seq"], seen_mono_ns=0, stands=row["stands"], **fields)


def _corrected(write: StoreCorrection) -> list[list[object]]:
    return [
        [
            write.wallet,
            write.token_id,
            each.trade_id,
            each.was,
            each.now,
            each.reason,
            write.kind,
            clean(write.feed),
            write.at_ns,
            write.position,
        ]
        for each in write.corrections
    ]


def values_of(trade: LeaderTrade) -> list[object]:
    """Return the values of `FIELDS`, and the payload."""
    values: list[object] = []
    for name in FIELDS:
        value = getattr(trade, name)
        values.append(clean(value) if name in _FOREIGN_TEXT else value)
    values.append(raw_json(trade.raw))
    return values
