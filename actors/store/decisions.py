"""Decisions in SQL: the one place where an intent comes into being, with its order, or is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from actors.store.columns import clean, columns, rounds, unnest
from actors.store.connection import Connection, Row
from messages.decisions import Check, Freshness, Intent
from messages.store import DecisionOutcome, DecisionStored, StoreDecision
from messages.trades import Side

_COMMON: Final = {
    "intent_id": "text",
    "portfolio_id": "text",
    "trade_id": "text",
    "epoch": "bigint",
    "settings_hash": "text",
    "decided_at_ns": "bigint",
}
COPY_FIELDS: Final = {
    "condition_id": "text",
    "token_id": "text",
    "event_slug": "text",
    "side": "text",
    "size": "numeric",
    "price_limit": "numeric",
    "price_expected": "numeric",
    "reserved": "numeric",
    "fee_rate": "numeric",
    "tick": "numeric",
    "freshness": "text",
    "traded_at_ns": "bigint",
    "seen_at_ns": "bigint",
    "shortfall": "numeric",
}
SELECTED: Final = ", ".join(f"intents.{name}" for name in (*_COMMON, "checks", *COPY_FIELDS))
_STORED: Final = ", ".join(("kind", "reason", "checks", *_COMMON, *COPY_FIELDS))

_DECIDE: Final = f"""
WITH verdicts AS MATERIALIZED (
    SELECT input.*,
        CASE WHEN earlier.intent_id IS NOT NULL THEN 'DUPLICATE'
             WHEN portfolios.epoch <> input.epoch THEN 'FENCED'
             WHEN portfolios.id IS NULL OR trades.trade_id IS NULL THEN 'REFUSED'
             WHEN input.kind = 'COPY' AND trades.backfill THEN 'REFUSED'
             ELSE 'STORED' END AS outcome,
        CASE WHEN earlier.intent_id IS NOT NULL
                 THEN 'decided before: ' || earlier.kind || ' ' || earlier.reason
             WHEN portfolios.epoch <> input.epoch
                 THEN format('epoch was %s, the portfolio is at %s', input.epoch, portfolios.epoch)
             WHEN portfolios.id IS NULL THEN 'the portfolio is not recorded'
             WHEN trades.trade_id IS NULL THEN 'the trade is not recorded'
             WHEN input.kind = 'COPY' AND trades.backfill
                 THEN 'history from before the leader was followed is never copied'
             ELSE '' END AS detail
    FROM {unnest(kind="text", reason="text", checks="jsonb", **_COMMON, **COPY_FIELDS, order_id="text")}
    LEFT JOIN intents AS earlier
        ON earlier.portfolio_id = input.portfolio_id AND earlier.trade_id = input.trade_id
    LEFT JOIN portfolios ON portfolios.id = input.portfolio_id
    LEFT JOIN trades ON trades.trade_id = input.trade_id COLLATE "C"),
new_intents AS (
    INSERT INTO intents ({_STORED}) SELECT {_STORED} FROM verdicts WHERE outcome = 'STORED' ORDER BY ord),
new_orders AS (
    INSERT INTO orders (order_id, intent_id, state, created_at_ns, updated_at_ns)
    SELECT order_id, intent_id, 'CREATED', decided_at_ns, decided_at_ns
    FROM verdicts WHERE outcome = 'STORED' AND kind = 'COPY' ORDER BY ord),
new_events AS (
    INSERT INTO order_events (order_id, stage, state, elapsed_ms, at_ns, reason)
    SELECT order_id, 'decided', 'CREATED', 0, decided_at_ns, ''
    FROM verdicts WHERE outcome = 'STORED' AND kind = 'COPY' ORDER BY ord)
SELECT intent_id, outcome, detail FROM verdicts ORDER BY ord
"""


async def store_decisions(connection: Connection, writes: Sequence[StoreDecision]) -> list[DecisionStored]:
    """Record decisions, each judged by what the ones before it left, and return what became of each."""
    answers: dict[int, DecisionStored] = {}

    def subject(item: tuple[int, StoreDecision]) -> tuple[str, str]:
        return item[1].decision.portfolio_id, item[1].decision.trade_id

    for group in rounds(list(enumerate(writes)), key=subject):
        rows = await connection.fetch(_DECIDE, *columns(_values(write) for _, write in group))
        for (number, _), row in zip(group, rows, strict=True):
            answers[number] = DecisionStored(
                intent_id=row["intent_id"],
                outcome=DecisionOutcome(row["outcome"]),
                detail=row["detail"].strip(),
            )
    return [answers[number] for number in range(len(writes))]


def intent_from(row: Row) -> Intent:
    """Return the intent that a row of `SELECTED` with its order's `order_id` holds.

    `seen_mono_ns` is 0: the monotonic clock of an earlier run means nothing.
    """
    fields = {name: row[name] for name in (*_COMMON, *COPY_FIELDS, "order_id")}
    fields["side"] = Side(fields["side"])
    fields["freshness"] = Freshness(fields["freshness"])
    return Intent(checks=checks_from(row["checks"]), seen_mono_ns=0, **fields)


def checks_from(text: str) -> tuple[Check, ...]:
    """Return the checks that a jsonb column holds."""
    return msgspec.json.decode(text, type=tuple[Check, ...])


def _values(write: StoreDecision) -> list[object]:
    decision = write.decision
    checks = msgspec.json.encode(decision.checks).decode()
    common = [getattr(decision, name) for name in _COMMON]
    if not isinstance(decision, Intent):
        return ["SKIP", decision.reason, checks, *common, *(None for _ in COPY_FIELDS), None]
    copied = [getattr(decision, name) for name in COPY_FIELDS]
    copied[2] = clean(decision.event_slug)
    return ["COPY", "", checks, *common, *copied, decision.order_id]
