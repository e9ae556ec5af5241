"""The same frames through NautilusTrader's data client for Polymarket, where that is installed.

Each frame is given to the client's own `_handle_raw_ws_message`, as its WebSocket does. What is counted:
decoding with msgspec, its deltas and trades made of that, the deltas applied to its local books, and all of
them handed to its message bus, where a counter stands in for its engine. Outcomes are subscribed to as books
only, the least that it can do. Its prices and sizes are made by way of floats; it compares no best prices.

It is no dependency of Remora's. To take part, install it into the environment that runs the bench, best one
of its own: `pip install 'nautilus_trader[polymarket]==1.221.0'`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import importlib.util
import time
from typing import Any, Final

from ops.bench.collecting import settled
from ops.bench.market_frames import TICKS, MadeStream

INSTALL: Final = "pip install 'nautilus_trader[polymarket]==1.221.0'"
VERSION: Final = "1.221.0"
_ADAPTER: Final = "nautilus_trader.adapters.polymarket"


def absence() -> str:
    """Return why it takes no part, empty if it does."""
    for package in ("nautilus_trader", "py_clob_client"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not installed; {INSTALL}"
    version = importlib.metadata.version("nautilus_trader")
    return "" if version == VERSION else f"version {version} is installed, expected {VERSION}; {INSTALL}"


class NautilusBooks:
    """Its data client, ready for the frames of a stream."""

    def __init__(self, made: MadeStream) -> None:
        self._made = made
        self._loop = asyncio.new_event_loop()
        self._instruments = _instruments(made)
        self._handed_on = 0

    def close(self) -> None:
        """End its loop, on which nothing ran."""
        self._loop.close()

    def seconds(self) -> float:
        """Return the computing that all frames take. Raises `RuntimeError` if the books end up as others."""
        client = self._client()
        handle = client._handle_raw_ws_message
        with settled():
            began_s = time.process_time()
            for frame in self._made.frames:
                handle(frame)
            took_s = time.process_time() - began_s
        self._check(client)
        return took_s

    def _client(self) -> Any:
        """Return a new client, its books empty as after subscribing."""
        component = importlib.import_module("nautilus_trader.common.component")
        client_module = importlib.import_module(f"{_ADAPTER}.data")
        provider_module = importlib.import_module("nautilus_trader.common.providers")
        identifiers = importlib.import_module("nautilus_trader.model.identifiers")
        cache = importlib.import_module("nautilus_trader.cache.cache").Cache()
        clock = component.LiveClock()
        bus = component.MessageBus(trader_id=identifiers.TraderId("BENCH-001"), clock=clock)
        bus.register(endpoint="DataEngine.process", handler=self._hand_on)
        self._handed_on = 0
        for instrument in self._instruments.values():
            cache.add_instrument(instrument)
        client = client_module.PolymarketDataClient(
            loop=self._loop,
            http_client=None,
            msgbus=bus,
            cache=cache,
            clock=clock,
            instrument_provider=provider_module.InstrumentProvider(),
            config=client_module.PolymarketDataClientConfig(),
            name=None,
        )
        for instrument in self._instruments.values():
            client._create_local_book(instrument.id)
        return client

    def _hand_on(self, data: object) -> None:
        self._handed_on += 1

    def _check(self, client: Any) -> None:
        for token, state in self._made.books():
            book = client._local_books[self._instruments[token].id]
            for expected, levels in ((state.bids, book.bids()), (state.asks, book.asks())):
                found = {round(float(each.price) * TICKS): round(each.size() * 100) for each in levels}
                if found != expected:
                    raise RuntimeError(f"NautilusTrader's book of {token} was {found}, expected {expected}")
        if self._handed_on < self._made.updates:
            raise RuntimeError(f"it handed on {self._handed_on}, expected at least {self._made.updates}")


def _instruments(made: MadeStream) -> dict[str, Any]:
    """Return its instruments by token, made as it makes them from what CLOB says of a market."""
    parse = importlib.import_module(f"{_ADAPTER}.common.parsing").parse_instrument
    found = {}
    for market in made.markets:
        row = {
            "condition_id": market.condition_id,
            "question": "Will it come up?",
            "minimum_tick_size": 1 / TICKS,
            "minimum_order_size": 5,
            "end_date_iso": "2040-01-01T00:00:00Z",
            "maker_base_fee": 0,
            "taker_base_fee": 0,
        }
        for token, outcome in zip(market.tokens, ("Yes", "No"), strict=True):
            found[token] = parse(market_info=row, token_id=token, outcome=outcome, ts_init=0)
    return found
