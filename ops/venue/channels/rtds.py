"""The trade stream: every leg of every trade of the platform, to whoever subscribed properly."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from aiohttp import web

from ops.venue.book import LevelChange
from ops.venue.channels.connection import Connection, Connections
from ops.venue.channels.outbox import Outbox
from ops.venue.faults.plan import FaultPlan
from ops.venue.leg import Leg
from ops.venue.market import Market

_TOPICS: Final = frozenset(
    {
        "activity",
        "comments",
        "crypto_prices",
        "crypto_prices_chainlink",
        "crypto_prices_twap_sixty",
        "crypto_prices_twap_thirty",
        "equity_prices",
    }
)

_UNKNOWN_TOPIC: Final = '{"body":{"message":"leger GetTopics error: topic not found"},"statusCode":401}'


class RtdsConnection(Connection):
    """A subscriber. `wants_trades` is whether a well-formed subscription to trades is in force."""

    def __init__(self, ordinal: int, outbox: Outbox, connection_id: str) -> None:
        super().__init__(ordinal, outbox)
        self.wants_trades = False
        self.head = f'{{"connection_id":"{connection_id}","payload":'
        self.frames_queued = 0


class RtdsChannel:
    """Builds one frame per leg and queues it to every subscriber."""

    def __init__(
        self,
        plan: FaultPlan,
        *,
        seed: int,
        frames_max: int,
        blank_frame_every: int,
        on_first_subscriber: Callable[[], None],
    ) -> None:
        self._ids = random.Random(f"{seed}/connection ids")
        self._blank_frame_every = blank_frame_every
        self._on_first_subscriber = on_first_subscriber
        self.connections: Connections[RtdsConnection] = Connections("rtds", plan, frames_max, self._make)

    @property
    def has_subscriber(self) -> bool:
        return any(one.wants_trades for one in self.connections)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket."""
        return await self.connections.serve(request, self._on_text)

    def on_legs(self, legs: Sequence[Leg], played_at: int) -> None:
        """Send a frame per leg, in the order of the legs."""
        seconds, milliseconds = played_at // 1_000_000_000, played_at // 1_000_000
        tail = f',"timestamp":{milliseconds},"topic":"activity","type":"trades"}}'
        for leg in legs:
            rest = leg.payload(seconds) + tail
            for connection in self.connections:
                if connection.wants_trades:
                    self._queue(connection, connection.head + rest)

    def on_frame(self, text: str) -> None:
        """Send a recorded frame as it is."""
        for connection in self.connections:
            if connection.wants_trades:
                self._queue(connection, text)

    def on_levels(self, condition: str, changes: Sequence[LevelChange], touched: Sequence[str]) -> None:
        """Books are of no concern here."""

    def on_market(self, market: Market, *, is_new: bool, has_resolved: bool) -> None:
        """Markets are of no concern here."""

    def on_tick(self, market: Market, old_tick: Decimal) -> None:
        """Nor are their ticks."""

    def _queue(self, connection: RtdsConnection, frame: str) -> None:
        connection.outbox.put(frame)
        connection.frames_queued += 1
        if self._blank_frame_every and connection.frames_queued % self._blank_frame_every == 0:
            connection.outbox.put("")

    def _make(self, ordinal: int, outbox: Outbox) -> RtdsConnection:
        return RtdsConnection(ordinal, outbox, base64.b64encode(self._ids.randbytes(13)).decode())

    def _on_text(self, connection: RtdsConnection, text: str) -> None:
        """Understand a subscription, or ignore it in silence as the real stream does."""
        try:
            message = msgspec.json.decode(text)
        except msgspec.MsgspecError:
            return
        if not isinstance(message, dict) or message.get("action") not in ("subscribe", "unsubscribe"):
            return
        subscriptions = message.get("subscriptions")
        if not isinstance(subscriptions, list) or not all(isinstance(one, dict) for one in subscriptions):
            return
        if any(one.get("topic") not in _TOPICS for one in subscriptions):
            connection.outbox.put(_UNKNOWN_TOPIC)  # one unknown topic poisons the whole list
            return
        if any(_is_for_trades(one) for one in subscriptions):
            connection.wants_trades = message["action"] == "subscribe"
            if connection.wants_trades:
                self._on_first_subscriber()


def _is_for_trades(subscription: dict[str, Any]) -> bool:
    # Filters on this topic are known to yield nothing, so a filtered subscription counts for none.
    return (
        subscription.get("topic") == "activity"
        and subscription.get("type") in ("trades", "*")
        and not subscription.get("filters")
    )
