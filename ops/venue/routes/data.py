"""Data API v2: activity, trades, positions and resolutions, cached by URL; what comes of trades lags."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from ops.venue.config import VenueConfig
from ops.venue.decimals import neat
from ops.venue.ledger import Row
from ops.venue.routes.answers import json_answer
from ops.venue.routes.cdn import Cdn
from ops.venue.routes.paging import BadParameter, Query, page, read_query
from ops.venue.routes.positions import positions
from ops.venue.routes.resolutions import resolutions
from ops.venue.world import World

_TYPES: Final = frozenset(
    [
        "TRADE",
        "SPLIT",
        "MERGE",
        "REDEEM",
        "CONVERSION",
        "MIGRATION",
        "REWARD",
        "YIELD",
        "MAKER_REBATE",
        "TAKER_REBATE",
        "REFERRAL_REWARD",
        "DEPOSIT",
        "WITHDRAWAL",
        "TIP",
    ]
)
_STATUSES: Final = frozenset({"OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED"})
_NOT_JOINED: Final = 999
"""The outcome index of a row whose market has not been looked up yet."""


class DataRoutes:
    """Reads the ledger as an indexer would: trades only, one row per (transaction, wallet, token, side)."""

    def __init__(self, world: World, config: VenueConfig) -> None:
        self._world = world
        self._lag_ns = int(config.activity_lag_seconds * 1e9)
        self._join_ns = self._lag_ns + int(config.metadata_lag_seconds * 1e9)
        self._config = config
        self.cdn = Cdn(world.clock)

    def routes(self) -> list[web.RouteDef]:
        config = self._config
        return [
            web.get("/data/v2/activity", self._cached(self._activity, config.activity_cache_seconds)),
            web.get("/data/v2/trades", self._cached(self._trades, config.trades_cache_seconds)),
            web.get("/data/v2/positions", self._cached(self._positions, config.positions_cache_seconds)),
            web.get("/data/v2/resolutions", self._cached(self._resolutions, 0)),
            web.get("/data/v2/status", self._status),
        ]

    def _cached(
        self, answer: Callable[[Query], web.Response], seconds: float
    ) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            kept = self.cdn.answer(request, seconds)
            if kept is not None:
                return kept
            try:
                response = answer(read_query(request))
            except BadParameter as error:
                return refusal(400, "invalid_parameter", str(error), parameter=error.parameter)
            return self.cdn.keep(request, response, seconds)

        return handle

    def _activity(self, query: Query) -> web.Response:
        if query.user is None:
            raise BadParameter("user", "user is required")
        wanted = set(filter(None, query.parameters.get("type", "").split(",")))
        unknown = wanted - _TYPES
        if unknown:
            raise BadParameter("type", f"unknown type {sorted(unknown)[0]}")
        rows = self._visible(query) if not wanted or "TRADE" in wanted else []
        return self._answer(rows, query, self._activity_row)

    def _trades(self, query: Query) -> web.Response:
        taker_only = query.parameters.get("taker_only", "true").lower() != "false"
        rows = [row for row in self._visible(query) if row.role == "taker" or not taker_only]
        return self._answer(rows, query, self._trade_row)

    def _positions(self, query: Query) -> web.Response:
        if query.user is None:
            raise BadParameter("user", "user or exactly one condition is required")
        status = query.parameters.get("status", "OPEN").upper()
        if status not in _STATUSES:
            raise BadParameter("status", f"unknown status {status}")
        seen_until = self._world.clock.now_ns() - self._lag_ns
        rows = [row for row in self._world.ledger.rows(query.user) if row.played_at <= seen_until]
        found = [
            one
            for one in positions(self._world, rows, status)
            if not query.conditions or one["condition_id"] in query.conditions
        ]
        return _one_page(found, query)

    def _resolutions(self, query: Query) -> web.Response:
        return _one_page(resolutions(self._world, query), query)

    async def _status(self, request: web.Request) -> web.Response:
        lag = int(self._config.activity_lag_seconds)
        mechanisms = [{"name": "activity_feed", "age_seconds": lag}]
        return json_answer(
            {"data": {"serving": {"lag_seconds": lag, "worst": "activity_feed", "mechanisms": mechanisms}}}
        )

    def _visible(self, query: Query) -> list[Row]:
        seen_until = self._world.clock.now_ns() - self._lag_ns
        return [
            row
            for row in self._world.ledger.rows(query.user)
            if row.played_at <= seen_until
            and row.timestamp >= query.start
            and (query.end is None or row.timestamp <= query.end)
            and (query.side is None or row.leg.side == query.side)
            and (not query.conditions or row.leg.condition in query.conditions)
        ]

    def _answer(
        self, rows: list[Row], query: Query, document: Callable[[Row, bool], dict[str, Any]]
    ) -> web.Response:
        joined_until = self._world.clock.now_ns() - self._join_ns
        shown, pagination = page(rows, query)
        data = [document(row, row.played_at <= joined_until) for row in shown]
        return json_answer({"data": data, "pagination": pagination})

    def _activity_row(self, row: Row, is_joined: bool) -> dict[str, Any]:
        return {**self._trade_row(row, is_joined), "type": "TRADE", "usdc_size": neat(row.usdc_size)}

    def _trade_row(self, row: Row, is_joined: bool) -> dict[str, Any]:
        leg = row.leg
        return {
            "proxy_wallet": leg.wallet,
            "timestamp": row.timestamp,
            "condition_id": leg.condition,
            "size": neat(row.size),
            "transaction_hash": leg.transaction,
            "price": neat(row.price),
            "token_id": leg.token,
            "side": leg.side,
            "outcome_index": leg.outcome_index if is_joined else _NOT_JOINED,
            "title": leg.title,
            "slug": leg.slug,
            "icon": leg.icon,
            "event_slug": leg.event_slug if is_joined else "",
            "outcome": leg.outcome,
            "name": leg.name,
            "pseudonym": leg.pseudonym,
            "bio": "",
            "profile_image": "",
            "profile_image_optimized": "",
        }


def _one_page(found: list[dict[str, Any]], query: Query) -> web.Response:
    """Return the first rows; a cursor to more of them is not reproduced."""
    pagination = {
        "limit": query.limit,
        "offset": 0,
        "has_more": len(found) > query.limit,
        "next_cursor": None,
    }
    return json_answer({"data": found[: query.limit], "pagination": pagination})


def refusal(status: int, code: str, message: str, *, parameter: str | None = None) -> web.Response:
    """Return an error as the Data API words it."""
    trace = uuid.uuid5(uuid.NAMESPACE_URL, f"{code} {message}").hex
    body: dict[str, Any] = {"code": code, "error": message, "retryable": status >= 429, "trace_id": trace}
    if parameter is not None:
        body["parameter"] = parameter
    return json_answer(body, status=status, headers={"x-trace-id": trace})
