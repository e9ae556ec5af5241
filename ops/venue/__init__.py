"""The local venue: one loopback server that speaks Polymarket's public protocols.

    async with Venue(VenueConfig(tape=Path("fills.jsonl"), fit_seconds=5)) as venue:
        daemon_settings(venue.urls)
        await venue.play_finished()

It shares nothing with the daemon but the record envelope, so that a mistake in the daemon's decoders is
not mirrored in what tests them. It must never be reachable from outside the machine: it has no
authentication and takes orders from anyone at `/control`.
"""

from ops.venue.config import VenueConfig
from ops.venue.errors import BadSetting, FaultSpecError, PortTaken, TapeUnplayable, VenueError
from ops.venue.faults.spec import FaultSpec
from ops.venue.serve import serve
from ops.venue.server import Venue

__all__ = [
    "BadSetting",
    "FaultSpec",
    "FaultSpecError",
    "PortTaken",
    "TapeUnplayable",
    "Venue",
    "VenueConfig",
    "VenueError",
    "serve",
]
