"""What can go wrong with the venue itself, as opposed to the faults it plays on demand.

VenueError
├── BadSetting       a setting that no venue can be started with
├── PortTaken        another process listens where the venue should
├── TapeUnplayable   a record of the tape cannot be played
└── FaultSpecError   a fault spec that says nothing the venue understands
"""

from __future__ import annotations


class VenueError(Exception):
    """Anything that keeps the venue from doing what it was asked; its text is fit to show a user."""


class BadSetting(VenueError):
    """A setting is out of its range; says which, what it was and what it must be."""


class PortTaken(VenueError):
    """The port is in use."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is taken; stop whatever listens there, choose another port, "
            "or ask for port 0 to get a free one"
        )
        self.host = host
        self.port = port


class TapeUnplayable(VenueError):
    """A record of the tape lacks what its source promises; says which record and what was expected."""


class FaultSpecError(VenueError):
    """A fault spec is malformed; says where, and what was expected."""
