"""Rows in the shapes of the wire, with values of our own, and a venue that counts what it is asked."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from thespian.actors import ActorAddress

from actors.prices.actor import Prices as PriceService
from actors.prices.actor import PricesArgs
from config.settings import Endpoints, Prices
from messages.base import Message
from messages.markets import (
    BookAnswer,
    BookQuery,
    MarketAnswer,
    MarketQuery,
    MarketResolved,
    Tier,
    WatchResolution,
)
from messages.prices import FollowPrices, PriceAnswer, PriceMoved, PriceQuery, PricesAnswer, PricesQuery
from messages.store import (
    LoadMarkets,
    MarketRow,
    MarketsLoaded,
    StoreAvailability,
    StoreMarkets,
    SubscribeAvailability,
)
from supervisor import AsyncioSystemBase, Mailbox, Overflow, SupervisedActor, handles

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "samples"

Row = dict[str, Any]


def condition_of(number: int) -> str:
    return f"0x{number:064x}"


def tokens_of(number: int) -> tuple[str, str]:
    return str(10**20 + 2 * number), str(10**20 + 2 * number + 1)


def gamma_row_of(number: int = 1, **changes: Any) -> Row:
    row: Row = {
        "id": str(number),
        "question": f"Will it rain on day {number}?",
        "conditionId": condition_of(number),
        "slug": f"rain-on-day-{number}",
        "endDate": "2026-12-24T18:30:00Z",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.64", "0.36"]',
        "clobTokenIds": json.dumps(tokens_of(number)),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": False,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.05, "exponent": 1, "takerOnly": True, "rebateRate": 0.15},
        "umaResolutionStatuses": "[]",
        "volume24hr": 12.5,
        "events": [{"id": "7", "slug": "rainy-days", "title": "Rainy days"}],
    }
    row.update(changes)
    return {key: value for key, value in row.items() if value is not ...}


def clob_row_of(number: int = 1, *, winner: int | None = None, **changes: Any) -> Row:
    row: Row = {
        "enable_order_book": True,
        "active": True,
        "closed": winner is not None,
        "archived": False,
        "accepting_orders": winner is None,
        "minimum_order_size": 5,
        "minimum_tick_size": 0.01,
        "condition_id": condition_of(number),
        "question": f"Will it rain on day {number}?",
        "market_slug": f"rain-on-day-{number}",
        "end_date_iso": "2026-12-24T00:00:00Z",
        "neg_risk": False,
        "is_50_50_outcome": False,
        "tokens": [
            {"token_id": token, "outcome": outcome, "price": price, "winner": winner == index}
            for index, (token, outcome, price) in enumerate(
                zip(tokens_of(number), ("Yes", "No"), (0.64, 0.36), strict=True)
            )
        ],
    }
    row.update(changes)
    return row


def book_row_of(token: str, **changes: Any) -> Row:
    row: Row = {
        "market": condition_of(1),
        "asset_id": token,
        "timestamp": "1790000000000",
        "hash": "5f0c",
        "bids": [{"price": "0.6", "size": "10"}, {"price": "0.63", "size": "25.5"}],
        "asks": [{"price": "0.7", "size": "40"}, {"price": "0.65", "size": "12"}],
        "tick_size": "0.01",
    }
    row.update(changes)
    return row


@pytest.fixture
def condition() -> Callable[[int], str]:
    return condition_of


@pytest.fixture
def tokens() -> Callable[[int], tuple[str, str]]:
    return tokens_of


@pytest.fixture
def gamma_row() -> Callable[..., Row]:
    """A Gamma market; `...` as a value leaves the key out."""
    return gamma_row_of


@pytest.fixture
def clob_row() -> Callable[..., Row]:
    return clob_row_of


@pytest.fixture
def book_row() -> Callable[..., Row]:
    return book_row_of


@pytest.fixture
def samples() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip("the recorded payloads are not on this machine (../shared/samples)")
    return SAMPLES


class CountingVenue:
    """Gamma and CLOB on loopback: rows by key, calls by route, and a way to make a route misbehave."""

    def __init__(self) -> None:
        self.gamma: dict[str, Row] = {}
        self.clob: dict[str, Row] = {}
        self.books: dict[str, Row] = {}
        self.resolutions: dict[str, Row] = {}
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, list[str]]] = []
        """Each call's route and the ids it asked for."""
        self.faults: dict[str, Callable[[], web.Response | float]] = {}
        """By route: a response to give instead, or seconds to wait before the true one."""
        self.url = ""

    def add_market(self, number: int, **changes: Any) -> None:
        self.gamma[condition_of(number)] = gamma_row_of(number, **changes)
        for token in tokens_of(number):
            self.books[token] = book_row_of(token)

    def fail(self, route: str, status: int, headers: dict[str, str] | None = None, text: str = "no") -> None:
        self.faults[route] = lambda: web.Response(status=status, headers=headers, text=text)

    def hang(self, route: str, seconds: float = 60) -> None:
        self.faults[route] = lambda: seconds

    def heal(self) -> None:
        self.faults.clear()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=2**20)
        app.router.add_get("/gamma/markets", self._gamma_markets)
        app.router.add_get("/clob/markets/{condition}", self._clob_market)
        app.router.add_get("/clob/book", self._book)
        app.router.add_post("/clob/books", self._books)
        app.router.add_get("/data/v2/resolutions", self._resolutions)
        return app

    async def _begin(self, route: str, ids: list[str]) -> web.Response | None:
        self.calls[route] += 1
        self.asked.append((route, ids))
        fault = self.faults.get(route)
        outcome = fault() if fault is not None else 0.0
        if isinstance(outcome, web.Response):
            return outcome
        await asyncio.sleep(outcome)
        return None

    async def _gamma_markets(self, request: web.Request) -> web.Response:
        tokens = request.query.getall("clob_token_ids", [])
        ids = request.query.getall("condition_ids", tokens)
        closed = request.query.get("closed") == "true"
        refusal = await self._begin("gamma closed" if closed else "gamma", ids)
        if refusal is not None:
            return refusal
        limit = int(request.query.get("limit", "20"))
        rows = [self.gamma[each] for each in ids if each in self.gamma]
        rows += [row for row in self.gamma.values() if set(tokens) & set(json.loads(row["clobTokenIds"]))]
        return web.json_response([row for row in rows if row["closed"] is closed][:limit])

    async def _clob_market(self, request: web.Request) -> web.Response:
        condition = request.match_info["condition"]
        refusal = await self._begin("clob", [condition])
        if refusal is not None:
            return refusal
        row = self.clob.get(condition)
        return web.json_response(row) if row else web.json_response({"error": "market not found"}, status=404)

    async def _resolutions(self, request: web.Request) -> web.Response:
        condition = request.query["condition"]
        refusal = await self._begin("resolutions", [condition])
        if refusal is not None:
            return refusal
        rows = [self.resolutions[condition]] if condition in self.resolutions else []
        page = {"limit": 100, "offset": 0, "has_more": False, "next_cursor": None}
        return web.json_response({"data": rows, "pagination": page})

    async def _book(self, request: web.Request) -> web.Response:
        token = request.query["token_id"]
        refusal = await self._begin("book", [token])
        if refusal is not None:
            return refusal
        row = self.books.get(token)
        return web.json_response(row) if row else web.json_response({"error": "No orderbook"}, status=404)

    async def _books(self, request: web.Request) -> web.Response:
        ids = [each["token_id"] for each in await request.json()]
        refusal = await self._begin("books", ids)
        if refusal is not None:
            return refusal
        return web.json_response([self.books[each] for each in ids if each in self.books])


