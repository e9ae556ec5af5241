"""The fault spec: a seed and a list of faults, each with its kind, where it strikes and when.

{"seed": 7, "faults": [
    {"kind": "duplicate", "times": 3},
    {"kind": "silence", "channel": "rtds", "connection": 1, "after_s": 5},
    {"kind": "throttle", "route": "data/v2/activity", "rate": 0.2}]}
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from ops.venue.errors import FaultSpecError

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Channel = Literal["rtds", "market", "*"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What every fault has: `rate` is the chance per frame or request, `limit` how often it strikes."""

    rate: Rate = 1.0
    after_s: Seconds = 0.0
    for_s: Seconds | None = None
    limit: Count | None = None


class SocketFault(Fault, frozen=True, kw_only=True):
    """Strikes a WebSocket. Its `after_s` and `for_s` count from the opening of each connection.

    `connection` picks one socket by its ordinal on the channel, counted from 1 in order of opening over
    the venue's life; without it every socket is struck.
    """

    channel: Channel = "*"
    connection: Count | None = None


class Duplicate(SocketFault, frozen=True, kw_only=True, tag="duplicate"):
    """Delivers a frame `times` times in all, the same bytes on the same socket."""

    times: Count = 2


class Drop(SocketFault, frozen=True, kw_only=True, tag="drop"):
    """Loses a frame."""


class Silence(SocketFault, frozen=True, kw_only=True, tag="silence"):
    """Sends nothing while it lasts, the socket open and PING answered; what would have been sent is lost.

    `rate` is the chance that a connection is struck at all.
    """


class Mute(SocketFault, frozen=True, kw_only=True, tag="mute"):
    """Withholds everything about a token on one connection of the market channel, while other tokens flow.

    `rate` is the chance for each token and connection; subscribing again after unsubscribing draws anew. It
    strikes, and counts for `limit`, once for each token chosen.
    """


class Disconnect(SocketFault, frozen=True, kw_only=True, tag="disconnect"):
    """Ends the connection once it is `after_s` old: with a close frame of that `code`, or without a word.

    With `per_frame` it strikes at a frame instead, with the chance `rate`.
    """

    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] | None = None
    per_frame: bool = False


class Reorder(SocketFault, frozen=True, kw_only=True, tag="reorder"):
    """Delivers frames out of order: each stays among the next `window` ones."""

    window: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 8


class Garbage(SocketFault, frozen=True, kw_only=True, tag="garbage"):
    """Puts a frame that is no frame before a good one: broken JSON, wrong types, huge numbers, binary."""


class Oversized(SocketFault, frozen=True, kw_only=True, tag="oversized"):
    """Puts a well-formed but huge frame before a good one."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=64 * 1024 * 1024)] = 2_000_000


class Blank(SocketFault, frozen=True, kw_only=True, tag="blank"):
    """Puts an empty text frame before a good one."""


class Delay(SocketFault, frozen=True, kw_only=True, tag="delay"):
    """Holds every frame back for so long; their order stays. `rate` is not regarded."""

    seconds: Seconds = 1.0


class Backdate(SocketFault, frozen=True, kw_only=True, tag="backdate"):
    """Moves the timestamps inside a frame into the past, as a stream does that runs late."""

    seconds: Seconds = 1800.0


class RequestFault(Fault, frozen=True, kw_only=True):
    """Strikes an HTTP request. Its `after_s` and `for_s` count from when the spec was set.

    `route` is the beginning of the path without its first slash: `data`, `clob/book`, …; `*` is all.
    """

    route: str = "*"


class Throttle(RequestFault, frozen=True, kw_only=True, tag="throttle"):
    """Answers 429, without Retry-After unless told."""

    retry_after_s: float | None = None


class ServerError(RequestFault, frozen=True, kw_only=True, tag="error"):
    """Answers a status of the server's own failing."""

    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503


class Latency(RequestFault, frozen=True, kw_only=True, tag="latency"):
    """Answers late, by `seconds` and up to `jitter_s` more."""

    seconds: Seconds = 1.0
    jitter_s: Seconds = 0.0


class Trickle(RequestFault, frozen=True, kw_only=True, tag="trickle"):
    """Sends the body in pieces, spread over so long."""

    seconds: Seconds = 2.0


class Hang(RequestFault, frozen=True, kw_only=True, tag="hang"):
    """Never answers; the client must give up, or wait until the venue closes after `seconds`."""

    seconds: Seconds = 3600.0


class Truncate(RequestFault, frozen=True, kw_only=True, tag="truncate"):
    """Promises the whole body, sends half of it and closes."""


class Malformed(RequestFault, frozen=True, kw_only=True, tag="malformed"):
    """Answers 200 with a web page where JSON belongs."""


AnyFault = (
    Duplicate
    | Drop
    | Silence
    | Mute
    | Disconnect
    | Reorder
    | Garbage
    | Oversized
    | Blank
    | Delay
    | Backdate
    | Throttle
    | ServerError
    | Latency
    | Trickle
    | Hang
    | Truncate
    | Malformed
)

KINDS: Final = tuple(sorted(str(kind.__struct_config__.tag) for kind in AnyFault.__args__))
"""Every spelling of `kind`."""


class FaultSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All faults of a venue. Faults are applied in the order of the list; chance comes from the seed."""

    seed: int = 1
    faults: list[AnyFault] = []

    @staticmethod
    def parse(text: str | bytes) -> FaultSpec:
        """Return the spec that JSON text holds. Raises `FaultSpecError` saying where it is wrong."""
        try:
            return msgspec.json.decode(text, type=FaultSpec)
        except msgspec.MsgspecError as error:
            raise FaultSpecError(
                f'the fault spec cannot be read: {error}; expected {{"seed": 1, "faults": [{{"kind": …}}]}} '
                f"with kinds {', '.join(KINDS)}"
            ) from error
