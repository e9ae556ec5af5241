"""Gamma: market metadata. Lists inside strings, closed markets hidden unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import web

from ops.venue.market import Market
from ops.venue.routes.answers import flag, json_answer
from ops.venue.world import World

_LIMIT_DEFAULT: Final = 20
_LIMIT_MAX: Final = 100

_RETIRING: Final = {"deprecation": "true", "sunset": "Fri, 01 May 2026 00:00:00 GMT"}
"""The plain listing has carried these headers since spring 2026, and is served yet."""


class GammaRoutes:
    """`/gamma/markets`, its keyset form, and single markets."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/gamma/markets", self._list),
            web.get("/gamma/markets/keyset", self._keyset),
            web.get("/gamma/markets/slug/{slug}", self._by_slug),
            web.get("/gamma/markets/{id}", self._by_id),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        try:
            limit, offset = _number(request, "limit", _LIMIT_DEFAULT), _number(request, "offset", 0)
            found = self._matching(request)
        except ValueError as error:
            return _invalid(str(error))
        page = found[offset : offset + min(limit, _LIMIT_MAX)]
        return json_answer([self._world.document(market) for market in page], headers=_RETIRING)

    async def _keyset(self, request: web.Request) -> web.Response:
        try:
            limit = min(_number(request, "limit", _LIMIT_DEFAULT), _LIMIT_MAX)
            after = _number(request, "after_cursor", -1)
            found = [market for market in self._matching(request) if _order(market)[0] > after]
        except ValueError as error:
            return _invalid(str(error))
        page = found[:limit]
        more = str(_order(page[-1])[0]) if len(found) > limit else None
        return json_answer(
            {"markets": [self._world.document(market) for market in page], "next_cursor": more}
        )

    async def _by_id(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        return self._single(lambda market: market.id == wanted)

    async def _by_slug(self, request: web.Request) -> web.Response:
        wanted = request.match_info["slug"]
        return self._single(lambda market: market.slug == wanted)

    def _single(self, is_it: Callable[[Market], bool]) -> web.Response:
        market = next(filter(is_it, self._world.markets.values()), None)
        if market is None:
            return json_answer({"type": "not found error", "error": "id not found"}, status=404)
        return json_answer(self._world.document(market))

    def _matching(self, request: web.Request) -> list[Market]:
        """Return the markets a listing asks for, by id. Every filter must hold; repeating one widens it."""
        query = request.query
        conditions, tokens = query.getall("condition_ids", []), query.getall("clob_token_ids", [])
        ids, slugs = query.getall("id", []), query.getall("slug", [])
        if len(conditions) > _LIMIT_MAX or len(tokens) > _LIMIT_MAX:
            raise ValueError(f"at most {_LIMIT_MAX} condition_ids or clob_token_ids a call")
        closed = flag(query.get("closed")) or False
        active = flag(query.get("active"))
        candidates: Iterable[Market] = self._world.markets.values()
        if conditions:  # as they are written: an id in capitals finds nothing
            candidates = [
                self._world.markets[one] for one in dict.fromkeys(conditions) if one in self._world.markets
            ]
        elif tokens:
            known = [self._world.by_token[one] for one in tokens if one in self._world.by_token]
            candidates = {market.condition: market for market in known}.values()
        return sorted(
            (
                market
                for market in candidates
                if market.closed is closed
                and (not tokens or any(token in tokens for token in market.tokens))
                and (not ids or market.id in ids)
                and (not slugs or market.slug in slugs)
                and (active is None or bool(market.document.get("active")) is active)
            ),
            key=_order,
        )


def _order(market: Market) -> tuple[int, str]:
    return (int(market.id) if market.id.isdigit() else 0, market.condition)


def _number(request: web.Request, key: str, default: int) -> int:
    text = request.query.get(key)
    if text is None:
        return default
    if not text.isdigit():
        raise ValueError(f"{key} is a whole number, not {text!r}")
    return int(text)


def _invalid(message: str) -> web.Response:
    return json_answer({"type": "validation error", "error": message}, status=422)
