"""The CLOB market channel: books, their changes and trades, for the tokens a socket asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from ops.venue.book import LevelChange
from ops.venue.channels import market_frames
from ops.venue.channels.connection import Connection, Connections
from ops.venue.channels.outbox import Outbox
from ops.venue.faults.mute import MutedTokens
from ops.venue.faults.plan import FaultPlan
from ops.venue.leg import Leg
from ops.venue.market import Market

if TYPE_CHECKING:
    from ops.venue.world import World


class MarketConnection(Connection):
    """A subscriber, its tokens, and whether it asked for the custom events."""

    def __init__(self, ordinal: int, outbox: Outbox, muted: MutedTokens) -> None:
        super().__init__(ordinal, outbox)
        self.tokens: set[str] = set()
        self.muted = muted
        self.is_custom = False

    def status(self) -> dict[str, object]:
        """Return the figures that `/control/status` shows."""
        return super().status() | {"tokens": len(self.tokens), "mute": len(self.muted.among(self.tokens))}


class MarketChannel:
    """Sends a change once to each socket that holds any of the tokens it concerns."""

    def __init__(self, world: World, plan: FaultPlan, *, frames_max: int) -> None:
        self._world = world
        self._plan = plan
        self._owed: set[str] = set()
        """The tokens whose whole book follows with the next change of its levels."""
        self.connections: Connections[MarketConnection] = Connections("market", plan, frames_max, self._make)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket."""
        return await self.connections.serve(request, self._on_text)

    def on_legs(self, legs: Sequence[Leg], played_at: int) -> None:
        """Tell of the taker's trades; the book follows with the next change of its levels."""
        if not self.connections:
            return
        for leg in legs:
            if leg.role == "taker":
                self._owed.add(leg.token)
                self._send((leg.token,), partial(market_frames.last_trade_price, leg, played_at // 1_000_000))

    def on_frame(self, text: str) -> None:
        """Frames of the trade stream are of no concern here."""

    def on_levels(self, condition: str, changes: Sequence[LevelChange], touched: Sequence[str]) -> None:
        """Tell of new level sizes, both outcomes in one message, and of best prices that moved."""
        if not self.connections:
            return
        books, now_ms = self._world.books, self._now_ms()
        tokens = tuple({change.token: None for change in changes})
        self._send(tokens, partial(market_frames.price_change, condition, changes, books, now_ms))
        for token in touched:
            self._send((token,), partial(market_frames.best_bid_ask, books[token], now_ms), custom=True)
        for token in self._owed.intersection(tokens):
            self._owed.discard(token)
            self._send(
                (token,), partial(market_frames.book, books[token], self._world.by_token.get(token), now_ms)
            )

    def on_market(self, market: Market, *, is_new: bool, has_resolved: bool) -> None:
        """Tell of listings to all, of resolutions to those who hold a token of the market."""
        now_ms = self._now_ms()
        if is_new and not market.closed:
            self._send(None, partial(market_frames.new_market, market, now_ms), custom=True)
        if has_resolved:
            self._send(market.tokens, partial(market_frames.market_resolved, market, now_ms), custom=True)

    def on_tick(self, market: Market, old_tick: Decimal) -> None:
        """Tell of another grid; a token's book follows with the next change of its levels."""
        if not self.connections:
            return
        now_ms = self._now_ms()
        for token in market.tokens:
            self._owed.add(token)
            self._send((token,), partial(market_frames.tick_size_change, market, token, old_tick, now_ms))

    def _now_ms(self) -> int:
        return self._world.clock.now_ns() // 1_000_000

    def _send(
        self, tokens: Sequence[str] | None, build: Callable[[], dict[str, Any]], *, custom: bool = False
    ) -> None:
        """Queue a frame to whoever it concerns; it is built only if there is anyone."""
        text: str | None = None
        for connection in self.connections:
            if custom and not connection.is_custom:
                continue
            muted = connection.muted.among(tokens or ())
            if tokens is not None and not connection.tokens.intersection(tokens) - muted:
                continue
            if muted:
                connection.outbox.put(_text(market_frames.without(build(), muted)))
                continue
            text = text if text is not None else _text(build())
            connection.outbox.put(text)

    def _make(self, ordinal: int, outbox: Outbox) -> MarketConnection:
        return MarketConnection(ordinal, outbox, MutedTokens(self._plan, ordinal))

    def _on_text(self, connection: MarketConnection, text: str) -> None:
        try:
            message = msgspec.json.decode(text)
        except msgspec.MsgspecError:
            return
        if not isinstance(message, dict):
            return
        tokens = [token for token in message.get("assets_ids") or () if isinstance(token, str)]
        if message.get("operation") == "unsubscribe":
            connection.tokens.difference_update(tokens)
            for token in tokens:
                connection.muted.let_go(token)
            return
        if message.get("operation") != "subscribe" and message.get("type") != "market":
            return
        if isinstance(message.get("custom_feature_enabled"), bool):
            connection.is_custom = message["custom_feature_enabled"]
        # An asset that is active already is refused, so it is not dumped again.
        fresh = [token for token in dict.fromkeys(tokens) if token not in connection.tokens]
        connection.tokens.update(fresh)
        for token in fresh:
            connection.muted.hold(token)
        if message.get("initial_dump") is not False:
            self._dump(connection, fresh)

    def _dump(self, connection: MarketConnection, tokens: Sequence[str]) -> None:
        muted = connection.muted.among(tokens)
        heard = [token for token in tokens if token not in muted]
        books = [self._world.books[token] for token in heard if token in self._world.books]
        if books:
            now_ms = self._now_ms()
            frames = [
                market_frames.book(book, self._world.by_token.get(book.token), now_ms) for book in books
            ]
            connection.outbox.put(_text(frames))


def _text(document: Any) -> str:
    return msgspec.json.encode(document).decode()
