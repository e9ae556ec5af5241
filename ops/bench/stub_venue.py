"""A venue that knows the markets of `market_frames` and answers at once, in a process of its own.

Gamma's rows, CLOB's books and the market channel, which sends the books of what is subscribed to and then
says now and then that one of them is as it was, so that live books stay proved. Nothing ever changes here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any, Final

from aiohttp import WSMsgType, web

from config.settings import Endpoints
from ops.bench import market_frames
from ops.bench.market_frames import TICKS, MadeMarket, price_text

PROVE_S: Final = 0.1
"""How often a socket with books brings something."""


class StubVenue:
    """Starts the process; `endpoints` is where it is."""

    def __init__(self, market_count: int, seed: int) -> None:
        context: Any = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_main, args=(sender, market_count, seed), daemon=True)
        self._process.start()
        url = f"http://127.0.0.1:{receiver.recv()}"
        self.endpoints = Endpoints(
            gamma_url=f"{url}/gamma",
            clob_url=f"{url}/clob",
            data_url=f"{url}/data",
            market_ws_url=f"{url.replace('http', 'ws')}/ws/market",
        )

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()


def gamma_row(market: MadeMarket) -> dict[str, Any]:
    """Return Gamma's row of a market."""
    bid, ask = market.best
    middle = (bid + ask) // 2
    return {
        "id": "1",
        "question": "Will it come up?",
        "conditionId": market.condition_id,
        "slug": "will-it-come-up",
        "endDate": "2040-01-01T00:00:00Z",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": json.dumps([price_text(middle), price_text(TICKS - middle)]),
        "clobTokenIds": json.dumps(market.tokens),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": False,
        "orderPriceMinTickSize": 1 / TICKS,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.05},
        "umaResolutionStatuses": "[]",
        "events": [{"id": "7", "slug": "numbers"}],
    }


class _Pages:
    def __init__(self, markets: list[MadeMarket]) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._rows = {market.condition_id: gamma_row(market) for market in markets}
        self._books = {
            token: market_frames.book_frame(market, outcome, f"{outcome}", now_ms)
            for market in markets
            for outcome, token in enumerate(market.tokens)
        }

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**24)
        app.router.add_get("/gamma/markets", self._markets)
        app.router.add_get("/clob/book", self._book)
        app.router.add_post("/clob/books", self._several)
        app.router.add_get("/ws/market", self._channel)
        return app

    async def _markets(self, request: web.Request) -> web.Response:
        if request.query.get("closed") == "true":
            return web.json_response([])
        asked = request.query.getall("condition_ids", [])
        return web.json_response([self._rows[each] for each in asked if each in self._rows])

    async def _book(self, request: web.Request) -> web.Response:
        book = self._books.get(request.query["token_id"])
        if book is None:
            return web.json_response({"error": "No orderbook"}, status=404)
        return web.json_response(book)

    async def _several(self, request: web.Request) -> web.Response:
        asked = [each["token_id"] for each in await request.json()]
        return web.json_response([self._books[each] for each in asked if each in self._books])

    async def _channel(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        proving: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                if message.data == "PING":
                    await socket.send_str("PONG")
                    continue
                order = json.loads(message.data)
                if order.get("operation") == "unsubscribe":
                    continue
                for token in order["assets_ids"]:
                    await socket.send_str(json.dumps(self._books[token]))
                if proving is None and order["assets_ids"]:
                    proving = asyncio.create_task(self._prove(socket, order["assets_ids"][0]))
        finally:
            if proving is not None:
                proving.cancel()
        return socket

    async def _prove(self, socket: web.WebSocketResponse, token: str) -> None:
        book = self._books[token]
        frame = {
            "market": book["market"],
            "asset_id": token,
            "best_bid": book["bids"][-1]["price"],
            "best_ask": book["asks"][-1]["price"],
            "event_type": "best_bid_ask",
        }
        with contextlib.suppress(ConnectionError):
            while not socket.closed:
                await asyncio.sleep(PROVE_S)
                now_ms = time.time_ns() // 1_000_000
                await socket.send_str(json.dumps({**frame, "timestamp": str(now_ms)}))


async def _serve(port_to: Connection, market_count: int, seed: int) -> None:
    runner = web.AppRunner(_Pages(market_frames.markets(market_count, seed)).app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port_to.send(runner.addresses[0][1])
    await asyncio.Event().wait()


def _main(port_to: Connection, market_count: int, seed: int) -> None:
    asyncio.run(_serve(port_to, market_count, seed))
