"""Plays a feed: lets each event happen in the world when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from ops.venue.clock import monotonic_s
from ops.venue.feeds.events import Feed, LegsTraded
from ops.venue.waiting import until
from ops.venue.world import World

_BURST_MAX: Final = 64
"""Events in a row before the loop gets to send and receive."""

_HOLD_POLL_SECONDS: Final = 0.02


class Player:
    """The play clock. Time begins when `begin` is called and is wall time from then on."""

    def __init__(
        self,
        feed: Feed,
        world: World,
        *,
        speed: float,
        start_delay_seconds: float,
        may_play: Callable[[], bool],
        sockets_have_room: Callable[[], Awaitable[None]],
    ) -> None:
        self._feed = feed
        self._world = world
        self._speed = speed
        self._start_delay_seconds = start_delay_seconds
        self._may_play = may_play
        self._sockets_have_room = sockets_have_room
        self._begin = asyncio.Event()
        self._finished = asyncio.Event()
        self.events_played = 0
        self.error: Exception | None = None

    @property
    def has_begun(self) -> bool:
        return self._begin.is_set()

    @property
    def has_finished(self) -> bool:
        return self._finished.is_set()

    def set_clock(self) -> None:
        """Let the feed's dates count from now, so that what lay ahead of its beginning lies ahead of us."""
        self._world.clock_shift = timedelta(
            microseconds=(self._world.clock.now_ns() - self._feed.origin_ns) // 1000
        )

    def begin(self) -> None:
        """Start the play clock; a second call does nothing."""
        self._begin.set()

    async def finished(self) -> None:
        """Wait until the last event was played. Raises what ended the play, if it was an error."""
        await self._finished.wait()
        if self.error is not None:
            raise self.error

    async def run(self) -> None:
        """Play the feed to its end."""
        try:
            await self._begin.wait()
            await asyncio.sleep(self._start_delay_seconds)
            await self._play()
        except Exception as error:
            self.error = error
            raise
        finally:
            self._finished.set()

    async def _play(self) -> None:
        self.set_clock()
        start = monotonic_s(self._world.clock)
        burst = 0
        for offset_ns, event in self._feed.events():
            due = start + offset_ns / 1e9 / self._speed
            wait = due - monotonic_s(self._world.clock)
            if wait > 0:
                await asyncio.sleep(wait)
                burst = 0
            elif (burst := burst + 1) >= _BURST_MAX:
                await asyncio.sleep(0)
                burst = 0
            if isinstance(event, LegsTraded):
                await self._sockets_have_room()
                start += await self._held()
            self._world.apply(event, self._world.clock.now_ns())
            self.events_played += 1

    async def _held(self) -> float:
        """Wait while play must not go on, and return how many seconds that took."""
        if self._may_play():
            return 0.0
        began = monotonic_s(self._world.clock)
        await until(self._may_play, _HOLD_POLL_SECONDS)
        return monotonic_s(self._world.clock) - began
