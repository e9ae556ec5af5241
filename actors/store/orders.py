"""Orders in SQL: their state, the events of their life, and the fills that came with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from actors.store import decisions
from actors.store.columns import clean, columns, rounds, unnest
from actors.store.connection import Connection
from actors.store.errors import BadWriteError
from actors.store.fills import store_fills
from messages.orders import TERMINAL_STATES, Fill, OrderRecord, OrderState
from messages.store import OrderStored, StoreOrder, StoreSettlement

_TERMINAL: Final = ", ".join(sorted(f"'{state}'" for state in TERMINAL_STATES))
_INPUT: Final = unnest(
    order_id="text",
    state="text",
    filled="numeric",
    sent_at_ns="bigint",
    latency_ns="bigint",
    reason="text",
    at_ns="bigint",
    stage="text",
    elapsed_ms="bigint",
)
_UPDATE: Final = f"""
WITH input AS MATERIALIZED (SELECT * FROM {_INPUT}),
changed AS (
    UPDATE orders SET
        state = CASE WHEN orders.state IN ({_TERMINAL}) THEN orders.state ELSE input.state END,
        reason = CASE WHEN orders.state IN ({_TERMINAL}) OR input.reason = '' THEN orders.reason
                      ELSE input.reason END,
        filled = orders.filled + input.filled,
        sent_at_ns = CASE WHEN orders.sent_at_ns = 0 THEN input.sent_at_ns ELSE orders.sent_at_ns END,
        latency_ns = CASE WHEN orders.latency_ns = 0 THEN input.latency_ns ELSE orders.latency_ns END,
        updated_at_ns = greatest(orders.updated_at_ns, input.at_ns)
    FROM input WHERE orders.order_id = input.order_id
    RETURNING orders.order_id, orders.state),
events AS (
    INSERT INTO order_events (order_id, stage, state, elapsed_ms, at_ns, reason)
    SELECT order_id, stage, input.state, elapsed_ms, at_ns, reason
    FROM input JOIN changed USING (order_id) ORDER BY ord
    ON CONFLICT (order_id, stage, state, at_ns) DO NOTHING)
SELECT order_id, state FROM changed
"""
_OPEN: Final = f"""
SELECT {decisions.SELECTED}, orders.order_id, orders.state, orders.filled, orders.sent_at_ns,
       orders.reason AS order_reason
FROM orders JOIN intents USING (intent_id)
WHERE orders.state NOT IN ({_TERMINAL}) AND ($1::text IS NULL OR intents.portfolio_id = $1)
ORDER BY orders.created_at_ns, orders.order_id
"""


async def store_orders(
    connection: Connection, writes: Sequence[StoreOrder | StoreSettlement]
) -> list[OrderStored]:
    """Record orders' states with their fills, and settlements, in the order given."""
    # All fills come first, as their order over all orders is the order in which they are folded.
    seqs, fresh = await store_fills(connection, [fill for write in writes for fill in _fills(write)])
    added = [_take(fresh, write) for write in writes]
    states: dict[int, OrderState] = {}
    updates = [
        (number, write, added[number]) for number, write in enumerate(writes) if isinstance(write, StoreOrder)
    ]
    for group in rounds(updates, key=lambda item: item[1].order_id):
        rows = await connection.fetch(_UPDATE, *columns(_values(write, filled) for _, write, filled in group))
        found = {row["order_id"]: OrderState(row["state"]) for row in rows}
        for number, write, _ in group:
            if write.order_id not in found:
                raise BadWriteError(
                    f"order {write.order_id} is not recorded, expected one that was decided on"
                )
            states[number] = found[write.order_id]
    return [
        OrderStored(
            order_id=write.order_id if isinstance(write, StoreOrder) else "",
            state=states.get(number, OrderState.FILLED),
            fills=tuple([msgspec.structs.replace(fill, seq=seqs[fill.fill_id]) for fill in _fills(write)]),
        )
        for number, write in enumerate(writes)
    ]


async def open_orders(connection: Connection, portfolio_id: str | None) -> tuple[OrderRecord, ...]:
    """Return the orders that are not terminal, oldest first; of every portfolio for None."""
    return tuple(
        [
            OrderRecord(
                intent=decisions.intent_from(row),
                state=OrderState(row["state"]),
                filled=row["filled"],
                sent_at_ns=row["sent_at_ns"],
                reason=row["order_reason"],
            )
            for row in await connection.fetch(_OPEN, portfolio_id)
        ]
    )


def _fills(write: StoreOrder | StoreSettlement) -> tuple[Fill, ...]:
    return write.fills if isinstance(write, StoreOrder) else (write.fill,)


def _take(fresh: set[str], write: StoreOrder | StoreSettlement) -> int:
    """Return the shares that are new with this write; what it counts is not counted by a later one."""
    shares = 0
    for fill in _fills(write):
        if fill.fill_id in fresh:
            fresh.discard(fill.fill_id)
            shares += fill.size
    return shares


def _values(write: StoreOrder, filled: int) -> tuple[object, ...]:
    return (
        write.order_id,
        write.state,
        filled,
        write.sent_at_ns,
        write.latency_ns,
        clean(write.reason),
        write.at_ns,
        write.stage,
        write.elapsed_ms,
    )