@pytest.fixture
async def venue() -> AsyncIterator[CountingVenue]:
    venue = CountingVenue()
    runner = web.AppRunner(venue.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert server is not None
    venue.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    yield venue
    await runner.cleanup()


class Send(Message, frozen=True, kw_only=True):
    """To a recorder: send this to that."""

    to: Any
    message: Message


class Recorder(SupervisedActor):
    """Keeps what it is sent in the list it was started with."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)

    @handles(Send)
    def on_send(self, message: Send, sender: ActorAddress) -> None:
        self.send(message.to, message.message)

    @handles(MarketAnswer, BookAnswer, MarketResolved, PriceMoved)
    def on_any(self, message: Message, sender: ActorAddress) -> None:
        self.args.append(message)


class Shelf(SupervisedActor):
    """What the price service needs of a store: keeps rows, counts reads, and answers with what it has."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.REFUSE)

    @handles(StoreMarkets)
    def on_store(self, message: StoreMarkets, sender: ActorAddress) -> None:
        self.args.written.append(message.rows)
        for row in message.rows:
            self.args.rows[row.market.condition_id] = row

    @handles(SubscribeAvailability)
    def on_subscribe(self, message: SubscribeAvailability, sender: ActorAddress) -> None:
        self.send(sender, StoreAvailability(available=not self.args.away))

    @handles(LoadMarkets)
    def on_load(self, message: LoadMarkets, sender: ActorAddress) -> None:
        self.args.reads.append(message.condition_ids)
        rows = tuple(self.args.rows[each] for each in message.condition_ids if each in self.args.rows)
        if not self.args.away:
            self.send(sender, MarketsLoaded(asked=message.condition_ids, rows=rows))


class Stored:
    """What the shelf holds, and what was done with it."""

    def __init__(self) -> None:
        self.rows: dict[str, MarketRow] = {}
        self.written: list[tuple[MarketRow, ...]] = []
        self.reads: list[tuple[str, ...]] = []
        self.away = False


class Service:
    """The price service in a system of its own, in front of a counting venue."""

    def __init__(self, venue: CountingVenue, settings: Prices, stored: Stored | None = None) -> None:
        self.base = AsyncioSystemBase(seed=1)
        self.store = stored or Stored()
        self.endpoints = Endpoints(
            gamma_url=f"{venue.url}/gamma",
            clob_url=f"{venue.url}/clob",
            data_url=f"{venue.url}/data",
            market_ws_url=f"{venue.url.replace('http', 'ws')}/ws/market",
        )
        store = self.base.spawn(Shelf, "store", self.store)
        self.args = PricesArgs(settings=settings, endpoints=self.endpoints, store=store)
        self.address = self.base.spawn(PriceService, "prices", self.args)

    async def market(
        self, number: int = 1, age_ms_max: int = 30_000, tier: Tier | None = None
    ) -> MarketAnswer:
        query = MarketQuery(condition_id=condition_of(number), age_ms_max=age_ms_max, tier=tier)
        return await self.base.ask(self.address, query, timeout_s=5)

    async def book(self, token: str, age_ms_max: int = 2_000, tier: Tier | None = None) -> BookAnswer:
        query = BookQuery(token_id=token, age_ms_max=age_ms_max, tier=tier)
        return await self.base.ask(self.address, query, timeout_s=5)

    async def price(self, number: int = 1, **how: Any) -> PriceAnswer:
        query = PriceQuery(condition_id=condition_of(number), **(how or {"tier": Tier.T2A}))
        return await self.base.ask(self.address, query, timeout_s=5)

    async def prices(self, numbers: Iterable[int], **how: Any) -> tuple[PriceAnswer, ...]:
        ids = tuple(condition_of(number) for number in numbers)
        query = PricesQuery(condition_ids=ids, **(how or {"tier": Tier.T2A}))
        answer: PricesAnswer = await self.base.ask(self.address, query, timeout_s=5)
        return answer.answers

    async def ask(self, query: Message) -> Any:
        return await self.base.ask(self.address, query, timeout_s=5)

    def watcher(self, name: str, number: int) -> list[Message]:
        """Let a new actor watch a market; return what it hears."""
        return self.watcher_of(name, condition_of(number))

    def watcher_of(self, name: str, condition_id: str) -> list[Message]:
        heard: list[Message] = []
        watcher = self.base.spawn(Recorder, name, heard)
        self.base.tell(watcher, Send(to=self.address, message=WatchResolution(condition_id=condition_id)))
        return heard

    def follower(self, name: str, numbers: Iterable[int]) -> list[Any]:
        """Let a new actor follow markets; return what it hears."""
        heard: list[Any] = []
        follower = self.base.spawn(Recorder, name, heard)
        ids = tuple(condition_of(number) for number in numbers)
        self.base.tell(follower, Send(to=self.address, message=FollowPrices(condition_ids=ids)))
        return heard

    def watch(self, watcher: ActorAddress, number: int) -> None:
        message = WatchResolution(condition_id=condition_of(number))
        self.base.tell(watcher, Send(to=self.address, message=message))

    def crash(self) -> None:
        """Send what no handler survives."""
        self.base.tell(self.address, MarketQuery(condition_id=None, age_ms_max=0))  # type: ignore[arg-type]

    def snapshot(self) -> dict[str, Any]:
        return self.base.snapshot("prices")


QUIET = {
    "warm_interval_s": 3600.0,
    "resolution_poll_s": 3600.0,
    "backoff_first_s": 20.0,
    "timeout_s": 1.0,
    "gamma_requests_per_s": 200.0,
    "clob_requests_per_s": 200.0,
    "live": False,
    "write_back_s": 3600.0,
}
"""Settings under which nothing happens by itself."""


@pytest.fixture
def stored() -> Stored:
    """An empty shelf, to be given to a service."""
    return Stored()


@pytest.fixture
async def start(venue: CountingVenue) -> AsyncIterator[Callable[..., Service]]:
    """Start a price service; what is not named happens late or never."""
    services = []

    def start(venue: Any = venue, stored: Stored | None = None, **changes: Any) -> Service:
        services.append(Service(venue, Prices(**{**QUIET, **changes}), stored))
        return services[-1]

    yield start
    for service in services:
        await service.base.stop(5)
    await asyncio.sleep(0.01)


async def until_true(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    for _ in range(round(seconds / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to pass")


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a condition holds."""
    return until_true
