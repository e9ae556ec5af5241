"""Where markets stand on the way to their payout, as the Data API tells it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from ops.venue.market import Market
from ops.venue.routes.paging import BadParameter, Query
from ops.venue.world import World

_NO_PRICE: Final = "69"
"""How the feed spells that no price was named."""

_LIVENESS: Final = timedelta(hours=2)
_SECONDS_A_BLOCK: Final = 2


def resolutions(world: World, query: Query) -> list[dict[str, Any]]:
    """Return a row for each market asked for about which the oracle has said anything.

    Exactly one of question_id, condition and event_id must be given, or it is a `BadParameter`.
    """
    given = query.parameters
    questions, events = _list(given, "question_id"), _list(given, "event_id")
    if [bool(query.conditions), bool(questions), bool(events)].count(True) != 1:
        raise BadParameter("condition", "exactly one of question_id, condition and event_id is required")
    if query.conditions:
        found: Iterable[Market] = (
            world.markets[one] for one in sorted(query.conditions) if one in world.markets
        )
    else:
        found = (
            market
            for market in world.markets.values()
            if market.document.get("questionID") in questions or str(market.event.get("id")) in events
        )
    return [_row(world, market) for market in found if market.oracle]


def _row(world: World, market: Market) -> dict[str, Any]:
    moment = _moment(world, market)
    row: dict[str, Any] = {
        "condition_id": market.condition,
        "status": market.oracle,
        "extended_review": False,
        "was_disputed": "disputed" in market.oracle_history,
        "new_version_q": False,
        "transaction_hash": "",
        "log_index": "",
        "last_update_timestamp": _text(moment),
    }
    if market.oracle_history:
        row |= dict(_of_the_oracle(market, moment))
    if market.payouts:
        row |= {
            "payouts": [int(payout.scaleb(6)) for payout in market.payouts],
            "resolution_source": "reported",
            "was_arbitrated": False,
            "resolved_block": int(moment.timestamp()) // _SECONDS_A_BLOCK,
            "resolved_at": _text(moment),
        }
    return row


def _of_the_oracle(market: Market, moment: datetime) -> Iterator[tuple[str, Any]]:
    """Yield what only rows have that went through the optimistic oracle."""
    yield "question_id", str(market.document.get("questionID", ""))
    yield "proposed_price", _price(market.proposal)
    yield "reproposed_price", _NO_PRICE
    yield "price", _price(market.payouts[0] if market.payouts else None)
    if market.payouts:
        yield "reporter", "UMA_OO"
    else:
        yield "expected_settlement_time", _text(moment + _LIVENESS)
        yield "settlement_time_basis", "liveness"


def _price(first_pays: Decimal | None) -> str:
    return _NO_PRICE if first_pays is None else str(int(first_pays.scaleb(18)))


def _moment(world: World, market: Market) -> datetime:
    """Return when the market became as it is."""
    stated_ns = world.stated_ns.get(market.condition)
    if stated_ns is not None:
        return datetime.fromtimestamp(stated_ns // 1_000_000_000, UTC)
    try:
        return datetime.fromisoformat(str(world.document(market).get("closedTime")))
    except ValueError:
        return datetime.fromtimestamp(world.clock.now_ns() // 1_000_000_000, UTC)


def _list(given: dict[str, str], key: str) -> frozenset[str]:
    return frozenset(filter(None, given.get(key, "").split(",")))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
