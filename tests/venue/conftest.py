"""Real sockets against a venue on a free port, and tapes written on the spot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ops.venue import Venue, VenueConfig
from ops.venue.book import LevelChange
from ops.venue.leg import Side

SUBSCRIBE = {"action": "subscribe", "subscriptions": [{"topic": "activity", "type": "trades"}]}
CONDITION = "0x" + "c1" * 32
YES, NO = "1111", "2222"
WALLET = "0x" + "ab" * 20


def market(**changes: Any) -> dict[str, Any]:
    """Return a Gamma market of our own making."""
    return {
        "id": "71",
        "conditionId": CONDITION,
        "question": "Will it rain?",
        "slug": "will-it-rain",
        "endDate": "2020-03-01T00:00:00Z",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.6", "0.4"]',
        "clobTokenIds": f'["{YES}", "{NO}"]',
        "active": True,
        "closed": False,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "negRisk": False,
        "feesEnabled": True,
        "feeSchedule": {"rate": 0.05, "exponent": 1, "takerOnly": True},
        "events": [{"id": "7", "slug": "rain", "title": "Rain"}],
    } | changes


def book(token: str = YES, bid: str = "0.59", ask: str = "0.61", size: str = "100") -> dict[str, Any]:
    """Return a book of one level a side."""
    levels = {"bids": [{"price": bid, "size": size}], "asks": [{"price": ask, "size": size}]}
    return {"asset_id": token, "market": CONDITION, **levels}


def level(token: str, side: Side, price: str, size: str) -> LevelChange:
    """Return one level's new size."""
    return LevelChange(token, side, Decimal(price), Decimal(size))


def frame(**changes: Any) -> dict[str, Any]:
    """Return a frame of the trade stream as it stands on a tape."""
    payload = {
        "asset": YES,
        "conditionId": CONDITION,
        "eventSlug": "rain",
        "slug": "will-it-rain",
        "title": "Will it rain?",
        "outcome": "Yes",
        "outcomeIndex": 0,
        "side": "BUY",
        "price": 0.6,
        "size": 10.5,
        "proxyWallet": "0x" + "aB" * 20,
        "transactionHash": "0x" + "01" * 32,
        "timestamp": 1_583_000_000,
    } | changes
    return {
        "connection_id": "tape",
        "topic": "activity",
        "type": "trades",
        "timestamp": 1_583_000_000_123,
        "payload": payload,
    }


Records = list[tuple[float, str, dict[str, Any]]]


@pytest.fixture
def write_tape(tmp_path: Path) -> Callable[[Records], Path]:
    """Writes (seconds, source, payload) as a tape."""

    def write(records: Records) -> Path:
        path = tmp_path / "own.tape.jsonl"
        lines = [
            {
                "schema_version": 1,
                "seq": seq,
                "at": 1_583_000_000_000_000_000 + int(seconds * 1e9),
                "source": source,
                "payload": payload,
            }
            for seq, (seconds, source, payload) in enumerate(records, start=1)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return path

    return write


@pytest.fixture
def rain_tape(write_tape: Callable[[Records], Path]) -> Path:
    """A market, its two books, and five trades ten milliseconds apart."""
    trades: Records = [
        (0.01 * n, "rtds.activity", frame(transactionHash=f"0x{n:064x}", size=10.5 + n)) for n in range(5)
    ]
    return write_tape(
        [
            (-1, "gamma.market", market()),
            (-1, "clob.book", book(YES)),
            (-1, "clob.book", book(NO, "0.39", "0.41")),
            *trades,
        ]
    )


Start = Callable[..., Awaitable[Venue]]


@pytest.fixture
async def start_venue() -> AsyncIterator[Start]:
    """Starts venues that are stopped when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Venue:
            defaults = {"start_delay_seconds": 0.0, "activity_lag_seconds": 0.0, "markets": 10, "wallets": 40}
            return await stack.enter_async_context(Venue(VenueConfig(**(defaults | settings))))

        yield start


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


class Socket:
    """A client of one of the venue's WebSockets."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.closed_with: int | None = None
        """The code of the venue's close frame."""

    async def say(self, message: Any) -> None:
        await (self.ws.send_str(message) if isinstance(message, str) else self.ws.send_json(message))

    async def texts(self, count: int, seconds: float = 5.0) -> list[str]:
        """Return the next texts, or fewer where they do not come in time."""
        got: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while len(got) < count:
                    message = await self.ws.receive()
                    if message.type is aiohttp.WSMsgType.TEXT:
                        got.append(message.data)
                    elif message.type is aiohttp.WSMsgType.BINARY:
                        got.append(repr(message.data))
                    else:
                        self.closed_with = message.data
                        return got
        except TimeoutError:
            pass
        return got


Connect = Callable[..., Awaitable[Socket]]


@pytest.fixture
async def connect(http: aiohttp.ClientSession) -> AsyncIterator[Connect]:
    """Opens WebSockets that are closed when the test ends, and says a first message where given."""
    async with AsyncExitStack() as stack:

        async def open_socket(url: str, first: Any = None) -> Socket:
            socket = Socket(await stack.enter_async_context(http.ws_connect(url, max_msg_size=0)))
            if first is not None:
                await socket.say(first)
            return socket

        yield open_socket


@pytest.fixture
def subscribe() -> dict[str, Any]:
    return SUBSCRIBE


class Make:
    """What the tapes of these tests are made of."""

    market = staticmethod(market)
    book = staticmethod(book)
    frame = staticmethod(frame)
    level = staticmethod(level)
    condition, yes, no, wallet = CONDITION, YES, NO, WALLET


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture
def get(http: aiohttp.ClientSession) -> Callable[..., Awaitable[Any]]:
    """Gets a URL and returns its JSON."""

    async def fetch(url: str, **query: Any) -> Any:
        async with http.get(url, params=query) as response:
            return await response.json()

    return fetch
