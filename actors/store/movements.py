"""Leaders' splits, merges and redemptions in SQL, and the positions they leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from actors.store.columns import columns, unnest
from actors.store.connection import Connection
from actors.store.raw import raw_json
from messages.movements import LeaderMovement, MovementKind
from messages.store import LoadLeader, StoreMovement

FIELDS: Final = {
    "key": "text",
    "ordinal": "bigint",
    "wallet": "text",
    "tx": "text",
    "condition_id": "text",
    "kind": "text",
    "token_id": "text",
    "size": "numeric",
    "moved_at_ns": "bigint",
    "seen_at_ns": "bigint",
    "feed": "text",
    "position_before": "numeric",
    "position_after": "numeric",
}
_NAMES: Final = ", ".join(FIELDS)
_INSERT: Final = f"""
WITH given AS (SELECT * FROM {unnest(**FIELDS, raw="json", position="numeric")}),
fresh AS (
    INSERT INTO leader_movements ({_NAMES}, raw)
    SELECT {_NAMES}, raw FROM given ORDER BY ord
    ON CONFLICT DO NOTHING
    RETURNING key)
INSERT INTO leader_positions (wallet, token_id, shares)
SELECT DISTINCT ON (wallet, token_id) wallet, token_id, position
FROM fresh JOIN given USING (key) ORDER BY wallet, token_id, ord DESC
ON CONFLICT (wallet, token_id) DO UPDATE SET shares = excluded.shares
"""
_SINCE: Final = f"""
SELECT {", ".join(f"leader_movements.{name}" for name in FIELDS)}
FROM {unnest(wallet="text", since_ns="bigint")}
JOIN leader_movements ON leader_movements.wallet = input.wallet
    AND leader_movements.moved_at_ns >= input.since_ns
ORDER BY leader_movements.seq
"""


async def store_movements(connection: Connection, writes: Sequence[StoreMovement]) -> None:
    """Record movements in the order given; one that is there already changes nothing."""
    await connection.execute(
        _INSERT, *columns([*values_of(write.movement), write.position] for write in writes)
    )


async def since(connection: Connection, loads: Sequence[LoadLeader]) -> dict[str, tuple[LeaderMovement, ...]]:
    """Return the movements by wallet, each wallet's in the order of their recording."""
    asked = columns((load.wallet, load.trades_since_ns) for load in loads)
    found: defaultdict[str, list[LeaderMovement]] = defaultdict(list)
    for row in await connection.fetch(_SINCE, *asked):
        fields = {name: row[name] for name in FIELDS}
        fields["kind"] = MovementKind(fields["kind"])
        found[row["wallet"]].append(LeaderMovement(**fields))
    return {wallet: tuple(movements) for wallet, movements in found.items()}


def values_of(movement: LeaderMovement) -> list[object]:
    """Return the values of `FIELDS`, and the payload."""
    return [*(getattr(movement, name) for name in FIELDS), raw_json(movement.raw)]
