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
        await _told_to_stop(venue)


async def _told_to_stop(venue: Venue) -> None:
    """Wait for the signal; the end of play is none, but an error in it is raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    told = asyncio.create_task(stop.wait())
    played = asyncio.create_task(venue.play_finished())
    try:
        await asyncio.wait({told, played}, return_when=asyncio.FIRST_COMPLETED)
        if played.done():
            played.result()
        await told
    finally:
        for task in (told, played):
            task.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
