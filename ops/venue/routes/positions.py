"""Positions of one wallet, as the Data API tells them: a fold of its rows at average cost."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from ops.venue.decimals import ZERO, neat
from ops.venue.ledger import Row
from ops.venue.world import World


class _Holding(msgspec.Struct):
    last: Row
    size: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    bought: Decimal = ZERO
    realised: Decimal = ZERO


def positions(world: World, rows: Iterable[Row], wanted: str) -> list[dict[str, Any]]:
    """Return a document per token whose holding has the wanted status, in order of first entry."""
    holdings: dict[str, _Holding] = {}
    for row in rows:
        holding = holdings.setdefault(row.leg.token, _Holding(row))
        holding.last = row
        _add(holding, row)
    return [_document(world, one) for one in holdings.values() if _status(world, one) == wanted]


def _add(holding: _Holding, row: Row) -> None:
    if row.leg.side == "BUY":
        holding.size += row.size
        holding.cost += row.notional
        holding.fees += row.fee
        holding.bought += row.size
        return
    sold = min(row.size, holding.size)  # what was held before the venue began is not known here
    if sold > ZERO:
        cost = holding.cost * sold / holding.size
        holding.realised += row.notional * sold / row.size - cost
        holding.cost -= cost
        holding.size -= sold


def _document(world: World, holding: _Holding) -> dict[str, Any]:
    leg = holding.last.leg
    market = world.by_token.get(leg.token)
    index = market.tokens.index(leg.token) if market is not None else leg.outcome_index
    opposite = market.opposite(leg.token) if market is not None else None
    price = world.outcome_price(market, index) if market is not None else leg.price
    value = holding.size * price
    unrealised = value - holding.cost
    decided = market is not None and bool(market.payouts)
    document = world.document(market) if market is not None else {}
    amounts = {
        "current_size": holding.size,
        "avg_price": holding.cost / holding.size if holding.size else ZERO,
        "entry_cost_usdc": holding.cost,
        "entry_fees_usdc": holding.fees,
        "total_cost_usdc": holding.cost + holding.fees,
        "current_price": price,
        "current_value": value,
        "total_size": holding.bought,
        "realized_pnl": holding.realised,
        "unrealized_pnl": unrealised,
        "total_pnl": holding.realised + unrealised,
        "percent_pnl": unrealised / holding.cost * 100 if holding.cost else ZERO,
        "percent_realized_pnl": ZERO,
    }
    return {
        "proxy_wallet": leg.wallet,
        "token_id": leg.token,
        "condition_id": leg.condition,
        **{key: neat(round(amount, 6)) for key, amount in amounts.items()},
        "status": _status(world, holding).removesuffix("_LOST"),  # a filter knows the losers, a row does not
        "redeemable": decided and holding.size > ZERO,
        "mergeable": False,
        "negative_risk": market.neg_risk if market is not None else False,
        "archived": False,
        "title": leg.title,
        "slug": leg.slug,
        "icon": leg.icon,
        "event_id": str(market.event.get("id", "")) if market is not None else "",
        "event_slug": leg.event_slug,
        "outcome": leg.outcome,
        "outcome_index": index,
        "opposite_outcome": market.outcomes[1 - index] if market is not None and opposite is not None else "",
        "opposite_token_id": opposite or "",
        "end_date": str(document.get("endDate", ""))[:10],
        "last_event_at": holding.last.timestamp,
        "name": leg.name,
        "profile_image": "",
        "verified": False,
    }


def _status(world: World, holding: _Holding) -> str:
    """Return the status that a query may ask for."""
    if holding.size == ZERO:
        return "CLOSED"
    token = holding.last.leg.token
    market = world.by_token.get(token)
    if market is None or not market.payouts:
        return "OPEN"
    has_worth = market.payouts[market.tokens.index(token)] > ZERO
    return "REDEEMABLE" if has_worth else "REDEEMABLE_LOST"
