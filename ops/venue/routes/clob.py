"""CLOB public REST: books with the worst price first, prices as strings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from aiohttp import web

from ops.venue.book import Book
from ops.venue.channels.market_frames import book_answer
from ops.venue.decimals import plain
from ops.venue.market import Market
from ops.venue.routes.answers import json_answer, read_json
from ops.venue.world import World

_NO_BOOK: Final = "No orderbook exists for the requested token id"
_BATCH_MAX: Final = 500


class ClobRoutes:
    """Everything that needs no credentials. A resolved market has no book any more."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/clob/time", self._time),
            web.get("/clob/version", self._version),
            web.get("/clob/book", self._of_book(self._book)),
            web.post("/clob/books", self._books),
            web.get("/clob/midpoint", self._of_book(_midpoint)),
            web.get("/clob/spread", self._of_book(_spread)),
            web.get("/clob/last-trade-price", self._of_book(_last_trade_price)),
            web.get("/clob/price", self._price),
            web.get("/clob/tick-size", self._of_market(_tick_size)),
            web.get("/clob/neg-risk", self._of_market(_neg_risk)),
            web.get("/clob/markets/{condition}", self._market),
            web.get("/clob/clob-markets/{condition}", self._compact_market),
            web.get("/clob/markets-by-token/{token}", self._market_by_token),
        ]

    async def _time(self, request: web.Request) -> web.Response:
        return json_answer(self._world.clock.now_ns() // 1_000_000_000)

    async def _version(self, request: web.Request) -> web.Response:
        return json_answer({"version": 2})

    def _book(self, book: Book) -> dict[str, Any]:
        return book_answer(
            book, self._world.by_token.get(book.token), self._world.clock.now_ns() // 1_000_000
        )

    async def _books(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        if not isinstance(body, list) or not all(isinstance(one, dict) and "token_id" in one for one in body):
            return _error(400, "Invalid payload")
        if len(body) > _BATCH_MAX:
            return _error(400, "Payload exceeds the limit")
        known = [self._world.books[one["token_id"]] for one in body if one["token_id"] in self._world.books]
        return json_answer([self._book(book) for book in known])

    async def _price(self, request: web.Request) -> web.Response:
        side = request.query.get("side", "").upper()
        if side not in ("BUY", "SELL"):
            return _error(400, "Invalid side")
        book = self._world.books.get(request.query.get("token_id", ""))
        if book is None:
            return _error(404, _NO_BOOK)
        best = book.best_bid if side == "BUY" else book.best_ask
        return json_answer({"price": _text(best)})

    async def _market(self, request: web.Request) -> web.Response:
        market = self._world.markets.get(request.match_info["condition"])
        return _error(404, "market not found") if market is None else json_answer(self._full(market))

    async def _compact_market(self, request: web.Request) -> web.Response:
        market = self._world.markets.get(request.match_info["condition"])
        return _error(404, "market not found") if market is None else json_answer(_compact(market))

    async def _market_by_token(self, request: web.Request) -> web.Response:
        market = self._world.by_token.get(request.match_info["token"])
        if market is None:
            return _error(404, "market not found")
        primary, secondary = (*market.tokens, "")[:2]
        return json_answer(
            {"condition_id": market.condition, "primary_token_id": primary, "secondary_token_id": secondary}
        )

    def _full(self, market: Market) -> dict[str, Any]:
        document = self._world.document(market)
        return {
            "accepting_orders": not market.closed,
            "active": True,
            "archived": False,
            "closed": market.closed,
            "condition_id": market.condition,
            "description": str(document.get("description", "")),
            "enable_order_book": not market.closed,
            "end_date_iso": document.get("endDate"),
            "fpmm": "",
            "game_start_time": document.get("gameStartTime"),
            "icon": market.icon,
            "is_50_50_outcome": market.is_void,
            "maker_base_fee": 0,
            "market_slug": market.slug,
            "minimum_order_size": market.min_size,
            "minimum_tick_size": market.tick_size,
            "neg_risk": market.neg_risk,
            "neg_risk_market_id": str(document.get("negRiskMarketID", "")),
            "question": market.question,
            "question_id": str(document.get("questionID", "")),
            "seconds_delay": 0,
            "tags": [],
            "taker_base_fee": 0,
            "tokens": [
                {
                    "outcome": outcome,
                    "price": self._world.outcome_price(market, index),
                    "token_id": token,
                    "winner": market.winner == index,
                }
                for index, (token, outcome) in enumerate(zip(market.tokens, market.outcomes, strict=True))
            ],
        }

    def _of_book(self, answer: Callable[[Book], dict[str, Any]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            token = request.query.get("token_id", "")
            if not token.isdigit():
                return _error(400, "Invalid token id")
            book = self._world.books.get(token)
            return _error(404, _NO_BOOK) if book is None else json_answer(answer(book))

        return handle

    def _of_market(self, answer: Callable[[Market], dict[str, Any]]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            market = self._world.by_token.get(request.query.get("token_id", ""))
            return _error(404, "market not found") if market is None else json_answer(answer(market))

        return handle


def _midpoint(book: Book) -> dict[str, Any]:
    return {"mid": _text(book.midpoint)}


def _spread(book: Book) -> dict[str, Any]:
    bid, ask = book.best_bid, book.best_ask
    return {"spread": _text(ask - bid if bid is not None and ask is not None else None)}


def _last_trade_price(book: Book) -> dict[str, Any]:
    return {"price": book.last_trade_price or "0.5", "side": book.last_trade_side or ""}


def _tick_size(market: Market) -> dict[str, Any]:
    return {"minimum_tick_size": market.tick_size}


def _neg_risk(market: Market) -> dict[str, Any]:
    return {"neg_risk": market.neg_risk}


def _compact(market: Market) -> dict[str, Any]:
    return {
        "c": market.condition,
        "t": [
            {"t": token, "o": outcome} for token, outcome in zip(market.tokens, market.outcomes, strict=True)
        ],
        "mos": market.min_size,
        "mts": market.tick_size,
        "mbf": 0,
        "tbf": 0,
        "nr": market.neg_risk,
        "fd": {"r": market.fee_rate, "e": 1, "to": True},
        "itode": False,
        "sd": 0,
        "oas": 0,
        "gst": market.document.get("gameStartTime"),
    }


def _text(price: Decimal | None) -> str:
    return "0" if price is None else plain(price)


def _error(status: int, message: str) -> web.Response:
    return json_answer({"error": message}, status=status)
