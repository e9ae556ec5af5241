"""The venue: one server, its world, and what feeds it."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from ops.venue.channels.market import MarketChannel
from ops.venue.channels.rtds import RtdsChannel
from ops.venue.clock import Clock, MachineClock
from ops.venue.config import VenueConfig
from ops.venue.errors import PortTaken
from ops.venue.faults.plan import FaultPlan
from ops.venue.faults.requests import RequestFaults
from ops.venue.feeds.events import Feed
from ops.venue.feeds.generator import GeneratorFeed
from ops.venue.feeds.tape import TapeFeed
from ops.venue.player import Player
from ops.venue.routes.clob import ClobRoutes
from ops.venue.routes.control import ControlRoutes
from ops.venue.routes.data import DataRoutes
from ops.venue.routes.gamma import GammaRoutes
from ops.venue.waiting import until
from ops.venue.world import World

_ROOM_POLL_SECONDS: Final = 0.002
_SHUTDOWN_SECONDS: Final = 0.5


class Venue:
    """A local Polymarket on loopback.

    `start` listens and returns; play begins by configuration, by `play`, or by `/control/start`. After the
    last event the sockets stay open and the status says `finished`. `stop` closes everything; a venue is
    not started twice. `clock` is for venues that run where time is simulated.
    """

    def __init__(self, config: VenueConfig | None = None, clock: Clock | None = None) -> None:
        self.config = config or VenueConfig()
        clock = clock or MachineClock()
        self._feed, speed = _feed(self.config)
        self.faults = FaultPlan(self.config.faults, clock)
        self.world = World(self._feed, self.config.history_rows_max, clock)
        self._rtds = RtdsChannel(
            self.faults,
            seed=self.config.seed,
            frames_max=self.config.outbox_frames_max,
            blank_frame_every=self.config.blank_frame_every,
            on_first_subscriber=self._on_subscriber,
        )
        self._market = MarketChannel(self.world, self.faults, frames_max=self.config.outbox_frames_max)
        self.world.listeners += [self._rtds, self._market]
        self._data = DataRoutes(self.world, self.config)
        self._requests = RequestFaults(self.faults, self.config.requests_kept)
        self._player = Player(
            self._feed,
            self.world,
            speed=speed,
            start_delay_seconds=self.config.start_delay_seconds,
            may_play=self._may_play,
            sockets_have_room=self._sockets_have_room,
        )
        self._playing: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None
        self.port = self.config.port

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs to give to a client: `rtds`, `market_ws`, `gamma`, `clob`, `data`, and `control`."""
        where = f"{self.config.host}:{self.port}"
        return {
            "rtds": f"ws://{where}/rtds",
            "market_ws": f"ws://{where}/ws/market",
            "gamma": f"http://{where}/gamma",
            "clob": f"http://{where}/clob",
            "data": f"http://{where}/data",
            "control": f"http://{where}/control",
        }

    @property
    def has_finished(self) -> bool:
        """Whether the last event was played."""
        return self._player.has_finished

    async def start(self) -> None:
        """Listen. Raises `PortTaken`."""
        app = web.Application(middlewares=[self._requests.middleware])
        app.router.add_get("/rtds", self._rtds.handle)
        app.router.add_get("/ws/market", self._market.handle)
        for routes in (GammaRoutes(self.world), ClobRoutes(self.world), self._data, ControlRoutes(self)):
            app.add_routes(routes.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await self._listen(self._runner)
        self._player.set_clock()
        self._playing = asyncio.create_task(self._player.run(), name="venue-player")
        if self.config.autostart:
            self.play()

    async def stop(self) -> None:
        """Close every socket and the port."""
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def play(self) -> None:
        """Start the play clock; a second call does nothing."""
        self._player.begin()

    async def play_finished(self) -> None:
        """Wait until the last event was played and every frame has left its queue."""
        await self._player.finished()
        await until(self._nothing_waits, _ROOM_POLL_SECONDS)

    def leaders(self) -> Sequence[str]:
        """Return wallets worth following, busiest first."""
        return self._feed.leaders()

    def arrivals(self, route: str) -> Sequence[float]:
        """Return when requests of a route (`GET /data/v2/activity`) came, in seconds since some moment."""
        return [at_s for at_s, of in self._requests.arrivals if of == route]

    def status(self) -> dict[str, Any]:
        """Return what `/control/status` shows."""
        ledger = self.world.ledger
        return {
            "started": self._player.has_begun,
            "finished": self._player.has_finished,
            "error": None if self._player.error is None else str(self._player.error),
            "trades_played": ledger.legs_played,
            "transactions_played": ledger.transactions_played,
            "events_played": self._player.events_played,
            "frames_sent": self._rtds.connections.frames_sent,
            "markets": len(self.world.markets),
            "rtds": self._rtds.connections.status(),
            "market_ws": self._market.connections.status(),
            "requests": dict(self._requests.requests),
            "cache_hits": self._data.cdn.hits,
            "fault_strikes": self.faults.strikes_by_kind(),
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _listen(self, runner: web.AppRunner) -> None:
        site = web.TCPSite(runner, self.config.host, self.config.port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(self.config.host, self.config.port) from error
            raise
        self.port = int(runner.addresses[0][1])

    def _on_subscriber(self) -> None:
        if self.config.wait_for_subscriber:
            self.play()

    def _may_play(self) -> bool:
        return not self.config.hold_without_subscriber or self._rtds.has_subscriber

    async def _sockets_have_room(self) -> None:
        if self.config.wait_for_slow_sockets:
            await until(self._have_room, _ROOM_POLL_SECONDS)

    def _have_room(self) -> bool:
        return self._rtds.connections.have_room and self._market.connections.have_room

    def _nothing_waits(self) -> bool:
        return not any(one.outbox.waiting for one in (*self._rtds.connections, *self._market.connections))


def _feed(config: VenueConfig) -> tuple[Feed, float]:
    """Return what feeds the venue, and how fast its time goes."""
    if config.tape is None:
        return GeneratorFeed(config), 1.0
    tape = TapeFeed(config.tape)
    if config.fit_seconds is None or tape.length_ns == 0:
        return tape, config.speed
    return tape, max(tape.length_ns / 1e9 / config.fit_seconds, 1e-9)
