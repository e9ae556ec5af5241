"""Prices as they move, as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Final

from aiohttp import web
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
_RETRY: Final = b"retry: 3000\n\n"


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
                f"At most {STREAMS_MAX} streams, of {FOLLOWED_MAX} distinct markets together.",
                parameters=(parameters.conditions("ids", "Condition ids of markets.", IDS_MAX),),
                answer=str,
                answer_note="Server-sent events: `event: price`, `id:` a counter, `data:` a PriceDocument; "
                f"a comment every {HEARTBEAT_S:.0f} s.",
                media_type="text/event-stream",
                problems=(TOO_MANY_STREAMS,),
                is_endless=True,
            ),
        )

    async def _stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        stream = self._streams.open(asked["ids"], self._now_mono_ns())
        try:
            async with sse_response(
                request, sep="\n", ping_interval=HEARTBEAT_S, send_timeout=STUCK_S
            ) as response:
                try:
                    await response.write(_RETRY)
                    for number in count(1):
                        document = await stream.next()
                        if document is None:
                            break
                        await response.send(document, id=str(number), event="price")
                except (ConnectionResetError, TimeoutError):
                    pass  # whoever read it has gone, or takes nothing any more
                return response
        finally:
            self._streams.close(stream)
