"""Prices as they move, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import hdrs, web
from aiohttp_sse import sse_response

from actors.web import parameters
from actors.web.parameters import Asked
from actors.web.problems import TOO_MANY_STREAMS
from actors.web.routes import Route
from actors.web.streams import STREAMS_MAX, Streams
from messages.prices import FOLLOWED_MAX, IDS_MAX

HEARTBEAT_S: Final = 15.0
STUCK_S: Final = 30.0
"""A reader that takes nothing for so long is left."""
ONCE_S: Final = 6.0
"""How long who is told once waits for markets that nobody knows at present."""
_RETRY: Final = b"retry: 3000\n\n"


class PriceEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event of a stream of prices."""

    event: Literal["price"]
    id: Annotated[str, msgspec.Meta(description="How many events of this stream there were.")]
    data: Annotated[
        str,
        msgspec.Meta(
            description="A PriceDocument.",
            extra_json_schema={
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/PriceDocument"},
            },
        ),
    ]


class StreamPages:
    """Serves streams. A reader that is slow is sent the latest of each market when it gets to it."""

    def __init__(self, streams: Streams, now_mono_ns: Callable[[], int]) -> None:
        self._streams = streams
        self._now_mono_ns = now_mono_ns

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                path="/api/markets/stream",
                handler=self._stream,
                name="stream",
                tag="prices",
                summary="What markets are worth, whenever that moves",
                note="Each market at once, then whenever its price moves, and every few seconds anyway. "
                "Who does not accept text/event-stream by name is told of each market once, and that is all. "
                f"At most {STREAMS_MAX} streams, of {FOLLOWED_MAX} distinct markets together.",
                parameters=(parameters.conditions("ids", "Condition ids of markets.", IDS_MAX),),
                answer=PriceEvent,
                answer_note=f"Server-sent events, each like this, and a comment every {HEARTBEAT_S:.0f} s.",
                media_type="text/event-stream",
                problems=(TOO_MANY_STREAMS,),
                is_endless=True,
            ),
        )

    async def _stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        stream = self._streams.open(asked["ids"], self._now_mono_ns())
        is_reader = "text/event-stream" in request.headers.get(hdrs.ACCEPT, "")
        try:
            async with sse_response(
                request, sep="\n", ping_interval=HEARTBEAT_S, send_timeout=STUCK_S
            ) as response:
                try:
                    await response.write(_RETRY)
                    async with asyncio.timeout(None if is_reader else ONCE_S):
                        for number in count(1) if is_reader else range(1, len(stream.condition_ids) + 1):
                            document = await stream.next()
                            if document is None:
                                break
                            await response.send(document, id=str(number), event="price")
                except (ConnectionResetError, TimeoutError):
                    pass  # whoever read it has gone, or takes nothing any more
                return response
        finally:
            self._streams.close(stream)
