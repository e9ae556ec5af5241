"""Runs a venue alone, until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal

from ops.venue.config import VenueConfig
from ops.venue.server import Venue


async def serve(config: VenueConfig) -> None:
    """Listen, print one line of JSON with the URLs, and serve until SIGINT or SIGTERM.

    Raises `VenueError` with a text fit for the user when it cannot start.
    """
    venue = Venue(config)
    async with venue:
        print(json.dumps({"urls": venue.urls, "port": venue.port, "pid": os.getpid()}), flush=True)
        await _told_to_stop()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
